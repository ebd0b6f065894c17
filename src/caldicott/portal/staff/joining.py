"""From an invitation to an account. Nothing is made until a password and a second factor are both there."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import segno
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from markupsafe import Markup

from caldicott import bootstrap
from caldicott.operations.staff import tie
from caldicott.portal.staff import trail
from caldicott.portal.staff.counter import secret
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.pages import SIGN_IN, show
from caldicott.portal.staff.reader import Reader, actor_of
from caldicott.portal.staff.signing_in import LONGEST
from caldicott.stores.desk import accounts, factors, invitations, limits
from caldicott.stores.desk.sealing import seal, unseal
from caldicott.stores.desk.visits import Opening, Stage
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from caldicott.stores.desk.invitations import Invited

SET_UP: Final = "/staff/set-up/"
_NAME: Final = re.compile(r"[^\s<>\"']{3,80}")
_WRONG_CODE: Final = "That is not the code the app shows now. Check the clock of your phone, and try the next code."


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link: who is invited as what; a sign-in name and a password are chosen."""
    invited = invitations.find(token, at=bootstrap.now())
    if invited is None:
        return show(request, "no_invitation.jinja", "This link does not work", status=HTTPStatus.NOT_FOUND)
    if request.method != "POST":
        return _ask(request, invited, {})
    name, password = request.POST.get("name", "")[:LONGEST].strip(), request.POST.get("password", "")
    errors = _faults(name, password, invited)
    if errors:
        return _ask(request, invited, errors, name=name)
    new_id = str(uuid4())
    sealed = seal(factors.new_totp_secret(), key=secret(), bound_to=new_id).hex()
    scratch = {
        "invitation": invited.digest, "id": new_id, "name": name, "password": accounts.hashed(password), "totp": sealed,
    }  # fmt: skip
    request.desk.begin(Opening(stage=Stage.INVITED, scratch=scratch))
    return see_other(SET_UP)


def _ask(request: HttpRequest, invited: Invited, errors: dict[str, str], *, name: str = "") -> HttpResponse:
    return show(
        request, "invitation.jinja", "Make your account", errors=errors, name=name, invited=invited,
        shortest=limits.PASSWORD_SHORTEST, status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip


def _faults(name: str, password: str, invited: Invited) -> dict[str, str]:
    found = {}
    if not _NAME.fullmatch(name):
        found["name"] = "Enter a sign-in name of 3 to 80 letters, digits or signs, without blanks"
    elif accounts.is_taken(name):
        found["name"] = "That sign-in name is taken. Choose another"
    if fault := _against(password, (name, invited.name)):
        found["password"] = fault
    return found


def _against(password: str, known: tuple[str, ...]) -> str:
    if not limits.PASSWORD_SHORTEST <= len(password) <= limits.PASSWORD_LONGEST:
        return f"Enter a password of {limits.PASSWORD_SHORTEST} to {limits.PASSWORD_LONGEST} letters or signs"
    if any(one and one.casefold() in password.casefold() for one in known):
        return "Choose a password that does not hold your name"
    try:
        CommonPasswordValidator().validate(password)
    except ValidationError:
        return "Choose a password that fewer people use: this one is on lists that thieves try first"
    return ""


def set_up(request: HttpRequest) -> HttpResponse:
    """The second factor: the code of an app, or a passkey."""
    scratch, invited = _pending(request)
    if invited is None:
        return see_other(SIGN_IN)
    if request.method != "POST":
        return _show_code(request, scratch, invited, {})
    totp = unseal(bytes.fromhex(scratch["totp"]), key=secret(), bound_to=scratch["id"])
    step = factors.totp_step(totp, request.POST.get("code", "")[:LONGEST], at=bootstrap.now())
    if step is None:
        return _show_code(request, scratch, invited, {"code": _WRONG_CODE})
    keep = factors.keep_totp
    return made(request, "password+totp", lambda: keep(scratch["id"], totp, key=secret(), step=step))


def _show_code(request: HttpRequest, scratch: dict[str, Any], invited: Invited, errors: dict[str, str]) -> HttpResponse:
    totp = unseal(bytes.fromhex(scratch["totp"]), key=secret(), bound_to=scratch["id"])
    address = factors.totp_address(totp, name=scratch["name"], site="caldicott")
    drawn = segno.make(address, micro=False).svg_inline(scale=4, border=4, omitsize=True, light="#fff")
    return show(
        request, "set_up.jinja", "Set up your second step", errors=errors, invited=invited,
        # Drawn by the library from the address alone: squares, and no word of anybody.
        picture=Markup(drawn),  # noqa: S704
        typed=" ".join(totp[place : place + 4] for place in range(0, len(totp), 4)),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip


def _pending(request: HttpRequest) -> tuple[dict[str, Any], Invited | None]:
    visit = request.desk.visit
    if visit is None or visit.stage is not Stage.INVITED or visit.ended is not None:
        return {}, None
    return visit.scratch, invitations.with_digest(visit.scratch["invitation"], at=bootstrap.now())


def pending(request: HttpRequest) -> tuple[dict[str, Any], Invited | None]:
    """What is known of an account that is being made."""
    return _pending(request)


def made(request: HttpRequest, method: str, keep_factor: Callable[[], Any]) -> HttpResponse:
    """The account with its second factor and its recovery codes: all of it, or nothing."""
    scratch, invited = _pending(request)
    at = bootstrap.now()
    try:
        with trail.recorded(), transaction.atomic():
            if invited is None or not invitations.use(invited, at=at):
                return see_other(SIGN_IN)
            account = accounts.make(_new(scratch, invited), at=at)
            keep_factor()
            codes = accounts.new_recovery_codes(account.id)
            if invited.login:
                # Before the account is there for good: else its person could come by two doors as two.
                with house_of(Reader(account.role, account.organisation, account.id, at, method)) as house:
                    tie(house, invited.login, account.id)
            request.desk.begin(Opening(stage=Stage.SIGNED_IN, account_id=account.id, method=method))
            trail.note("account-made", trail.Outcome.DONE, actor_of(account), references=(method,))
            trail.note("sign-in", trail.Outcome.DONE, actor_of(account), references=(method,))
    except DoesNotHold as taken:
        if taken.code != accounts.TAKEN:
            raise
        return show(
            request, "no_invitation.jinja", "That sign-in name is taken", status=HTTPStatus.CONFLICT,
            what=taken.next_step,
        )  # fmt: skip
    return show(request, "recovery_codes.jinja", "Keep your recovery codes", codes=codes)


def _new(scratch: dict[str, Any], invited: Invited) -> accounts.NewAccount:
    return accounts.NewAccount(
        id=scratch["id"], name=invited.name, role=invited.role, organisation=invited.organisation,
        sign_in_name=scratch["name"], password_hash=scratch["password"],
    )  # fmt: skip
