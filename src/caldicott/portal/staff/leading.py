"""Where one is led: only within the pages of staff."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from django.http import HttpResponse
from django.urls import Resolver404, resolve

from caldicott.portal.staff.pages import HOME

if TYPE_CHECKING:
    from django.http import HttpRequest


def see_other(address: str) -> HttpResponse:
    """The browser goes there by itself, reading."""
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": address, "Cache-Control": "no-store"})


def safe(address: str) -> str:
    """The address if it is a page of staff on this site, else the home page: never somebody else's site."""
    parts = urlsplit(address)
    is_odd = any(letter in address for letter in "\\\r\n\t") or not address.isprintable()
    if parts.scheme or parts.netloc or is_odd or not parts.path.startswith(HOME) or "//" in address:
        return HOME
    try:
        found = resolve(parts.path)
    except Resolver404:
        return HOME
    # A page that asks to sign in again, or that only takes a form, leads nowhere.
    return address if getattr(found.func, "login_required", True) and _reads(found.func) else HOME


def with_next(address: str, request: HttpRequest) -> str:
    """The address, with the way back to the page that was asked for."""
    wanted = safe(request.get_full_path()) if request.method == "GET" else HOME
    return address if wanted == HOME else f"{address}?next={quote(wanted)}"


def wanted(request: HttpRequest) -> str:
    """The page that was asked for before the sign-in."""
    return safe(request.POST.get("next") or request.GET.get("next") or HOME)


def _reads(view: object) -> bool:
    return bool(getattr(view, "leads_back", True))
