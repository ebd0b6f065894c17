"""What two tables say of each other: do they count the same people, or the one a part of whom the other counts?

Read off the counts themselves. Assuming a relation that the numbers bear out
only helps the attacker we prove against; missing one would help a real one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from caldicott.disclosure.placed import Placed

Key = tuple[int, ...]


class Relation(Enum):
    """How two tables stand to each other."""

    SAME = "the same people, wherever both count"
    PART = "the first counts at most whom the second counts"
    NEITHER = "neither"
    UNKNOWN = "of other things, so that the counts do not say"


class _Compared(NamedTuple):
    """What one table is to another."""

    relation: Relation
    is_evident: bool
    """Whether both count all of somebody; where not, nothing speaks against their being the same."""


class Pairs:
    """How every two of these tables stand to each other; each pair is compared once."""

    def __init__(self, tables: Sequence[Placed]) -> None:
        self.tables = tables
        self._known: dict[tuple[int, int], _Compared] = {}

    def of(self, left: int, right: int) -> Relation:
        """Of the left to the right one."""
        return self._compared(left, right).relation

    def are_same(self, left: int, right: int) -> bool:
        return self.of(left, right) is Relation.SAME

    def speak_of_each_other(self, left: int, right: int) -> bool:
        """Whether both count all of somebody, so that where they are the same the counts are evidence of it."""
        return self._compared(left, right).is_evident

    def may_be_same(self, left: int, right: int, among: Iterable[int], *, is_evident: bool = False) -> bool:
        """Whether they are, or only seem not to be, as the one leaves out values that others among these have.

        With `is_evident` it counts only of which others these counts tell that they are of the same people.
        """
        return self.are_same(left, right) or any(
            self.are_same(few, third) and (not is_evident or self.speak_of_each_other(few, third))
            for few, many in ((left, right), (right, left))
            for third in self._telling_that_it_lists_fewer(few, many, among)
        )

    def _telling_that_it_lists_fewer(self, few: int, many: int, among: Iterable[int]) -> Iterator[int]:
        """Those that have people whom the first does not list, if it is nowhere more than the second."""
        left, right = self.tables[few], self.tables[many]
        names = [name for name in left.table.dimensions if name not in right.table.dimensions]
        if names and self.of(few, many) is Relation.PART:
            yield from (third for third in among if _lists_fewer(left, self.tables[third], names))

    def _compared(self, left: int, right: int) -> _Compared:
        if (left, right) not in self._known:
            both = _compared(self.tables[left], self.tables[right])
            self._known[left, right], self._known[right, left] = both
        return self._known[left, right]

    def of_changed(self, tables: Sequence[Placed]) -> Pairs:
        """Of these instead, some of them changed: the others need not be compared again."""
        pairs = Pairs(tables)
        is_as_before = [one is other for one, other in zip(self.tables, tables, strict=True)]
        pairs._known = {
            (left, right): compared
            for (left, right), compared in self._known.items()
            if is_as_before[left] and is_as_before[right]
        }
        return pairs


def is_same(one: Placed, other: Placed) -> bool:
    """Whether the counts allow the two to be of the same people."""
    part, whole, _is_evident = _counted(one, other)
    return part and whole


def _compared(left: Placed, right: Placed) -> tuple[_Compared, _Compared]:
    """What the first is to the second, and the other way round."""
    is_part, is_whole, is_evident = _counted(left, right)
    is_same = is_part and is_whole
    if (is_same and not is_evident and _are_of_other_records(left, right)) or (
        not is_same and _count_other_things(left, right)
    ):
        both = Relation.UNKNOWN, Relation.UNKNOWN
    elif is_same:
        both = Relation.SAME, Relation.SAME
    else:
        both = Relation.PART if is_part else Relation.NEITHER, Relation.PART if is_whole else Relation.NEITHER
    return _Compared(both[0], is_evident), _Compared(both[1], is_evident)


def _are_of_other_records(one: Placed, other: Placed) -> bool:
    """Whether they are known to count other datasets."""
    left, right = one.table.dataset, other.table.dataset
    return bool(left and right) and left != right


def _count_other_things(one: Placed, other: Placed) -> bool:
    """Whether the one counts people once a month and the other once a provider, say: neither is a part of the other."""
    left, right = one.table.several, other.table.several
    return not (left <= right or right <= left)


def listing_some(one: Placed, others: Sequence[Placed]) -> Placed:
    """The table with those dimensions of which it lists only some of the values at which the others have people."""
    names = [name for name in one.table.dimensions if any(_lists_fewer(one, other, (name,)) for other in others)]
    partial = frozenset(names) - one.selected
    return one if partial == one.partial else replace(one, partial=partial)


def _lists_fewer(few: Placed, third: Placed, names: Iterable[str]) -> bool:
    """Whether the third has people at values of these dimensions that the first does not list."""
    return any(
        name in third.table.dimensions and not third.peopled(name) <= few.covered[few.position(name)] for name in names
    )


def _counted(left: Placed, right: Placed) -> tuple[bool, bool, bool]:
    """Whether the first can be a part of the second, the second of the first, and whether both count all of somebody.

    Who counts only some of the people in a way the other does not tell says nothing of the other's totals, and
    a table that covers only some of a cell may have fewer there and still count the same people.
    """
    shared = shared_of((left, right))
    one, other = shared.counts
    some_left, some_right = (bool(found.some - set(shared.names)) for found in (left, right))
    is_part = is_whole = True
    is_evident = False
    for key in shared.cells():
        if not all(found.touches(*cell) for found in (left, right) for cell in shared.named(key)):
            continue
        covers_left = not some_left and shared.is_covered(left, key)
        covers_right = not some_right and shared.is_covered(right, key)
        count_left, count_right = one.get(key, 0), other.get(key, 0)
        is_part = is_part and not (covers_right and count_left > count_right)
        is_whole = is_whole and not (covers_left and count_right > count_left)
        is_evident = is_evident or (covers_left and covers_right)
    return is_part, is_whole, is_evident


@dataclass(frozen=True, slots=True)
class Shared:
    """Counts of several tables in the smallest cells that all of them can be summed to."""

    names: tuple[str, ...]
    groups: tuple[dict[int, frozenset[int]], ...]
    """For each dimension in common, the leaves of each shared group."""
    counts: tuple[dict[Key, int], ...]

    def cells(self) -> set[Key]:
        return set().union(*(found.keys() for found in self.counts))

    def named(self, key: Key) -> list[tuple[str, frozenset[int]]]:
        """Of a cell each dimension and the leaves it holds."""
        return [(name, groups[place]) for name, groups, place in zip(self.names, self.groups, key, strict=True)]

    def is_covered(self, table: Placed, key: Key) -> bool:
        """Whether the table tells of everybody there."""
        return all(table.covers(*cell) for cell in self.named(key))


def shared_of(tables: Sequence[Placed]) -> Shared:
    names = tuple(n for n in tables[0].table.dimensions if all(n in found.table.dimensions for found in tables))
    groups = tuple(_groups(tables, name) for name in names)
    owner = [{leaf: number for number, leaves in found.items() for leaf in leaves} for found in groups]
    return Shared(names, groups, tuple(_summed(found, names, owner) for found in tables))


def _groups(tables: Sequence[Placed], name: str) -> dict[int, frozenset[int]]:
    """Leaves that stand in one smallest value of any of the tables belong together."""
    above: dict[int, int] = {}

    def top(leaf: int) -> int:
        while above.setdefault(leaf, leaf) != leaf:
            leaf = above[leaf]
        return leaf

    for found in tables:
        place = found.position(name)
        for leaf in found.covered[place]:
            top(leaf)
        for value in found.smallest[place]:
            first, *others = sorted(found.leaves[place][value])
            for leaf in others:
                above[top(leaf)] = top(first)
    groups: dict[int, set[int]] = {}
    for leaf in sorted(above):
        groups.setdefault(top(leaf), set()).add(leaf)
    return {number: frozenset(leaves) for number, leaves in groups.items()}


def _summed(found: Placed, names: Sequence[str], owner: Sequence[dict[int, int]]) -> dict[Key, int]:
    places = [found.position(name) for name in names]
    sums: dict[Key, int] = {}
    for values, count in found.base.items():
        if count:
            key = tuple(own[min(found.leaves[place][values[place]])] for own, place in zip(owner, places, strict=True))
            sums[key] = sums.get(key, 0) + count
    return sums
