"""Populations that contain each other: which lie directly in which, and which have nobody in common.

Read off the counts, as populations are. Where the counts bear out two things
that cannot both be so (a part of a part, or two parts that share nobody), each
is a reading of its own, and what leaves must be safe under both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldicott.disclosure.compared import shared_of
from caldicott.disclosure.populations import making_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.disclosure.compared import Shared
    from caldicott.disclosure.placed import Placed
    from caldicott.disclosure.populations import Populations

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Apart:
    """These parts of the whole, or those whom each of them leaves out, have nobody in common."""

    whole: int
    parts: tuple[int, ...]
    are_left_out: bool
    is_all: bool
    """Together they are the whole."""


@dataclass(frozen=True, slots=True)
class Family:
    """Populations that hang together."""

    populations: tuple[int, ...]
    within: frozenset[Pair]
    apart: tuple[Apart, ...]
    is_settled: bool
    """Whether the counts leave only one reading."""
    likely: int = 0
    """How many groups there are that the counts bear out and do not force."""

    def direct(self) -> list[Pair]:
        """Part and whole with nothing between; what holds of the others follows."""
        return [
            (part, whole)
            for part, whole in sorted(self.within)
            if not any((part, other) in self.within and (other, whole) in self.within for other in self.populations)
        ]

    def around(self, population: int) -> list[int]:
        """Itself and all that contain it."""
        return [population, *(whole for part, whole in sorted(self.within) if part == population)]


def find(tables: Sequence[Placed], found: Populations, *, nested: bool, only: int | None = None) -> list[Family]:
    """Every family; `nested` reads a part of a part where two parts that share nobody would do as well.

    With `only` no likely group is taken but the one of this number; none, where there is no such number.
    """
    return [_family(tables, found, populations, nested=nested, only=only) for populations in _connected(found)]


def _connected(found: Populations) -> list[tuple[int, ...]]:
    groups = [{number} for number in range(len(found.members))]
    for part, whole in sorted(found.within):
        one, other = (next(group for group in groups if number in group) for number in (part, whole))
        if one is not other:
            one |= other
            groups.remove(other)
    return [tuple(sorted(group)) for group in groups]


def _family(
    tables: Sequence[Placed], found: Populations, populations: tuple[int, ...], *, nested: bool, only: int | None
) -> Family:
    within = {pair for pair in found.within if pair[0] in populations}
    sure, likely = list[Apart](), list[Apart]()
    for whole in populations:
        parts = sorted(part for part, other in within if other == whole)
        if len(parts) > 1:
            known = _sure(tables, found, whole, parts)
            sure += known
            likely += _likely(tables, found, whole, parts, known=known, nested=within if nested else set())
    groups = len(likely)
    likely = likely if only is None else likely[only : only + 1]
    dropped = _nested_in(likely, within)
    within -= _nested_in(sure, within) | dropped
    still = [(group, _still(group, within)) for group in (*sure, *likely)]
    kept = tuple(replace(group, parts=left) for group, left in still if len(left) > 1)
    return Family(populations, frozenset(within), kept, not dropped, groups)


def _still(group: Apart, within: set[Pair]) -> tuple[int, ...]:
    """The parts that are still read as such; parts that are all of it, all of them or none."""
    left = tuple(part for part in group.parts if (part, group.whole) in within)
    return left if left == group.parts or not group.is_all else ()


def _nested_in(groups: Iterable[Apart], within: set[Pair]) -> set[Pair]:
    return {(one, other) for group in groups for one in group.parts for other in group.parts if (one, other) in within}


def _sure(tables: Sequence[Placed], found: Populations, whole: int, parts: Sequence[int]) -> list[Apart]:
    """Parts that add up to the whole exactly: nobody takes that for chance."""
    inside = [one.parts for one in found.relations if one.whole == whole and one.is_all]
    outside = [some for some in making_up(tables, found.members, whole, parts, are_left_out=True) if some not in inside]
    return [Apart(whole, some, are_left_out=False, is_all=True) for some in inside] + [
        Apart(whole, some, are_left_out=True, is_all=True) for some in outside
    ]


def _likely(
    tables: Sequence[Placed], found: Populations, whole: int, parts: Sequence[int], *,
    known: Sequence[Apart], nested: set[Pair],
) -> list[Apart]:  # fmt: skip
    groups = []
    for are_left_out in (True, False):
        taken = {part for group in known if group.are_left_out is are_left_out for part in group.parts}
        weights = {part: _weight(tables, found, whole, part, are_left_out=are_left_out) for part in parts}
        order = sorted(set(parts) - taken, key=lambda one: (weights[one], one))
        room = _Room(tables, found, whole, nested, are_left_out=are_left_out)
        groups += [Apart(whole, some, are_left_out, is_all=False) for some in _fitting(order, room)]
    return groups


def _fitting(order: Sequence[int], room: _Room) -> list[tuple[int, ...]]:
    """The first that fit together; and, where not all do, those that fit when one of these is passed over.

    Objectors and five practices, each left out of another table, may leave no room for the largest practice: then
    the five without the objectors are a group as well.
    """
    first = _chosen(order, room)
    passed_over = first if len(first) < len(order) else ()
    found = {first, *(_chosen([part for part in order if part != one], room) for one in passed_over)}
    return sorted(some for some in found if len(some) > 1 and not any(set(some) < set(other) for other in found))


def _chosen(order: Sequence[int], room: _Room) -> tuple[int, ...]:
    chosen = list[int]()
    for part in order:
        if room.has(part, chosen):
            chosen.append(part)
    return tuple(sorted(chosen))


class _Room:
    """Whether parts of a whole may have nobody in common; every question is asked once."""

    def __init__(
        self, tables: Sequence[Placed], found: Populations, whole: int, nested: set[Pair], *, are_left_out: bool
    ) -> None:
        self._about = tables, found, whole
        self._nested = nested
        self._are_left_out = are_left_out
        self._known: dict[frozenset[int], bool] = {}

    def has(self, part: int, chosen: Sequence[int]) -> bool:
        if any((part, other) in self._nested or (other, part) in self._nested for other in chosen):
            return False
        asked = frozenset((*chosen, part))
        if asked not in self._known:
            self._known[asked] = _is_room(*self._about, sorted(asked), are_left_out=self._are_left_out)
        return self._known[asked]


def _weight(tables: Sequence[Placed], found: Populations, whole: int, part: int, *, are_left_out: bool) -> int:
    counted = [sum(tables[found.members[number][0]].base.values()) for number in (whole, part)]
    return counted[0] - counted[1] if are_left_out else counted[1]


def _is_room(
    tables: Sequence[Placed], found: Populations, whole: int, parts: Sequence[int], *, are_left_out: bool
) -> bool:
    """Whether these together are nowhere more than the whole, in whatever they have in common with its tables."""
    for number in found.members[whole]:
        alike = [
            max(
                (tables[other] for other in found.members[part]),
                key=lambda one: len(set(one.table.dimensions) & set(tables[number].table.dimensions)),
            )
            for part in parts
        ]
        common = [set(one.table.dimensions) & set(tables[number].table.dimensions) for one in alike]
        for names in {frozenset(), *map(frozenset, common)}:
            among = [one for one, own in zip(alike, common, strict=True) if own >= names]
            if not _fits(shared_of([tables[number], *among]), [tables[number], *among], are_left_out=are_left_out):
                return False
    return True


def _fits(shared: Shared, chosen: Sequence[Placed], *, are_left_out: bool) -> bool:
    if any(one.some - set(shared.names) for one in chosen):
        return True
    whole, *parts = shared.counts
    for key in shared.cells():
        cells = [(name, groups[place]) for name, groups, place in zip(shared.names, shared.groups, key, strict=True)]
        if all(one.covers(*cell) for one in chosen for cell in cells):
            most = whole.get(key, 0)
            counts = [most - part.get(key, 0) if are_left_out else part.get(key, 0) for part in parts]
            if sum(counts) > most:
                return False
    return True
