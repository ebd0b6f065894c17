"""What every page of the zone stands in: the house, who reads, why it is shown, and what a refusal looks like."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from caldicott import bootstrap
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.refusing import telling, told_as
from caldicott.portal.staff.work import work_on
from caldicott.portal.views import board
from caldicott.stores.ceff import ACTIVITY
from caldicott.stores.desk import accounts
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.perform import House
    from caldicott.portal.staff.reader import Reader

ROOT: Final = "/staff/invoices/"
_MISSING: Final = frozenset({"line-unknown", "letter-unknown", "store-missing"})
_BUSY: Final = "store-busy"


@contextmanager
def acting(reader: Reader) -> Iterator[House]:
    """The house opened to write, for this reader in their own role.

    Raises:
        CaldicottError: another process has the store open, or there is none.
    """
    with bootstrap.open_house(board().notice().register, settings.PORTAL.store) as house:
        yield replace(house, actor=reader.user, role=reader.role, organisation=reader.organisation)


def sorry(request: HttpRequest, fault: CaldicottError) -> HttpResponse:
    """The page of a refusal or a fault."""
    return told_as(request, fault, _title(fault), status=_status(fault))


told: Final = telling(sorry, (CaldicottError,))
"""Makes pages that say in words why they cannot be shown."""


def page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A page of the zone, with why its reader can see it."""
    work = work_on(ACTIVITY, request.reader, board().notice().register, bootstrap.today())
    return show(request, f"finance/{template}.jinja", title, one=work, root=ROOT, names=_names(), **context)


def name_of(actor: str) -> str:
    """An account's name; who came by the command line goes by the login name."""
    return _names().get(actor, actor)


def _names() -> dict[str, str]:
    return {one.id: one.name for one in accounts.every()}


def _title(fault: CaldicottError) -> str:
    if isinstance(fault, Refused):
        return "You may not use this"
    return "Not now" if fault.code == _BUSY else "This could not be done"


def _status(fault: CaldicottError) -> int:
    if isinstance(fault, Refused):
        return HTTPStatus.FORBIDDEN
    if fault.code in _MISSING:
        return HTTPStatus.NOT_FOUND
    if fault.code == _BUSY:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return (
        HTTPStatus.UNPROCESSABLE_ENTITY
        if isinstance(fault, DoesNotHold | WrongUsage)
        else HTTPStatus.INTERNAL_SERVER_ERROR
    )
