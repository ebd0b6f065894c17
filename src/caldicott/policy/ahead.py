"""Warnings ahead of a lapse: what will refuse from which day, asked of the decision itself.

Every question that some role of the register could put is put twice, for the
last good day and for the day after. What is permitted on the first and refused
on the second, for a reason that names what ended, is what stops. So a warning
cannot say otherwise than the decision will on the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.policy.compiled import compiled
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Refusal, Request
from caldicott.register.ahead import deadlines
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.policy.compiled import CompiledActivity, CompiledRule
    from caldicott.policy.decision import Reason
    from caldicott.register.ahead import Deadline
    from caldicott.register.model import Register

_STOPS_NOTHING = frozenset({"flow-review", "activity-review"})
_COMES_IN = frozenset({"land", "link"})


@dataclass(frozen=True, slots=True)
class Stop:
    """What an activity will refuse."""

    activity: str
    on: date
    """The first day it refuses."""
    is_whole: bool
    """Whether nothing of it is permitted any more."""
    roles: tuple[str, ...]
    """Who is refused something."""
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """One warning: what ends when, who must do what, and what stops if nobody does."""

    deadline: Deadline
    stops: tuple[Stop, ...]

    @property
    def days_left(self) -> int:
        return self.deadline.days_left

    @property
    def threshold(self) -> int:
        return self.deadline.threshold

    def __str__(self) -> str:
        one, days = self.deadline, self.deadline.days_left
        left = "today is its last day" if days == 0 else f"{days} day{'' if days == 1 else 's'} left"
        return f"{one.name} ({one.id}), last day {one.last_day}, {left}. {self.consequence} {one.next_step}."

    @property
    def consequence(self) -> str:
        """What stops, in a sentence."""
        if self.deadline.kind in _STOPS_NOTHING:
            return "Nothing stops by itself when the review is late."
        if not self.stops:
            return "Nothing that is permitted now depends on it."
        named = ", ".join(f"{one.activity}{'' if one.is_whole else ' in part'}" for one in self.stops)
        return f"From {self.stops[0].on} this refuses: {named}."


def warnings_ahead(register: Register, at: date) -> tuple[Ahead, ...]:
    """Everything within the register's days of warning, the nearest first, with what stops if nothing is done."""
    coming = deadlines(register, at)
    last_days = {one.last_day for one in coming if one.kind not in _STOPS_NOTHING}
    lost = {last: _lost(register, last) for last in last_days}
    return tuple(Ahead(one, _stops(one, lost.get(one.last_day, ()), register)) for one in coming)


def questions(register: Register) -> Iterator[Request]:
    """One question for each thing a role rule allows: each dataset, at its ceiling, for each organisation it names."""
    for activity in compiled(register).activities.values():
        for rules in activity.rules.values():
            for rule in rules:
                yield from _of_rule(activity, rule)


def _of_rule(activity: CompiledActivity, one: CompiledRule) -> Iterator[Request]:
    datasets = one.datasets & activity.incoming if one.rule.action in _COMES_IN else one.datasets
    for dataset in sorted(datasets):
        for organisation in _organisations(one):
            yield Request(
                one.rule.role, activity.entry.id, dataset, one.rule.ceiling,
                organisation=organisation, relationship=one.rule.relationship, action=one.rule.action,
            )  # fmt: skip


def _organisations(one: CompiledRule) -> tuple[str | None, ...]:
    if one.rule.relationship is Relationship.FEDERATION:
        # Each practice stands on its own guardian's agreement.
        return (None, *sorted(one.agreements))
    return one.rule.organisations or (None,)


def _lost(register: Register, last: date) -> tuple[Refusal, ...]:
    """What is permitted on that day and refused on the next."""
    found = []
    for question in questions(register):
        if isinstance(decide(question, register, last), Permit):
            after = decide(question, register, last + timedelta(days=1))
            found += [after] if isinstance(after, Refusal) else []
    return tuple(found)


def _stops(deadline: Deadline, lost: tuple[Refusal, ...], register: Register) -> tuple[Stop, ...]:
    mine: dict[str, list[Refusal]] = {}
    for refusal in lost:
        if any(_names(reason, deadline) for reason in refusal.reasons):
            mine.setdefault(refusal.request.activity, []).append(refusal)
    return tuple(_stop(activity, refusals, register) for activity, refusals in mine.items())


def _names(reason: Reason, deadline: Deadline) -> bool:
    match deadline.kind:
        case "document":
            return reason.document == deadline.name and reason.on == deadline.last_day
        case "activity-end":
            return reason.code == "activity-ended" and reason.document == f"activity {deadline.id}"
        case "controller-end":
            return reason.code == "controller-ended"
        case _:
            return False


def _stop(activity: str, refusals: list[Refusal], register: Register) -> Stop:
    on = refusals[0].at
    left = (one for one in questions(register) if one.activity == activity)
    is_whole = not any(isinstance(decide(one, register, on), Permit) for one in left)
    roles = dict.fromkeys(str(one.request.role) for one in refusals)
    return Stop(activity, on, is_whole, tuple(roles), tuple(dict.fromkeys(one.request.dataset for one in refusals)))
