"""Which tables count the same people, which a part of them, and which are the sum of others.

Read off the counts themselves. Assuming a relation that the numbers bear out
only helps the attacker we prove against; missing one would help a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.compared import Relation, is_same, listing_some, shared_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.disclosure.compared import Pairs
    from caldicott.disclosure.partings import Parting
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
    within: frozenset[tuple[int, int]] = frozenset()
    """Every two populations of which the first is a part of the second."""
    tables: tuple[Placed, ...] = ()
    """The tables, and in which dimensions each turned out to list only some of its people."""


def find(pairs: Pairs, *, apart: Parting) -> Populations:
    """Populations in the order in which tables bring them up; tables kept apart are of two, whatever they count."""
    members: list[list[int]] = []
    for number in range(len(pairs.tables)):
        for group in members:
            if all(pairs.are_same(other, number) and (other, number) not in apart for other in group):
                group.append(number)
                break
        else:
            members.append([number])
    members = _put_together(pairs, members)
    pairs = pairs.of_changed(_told_partial(_told_complete(pairs.tables, members), members))
    within = {
        (small, large)
        for small in range(len(members))
        for large in range(len(members))
        if small != large and _is_part(pairs, members[small], members[large])
    }
    relations = _sums(pairs.tables, members, within)
    explained = {(part, found.whole) for found in relations for part in found.parts}
    # Also where a third lies between: it may have been told in less detail than these two have in common.
    relations += [Part(large, (small,), is_all=False) for small, large in sorted(within - explained)]
    own = tuple(tuple(group) for group in members)
    return Populations(own, tuple(relations), frozenset(within), tuple(pairs.tables))


def _put_together(pairs: Pairs, members: Sequence[list[int]]) -> list[list[int]]:
    """Populations of which one only seems to be fewer people, as its tables leave out values that others have.

    By sex everybody, by sex and diagnosis those of two diagnoses, and by sex, diagnosis and ethnic group everybody:
    the second agrees with the third wherever both count, so it is the same people and lists some of them.
    """
    groups = list(members)
    while pair := next(((one, other) for one, other in combinations(groups, 2) if _are_same(pairs, one, other)), None):
        one, other = pair
        groups = [sorted((*one, *other)) if group is one else group for group in groups if group is not other]
    return sorted(groups)


def _are_same(pairs: Pairs, one: Sequence[int], other: Sequence[int]) -> bool:
    among = (*one, *other)
    return all(pairs.may_be_same(left, right, among) for left in one for right in other)


def _told_complete(tables: Sequence[Placed], members: Iterable[Sequence[int]]) -> list[Placed]:
    """Each table with the values that it does not list and at which, as others of its people show, there is nobody.

    By month up to March and by year, the same people in all: of this year's other months nobody.
    """
    found = list(tables)
    for group in members:
        every = [tables[number] for number in group]
        told: dict[str, frozenset[int]] = {}
        for one in every:
            for name, covered in zip(one.table.dimensions, one.covered, strict=True):
                told[name] = told.get(name, frozenset()) | covered
        for number in group:
            for name in tables[number].table.dimensions if not tables[number].some else ():
                wider = found[number].covering(name, told[name])
                if wider.covered != found[number].covered and all(is_same(wider, other) for other in every):
                    found[number] = wider
    return found


def _told_partial(tables: Sequence[Placed], members: Iterable[Sequence[int]]) -> list[Placed]:
    """Each table with the dimensions of which it lists only some of the values at which its population has people."""
    found = list(tables)
    for group in members:
        for number in group:
            found[number] = listing_some(tables[number], [tables[other] for other in group if other != number])
    return found


def _is_part(pairs: Pairs, small: Sequence[int], large: Sequence[int]) -> bool:
    """A part somewhere, and nowhere more: tables about different groups are no part of each other."""
    found = {pairs.of(one, other) for one in small for other in large}
    return Relation.PART in found and Relation.NEITHER not in found


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
        told = [key for key in shared.cells() if all(shared.is_covered(found, key) for found in chosen)]
        if any(times * first.get(key, 0) != sum(cells.get(key, 0) for cells in others) for key in told):
            return False
        everything = [
            (name, frozenset[int]().union(*own.values())) for name, own in zip(shared.names, shared.groups, strict=True)
        ]
        is_evident = is_evident or all(found.covers(*cell) for found in chosen for cell in everything)
    return is_evident


def _fullest(tables: Sequence[Placed], group: Sequence[int]) -> int:
    """The table of a population that counts most of it, the first of those that count all."""
    return max(group, key=lambda number: (sum(tables[number].base.values()), -number))
