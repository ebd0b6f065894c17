"""`review`: doubtful links before two people who do not see each other's answer, and a third where they differ.

The register says who may look: whoever may join identifiable records of the
spine. Every viewing is recorded before anything is shown. What is settled
counts from the next run on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.operations.perform import Act, House, ask, perform, permits
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
from caldicott.stores.review_queue import ReviewQueue
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Reviewer", "adjudicate", "agreement_of", "answer", "next_case"]


@dataclass(frozen=True)
class Reviewer:
    """Who looks."""

    user: str
    role: str = "dscro_operator"
    organisation: str | None = None


def next_case(house: House, reviewer: Reviewer, *, activity: str, adjudicates: bool = False) -> Case | None:
    """The oldest case that this person may look at now; None where there is none. The viewing is recorded.

    Raises:
        Refused: the register does not let this role join identifiable records.
    """
    _require(house, reviewer, activity)
    queue = ReviewQueue(house.store)
    said = queue.answers_by_case()
    waiting = (c for c in queue.cases().values() if _is_open(said.get(c.id, []), reviewer, adjudicates=adjudicates))
    found = next(waiting, None)
    if found is None:
        return None
    act = Act(
        found,
        lambda: None,
        counts={"cases shown": 1, "persons shown": len(found.candidates)},
        references=(found.id, "adjudication" if adjudicates else "review"),
        dataset=SPINE,
        format=DataFormat.IDENTIFIABLE.value,
        touches_files=False,
        keeps=False,
    )
    return perform(house, event="review-viewing", activity=activity, compute=lambda: act)


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
    queue = ReviewQueue(house.store)
    return agreement([*queue.cases()], queue.answers())


def _answer(house: House, reviewer: Reviewer, case: str, choice: str, *, activity: str, adjudicates: bool) -> Standing:
    _require(house, reviewer, activity)
    return perform(
        house,
        event="review-adjudication" if adjudicates else "review-answer",
        activity=activity,
        compute=lambda: _kept(house, reviewer, case, choice, adjudicates=adjudicates),
    )


def _kept(house: House, reviewer: Reviewer, case: str, choice: str, *, adjudicates: bool) -> Act[Standing]:
    queue = ReviewQueue(house.store)
    _require_choice(_case(queue, case), choice)
    before = queue.answers_by_case().get(case, [])
    if not _is_open(before, reviewer, adjudicates=adjudicates):
        raise Refused(
            "This case is not yours to answer now: you have answered it, or it waits for nobody of your kind.",
            code="review-not-open",
            next_step="take the next case: `caldicott review next`, or `review next --adjudicate`",
        )
    given = Answer(case, reviewer.user, choice, house.today.isoformat(), adjudicates=adjudicates)
    file = queue.write_answer(given, created=house.today)
    stands = standing([*before, given])
    return Act(
        stands,
        lambda: house.store.catalogue.add_files([file]),
        counts={"answers": 1},
        references=(case, stands.state.value.replace(" ", "-")),
        dataset=SPINE,
        format=DataFormat.IDENTIFIABLE.value,
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


def _is_open(said: Sequence[Answer], reviewer: Reviewer, *, adjudicates: bool) -> bool:
    return open_to(standing(said), reviewer.user, adjudicates=adjudicates)


def _require(house: House, reviewer: Reviewer, activity: str) -> None:
    request = Request(
        reviewer.role, activity, SPINE, DataFormat.IDENTIFIABLE, action="link", organisation=reviewer.organisation
    )
    permits(ask(house, [request]))
