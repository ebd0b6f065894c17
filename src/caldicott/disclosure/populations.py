"""Which tables count the same people, which a part of them, and which are the sum of others.

Read off the counts themselves. Assuming a relation that the numbers bear out
only helps the attacker we prove against; missing one would help a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.disclosure.placed import Placed

_CANDIDATES: Final = 12
"""More parts than this are not tried as a sum; each is then still tied to the whole as a part of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """The population `whole` is at least the sum of `parts`; exactly it, if `is_all`."""

    whole: int
    parts: tuple[int, ...]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Populations:
    """Tables by population, and how populations contain each other."""

    members: tuple[tuple[int, ...], ...]
    relations: tuple[Part, ...]


def find(tables: Sequence[Placed]) -> Populations:
    """Populations in the order in which tables bring them up."""
    members: list[list[int]] = []
    for number, table in enumerate(tables):
        for group in members:
            if all(_compare(table, tables[other]) == 0 for other in group):
                group.append(number)
                break
        else:
            members.append([number])
    within = {
        (small, large)
        for small in range(len(members))
        for large in range(len(members))
        if small != large and all(_compare(tables[a], tables[b]) == -1 for a in members[small] for b in members[large])
    }
    relations = _sums(tables, members, within)
    explained = {(part, found.whole) for found in relations for part in found.parts}
    between = {
        (small, large)
        for small, large in within
        if not any((small, middle) in within and (middle, large) in within for middle in range(len(members)))
    }
    relations += [Part(large, (small,), is_all=False) for small, large in sorted(between - explained)]
    return Populations(tuple(tuple(group) for group in members), tuple(relations))


def common_cells(tables: Sequence[Placed]) -> list[dict[tuple[int, ...], int]]:
    """Each table's counts in the smallest cells that all of them can be summed to."""
    names = [name for name in tables[0].table.dimensions if all(name in found.table.dimensions for found in tables)]
    cells = [_shared(tables, name) for name in names]
    return [_summed(found, names, [cell[number] for cell in cells]) for number, found in enumerate(tables)]


def _shared(tables: Sequence[Placed], name: str) -> list[dict[str, int]]:
    """For each table, the shared cell that each smallest value of the dimension falls in."""
    above: dict[int, int] = {}

    def top(leaf: int) -> int:
        while above.setdefault(leaf, leaf) != leaf:
            leaf = above[leaf]
        return leaf

    for found in tables:
        place = found.position(name)
        for value in found.smallest[place]:
            first, *others = sorted(found.leaves[place][value])
            for leaf in others:
                above[top(leaf)] = top(first)
    return [
        {value: top(min(found.leaves[found.position(name)][value])) for value in found.smallest[found.position(name)]}
        for found in tables
    ]


def _summed(found: Placed, names: Sequence[str], cells: Sequence[dict[str, int]]) -> dict[tuple[int, ...], int]:
    places = [found.position(name) for name in names]
    sums: dict[tuple[int, ...], int] = {}
    for values, count in found.base.items():
        key = tuple(cell[values[place]] for cell, place in zip(cells, places, strict=True))
        sums[key] = sums.get(key, 0) + count
    return sums


def _compare(left: Placed, right: Placed) -> int | None:
    """0 the same, -1 left is at most right everywhere, 1 the other way, None neither."""
    if left.total > right.total:
        return 1 if _compare(right, left) == -1 else None
    one, other = common_cells((left, right))
    if left.total == right.total:
        return 0 if {k: v for k, v in one.items() if v} == {k: v for k, v in other.items() if v} else None
    return -1 if all(count <= other.get(key, 0) for key, count in one.items()) else None


def _sums(tables: Sequence[Placed], members: Sequence[Sequence[int]], within: Iterable[tuple[int, int]]) -> list[Part]:
    found: list[Part] = []
    for whole in range(len(members)):
        candidates = sorted(small for small, large in within if large == whole)[:_CANDIDATES]
        for size in range(2, len(candidates) + 1):
            found += [
                Part(whole, parts, is_all=True)
                for parts in combinations(candidates, size)
                if _is_sum(tables, members, whole, parts)
            ]
    return found


def _is_sum(tables: Sequence[Placed], members: Sequence[Sequence[int]], whole: int, parts: Sequence[int]) -> bool:
    if tables[members[whole][0]].total != sum(tables[members[part][0]].total for part in parts):
        return False
    for one in members[whole]:
        first, *others = common_cells([tables[one], *(tables[members[part][0]] for part in parts)])
        added: dict[tuple[int, ...], int] = {}
        for cells in others:
            for key, count in cells.items():
                added[key] = added.get(key, 0) + count
        if {k: v for k, v in added.items() if v} != {k: v for k, v in first.items() if v}:
            return False
    return True
