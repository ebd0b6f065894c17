"""The counter of the desk: what a request may ask about its visit, looked up once and only if asked.

A public page never asks, so it reads no cookie and no table.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.middleware.csrf import rotate_token

from caldicott import bootstrap
from caldicott.portal.board import one_look
from caldicott.stores.desk import opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from caldicott.stores.desk.visits import End, Opening, Visit

COOKIE: Final = "__Host-session"
"""The prefix makes a browser refuse it without https, for a part of the site, or from a neighbour's domain."""


class Counter:
    """The visit of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._given: str | None = None

    @cached_property
    def visit(self) -> Visit | None:
        """The browser's visit, also one that has ended; None if it brings none that we know."""
        from caldicott.stores.desk import visits

        token = self._request.COOKIES.get(COOKIE, "")
        return visits.find(token, at=bootstrap.now()) if token and opening.is_open() else None

    def begin(self, new: Opening) -> None:
        """A new visit in place of the browser's: what was known before a sign-in opens nothing after it."""
        from caldicott.stores.desk import visits

        if self.visit is not None and self.visit.ended is None:
            visits.end(self.visit, visits.End.REPLACED)
        self._given = visits.begin(new, at=bootstrap.now())
        self._look_again()
        rotate_token(self._request)

    def end(self, why: End) -> None:
        """The visit is over and the browser forgets it."""
        from caldicott.stores.desk import visits

        if self.visit is not None:
            visits.end(self.visit, why)
        self._given = ""
        self._look_again()

    def remember(self, **scratch: Any) -> None:
        """Keep something for the next step of the visit."""
        from caldicott.stores.desk import visits

        if self.visit is not None:
            visits.remember(self.visit, **scratch)
            self._look_again()

    def answer(self, response: HttpResponse) -> None:
        """Give the browser its cookie, or take it away."""
        if self._given:
            response.set_cookie(COOKIE, self._given, path="/", secure=True, httponly=True, samesite="Lax")
        elif self._given == "":
            response.delete_cookie(COOKIE, path="/", samesite="Lax")
            response.cookies[COOKIE]["secure"] = True

    def _look_again(self) -> None:
        token = self._given if self._given is not None else self._request.COOKIES.get(COOKIE, "")
        self._request.COOKIES[COOKIE] = token
        self.__dict__.pop("visit", None)


class AtTheDesk:
    """Gives each request its counter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.desk = Counter(request)
        with one_look():
            response = self._next(request)
        request.desk.answer(response)
        return response


def secret() -> str:
    """What secrets of the desk are sealed with."""
    return str(settings.SECRET_KEY)
