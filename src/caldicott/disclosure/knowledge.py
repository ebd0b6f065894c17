"""What each state of a statistic tells an attacker who knows the rule, the program and its proof.

The attacker is told more than the files tell: which withheld cells are small
and which are only cover. A table that holds against that attacker holds
against everyone who knows less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from caldicott.disclosure.system import INFINITE, Bounds, State, System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.disclosure.system import Numbers
    from caldicott.facts.disclosure import DisclosureRule


def shown_value(truth: int, rule: DisclosureRule) -> int:
    """The number printed for a count that is not withheld."""
    return (truth + rule.round_to // 2) // rule.round_to * rule.round_to


def bounds(truth: int, state: State, rule: DisclosureRule) -> Bounds:
    """The whole numbers that the attacker must think possible, from what is printed of this statistic alone."""
    if state is State.SMALL:
        return Bounds(rule.suppress_from, rule.suppress_to)
    if state is State.COVER:
        return Bounds(0 if rule.is_of_amounts else rule.suppress_to + 1, INFINITE)
    if state is State.SEALED:
        return Bounds(0 if rule.withholds_zeros else 1, INFINITE)
    if truth == 0:
        return Bounds(0, 0)
    printed = shown_value(truth, rule)
    halfway = rule.round_to // 2
    low = printed - halfway
    return Bounds(max(low, rule.suppress_to + 1), low + rule.round_to - 1)


def all_bounds(system: System, states: Sequence[State], rule: DisclosureRule) -> tuple[Numbers, Numbers]:
    """The same for every statistic, as two columns."""
    found = [bounds(statistic.truth, state, rule) for statistic, state in zip(system.statistics, states, strict=True)]
    return np.array([entry.low for entry in found]), np.array([entry.high for entry in found])
