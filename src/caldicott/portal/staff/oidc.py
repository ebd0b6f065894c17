"""Sign-in with a provider such as CIS2: there, back, and out when the provider says so."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404, HttpResponse

from caldicott import bootstrap
from caldicott.portal.staff import oidc_client, trail
from caldicott.portal.staff.leading import safe, see_other, wanted
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.reader import actor_of
from caldicott.portal.staff.signing_in import failed, signed_in
from caldicott.stores.desk import accounts, providers, visits
from caldicott.stores.desk.sealing import new_token
from caldicott.stores.desk.visits import Opening, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from caldicott.portal.staff.oidc_client import Vouched
    from caldicott.stores.desk.providers import SignInProvider

_NAME: Final = 120
_SORRY: Final = {
    "provider": ("The sign-in there did not work, or it took too long.", "Try again. If it fails again, tell us."),
    "no-role": (
        "You signed in, but none of your roles there opens anything here, or you did not choose one.",
        "Sign in again and choose the role in which you work with us. If it is not in the list, ask your manager.",
    ),
    "assurance": (
        "You signed in, but not in a way that is strong enough for records of patients.",
        "Use your smartcard, security key or authenticator.",
    ),
    "ended": ("Your account here has ended.", "Ask the person who runs this site."),
    "other-person": ("That was another person than the one who is signed in here.", "Sign out first."),
}


def start(request: HttpRequest, provider: str) -> HttpResponse:
    """Send the browser to the provider, and remember what must come back."""
    known = _known(provider)
    visit = request.desk.visit
    again = bool(request.GET.get("again")) and visit is not None and visit.is_signed_in
    try:
        asked = oidc_client.question(
            known, back=_back(request, known), tokens=(new_token(), new_token()), again=again
        )  # fmt: skip
    except oidc_client.FAULTS:
        return _sorry(request, "provider")
    kept = {"provider": known.id, "state": asked.state, "nonce": asked.nonce, "verifier": asked.verifier}
    if again:
        request.desk.remember(oidc=kept, next=wanted(request))
    else:
        request.desk.begin(Opening(stage=Stage.NOBODY, scratch={"oidc": kept, "next": wanted(request)}))
    return see_other(asked.address)


def back(request: HttpRequest, provider: str) -> HttpResponse:
    """The browser comes back with a code, or with a refusal."""
    known = _known(provider)
    visit = request.desk.visit
    kept = visit.scratch.get("oidc", {}) if visit is not None and visit.ended is None else {}
    if kept.get("provider") != known.id or not _is_ours(request, kept, known):
        return _sorry(request, "provider")
    request.desk.remember(oidc=None)  # an answer counts once
    try:
        person = oidc_client.vouched(
            known, back=_back(request, known), code=request.GET.get("code", ""), nonce=kept["nonce"],
            verifier=kept["verifier"],
        )  # fmt: skip
    except oidc_client.FAULTS:
        return _sorry(request, "provider")
    if visit.is_signed_in:
        return _proved(request, known, person, str(visit.scratch.get("next", "")))
    return _admit(request, known, person, str(visit.scratch.get("next", "")))


def _admit(request: HttpRequest, known: SignInProvider, person: Vouched, to: str) -> HttpResponse:
    if not is_strong(known, person.claims):
        return _sorry(request, "assurance")
    seat = seat_of(known, person.claims)
    if seat is None:
        return _sorry(request, "no-role")
    role, organisation = seat
    name = str(person.claims.get(known.name_claim) or "Name not told")[:_NAME]
    account = accounts.federated(
        provider=known.id, subject=person.subject, name=name, role=role, organisation=organisation, at=bootstrap.now()
    )
    if not account.is_live:
        return _sorry(request, "ended", account)
    return signed_in(request, account, method=f"oidc:{known.id}", to=to, provider=known.id, session=person.session)


def _proved(request: HttpRequest, known: SignInProvider, person: Vouched, to: str) -> HttpResponse:
    """The person who is signed in has shown again that it is they."""
    visit = request.desk.visit
    same = accounts.has_subject(visit.account.id, provider=known.id, subject=person.subject)
    since = float(person.claims.get("auth_time", 0))
    if not same or bootstrap.now().timestamp() - since > _RECENT:
        return _sorry(request, "other-person" if not same else "provider", visit.account)
    with trail.recorded():
        visits.prove(visit, at=bootstrap.now())
        trail.note("sign-in-again", trail.Outcome.DONE, actor_of(visit.account))
    return see_other(safe(to))


_RECENT: Final = 300


def seat_of(known: SignInProvider, claims: Mapping[str, Any]) -> tuple[str, str] | None:
    """Our role and the organisation, of the role that the person chose, or of their only one; None if unclear."""
    seats = claims.get(known.roles_claim) if known.roles_claim else [claims]
    seats = [one for one in seats if isinstance(one, dict)] if isinstance(seats, list) else []
    chosen = claims.get(known.chosen_claim) if known.chosen_claim else None
    if known.roles_claim and chosen is not None:
        seats = [one for one in seats if one.get(known.choice_claim) == chosen]
    found = {
        (known.roles[str(one.get(known.role_claim))], str(one.get(known.organisation_claim)))
        for one in seats
        if str(one.get(known.role_claim)) in known.roles and one.get(known.organisation_claim)
    }
    return found.pop() if len(found) == 1 else None


def is_strong(known: SignInProvider, claims: Mapping[str, Any]) -> bool:
    """Whether the sign-in there reached the level that was asked for."""
    try:
        return int(claims.get(known.assurance_claim, 0)) >= known.least_assurance
    except (TypeError, ValueError):
        return False


def back_channel(request: HttpRequest, provider: str) -> HttpResponse:
    """The provider says that somebody has signed out there: so they have here."""
    known = _known(provider)
    try:
        claims = oidc_client.logged_out(known, request.POST.get("logout_token", ""))
    except oidc_client.FAULTS:
        return _said(HTTPStatus.BAD_REQUEST)
    session, subject = str(claims.get("sid") or ""), str(claims.get("sub") or "")
    with trail.recorded():
        if not providers.take_token(f"{known.id} {claims['jti']}", at=bootstrap.now()):
            return _said(HTTPStatus.BAD_REQUEST)
        for account in _owners(known, session, subject):
            trail.note("sign-out", trail.Outcome.DONE, actor_of(account), reasons=(visits.End.PROVIDER.value,))
            visits.end_of_provider(known.id, session=session, account_id=account.id)
    return _said(HTTPStatus.OK)


def _owners(known: SignInProvider, session: str, subject: str) -> tuple[accounts.StaffAccount, ...]:
    if session:
        return tuple(dict.fromkeys(visits.owners_of_provider_session(known.id, session)))
    account = accounts.with_subject(provider=known.id, subject=subject)
    return (account,) if account else ()


def _is_ours(request: HttpRequest, kept: Mapping[str, str], known: SignInProvider) -> bool:
    state, issuer = request.GET.get("state", ""), request.GET.get("iss", known.issuer)  # [RFC 9207]
    return hmac.compare_digest(state.encode(), kept["state"].encode()) and issuer == known.issuer


def _known(provider: str) -> SignInProvider:
    known = providers.with_id(provider)
    if known is None:
        raise Http404
    return known


def _back(request: HttpRequest, known: SignInProvider) -> str:
    scheme = "https" if settings.PORTAL.https or request.is_secure() else "http"
    return f"{scheme}://{request.get_host()}/staff/sign-in/back/{known.id}/"


def _sorry(request: HttpRequest, why: str, account: accounts.StaffAccount | None = None) -> HttpResponse:
    failed(why, account)
    told, next_step = _SORRY[why]
    return show(
        request, "sorry.jinja", "You are not signed in", status=HTTPStatus.FORBIDDEN, why=told, next_step=next_step
    )  # fmt: skip


def _said(status: HTTPStatus) -> HttpResponse:
    return HttpResponse(status=status, headers={"Cache-Control": "no-store"})
