"""Clerical review: which case is whose to look at, when it is settled, and how far two people agree.

Two reviewers look at a case without seeing what the other said. Where they
differ, a third decides who has not looked at it. Nobody decides alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REVIEWERS: Final = 2
NOBODY: Final = "nobody"
UNCERTAIN: Final = "uncertain"
CHOICES: Final = ("1", "2", "3", NOBODY, UNCERTAIN)
"""The candidate's place, or nobody of these, or that it cannot be told."""


class State(StrEnum):
    """Where a case stands."""

    WAITING = "waiting"
    DIFFERENT = "answers differ"
    SETTLED = "settled"


@dataclass(frozen=True, repr=False)
class Case:
    """A record, and the persons it may be of. Prints nothing."""

    id: str
    record: Mapping[str, str | None]
    candidates: tuple[Mapping[str, str | None], ...]
    rows: tuple[tuple[str, int], ...]
    """Submission and place in the sender's file of every row that says the same."""
    reason: str
    step: str
    score: float | None = None
    runner_up: float | None = None

    def __repr__(self) -> str:
        return f"Case({self.id}, {len(self.candidates)} candidates)"


@dataclass(frozen=True)
class Answer:
    """What one person said of one case."""

    case: str
    reviewer: str
    choice: str
    on: str
    adjudicates: bool = False


@dataclass(frozen=True)
class Standing:
    """A case's answers and what they come to."""

    state: State
    choice: str = ""
    reviewers: tuple[str, ...] = ()


def standing(answers: Iterable[Answer]) -> Standing:
    """Where a case stands. Two who agree on "uncertain" settle that it is not known."""
    first: dict[str, str] = {}
    for answer in answers:
        if answer.adjudicates:
            return Standing(State.SETTLED, answer.choice, tuple(first))
        first.setdefault(answer.reviewer, answer.choice)
    said = [*first.values()][:REVIEWERS]
    if len(said) < REVIEWERS:
        return Standing(State.WAITING, reviewers=tuple(first))
    if len({*said}) == 1:
        return Standing(State.SETTLED, said[0], tuple(first))
    return Standing(State.DIFFERENT, reviewers=tuple(first))


def open_to(case: Standing, reviewer: str, *, adjudicates: bool) -> bool:
    """Whether this person may look at the case now."""
    wanted = State.DIFFERENT if adjudicates else State.WAITING
    return case.state is wanted and reviewer not in case.reviewers


def chosen(case: Case, choice: str) -> int | None:
    """The number of the person chosen; None where it is nobody, or cannot be told."""
    if choice in {NOBODY, UNCERTAIN}:
        return None
    return int(str(case.candidates[int(choice) - 1]["number"]))


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree, over the cases that two looked at."""

    cases: int
    settled: int
    waiting: int
    differ: int
    adjudicated: int
    both_answered: int
    agreed: int
    kappa: float | None
    """Cohen's kappa: agreement beyond chance; None where there is nothing to tell, or no chance to differ."""
    choices: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        return self.agreed / self.both_answered if self.both_answered else None

    def as_record(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "agreement": self.share}


def agreement(cases: Sequence[str], answers: Iterable[Answer]) -> Agreement:
    """The statistic over first and second answers, in the order they were given."""
    of: dict[str, list[Answer]] = {case: [] for case in cases}
    for answer in answers:
        of.setdefault(answer.case, []).append(answer)
    standings = [standing(said) for said in of.values()]
    states = Counter(one.state for one in standings)
    pairs = [pair for said in of.values() if len(pair := _first_two(said)) == REVIEWERS]
    return Agreement(
        cases=len(of),
        settled=states[State.SETTLED],
        waiting=states[State.WAITING],
        differ=states[State.DIFFERENT],
        adjudicated=sum(any(answer.adjudicates for answer in said) for said in of.values()),
        both_answered=len(pairs),
        agreed=sum(one == other for one, other in pairs),
        kappa=kappa(pairs),
        choices=dict(sorted(Counter(one.choice for one in standings if one.choice).items())),
    )


def _first_two(said: Iterable[Answer]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for answer in said:
        if not answer.adjudicates:
            first.setdefault(answer.reviewer, answer.choice)
    return tuple([*first.values()][:REVIEWERS])


def kappa(pairs: Sequence[Sequence[str]]) -> float | None:
    """Cohen's kappa of pairs of answers [Cohen 1960]."""
    count = len(pairs)
    if not count:
        return None
    seen = sum(one == other for one, other in pairs) / count
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[choice] * second[choice] for choice in first) / count**2
    return None if by_chance == 1 else (seen - by_chance) / (1 - by_chance)
