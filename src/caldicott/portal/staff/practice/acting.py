"""What a practice does with a case: the next step, its own judgement, a note. Asked, checked, kept and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

from caldicott import bootstrap
from caldicott.operations.practice_case import CaseStage, faults_of_judgement, faults_of_note, faults_of_step
from caldicott.portal.staff import trail
from caldicott.portal.staff.counter import secret
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.practice.frame import OWN, ROOT, scores_activity
from caldicott.portal.staff.practice.patient import drawn, seen_in
from caldicott.portal.staff.refusing import as_pages
from caldicott.stores.desk import cases
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_FORM_LONGEST = 80


@as_pages
def step(request: HttpRequest, practice: str, token: str) -> HttpResponse:
    """The case becomes something else, or gets other days."""
    practice, sent = practice.upper(), request.POST
    _require_own(request, practice, token)
    case, to = cases.find(practice, token), sent.get("stage", "")
    (next_on, wrong_next), (plan, wrong_plan) = _day(sent.get("next_action_on")), _day(sent.get("plan_expires_on"))
    faults = faults_of_step(
        case.stage, to, next_action_on=next_on, plan_expires_on=plan, today=bootstrap.today(),
        known=(case.next_action_on, case.plan_expires_on),
    )  # fmt: skip
    unread = {"next_action_on": wrong_next, "plan_expires_on": wrong_plan}
    faults |= {name: text for name, text in unread.items() if text}
    if faults:
        return drawn(request, practice, token, purpose="case-review", errors=faults, typed=sent.dict())
    # Only a care plan has an end.
    now = replace(case, stage=to, next_action_on=next_on, plan_expires_on=plan if to == CaseStage.CARE_PLAN else None)
    with trail.recorded():
        if cases.move(now, by=request.reader.user, at=bootstrap.now()):
            _note(request, "case-moved", practice, token, f"stage {to}")
    return _back(practice, token)


@as_pages
def judgement(request: HttpRequest, practice: str, token: str) -> HttpResponse:
    """The practice judges otherwise than the score, for a reason of the list."""
    practice, sent = practice.upper(), request.POST
    _require_own(request, practice, token)
    view, reason = sent.get("judgement", ""), sent.get("reason", "")
    if faults := faults_of_judgement(view, reason):
        return drawn(request, practice, token, purpose="case-review", errors=faults, typed=sent.dict())
    case = cases.find(practice, token)
    told_now = replace(case, judgement=view, judgement_reason=reason if view else "")
    with trail.recorded():
        if cases.judge(told_now, by=request.reader.user, at=bootstrap.now()):
            _note(request, "case-judged", practice, token, f"judgement {view or 'none'}", f"reason {reason or 'none'}")
    return _back(practice, token)


@as_pages
def note(request: HttpRequest, practice: str, token: str) -> HttpResponse:
    """A note, sealed. That one was written is recorded; what it says is not."""
    practice, text = practice.upper(), request.POST.get("note", "")
    _require_own(request, practice, token)
    if faults := faults_of_note(text):
        return drawn(request, practice, token, purpose="case-review", errors=faults, typed={"note": text})
    form = f"{request.reader.user}/{request.POST.get('form') or uuid4().hex}"[:_FORM_LONGEST]
    with trail.recorded():
        if cases.write_note(
            practice, token, text.strip(), form=form, by=request.reader.user, key=secret(), at=bootstrap.now()
        ):
            _note(request, "case-noted", practice, token)
    return _back(practice, token)


def _require_own(request: HttpRequest, practice: str, token: str) -> None:
    """The patient is this practice's own today, and so is the reader; asked of operations, and recorded.

    Raises:
        Refused: that is not so.
    """
    seen = seen_in(request.reader, practice, token, purpose="case-review")
    if seen.rights.relationship != OWN:
        raise Refused(
            "No. Only the patient's own practice keeps work about a patient.", code="not-own-practice",
            next_step="Tell the practice what you found.",
        )  # fmt: skip


def _note(request: HttpRequest, event: str, practice: str, token: str, *said: str) -> None:
    said = (f"practice {practice}", token, *said)
    trail.note(event, trail.Outcome.DONE, request.reader.actor, references=said, activity=scores_activity())


def _back(practice: str, token: str) -> HttpResponse:
    return see_other(f"{ROOT}{practice}/patients/{token}/?purpose=case-review")


def _day(sent: str | None) -> tuple[date | None, str]:
    """The day of a form's field, or what is wrong with it."""
    written = (sent or "").strip()
    if not written:
        return None, ""
    try:
        return date.fromisoformat(written), ""
    except ValueError:
        return None, "Write the day as year-month-day, such as 2026-07-31"
