"""What every page of review stands in: the house, the reviewer as operations know them, and why it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott import bootstrap
from caldicott.operations import review
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.work import work_on
from caldicott.portal.views import board

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.perform import House
    from caldicott.portal.staff.reader import Reader


ROOT: Final = "/staff/review/"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where a request stands: what it may ask operations with."""

    house: House
    reviewer: review.Reviewer
    activity: str


@contextmanager
def standing(reader: Reader) -> Iterator[Standpoint]:
    """The house as this reviewer opens it."""
    with house_of(reader) as house, house.store.audit.gathered():
        reviewer = review.Reviewer(reader.user, reader.role, reader.organisation)
        yield Standpoint(house, reviewer, review.activity_of(house.register))


def page(
    request: HttpRequest, template: str, title: str, *, status: int = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    """A page of review, with why its reader can see it."""
    register = board().notice().register
    work = work_on(review.activity_of(register), request.reader, register, bootstrap.today())
    context = {"reasons": (), "reference": "", **context}
    return show(request, f"review/{template}.jinja", title, status=status, one=work, root=ROOT, **context)
