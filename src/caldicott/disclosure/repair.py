"""Withhold as little as makes everything provably uncertain; or say that withholding alone cannot."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.disclosure import cover
from caldicott.disclosure.knowledge import all_bounds
from caldicott.disclosure.proof import LARGE_FROM, Prover, Witnesses
from caldicott.disclosure.system import State, System, components, restricted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from caldicott.disclosure.proof import Finding, Verdict
    from caldicott.facts.disclosure import DisclosureRule

_ROUNDS: Final = 3
_THINNED_UP_TO: Final = 600
_EPSILON: Final = 1e-9
_KNOWN: Final = 100
_WORTH_KNOWING: Final = 20


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


def is_impossible(system: System, states: Sequence[State], rule: DisclosureRule) -> bool:
    """Whether not even fractions of people could be counted like this."""
    return not Prover(system, states, rule, Witnesses()).is_possible()


def _settle_part(system: System, states: Sequence[State], rule: DisclosureRule) -> Settled:
    """Grow to something safe; ask what least could be safe; begin again from there, while that may pay."""
    repair = _Repair(system, list(states), rule)
    best = repair.grown(frozenset())
    if best is None or repair.is_large:
        return repair.ended(best)
    for _round in range(_ROUNDS):
        best = repair.thinned(best)
        least = cover.cheapest(repair.lists, repair.cost)
        if repair.price(least) >= repair.price(best) - _EPSILON:
            break
        other = repair.grown(least)
        if other is not None and repair.price(repair.thinned(other)) < repair.price(best):
            best = repair.thinned(other)
    return repair.ended(best)


class _Repair:
    """What was learnt while looking for cells to withhold in one connected system."""

    def __init__(self, system: System, states: list[State], rule: DisclosureRule) -> None:
        self.system, self.rule, self._states = system, rule, states
        self.lists: set[frozenset[int]] = set()
        self.cost = _costs(system)
        self._witnesses = Witnesses()
        self._known: dict[tuple[State, ...], Verdict | None] = {}
        self.is_large = system.atoms > LARGE_FROM

    def price(self, chosen: frozenset[int]) -> float:
        return sum(self.cost[number] for number in chosen)

    def ended(self, chosen: frozenset[int] | None) -> Settled:
        if chosen is None:
            return Settled(tuple(self._states), (0,) * len(self.system.targets), is_safe=False)
        verdict = self._verdict(chosen)
        is_safe = verdict is not None and not verdict.unsafe
        left = (0,) * len(self.system.targets) if verdict is None else verdict.values_left
        return Settled(tuple(self._with(chosen)), left, is_safe)

    def grown(self, chosen: frozenset[int]) -> frozenset[int] | None:
        """Withhold more and more until all is proved; None if withholding does not help."""
        while (verdict := self._verdict(chosen)) is not None:
            if not verdict.unsafe:
                return chosen
            lists, wider = set(), set()
            for finding in verdict.unsafe:
                now = self._with(chosen)
                if helpful := _helpful(self.system, now, finding.blamed):
                    lists.add(helpful)
                elif not _seal(self.system, self._states, finding):
                    # Nothing printed stops it, and yet no whole people were found: more room may help to find them.
                    wider.add(_helpful(self.system, now, _around(self.system, finding)))
            if frozenset() in wider:
                return None
            self.lists |= lists
            chosen |= cover.greedy(lists | wider, self.cost)
        return None

    def thinned(self, chosen: frozenset[int]) -> frozenset[int]:
        """Without the cells that turned out not to be needed, the dearest first."""
        if self.system.atoms > _THINNED_UP_TO:
            return chosen
        for number in sorted(chosen, key=lambda found: (-self.cost[found], found)):
            verdict = self._verdict(chosen - {number})
            if verdict is not None and not verdict.unsafe:
                chosen -= {number}
        return chosen

    def _with(self, chosen: frozenset[int]) -> list[State]:
        return [State.COVER if number in chosen else state for number, state in enumerate(self._states)]

    def _verdict(self, chosen: frozenset[int]) -> Verdict | None:
        """None where not even one table was found that fits: what cannot be examined is not released."""
        states = tuple(self._with(chosen))
        if states not in self._known:
            self._known[states] = _known.proved(self.system, states, self.rule, self._witnesses)
        return self._known[states]


class _Known:
    """Verdicts by what was asked, the latest ones: most tables of a session say nothing new of most groups."""

    def __init__(self) -> None:
        self._verdicts: OrderedDict[Hashable, Verdict | None] = OrderedDict()

    def proved(
        self, system: System, states: Sequence[State], rule: DisclosureRule, witnesses: Witnesses
    ) -> Verdict | None:
        if system.atoms < _WORTH_KNOWING:
            prover = Prover(system, states, rule, witnesses)
            return prover.verdict() if prover.fitting else None
        low, high = all_bounds(system, states, rule)
        groups = tuple(statistic.atoms for statistic in system.statistics)
        asked = (system.atoms, groups, low.tobytes(), high.tobytes(), system.ties, system.targets, rule)
        if asked not in self._verdicts:
            prover = Prover(system, states, rule, witnesses)
            self._verdicts[asked] = prover.verdict() if prover.fitting else None
        self._verdicts.move_to_end(asked)
        if len(self._verdicts) > _KNOWN:
            self._verdicts.popitem(last=False)
        return self._verdicts[asked]


_known = _Known()
"""Pure memory: the same question has the same answer whether it is asked for the first time or not."""


def _helpful(system: System, states: Sequence[State], blamed: Iterable[int]) -> frozenset[int]:
    """What is printed now, was never printed before, and is not nothing."""
    return frozenset(
        number
        for number in blamed
        if states[number] is State.SHOWN and not system.statistics[number].is_fixed and system.statistics[number].truth
    )


def _around(system: System, finding: Finding) -> list[int]:
    """Sums that share a group with a sum of the group in doubt."""
    atoms = set(system.targets[finding.target].atoms)
    near = atoms.union(*(found.atoms for found in system.statistics if not atoms.isdisjoint(found.atoms)))
    return [number for number, found in enumerate(system.statistics) if not near.isdisjoint(found.atoms)]


def _seal(system: System, states: list[State], finding: Finding) -> bool:
    """Only withheld sums stop it: let the attacker not be told that those sums are small.

    A total of six made of four small parts leaves each part three; no withholding
    changes that, only not saying that the total is small. What was told before
    was told. What another finding of this round sealed does not count for this one:
    where it did, one more table was told and a group of it narrowed (session 316).
    """
    sums = [
        number
        for number in finding.blamed
        if states[number] is State.SMALL
        and len(system.statistics[number].atoms) > 1
        and not system.statistics[number].is_fixed
    ]
    for number in sums:
        states[number] = State.SEALED
    return bool(sums)


def _costs(system: System) -> dict[int, float]:
    """Fewest cells first; among as many, the fewest people."""
    everybody = 1 + sum(found.truth for found in system.statistics)
    return {number: 1 + 0.5 * found.truth / everybody for number, found in enumerate(system.statistics)}
