"""Groups that no table prints and a subtraction of two printed cells does: what the one has beyond the other.

Forty under fifteen and 45 under twenty are five people of fifteen to nineteen,
whether or not the tables tell the boys of them from the girls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.disclosure.sited import atoms_of_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from caldicott.disclosure.placed import Placed
    from caldicott.disclosure.sited import Sited
    from caldicott.facts.disclosure import DisclosureRule

Group = tuple[int, ...]


def widest(rule: DisclosureRule) -> int:
    """A group of so many people is never narrowed to fewer values than must be left, some of them small."""
    return rule.suppress_to + rule.possible_values_of_small


def cells(own: Sequence[Sited], tables: Sequence[Placed]) -> dict[Group, int]:
    """Every row of these tables as atoms of each block that tells its people apart, and how many it counts."""
    found: dict[Group, int] = {}
    for table in tables:
        for sited in own:
            counts = _counts(sited, table)
            names = [name for name in table.table.dimensions if name in sited.block.dimensions]
            rows = atoms_of_rows(sited, table, names) if names else {(): [number for number, _leaf in sited.numbered()]}
            for values, atoms in rows.items() if counts else ():
                if values in counts:
                    found.setdefault(tuple(atoms), counts[values])
    return found


def _counts(sited: Sited, table: Placed) -> dict[tuple[str, ...], int]:
    """Rows that the block counts all of, and totals of every column which it lacks; by their other values."""
    kept = [number for number, name in enumerate(table.table.dimensions) if name in sited.block.dimensions]
    others = [number for number in range(len(table.table.dimensions)) if number not in kept]
    if any(table.table.dimensions[number] in table.some for number in others):
        return {}
    reach = {
        number: sited.block.leaf_class[sited.block.dimensions.index(table.table.dimensions[number])].keys()
        for number in kept
    }
    return {
        tuple(row.values[number] for number in kept): row.count
        for row in table.table.rows
        if all(table.leaves[number][row.values[number]] == table.listed(number) for number in others)
        and all(table.leaves[number][row.values[number]] <= every for number, every in reach.items())
    }


def beyond(around: Mapping[Group, int], inside: Iterable[tuple[Group, int, Group]], below: int) -> Iterator[Group]:
    """What a cell has beyond one inside it, where that is fewer than `below`.

    Of the one inside: its atoms, how many it counts, and the atoms of those who are there and whom it does not count.
    """
    holding: dict[int, list[Group]] = {}
    for group in around:
        for atom in group:
            holding.setdefault(atom, []).append(group)
    members: dict[Group, frozenset[int]] = {}
    for group, count, left_out in inside:
        for wide in holding.get(group[0], ()) if group else ():
            if len(wide) > len(group) and around[wide] - count < below:
                every = members.setdefault(wide, frozenset(wide))
                if every.issuperset(group):
                    yield tuple(sorted((*every.difference(group), *left_out)))


def left_out(own: Sequence[Sited], table: Placed) -> Iterator[Group]:
    """Those whom a table leaves out that is taken to count only some of the people, row by row."""
    names = [name for name in table.table.dimensions if name not in table.selected]
    place = [table.position(name) for name in names]
    for sited in own if table.selected and names else ():
        if set(table.table.dimensions) <= set(sited.block.dimensions):
            everybody = atoms_of_rows(sited, table, names)
            for values, atoms in atoms_of_rows(sited, table).items():
                around = everybody[tuple(values[number] for number in place)]
                yield tuple(sorted(set(around) - set(atoms)))
