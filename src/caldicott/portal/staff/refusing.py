"""What an operation refuses, or cannot do, as a page: what, why, and what to do next. Operations have recorded it."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott.portal.staff.pages import show
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[..., HttpResponse]

_PAGES: Final[tuple[tuple[type[CaldicottError], str, int], ...]] = (
    (Refused, "You may not see this", HTTPStatus.FORBIDDEN),
    (WrongUsage, "We cannot show that", HTTPStatus.BAD_REQUEST),
    (DoesNotHold, "There is nothing to show yet", HTTPStatus.NOT_FOUND),
)
_BY_CODE: Final[dict[str, tuple[str, int]]] = {
    "enumeration": ("You are stopped for today", HTTPStatus.TOO_MANY_REQUESTS),
}
"""Refusals that are told otherwise than their kind."""
_TOLD: Final = tuple(kind for kind, _title, _status in _PAGES)
"""What becomes such a page; anything else is a fault of the program."""


def telling(
    tell: Callable[[HttpRequest, CaldicottError], HttpResponse], kinds: tuple[type[CaldicottError], ...] = _TOLD
) -> Callable[[View], View]:
    """Makes views whose refusals and faults are pages too, as an area tells them."""

    def made(view: View) -> View:
        @wraps(view)
        def tells(request: HttpRequest, **parts: Any) -> HttpResponse:
            try:
                return view(request, **parts)
            except kinds as fault:
                return tell(request, fault)

        return tells

    return made


def told(request: HttpRequest, fault: CaldicottError, template: str = "told.jinja", **context: Any) -> HttpResponse:
    """The page of something that only shows."""
    by_kind = next((title, status) for kind, title, status in _PAGES if isinstance(fault, kind))
    title, status = _BY_CODE.get(fault.code, by_kind)
    return told_as(request, fault, title, status=status, template=template, **context)


def told_as(
    request: HttpRequest, fault: CaldicottError, title: str, *, status: int, template: str = "told.jinja",
    **context: Any,
) -> HttpResponse:  # fmt: skip
    """The page under a heading and with a status of the area's own."""
    return show(request, template, title, status=status, why=what_of(fault), next_step=fault.next_step, **context)


def what_of(fault: CaldicottError) -> str:
    """What is wrong, without the next step: a refusal's own words end with it."""
    return fault.what.removesuffix(fault.next_step).strip()


def where_of(fault: CaldicottError) -> str:
    """What it is about; an option of the command line names nothing on a page."""
    return "" if fault.where.startswith("--") else fault.where


as_pages: Final = telling(told)
"""For areas that tell them in no way of their own."""
