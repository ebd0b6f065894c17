"""In how many ways can tables be of the same people, where a table may be of the one people as well as of another?

Everybody but one practice and everybody but another are 368 people each: by age
the first may be the second, by month they are not. Whoever asked for them knows
which table is of whom. So each way in which as few peoples as can be explain
all tables is a reading of its own. Of 7,007 ledgers of differencers the true one
was always among them; where more peoples are true than are needed, it is not.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from caldicott.disclosure.compared import Pairs

Parting = frozenset[tuple[int, int]]
"""Tables that could be of the same people, and are taken to be of two; the smaller number first."""
_LOOKED_AT: Final = 20_000


def partings(pairs: Pairs) -> list[Parting] | None:
    """Every way with the fewest peoples; None where there are too many to be looked at."""
    every = range(len(pairs.tables))
    alike = [{one} for one in every]
    for one, other in combinations(every, 2):
        if pairs.may_be_same(one, other, every, is_evident=True):
            alike[one].add(other)
            alike[other].add(one)
    like = [frozenset(alike[one] & group) for one, group in enumerate(_that_speak(pairs, alike))]
    units = _units(pairs, like)
    search = _Search([frozenset(place for place, other in enumerate(units) if _fit(like, own, other)) for own in units])
    search.placed(0)
    if search.is_cut_short:
        return None
    return [
        _parting(like, [frozenset(number for place in group for number in units[place]) for group in groups])
        for groups in search.found
    ]


def _units(pairs: Pairs, like: Sequence[frozenset[int]]) -> list[list[int]]:
    """Tables that are known to be of the same records stay together, if nothing they tell speaks against it."""
    of: dict[Hashable, list[int]] = {}
    for number, one in enumerate(pairs.tables):
        # Of one month alone, say.
        limits = frozenset(pair for pair in zip(one.table.dimensions, one.smallest, strict=True) if len(pair[1]) == 1)
        of.setdefault((one.table.of, one.table.several, limits) if one.table.of else number, []).append(number)
    return [unit for own in of.values() for unit in ([own] if _fit(like, own, own) else [[number] for number in own])]


def _fit(like: Sequence[frozenset[int]], own: Sequence[int], others: Sequence[int]) -> bool:
    return all(like[number].issuperset(others) for number in own)


def _that_speak(pairs: Pairs, alike: Sequence[set[int]]) -> list[set[int]]:
    """For each table those that hang together with it by what both count; of others nobody need wonder.

    January's table of everybody and February's of the men have no month in common, so that nothing speaks against
    anything.
    """
    group = [{number} for number in range(len(alike))]
    for one, others in enumerate(alike):
        for other in others:
            if group[one] is not group[other] and pairs.speak_of_each_other(one, other):
                group[one] |= group[other]
                for number in group[other]:
                    group[number] = group[one]
    return group


def _parting(like: Sequence[frozenset[int]], groups: Iterable[frozenset[int]]) -> Parting:
    own = {number: group for group in groups for number in group}
    return frozenset((one, other) for one in own for other in like[one] - own[one] if one < other)


class _Search:
    """Tables that can only be of one people are so from the start; each other goes where it fits, or begins its own."""

    def __init__(self, like: list[frozenset[int]]) -> None:
        self._like = like
        of_one = [number for number in range(len(like)) if _are_all_alike(like[number], like)]
        self._free = [number for number in range(len(like)) if number not in set(of_one)]
        self._groups = [set(group) - set(self._free) for group in dict.fromkeys(like[number] for number in of_one)]
        self._fewest = len(like)
        self._looked_at = 0
        self.found: list[list[frozenset[int]]] = []

    @property
    def is_cut_short(self) -> bool:
        return self._looked_at > _LOOKED_AT

    def placed(self, place: int) -> None:
        """Everything from this place on, in every way."""
        self._looked_at += 1
        if self.is_cut_short or len(self._groups) > self._fewest:
            return
        if place == len(self._free):
            if len(self._groups) < self._fewest:
                self._fewest, self.found = len(self._groups), []
            self.found.append([frozenset(group) for group in self._groups])
            return
        number = self._free[place]
        for group in self._groups:
            if group <= self._like[number]:
                group.add(number)
                self.placed(place + 1)
                group.remove(number)
        self._groups.append({number})
        self.placed(place + 1)
        self._groups.pop()


def _are_all_alike(group: frozenset[int], like: list[frozenset[int]]) -> bool:
    return all(other in like[one] for one, other in combinations(sorted(group), 2))
