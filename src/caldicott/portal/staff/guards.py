"""What stands before a page of staff: an open desk, the right methods, a fresh proof where one is asked for."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from django.contrib.auth.decorators import login_not_required
from django.http import Http404

from caldicott import bootstrap
from caldicott.portal import views
from caldicott.portal.staff import trail
from caldicott.portal.staff.leading import safe, see_other, with_next
from caldicott.portal.staff.pages import HOME, SIGN_IN, show
from caldicott.portal.staff.reader import actor_of, reader_of
from caldicott.portal.views import fault
from caldicott.stores.desk import opening
from caldicott.stores.desk.visits import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[..., HttpResponse]

AGAIN: Final = "/staff/again/"
ACCOUNT: Final = "/staff/account/"
_NOT_KEPT: Final = frozenset({"csrfmiddlewaretoken", "password", "code", "answer", "next"})
WHY: Final = {
    End.IDLE: "You did nothing here for 15 minutes, so we signed you out. A screen left alone must not show records.",
    End.ABSOLUTE: "You signed in 12 hours ago. After that we ask everyone to sign in again.",
    End.SIGNED_OUT: "You signed out.",
    End.EVERYWHERE: "You signed out everywhere, on this or on another device.",
    End.PROVIDER: "You were signed out where you sign in for the NHS, so we signed you out here too.",
    End.ACCOUNT: "Your account was ended. Ask the person who invited you.",
    End.REPLACED: "You signed in again, so the earlier visit ended.",
}


def door(view: View, *methods: str) -> View:
    """A page before the sign-in: open to all while there is a desk, for these methods."""
    return login_not_required(_guarded(view, methods or ("GET", "HEAD")))  # type: ignore[no-any-return]


def room(view: View, *methods: str) -> View:
    """A page behind the sign-in: the middleware asks for one, as nothing says otherwise."""
    guarded = _guarded(view, methods or ("GET", "HEAD"))
    guarded.leads_back = "GET" in (methods or ("GET",))  # type: ignore[attr-defined]
    return guarded


def _guarded(view: View, methods: tuple[str, ...]) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, **parts: Any) -> HttpResponse:
        if not opening.is_open():
            raise Http404
        if request.method in methods:
            return view(request, **parts)
        response = fault(request, HTTPStatus.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(methods)
        return response

    return guarded


def fresh(view: View) -> View:
    """A page that needs a proof of the last five minutes: an export, or a change of how one signs in."""

    @wraps(view)
    def asked_again(request: HttpRequest, **parts: Any) -> HttpResponse:
        if request.desk.visit.is_fresh(bootstrap.now()):
            return view(request, **parts)
        if request.method == "GET":
            return see_other(with_next(AGAIN, request))
        # A form cannot be sent again by itself: its page is shown after the proof.
        page = safe(request.get_full_path())
        return see_other(f"{AGAIN}?next={quote(ACCOUNT if page == HOME else page)}")

    return asked_again


def turn_away(request: HttpRequest) -> HttpResponse:
    """Somebody without a sign-in: led to it, or told why the visit is over and shown what they typed."""
    visit = request.desk.visit
    why = visit.ended if visit is not None and visit.signed_in is not None else None
    if why is not None:
        _note_time_out(request)
    if request.method in {"GET", "HEAD"} and why is None:
        return see_other(with_next(SIGN_IN, request))
    typed = [(name, value) for name, value in request.POST.items() if name not in _NOT_KEPT]
    told = WHY.get(why, "You are not signed in.") if why else "You are not signed in."
    return show(
        request, "signed_out.jinja", "You are signed out", status=HTTPStatus.FORBIDDEN, why=told, typed=typed,
        sign_in=with_next(SIGN_IN, request),
    )  # fmt: skip


def welcome(request: HttpRequest) -> bool:
    """Whether the request comes from somebody signed in; the page is then given its reader."""
    if not opening.is_open():
        return False
    request.reader = reader_of(request.desk.visit)
    return request.reader is not None


def _note_time_out(request: HttpRequest) -> None:
    visit = request.desk.visit
    if visit.ended in {End.IDLE, End.ABSOLUTE} and not visit.scratch.get("told"):
        from caldicott.stores.desk import visits

        with trail.recorded():
            trail.note("sign-out", trail.Outcome.DONE, actor_of(visit.account), reasons=(visit.ended.value,))
            visits.mark_told(visit)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from one of our pages, or from one that is too old."""
    if not opening.is_open() or not request.path.startswith("/staff/"):
        return views.csrf_failed(request, reason)
    return show(
        request, "sorry.jinja", "This form was too old", status=HTTPStatus.FORBIDDEN,
        why="The form did not come from a page that we gave you in this visit. Nothing was done.",
        next_step="Open the page again. Your browser must take cookies from this site.",
    )  # fmt: skip
