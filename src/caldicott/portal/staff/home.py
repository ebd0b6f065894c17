"""Behind the sign-in: what one may do today and why; one's own sign-in; the way out."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse

from caldicott import bootstrap
from caldicott.portal.staff import trail
from caldicott.portal.staff.areas import areas_of
from caldicott.portal.staff.guards import WHY
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.pages import SIGN_IN, script, script_address, show
from caldicott.portal.staff.work import work_of, work_on
from caldicott.portal.views import FOR_GOOD, board
from caldicott.portal.views import fault as fault_page
from caldicott.stores.desk import accounts, visits
from caldicott.stores.desk.visits import End

if TYPE_CHECKING:
    from django.http import HttpRequest

    from caldicott.portal.staff.work import Work


def home(request: HttpRequest) -> HttpResponse:
    """My work."""
    register, today = board().notice().register, bootstrap.today()
    work = work_of(request.reader, register, today)
    return show(
        request, "home.jinja", "My work", work=work, today=today, areas=areas_of(request.reader.role, work),
        organisation=organisation_in_words(request.reader.organisation),
        codes_left=accounts.recovery_codes_left(request.reader.user),
    )  # fmt: skip


def activity(request: HttpRequest, activity: str) -> HttpResponse:
    """Why can I see this? One activity of the register, for this reader, today."""
    work = work_on(activity, request.reader, board().notice().register, bootstrap.today())
    if work is None:
        return fault_page(request, HTTPStatus.NOT_FOUND)
    if not work.allowed:
        return _refused(request, work)
    return show(request, "activity.jinja", work.title, work=work, today=bootstrap.today())


def _refused(request: HttpRequest, work: Work) -> HttpResponse:
    codes = tuple(dict.fromkeys(code for one in work.denied for code in one.codes))
    with trail.recorded():
        trail.note(
            "page-refused", trail.Outcome.REFUSAL, request.reader.actor, reasons=codes,
            activity=work.activity,
        )  # fmt: skip
    return show(request, "refused.jinja", "You may not use this", status=HTTPStatus.FORBIDDEN, work=work)


def account(request: HttpRequest) -> HttpResponse:
    """One's own sign-in: how, where, and what is left of the recovery codes."""
    mine = request.desk.visit.account
    return show(
        request, "account.jinja", "Your sign-in", mine=mine, visit=request.desk.visit,
        visits=visits.of_account(mine.id, at=bootstrap.now()), passkeys=accounts.passkeys_of(mine.id),
        codes_left=accounts.recovery_codes_left(mine.id),
        organisation=organisation_in_words(mine.organisation),
    )  # fmt: skip


def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes. With a fresh proof only."""
    with trail.recorded():
        codes = accounts.new_recovery_codes(request.reader.user)
        trail.note("recovery-codes-made", trail.Outcome.DONE, request.reader.actor)
    return show(request, "recovery_codes.jinja", "Keep your recovery codes", codes=codes)


def sign_out(request: HttpRequest) -> HttpResponse:
    with trail.recorded():
        request.desk.end(End.SIGNED_OUT)
        trail.note("sign-out", trail.Outcome.DONE, request.reader.actor, reasons=(End.SIGNED_OUT.value,))
    return see_other("/staff/signed-out/")


def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    with trail.recorded():
        visits.end_all(request.reader.user, End.EVERYWHERE)
        request.desk.end(End.EVERYWHERE)
        trail.note("sign-out", trail.Outcome.DONE, request.reader.actor, reasons=(End.EVERYWHERE.value,))
    return see_other("/staff/signed-out/")


def signed_out(request: HttpRequest) -> HttpResponse:
    """The way out has an end: said, with the way back in."""
    return show(request, "signed_out.jinja", "You are signed out", why=WHY[End.SIGNED_OUT], typed=(), sign_in=SIGN_IN)


def the_script(request: HttpRequest, digest: str) -> HttpResponse:
    """The one script of these pages; another release's is not answered with ours."""
    del request
    if f"/{digest}/" not in script_address():
        raise Http404
    return HttpResponse(script().content, content_type=script().media_type, headers={"Cache-Control": FOR_GOOD})


def organisation_in_words(code: str) -> str:
    """Its name where the register has one; else its code."""
    register = board().notice().register
    named = next((one for one in register.organisations if code in {one.id, one.ods}), None)
    if code in {register.controller.id, register.controller.ods}:
        return f"{register.controller.name} ({code})"
    if named is not None:
        return f"{named.name} ({code})"
    return f"GP practice {code}" if any(one.ods == code for one in register.controller.member_practices) else code
