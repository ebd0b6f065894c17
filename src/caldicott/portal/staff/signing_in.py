"""Name and password, then a second factor. A wrong name, a wrong password and a name that rests are told alike."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from caldicott import bootstrap
from caldicott.portal.staff import trail
from caldicott.portal.staff.counter import secret
from caldicott.portal.staff.leading import safe, see_other, wanted
from caldicott.portal.staff.pages import SIGN_IN, show
from caldicott.portal.staff.reader import actor_of
from caldicott.stores.desk import accounts, attempts, factors, providers, visits
from caldicott.stores.desk.sealing import keyed_digest
from caldicott.stores.desk.visits import Opening, Stage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from caldicott.stores.desk.accounts import StaffAccount

CODE: Final = "/staff/sign-in/code/"
_NOT_RIGHT: Final = (
    "The sign-in name or the password is not right. After 5 wrong tries a name rests for 15 minutes, then longer."
)
_WRONG_CODE: Final = "The code is not right, or it was used before. After 5 wrong tries we wait for 15 minutes."
LONGEST: Final = 200


def sign_in(request: HttpRequest) -> HttpResponse:
    """The first page: a name and a password, a passkey, or another sign-in of the NHS."""
    if request.method == "POST":
        return _first_step(request)
    visit = request.desk.visit
    if visit is not None and visit.is_signed_in:
        return see_other(wanted(request))
    return _ask(request, {})


def _ask(request: HttpRequest, errors: dict[str, str], *, name: str = "") -> HttpResponse:
    return show(
        request, "sign_in.jinja", "Sign in", errors=errors, name=name, next=wanted(request),
        providers=providers.every(), status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip


def _first_step(request: HttpRequest) -> HttpResponse:
    name, password = request.POST.get("name", "")[:LONGEST], request.POST.get("password", "")[:LONGEST]
    errors = {**({} if name.strip() else {"name": "Enter your sign-in name"})}
    errors |= {} if password else {"password": "Enter your password"}
    if errors:
        return _ask(request, errors, name=name)
    subject = keyed_digest(accounts.fold(name), secret())
    account, why = None, "resting"
    if attempts.take(subject, at=bootstrap.now()) is None:
        account, why = accounts.with_password(name, password), "wrong-name-or-password"
    if account is None:
        failed(why)
        return _ask(request, {"name": _NOT_RIGHT}, name=name)
    attempts.forget(subject)
    request.desk.begin(
        Opening(stage=Stage.SECOND_FACTOR, account_id=account.id, method="password", scratch={"next": wanted(request)})
    )
    return see_other(CODE)


def second_factor(request: HttpRequest) -> HttpResponse:
    """The second page: a code of the app, or a recovery code."""
    visit = request.desk.visit
    if visit is None or visit.stage is not Stage.SECOND_FACTOR or visit.ended or visit.account is None:
        return see_other(SIGN_IN)
    if request.method != "POST":
        return _ask_code(request, visit.account, {})
    used = prove_by_code(request, visit.account)
    if used is None:
        return _ask_code(request, visit.account, {"code": _WRONG_CODE})
    return signed_in(request, visit.account, method=f"password+{used}", to=str(visit.scratch.get("next", "")))


def _ask_code(request: HttpRequest, account: StaffAccount, errors: dict[str, str]) -> HttpResponse:
    return show(
        request, "second_factor.jinja", "Show that it is you", errors=errors,
        has_passkey=accounts.passkeys_of(account.id) > 0, has_code=account.has_totp,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip


def prove_by_code(request: HttpRequest, account: StaffAccount) -> str | None:
    """`totp` or `recovery-code` if the code that was typed is right; else None, counted and recorded."""
    code, at = request.POST.get("code", "")[:LONGEST], bootstrap.now()
    subject = keyed_digest(account.id, secret())
    if attempts.take(subject, at=at) is not None:
        failed("resting", account)
        return None
    is_recovery = accounts.looks_like_recovery_code(code)
    right = (
        accounts.use_recovery_code(account.id, code, at=at)
        if is_recovery
        else factors.use_totp(account.id, code, key=secret(), at=at)
    )
    if not right:
        failed("wrong-code", account)
        return None
    attempts.forget(subject)
    return "recovery-code" if is_recovery else "totp"


def signed_in(
    request: HttpRequest, account: StaffAccount, *, method: str, to: str, provider: str = "", session: str = ""
) -> HttpResponse:
    """The sign-in is complete: a new visit, recorded, and the page that was asked for."""
    with trail.recorded():
        request.desk.begin(
            Opening(
                stage=Stage.SIGNED_IN, account_id=account.id, method=method, provider=provider,
                provider_session=session,
            )
        )  # fmt: skip
        trail.note("sign-in", trail.Outcome.DONE, actor_of(account), references=(method,))
    return see_other(safe(to))


def failed(why: str, account: StaffAccount | None = None) -> None:
    """A sign-in that failed, in the trail: whose if that is known, why, and never what was typed."""
    with trail.recorded():
        trail.note("sign-in", trail.Outcome.REFUSAL, actor_of(account), reasons=(why,))


def again(request: HttpRequest) -> HttpResponse:
    """Before an export or a change of one's sign-in: show again that it is you."""
    account = request.desk.visit.account
    if account.provider:
        return see_other(f"/staff/sign-in/with/{account.provider}/?again=1&next={quote(wanted(request))}")
    if request.method != "POST":
        return _ask_again(request, account, {})
    password, subject = request.POST.get("password", "")[:LONGEST], keyed_digest(f"again {account.id}", secret())
    if attempts.take(subject, at=bootstrap.now()) is not None or not accounts.has_password(account.id, password):
        failed("wrong-name-or-password", account)
        return _ask_again(request, account, {"password": "The password is not right"})
    attempts.forget(subject)
    if prove_by_code(request, account) is None:
        return _ask_again(request, account, {"code": _WRONG_CODE})
    return proved_again(request)


def proved_again(request: HttpRequest) -> HttpResponse:
    visit = request.desk.visit
    with trail.recorded():
        visits.prove(visit, at=bootstrap.now())
        trail.note("sign-in-again", trail.Outcome.DONE, actor_of(visit.account))
    return see_other(wanted(request))


def _ask_again(request: HttpRequest, account: StaffAccount, errors: dict[str, str]) -> HttpResponse:
    return show(
        request, "again.jinja", "Sign in again", errors=errors, next=wanted(request), has_code=account.has_totp,
        has_passkey=accounts.passkeys_of(account.id) > 0,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip
