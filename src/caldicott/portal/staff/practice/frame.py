"""What every page of a practice stands in: the house, the reader as operations know them, and why it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott import bootstrap
from caldicott.operations.reidentify_rights import Reader as Asker
from caldicott.operations.stratify_plan import makes_scores
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.work import work_on
from caldicott.portal.views import board

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.perform import House
    from caldicott.operations.reidentify import Seen
    from caldicott.portal.staff.reader import Reader
    from caldicott.portal.staff.work import Work
    from caldicott.register.model import Register


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
