"""What every page of a practice stands in: the house, the reader as operations know them, and why it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott import bootstrap
from caldicott.operations.reidentify_rights import Reader as Asker
from caldicott.operations.stratify_plan import makes_scores
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.work import work_on
from caldicott.portal.views import board
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.perform import House
    from caldicott.operations.reidentify import Seen
    from caldicott.portal.staff.reader import Reader
    from caldicott.portal.staff.work import Work
    from caldicott.register.model import Register

    View = Callable[..., HttpResponse]

ROOT: Final = "/staff/practice/"
OWN: Final = "own_practice"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where a request stands: what it may ask operations with."""

    house: House
    asker: Asker
    activity: str


def scores_activity() -> str:
    """The activity of the register out of which scores come; empty if it has none, and then everything is refused."""
    return _makes_scores(board().notice().register)


def _makes_scores(register: Register) -> str:
    return next((entry.id for entry in register.activities if makes_scores(entry)), "")


@contextmanager
def standing(reader: Reader) -> Iterator[Standpoint]:
    """The house as this reader opens it."""
    # Nothing is drawn within: what was decided and what is shown waits for the disk together.
    with house_of(reader) as house, house.store.audit.gathered():
        yield Standpoint(house, Asker(reader.role, reader.organisation, reader.user), _makes_scores(house.register))


def told(view: View) -> View:
    """A page whose refusals and faults are pages too: what, why, and what to do next. Operations have recorded them."""

    @wraps(view)
    def tells(request: HttpRequest, **parts: Any) -> HttpResponse:
        try:
            return view(request, **parts)
        except Refused as no:
            return _sorry(request, "You may not see this", no.what, no.next_step, status=HTTPStatus.FORBIDDEN)
        except WrongUsage as fault:
            return _sorry(request, "We cannot show that", fault.what, fault.next_step, status=HTTPStatus.BAD_REQUEST)
        except DoesNotHold as fault:
            return _sorry(
                request, "There is nothing to show yet", fault.what, fault.next_step, status=HTTPStatus.NOT_FOUND
            )

    return tells


def _sorry(request: HttpRequest, title: str, why: str, next_step: str, *, status: int) -> HttpResponse:
    # A refusal's own words end with the next step already.
    said = why.removesuffix(next_step).strip()
    return show(request, "practice/sorry.jinja", title, status=status, why=said, next_step=next_step)


@dataclass(frozen=True, slots=True)
class Why:
    """Why the reader can see a page, for its last part."""

    work: Work | None
    reasons: tuple[str, ...]
    reference: str
    """Of this very viewing, in the audit trail."""
    as_of: str = ""


def why(reader: Reader, seen: Seen | None = None, *, reasons: tuple[str, ...] = (), reference: str = "") -> Why:
    """The register's entry, the reasons of the permit, and the number of the audit entry."""
    register = board().notice().register
    work = work_on(_makes_scores(register), reader, register, bootstrap.today())
    if seen is None:
        return Why(work, reasons, reference)
    return Why(work, tuple(text for _code, text in seen.rights.reasons), seen.reference, seen.as_of)
