"""Passkeys: to sign in, as a second factor, to prove again that it is you, and to set one up.

Each is one page: the first form opens it and has a challenge remembered, the
browser's dialog answers, and the second form brings the answer.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from caldicott import bootstrap
from caldicott.portal.staff import trail
from caldicott.portal.staff.joining import SET_UP, made, pending
from caldicott.portal.staff.leading import see_other, wanted
from caldicott.portal.staff.pages import SIGN_IN, show
from caldicott.portal.staff.signing_in import failed, proved_again, signed_in
from caldicott.stores.desk import accounts, factors
from caldicott.stores.desk.visits import Opening, Stage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_ACCOUNT: Final = "/staff/account/"
_NOT_HERE: Final = (
    "Passkeys belong to a name, and this site was opened by a number. "
    "Open it by its name, or use the code of an app instead."
)
_FAILED: Final = "The passkey was not accepted. It may belong to another site or to an account that has ended."


def site_of(request: HttpRequest) -> factors.Site | None:
    """Where passkeys of this request belong; None where the host is a number, which browsers do not take."""
    host = request.get_host()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        scheme = "https" if settings.PORTAL.https or request.is_secure() else "http"
        return factors.Site(name, f"{scheme}://{host}", "caldicott")
    return None


def sign_in(request: HttpRequest) -> HttpResponse:
    """By a passkey alone, which is two factors in one; or as the second factor after a password."""
    site, visit = site_of(request), request.desk.visit
    if site is None:
        return _sorry(request, _NOT_HERE)
    is_second = visit is not None and visit.stage is Stage.SECOND_FACTOR and visit.ended is None
    if not request.POST.get("answer"):
        if not is_second:
            request.desk.begin(Opening(stage=Stage.NOBODY, scratch={"next": wanted(request)}))
        return _ask(request, site, visit.account.id if is_second else None, back=SIGN_IN)
    account = _answered(request, site)
    if account is None or (is_second and account.id != visit.account.id):
        failed("passkey", visit.account if is_second else None)
        return _sorry(request, _FAILED)
    method = "password+passkey" if is_second else "passkey"
    return signed_in(request, account, method=method, to=str(visit.scratch.get("next", "")))


def again(request: HttpRequest) -> HttpResponse:
    """The proof, once more, that it is you."""
    site, mine = site_of(request), request.desk.visit.account
    if site is None:
        return _sorry(request, _NOT_HERE)
    if not request.POST.get("answer"):
        return _ask(request, site, mine.id, back="/staff/")
    account = _answered(request, site)
    if account is None or account.id != mine.id:
        failed("passkey", mine)
        return _sorry(request, _FAILED)
    return proved_again(request)


def set_up(request: HttpRequest) -> HttpResponse:
    """The first passkey, which completes an account."""
    scratch, invited = pending(request)
    site = site_of(request)
    if invited is None:
        return see_other(SIGN_IN)
    if site is None:
        return _sorry(request, _NOT_HERE)
    if not request.POST.get("answer"):
        return _make(request, site, account_id=scratch["id"], name=scratch["name"], back=SET_UP)
    passkey = _registered(request, site)
    if passkey is None:
        return _sorry(request, _FAILED)
    at = bootstrap.now()
    return made(request, "password+passkey", lambda: factors.keep_passkey(scratch["id"], passkey, at=at))


def add(request: HttpRequest) -> HttpResponse:
    """One more passkey. With a fresh proof only."""
    site, mine = site_of(request), request.desk.visit.account
    if site is None or mine.provider:
        return _sorry(request, _NOT_HERE)
    if not request.POST.get("answer"):
        return _make(request, site, account_id=mine.id, name=mine.name, back=_ACCOUNT)
    passkey = _registered(request, site)
    if passkey is None:
        return _sorry(request, _FAILED)
    with trail.recorded():
        if factors.keep_passkey(mine.id, passkey, at=bootstrap.now()):
            trail.note("passkey-added", trail.Outcome.DONE, request.reader.actor)
    return see_other(_ACCOUNT)


def _answered(request: HttpRequest, site: factors.Site) -> accounts.StaffAccount | None:
    challenge = _challenge(request)
    return factors.use_passkey(request.POST["answer"], challenge=challenge, site=site) if challenge else None


def _registered(request: HttpRequest, site: factors.Site) -> factors.NewPasskey | None:
    challenge = _challenge(request)
    return factors.registered(request.POST["answer"], challenge=challenge, site=site) if challenge else None


def _challenge(request: HttpRequest) -> str:
    """The challenge that was remembered; it is forgotten, so that an answer counts once."""
    visit = request.desk.visit
    known = str(visit.scratch.get("challenge", "")) if visit is not None and visit.ended is None else ""
    if known:
        request.desk.remember(challenge=None)
    return known


def _ask(request: HttpRequest, site: factors.Site, account_id: str | None, *, back: str) -> HttpResponse:
    options, challenge = factors.question(site, account_id)
    says = "Your browser asks for the passkey that you set up for this site."
    return _dialog(request, "get", options, challenge, title="Use your passkey", says=says, back=back)


def _make(request: HttpRequest, site: factors.Site, *, account_id: str, name: str, back: str) -> HttpResponse:
    options, challenge = factors.registration(site, account_id=account_id, name=name)
    says = "Your browser asks how you want to prove that it is you: fingerprint, face, PIN or security key."
    return _dialog(request, "create", options, challenge, title="Set up a passkey", says=says, back=back)


def _dialog(
    request: HttpRequest, kind: str, options: dict[str, Any], challenge: str, *, title: str, says: str, back: str
) -> HttpResponse:
    request.desk.remember(challenge=challenge)
    return show(
        request, "passkey.jinja", title, kind=kind, options=json.dumps(options), says=says, back=back,
        next=wanted(request),
    )  # fmt: skip


def _sorry(request: HttpRequest, why: str) -> HttpResponse:
    return show(
        request, "sorry.jinja", "The passkey did not work", status=403, why=why,
        next_step="Go back and use another way to sign in.",
    )  # fmt: skip
