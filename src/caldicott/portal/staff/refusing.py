"""What an operation refuses, or cannot do, as a page: what, why, and what to do next. Operations have recorded it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott.portal.staff.pages import show
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_PAGES: Final[tuple[tuple[type[CaldicottError], str, int], ...]] = (
    (Refused, "You may not see this", HTTPStatus.FORBIDDEN),
    (WrongUsage, "We cannot show that", HTTPStatus.BAD_REQUEST),
    (DoesNotHold, "There is nothing to show yet", HTTPStatus.NOT_FOUND),
)
TOLD: Final = tuple(kind for kind, _title, _status in _PAGES)
"""What becomes such a page; anything else is a fault of the program."""


def told(request: HttpRequest, fault: CaldicottError, template: str = "told.jinja", **context: Any) -> HttpResponse:
    """The page of something that only shows."""
    title, status = next((title, status) for kind, title, status in _PAGES if isinstance(fault, kind))
    return told_as(request, fault, title, status=status, template=template, **context)


def told_as(
    request: HttpRequest, fault: CaldicottError, title: str, *, status: int, template: str = "told.jinja",
    **context: Any,
) -> HttpResponse:  # fmt: skip
    """The page under a heading and with a status of the area's own."""
    # A refusal's own words end with the next step already.
    why = fault.what.removesuffix(fault.next_step).strip()
    return show(request, template, title, status=status, why=why, next_step=fault.next_step, **context)
