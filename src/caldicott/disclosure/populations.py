"""Which tables count the same people, which a part of them, and which are the sum of others.

Read off the counts themselves. Assuming a relation that the numbers bear out
only helps the attacker we prove against; missing one would help a real one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.disclosure.placed import Placed

_CANDIDATES: Final = 12
"""More parts than this are not tried as a sum; each is then still tied to the whole as a part of it."""


Key = tuple[int, ...]


class Relation(Enum):
    """How two tables stand to each other."""

    SAME = "the same people, wherever both count"
    PART = "the first counts at most whom the second counts"
    NEITHER = "neither"


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
    within: frozenset[tuple[int, int]] = frozenset()
    """Every two populations of which the first is a part of the second."""
    tables: tuple[Placed, ...] = ()
    """The tables, and in which dimensions each turned out to list only some of its people."""


def find(tables: Sequence[Placed]) -> Populations:
    """Populations in the order in which tables bring them up."""
    members: list[list[int]] = []
    for number, table in enumerate(tables):
        for group in members:
            if all(_compare(table, tables[other]) is Relation.SAME for other in group):
                group.append(number)
                break
        else:
            members.append([number])
    members = _put_together(tables, members)
    tables = _told_partial(tables, members)
    within = {
        (small, large)
        for small in range(len(members))
        for large in range(len(members))
        if small != large and _is_part(tables, members[small], members[large])
    }
    relations = _sums(tables, members, within)
    explained = {(part, found.whole) for found in relations for part in found.parts}
    # Also where a third lies between: it may have been told in less detail than these two have in common.
    relations += [Part(large, (small,), is_all=False) for small, large in sorted(within - explained)]
    return Populations(tuple(tuple(group) for group in members), tuple(relations), frozenset(within), tuple(tables))


def _put_together(tables: Sequence[Placed], members: Sequence[list[int]]) -> list[list[int]]:
    """Populations of which one only seems to be fewer people, as its tables leave out values that others have.

    By sex everybody, by sex and diagnosis those of two diagnoses, and by sex, diagnosis and ethnic group everybody:
    the second agrees with the third wherever both count, so it is the same people and lists some of them.
    """
    groups = list(members)
    while pair := next(((one, other) for one, other in combinations(groups, 2) if _are_same(tables, one, other)), None):
        one, other = pair
        groups = [sorted((*one, *other)) if group is one else group for group in groups if group is not other]
    return sorted(groups)


def _are_same(tables: Sequence[Placed], one: Sequence[int], other: Sequence[int]) -> bool:
    among = [tables[number] for number in (*one, *other)]
    pairs = [(tables[left], tables[right]) for left in one for right in other]
    return all(
        _compare(left, right) is Relation.SAME
        or _only_lists_fewer(left, right, among)
        or _only_lists_fewer(right, left, among)
        for left, right in pairs
    )


def _only_lists_fewer(few: Placed, many: Placed, among: Sequence[Placed]) -> bool:
    """Whether the first is nowhere more, and a third that it agrees with has people whom it does not list."""
    names = [name for name in few.table.dimensions if name not in many.table.dimensions]
    return (
        bool(names)
        and _compare(few, many) is Relation.PART
        and any(_lists_fewer(few, third, names) and _compare(few, third) is Relation.SAME for third in among)
    )


def _lists_fewer(few: Placed, third: Placed, names: Iterable[str]) -> bool:
    return any(
        name in third.table.dimensions and not third.peopled(name) <= few.covered[few.position(name)] for name in names
    )


def _told_partial(tables: Sequence[Placed], members: Iterable[Sequence[int]]) -> list[Placed]:
    """Each table with the dimensions of which it lists only some of the values at which its population has people."""
    found = list(tables)
    for group in members:
        for number in group:
            one = tables[number]
            names = [
                name
                for name in one.table.dimensions
                if any(_lists_fewer(one, tables[other], (name,)) for other in group if other != number)
            ]
            found[number] = replace(one, partial=frozenset(names) - one.selected)
    return found


@dataclass(frozen=True, slots=True)
class Shared:
    """Counts of several tables in the smallest cells that all of them can be summed to."""

    names: tuple[str, ...]
    groups: tuple[dict[int, frozenset[int]], ...]
    """For each dimension in common, the leaves of each shared group."""
    counts: tuple[dict[Key, int], ...]

    def cells(self) -> set[Key]:
        return set().union(*(found.keys() for found in self.counts))


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


def _is_part(tables: Sequence[Placed], small: Sequence[int], large: Sequence[int]) -> bool:
    """A part somewhere, and nowhere more: tables about different groups are no part of each other."""
    found = {_compare(tables[one], tables[other]) for one in small for other in large}
    return Relation.PART in found and Relation.NEITHER not in found


def _compare(left: Placed, right: Placed) -> Relation:
    """What the counts allow the two tables to be, where they say anything of the same people."""
    shared = shared_of((left, right))
    one, other = shared.counts
    # Who counts only some of the people in a way the other does not tell says nothing of the other's totals.
    some_left, some_right = (bool(found.some - set(shared.names)) for found in (left, right))
    is_same = is_part = True
    for key in shared.cells():
        cells = [(name, groups[part]) for name, groups, part in zip(shared.names, shared.groups, key, strict=True)]
        if not all(found.touches(*cell) for found in (left, right) for cell in cells):
            continue
        whole_left = not some_left and all(left.covers(*cell) for cell in cells)
        whole_right = not some_right and all(right.covers(*cell) for cell in cells)
        least, most = one.get(key, 0), other.get(key, 0)
        # A table that covers only some of the cell may have fewer there and still count the same people.
        if whole_left:
            is_same = is_same and (least == most if whole_right else most <= least)
        if whole_right:
            is_same = is_same and least <= most
            is_part = is_part and least <= most
    return Relation.SAME if is_same else Relation.PART if is_part else Relation.NEITHER


def _sums(tables: Sequence[Placed], members: Sequence[Sequence[int]], within: Iterable[tuple[int, int]]) -> list[Part]:
    return [
        Part(whole, parts, is_all=True)
        for whole in range(len(members))
        for parts in making_up(tables, members, whole, sorted(small for small, large in within if large == whole))
    ]


def outside(wholes: Sequence[Placed], parts: Sequence[Placed]) -> dict[str, frozenset[int]]:
    """For each dimension the leaves of which the whole lists nobody and a part counts somebody.

    Patients of a practice elsewhere are in the hospital's counts and not in those of the registered. That the whole
    has nobody there is known where its other tables count no more than the values that it lists.
    """
    found: dict[str, set[int]] = {}
    for whole, name in ((one, name) for one in wholes for name in one.table.dimensions):
        others = [sum(one.base.values()) for one in wholes if name not in one.table.dimensions and not one.some]
        if not others or whole.some or sum(whole.base.values()) < max(others):
            continue
        listed = whole.covered[whole.position(name)]
        for part in (one for one in parts if name in one.table.dimensions):
            place = part.position(name)
            counted = {values[place] for values, count in part.base.items() if count}
            elsewhere = [part.leaves[place][value] for value in counted if part.leaves[place][value].isdisjoint(listed)]
            found.setdefault(name, set()).update(*elsewhere)
    return {name: frozenset(leaves) for name, leaves in found.items() if leaves}


def making_up(
    tables: Sequence[Placed], members: Sequence[Sequence[int]], whole: int, candidates: Sequence[int],
    *, are_left_out: bool = False,
) -> list[tuple[int, ...]]:  # fmt: skip
    """Parts that together are the whole; or parts such that those left out of each together are."""
    fullest = [tables[_fullest(tables, group)] for group in members]
    counted = [sum(table.base.values()) for table in fullest]
    found: list[tuple[int, ...]] = []
    for size in range(2, len(candidates[:_CANDIDATES]) + 1):
        times = size - 1 if are_left_out else 1
        found += [
            parts
            for parts in combinations(candidates[:_CANDIDATES], size)
            if sum(counted[part] for part in parts) == times * counted[whole]
            and _is_sum([tables[one] for one in members[whole]], [fullest[part] for part in parts], times)
        ]
    return found


def _is_sum(wholes: Sequence[Placed], fullest: Sequence[Placed], times: int) -> bool:
    """Whether the fullest tables of the parts add up to so many times every table of the whole, cell for cell.

    A table that counts only some says nothing of the rest, and one at least must have counted all.
    """
    is_evident = False
    for one in wholes:
        chosen = [one, *fullest]
        shared = shared_of(chosen)
        if any(found.some - set(shared.names) for found in chosen):
            continue
        first, *others = shared.counts
        told = [key for key in shared.cells() if all(_is_covered(found, shared, key) for found in chosen)]
        if any(times * first.get(key, 0) != sum(cells.get(key, 0) for cells in others) for key in told):
            return False
        everything = [
            (name, frozenset[int]().union(*own.values())) for name, own in zip(shared.names, shared.groups, strict=True)
        ]
        is_evident = is_evident or all(found.covers(*cell) for found in chosen for cell in everything)
    return is_evident


def _is_covered(found: Placed, shared: Shared, key: Key) -> bool:
    return all(
        found.covers(name, groups[place]) for name, groups, place in zip(shared.names, shared.groups, key, strict=True)
    )


def _fullest(tables: Sequence[Placed], group: Sequence[int]) -> int:
    """The table of a population that counts most of it, the first of those that count all."""
    return max(group, key=lambda number: (sum(tables[number].base.values()), -number))
