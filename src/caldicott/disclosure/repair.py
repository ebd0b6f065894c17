"""Withhold as little as makes everything provably uncertain; or say that withholding alone cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.disclosure import cover
from caldicott.disclosure.proof import Finding, Prover, Witnesses
from caldicott.disclosure.system import State, System, components, restricted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.facts.disclosure import DisclosureRule

_ROUNDS: Final = 80


@dataclass(frozen=True, slots=True)
class Settled:
    """What every statistic became, and how the proof ended."""

    states: tuple[State, ...]
    values_left: tuple[int, ...]
    """For each target of the system, in order: so many whole values are witnessed as possible."""
    is_safe: bool


def settle(system: System, states: Sequence[State], rule: DisclosureRule) -> Settled:
    """Every connected part of the system by itself: nothing printed connects them."""
    groups = [found.atoms for found in system.statistics] + [tie.left + tie.right for tie in system.ties]
    groups += [target.atoms for target in system.targets]
    ended, left, is_safe = list(states), [0] * len(system.targets), True
    target_of: dict[int, list[int]] = {}
    for number, target in enumerate(system.targets):
        target_of.setdefault(target.atoms[0], []).append(number)
    for atoms in components(system.atoms, groups):
        numbers = sorted(number for atom in atoms for number in target_of.get(atom, ()))
        if not numbers:
            continue
        part, whole = restricted(system, atoms)
        settled = _settle_part(part, [ended[whole[place]] for place in range(len(part.statistics))], rule)
        for place, state in enumerate(settled.states):
            ended[whole[place]] = state
        for number, count in zip(numbers, settled.values_left, strict=True):
            left[number] = count
        is_safe = is_safe and settled.is_safe
    return Settled(tuple(ended), tuple(left), is_safe)


def _settle_part(system: System, states: Sequence[State], rule: DisclosureRule) -> Settled:
    """Prove; where that fails, learn which cells could help; choose the fewest; prove again."""
    first, witnesses, lists = list(states), Witnesses(), set[frozenset[int]]()
    cost = _costs(system)
    now = list(first)
    for _round in range(_ROUNDS):
        prover = Prover(system, now, rule, witnesses)
        if not witnesses.tables:
            # Not even one table was found that fits: what cannot be examined is not released.
            break
        verdict = prover.verdict()
        if not verdict.unsafe:
            return Settled(tuple(now), verdict.values_left, is_safe=True)
        lists_before = len(lists)
        for finding in verdict.unsafe:
            if helpful := _helpful(system, now, finding):
                lists.add(helpful)
            elif not _seal(system, first, finding):
                return Settled(tuple(now), verdict.values_left, is_safe=False)
            else:
                lists_before = -1
                now = [State.SEALED if state is State.SEALED else now[place] for place, state in enumerate(first)]
        if len(lists) == lists_before:
            return Settled(tuple(now), verdict.values_left, is_safe=False)
        # In a large system what is once withheld stays so: then every witness stays good as well.
        now = list(now if prover.is_large else first)
        for number in cover.cheapest(lists, cost):
            now[number] = State.COVER
    return Settled(tuple(now), (0,) * len(system.targets), is_safe=False)


def _helpful(system: System, states: Sequence[State], finding: Finding) -> frozenset[int]:
    """What is printed now, was never printed before, and is not nothing."""
    return frozenset(
        number
        for number in finding.blamed
        if states[number] is State.SHOWN and not system.statistics[number].is_fixed and system.statistics[number].truth
    )


def _seal(system: System, states: list[State], finding: Finding) -> bool:
    """Only withheld sums stop it: let the attacker not be told that those sums are small.

    A total of six made of four small parts leaves each part three; no withholding
    changes that, only not saying that the total is small.
    """
    sums = [
        number
        for number in finding.blamed
        if states[number] is State.SMALL and len(system.statistics[number].atoms) > 1
    ]
    for number in sums:
        states[number] = State.SEALED
    return bool(sums)


def _costs(system: System) -> dict[int, float]:
    """Fewest cells first; among as many, the fewest people."""
    everybody = 1 + sum(found.truth for found in system.statistics)
    return {number: 1 + 0.5 * found.truth / everybody for number, found in enumerate(system.statistics)}
