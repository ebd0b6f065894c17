"""The life of a case, as one table: what a practice may do after what, and which dates a step needs.

A score decides nothing. What the practice decides is its own: it is kept for
the practice, changes no score, and is an input of no other purpose.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final


class CaseStage(StrEnum):
    """Where a practice is with a patient."""

    NONE = ""
    SHORTLISTED = "shortlisted"
    REVIEWED = "reviewed"
    CARE_PLAN = "care-plan"
    DECLINED = "declined"
    RE_ENGAGED = "re-engaged"
    CLOSED = "closed"


class Judgement(StrEnum):
    """What the practice thinks beside the score."""

    NONE = ""
    HIGHER = "higher"
    LOWER = "lower"
    SET_ASIDE = "set-aside"


STAGE_WORDS: Final = {
    CaseStage.NONE: "Nothing yet",
    CaseStage.SHORTLISTED: "On the shortlist",
    CaseStage.REVIEWED: "Reviewed",
    CaseStage.CARE_PLAN: "Has a care plan",
    CaseStage.DECLINED: "Did not want it",
    CaseStage.RE_ENGAGED: "Asked again",
    CaseStage.CLOSED: "Closed",
}
_S: Final = CaseStage
NEXT: Final[dict[CaseStage, tuple[CaseStage, ...]]] = {
    _S.NONE: (_S.SHORTLISTED,),
    _S.SHORTLISTED: (_S.REVIEWED, _S.DECLINED, _S.CLOSED),
    _S.REVIEWED: (_S.CARE_PLAN, _S.DECLINED, _S.CLOSED),
    _S.CARE_PLAN: (_S.REVIEWED, _S.DECLINED, _S.CLOSED),
    _S.DECLINED: (_S.RE_ENGAGED, _S.CLOSED),
    _S.RE_ENGAGED: (_S.REVIEWED, _S.DECLINED, _S.CLOSED),
    _S.CLOSED: (_S.SHORTLISTED,),
}
"""A care plan comes after a review and never without one."""
OPEN: Final = frozenset(_S) - {_S.NONE, _S.CLOSED, _S.DECLINED}
"""Stages that wait for somebody to do something."""

JUDGEMENT_WORDS: Final = {
    Judgement.NONE: "As the score says",
    Judgement.HIGHER: "More urgent than the score says",
    Judgement.LOWER: "Less urgent than the score says",
    Judgement.SET_ASIDE: "Left out of our list",
}
REASONS: Final = {
    "known-to-team": "Our team looks after this already",
    "palliative": "End of life care is in place",
    "care-home": "The care home's team looks after this",
    "records-wrong": "The records behind the score are wrong",
    "score-misses": "The score does not see what we know",
    "patient-asked": "The patient asked for it",
}
"""Why a practice judges otherwise. A closed list: free words would be about a person, and go into the notes."""

FARTHEST: Final = timedelta(days=731)
"""No date may lie further ahead: a slip of the year would hide a case for ever."""
NOTE_LONGEST: Final = 2_000
KEPT: Final = timedelta(days=730)
"""A case that nobody has worked on for so long is erased with its notes. What matters is in the GP record."""


def faults_of_step(
    stage: str, to: str, *, next_action_on: date | None, plan_expires_on: date | None, today: date,
    known: tuple[date | None, ...] = (),
) -> dict[str, str]:  # fmt: skip
    """What is wrong with a step, by the field of the form; nothing if it may be taken. `known` days may have passed."""
    faults: dict[str, str] = {}
    if to not in set(CaseStage) - {CaseStage.NONE}:
        faults["stage"] = "Choose what it becomes"
    elif to != stage and to not in NEXT.get(CaseStage(stage), ()):
        may = ", ".join(STAGE_WORDS[one].lower() for one in NEXT[CaseStage(stage)])
        faults["stage"] = f"From here it can become: {may}"
    if to == CaseStage.CARE_PLAN and plan_expires_on is None:
        faults["plan_expires_on"] = "A care plan needs the day on which it ends"
    for name, day in (("next_action_on", next_action_on), ("plan_expires_on", plan_expires_on)):
        if day is not None and day not in known and not today <= day <= today + FARTHEST:
            faults[name] = "The day must be from today on, and at most two years ahead"
    return faults


def faults_of_judgement(judgement: str, reason: str) -> dict[str, str]:
    """What is wrong with a judgement: each but the score's own needs a reason of the list."""
    if judgement not in set(Judgement):
        return {"judgement": "Choose one of the list"}
    if judgement != Judgement.NONE and reason not in REASONS:
        return {"reason": "Choose the reason"}
    return {}


def faults_of_note(text: str) -> dict[str, str]:
    """What is wrong with a note."""
    if not text.strip():
        return {"note": "Write the note first"}
    return {"note": f"A note has at most {NOTE_LONGEST:,} letters"} if len(text) > NOTE_LONGEST else {}


def is_due(stage: str, next_action_on: date | None, plan_expires_on: date | None, today: date) -> bool:
    """Whether somebody should do something by today: the next step is due, or the care plan has ended."""
    if stage not in OPEN:
        return False
    has_ended = stage == CaseStage.CARE_PLAN and plan_expires_on is not None and plan_expires_on < today
    return has_ended or (next_action_on is not None and next_action_on <= today)
