"""What every answer has in common: a number by which it is found again, closed headers, and a sign-in by default."""

from __future__ import annotations

import re
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott.portal import log
from caldicott.portal.settings import PERMISSIONS, POLICY
from caldicott.portal.staff import guards
from caldicott.portal.views import fault
from caldicott.stores.desk import opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    Answer = Callable[[HttpRequest], HttpResponse]

_REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
"""Nothing that could break a line of the log or end a header."""


class Correlated:
    """Gives each request a reference, its caller's if that is a safe one, and writes one line about it."""

    def __init__(self, get_response: Answer) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Correlation-ID", "")
        request.reference = given if _REFERENCE.fullmatch(given) else secrets.token_hex(8)
        response = self._next(request)
        response.headers["X-Correlation-ID"] = request.reference
        took = (time.perf_counter() - started) * 1000
        method = request.method if request.method in _METHODS else "other"
        log.answered(method, _pattern(request), response.status_code, milliseconds=took, reference=request.reference)
        return response


class StrictHeaders:
    """The closed headers that Django does not set by itself."""

    def __init__(self, get_response: Answer) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class SignInNeeded:
    """A page that is not public is not shown to who has not signed in. Public pages never look at a session."""

    def __init__(self, get_response: Answer) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._next(request)

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        del view_args, view_kwargs
        # Asked first, so that a public page neither reads a cookie nor varies by one.
        if not getattr(view_func, "login_required", True):
            return None
        if guards.welcome(request):
            return None
        return guards.turn_away(request) if opening.is_open() else fault(request, HTTPStatus.FORBIDDEN)


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _pattern(request: HttpRequest) -> str:
    matched = request.resolver_match
    return matched.view_name if matched else "no-such-address"
