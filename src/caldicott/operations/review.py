"""`review`: doubtful links before two people who do not see each other's answer, and a third where they differ.

The register says who may look: whoever may join identifiable records of the
spine. Every viewing is recorded before anything is shown. What is settled
counts from the next run on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from caldicott.operations.perform import Act, House, ask, perform, permits
from caldicott.operations.review_queue import counted, open_queue, person_of
from caldicott.operations.staff import staff_of
from caldicott.policy.decision import Request
from caldicott.safe_haven.identity.remainder import SPINE
from caldicott.safe_haven.identity.review import (
    CHOICES,
    NOBODY,
    UNCERTAIN,
    Agreement,
    Answer,
    Case,
    Standing,
    agreement,
    open_to,
    standing,
)
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.policy.decision import Permit
    from caldicott.register.model import Register
    from caldicott.stores.review_queue import ReviewQueue

__all__ = [
    "NOT_OPEN", "Look", "Queue", "Reviewer", "activity_of", "adjudicate", "agreement_of", "answer", "look", "next_case",
    "queue_of",
]  # fmt: skip

NOT_OPEN = "review-not-open"
"""The code of an answer that comes too late, or twice."""


@dataclass(frozen=True)
class Reviewer:
    """Who looks."""

    user: str
    role: str = "dscro_operator"
    organisation: str | None = None


@dataclass(frozen=True)
class Look:
    """A case before a reviewer, if one waits; why they may see it, and where the viewing stands in the trail."""

    case: Case | None
    reasons: tuple[str, ...]
    reference: str = ""


@dataclass(frozen=True)
class Queue:
    """Where the queue stands, and how many cases of it one reviewer may look at now."""

    agreement: Agreement
    to_answer: int
    to_decide: int
    reasons: tuple[str, ...]


def activity_of(register: Register) -> str:
    """The activity by whose rule doubtful links are looked at: the first in which somebody may join records."""
    joining = (entry.id for entry in register.activities if any(rule.action == "link" for rule in entry.roles or ()))
    return next(joining, "")


def next_case(house: House, reviewer: Reviewer, *, activity: str, adjudicates: bool = False) -> Case | None:
    """The oldest case that this person may look at now; None where there is none. The viewing is recorded.

    Raises:
        Refused: the register does not let this role join identifiable records.
    """
    return look(house, reviewer, activity=activity, adjudicates=adjudicates).case


def look(house: House, reviewer: Reviewer, *, activity: str, adjudicates: bool = False) -> Look:
    """As `next_case`, with why it may be seen and the number of the entry that records it. Raises as that does."""
    permit = _require(house, reviewer, activity)
    reasons = tuple(reason.text for reason in permit.reasons)
    queue, looks = open_queue(house), _Looks(house, reviewer, adjudicates=adjudicates)
    said = queue.answers_by_case()
    waiting = (case for case in queue.cases().values() if looks.is_open(said.get(case.id, [])))
    found = next(waiting, None)
    if found is None:
        return Look(None, reasons)
    reference = uuid4().hex
    act = Act(
        Look(found, reasons, reference),
        lambda: None,
        counts={"cases shown": 1, "persons shown": len(found.candidates)},
        references=(found.id, "adjudication" if adjudicates else "review"),
        dataset=SPINE,
        format=DataFormat.IDENTIFIABLE.value,
        touches_files=False,
        keeps=False,
    )
    return perform(house, event="review-viewing", activity=activity, compute=lambda: act, act_id=reference)


def answer(house: House, reviewer: Reviewer, case: str, choice: str, *, activity: str) -> Standing:
    """What one reviewer says of a case: a candidate's place, nobody, or that it cannot be told.

    Raises:
        Refused: the register says no, or this person has answered already.
        DoesNotHold: there is no such case.
        WrongUsage: the choice is none of this case.
    """
    return _answer(house, reviewer, case, choice, activity=activity, adjudicates=False)


def adjudicate(house: House, reviewer: Reviewer, case: str, choice: str, *, activity: str) -> Standing:
    """What the third says where two differ; it settles the case. Raises as `answer` does."""
    return _answer(house, reviewer, case, choice, activity=activity, adjudicates=True)


def agreement_of(house: House, reviewer: Reviewer, *, activity: str) -> Agreement:
    """How far the reviewers agree, and where the queue stands: counts only."""
    _require(house, reviewer, activity)
    queue = open_queue(house)
    return _agreement(queue, [*queue.cases()], queue.answers_by_case())


def queue_of(house: House, reviewer: Reviewer, *, activity: str) -> Queue:
    """As `agreement_of`, with how many cases wait for this person. Counts only; raises as that does."""
    permit = _require(house, reviewer, activity)
    queue = open_queue(house)
    cases, said = [*queue.cases()], queue.answers_by_case()
    both = [_Looks(house, reviewer, adjudicates=adjudicates) for adjudicates in (False, True)]
    to_answer, to_decide = (sum(looks.is_open(said.get(case, [])) for case in cases) for looks in both)
    reasons = tuple(reason.text for reason in permit.reasons)
    return Queue(_agreement(queue, cases, said), to_answer, to_decide, reasons)


def _agreement(queue: ReviewQueue, cases: Sequence[str], said: Mapping[str, Sequence[Answer]]) -> Agreement:
    return agreement(cases, [one for answers in said.values() for one in queue.counted(answers)])


def _answer(house: House, reviewer: Reviewer, case: str, choice: str, *, activity: str, adjudicates: bool) -> Standing:
    _require(house, reviewer, activity)
    with open_queue(house).one_at_a_time():
        return perform(
            house,
            event="review-adjudication" if adjudicates else "review-answer",
            activity=activity,
            compute=lambda: _kept(house, reviewer, case, choice, adjudicates=adjudicates),
        )


def _kept(house: House, reviewer: Reviewer, case: str, choice: str, *, adjudicates: bool) -> Act[Standing]:
    queue = open_queue(house)
    _require_choice(_case(queue, case), choice)
    before = queue.answers_by_case().get(case, [])
    if not _Looks(house, reviewer, adjudicates=adjudicates).is_open(before):
        raise Refused(
            "This case is not yours to answer now: you have answered it, or it waits for nobody of your kind.",
            code=NOT_OPEN,
            next_step="take the next case: `caldicott review next`, or `review next --adjudicate`",
        )
    given = Answer(case, reviewer.user, choice, house.today.isoformat(), adjudicates=adjudicates)
    file = queue.write_answer(given, created=house.today)
    stands = standing(queue.counted([*before, given]))
    return Act(
        stands,
        lambda: queue.keep_answer(file),
        counts={"answers": 1},
        references=(case, stands.state.value.replace(" ", "-")),
        dataset=SPINE,
        format=DataFormat.IDENTIFIABLE.value,
        touches_files=False,  # answers are given beside a run: the next act that has the store sweeps
    )


def _case(queue: ReviewQueue, case: str) -> Case:
    found = queue.cases().get(case)
    if found is None:
        raise DoesNotHold(
            "there is no such case in the queue",
            code="review-case-unknown",
            next_step="take the id that `caldicott review next` shows",
        )
    return found


def _require_choice(case: Case, choice: str) -> None:
    known = (*(str(place) for place in range(1, len(case.candidates) + 1)), NOBODY, UNCERTAIN)
    if choice not in CHOICES or choice not in known:
        raise WrongUsage(
            "the answer is none of this case",
            code="review-choice-unknown",
            where="CHOICE",
            next_step=f"answer one of: {', '.join(known)}",
        )


class _Looks:
    """Whether a case is one person's to look at now, by whichever door they come."""

    def __init__(self, house: House, reviewer: Reviewer, *, adjudicates: bool) -> None:
        self._staff, self._name, self._adjudicates = staff_of(house.store.catalogue), reviewer.user, adjudicates

    def is_open(self, said: Sequence[Answer]) -> bool:
        """Nobody answers twice, also where their answer does not count yet."""
        person = person_of(self._staff, self._name)
        if person in {person_of(self._staff, one.reviewer) for one in said}:
            return False
        return open_to(standing(counted(self._staff, said)), person, adjudicates=self._adjudicates)


def _require(house: House, reviewer: Reviewer, activity: str) -> Permit:
    request = Request(
        reviewer.role, activity, SPINE, DataFormat.IDENTIFIABLE, action="link", organisation=reviewer.organisation
    )
    (permit,) = permits(ask(house, [request]))
    return permit
