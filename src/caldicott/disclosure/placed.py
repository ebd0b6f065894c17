"""A table on the lattice: which of its values are smallest, and whether its totals add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.disclosure.nodes import Dimension, Leaves
    from caldicott.disclosure.table import CountTable, Row

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A table with its dimensions resolved."""

    table: CountTable
    leaves: tuple[Mapping[str, Leaves], ...]
    """For each dimension of the table, the leaves of each value."""
    smallest: tuple[tuple[str, ...], ...]
    """For each dimension, the values that contain no other; they do not overlap."""
    base: Mapping[Values, int]
    """Counts of the cells smallest in every dimension; a cell that is not there is zero."""
    covered: tuple[Leaves, ...]
    """For each dimension, every leaf of which it tells: that some value holds, or where it is known to count nobody."""
    selected: frozenset[str] = frozenset()
    """Dimensions that the table itself does not name, in which it is taken to count only some of the people."""
    partial: frozenset[str] = frozenset()
    """Dimensions of which it lists only some values, while others of the same people count somebody elsewhere."""

    @property
    def some(self) -> frozenset[str]:
        """Dimensions in which it counts only some: without them its totals are nobody's totals."""
        return self.selected | self.partial

    def peopled(self, name: str) -> Leaves:
        """The leaves at which it counts anybody."""
        place = self.position(name)
        counted = {values[place] for values, count in self.base.items() if count}
        return frozenset[int]().union(*(self.leaves[place][value] for value in counted))

    def position(self, dimension: str) -> int:
        return self.table.dimensions.index(dimension)

    def covers(self, name: str, leaves: Leaves) -> bool:
        """A table without the dimension counts all of it."""
        return name not in self.table.dimensions or leaves <= self.covered[self.position(name)]

    def covering(self, name: str, leaves: Leaves) -> Placed:
        """The same, telling of these leaves as well that there is nobody."""
        place = self.position(name)
        return replace(self, covered=(*self.covered[:place], self.covered[place] | leaves, *self.covered[place + 1 :]))

    def listed(self, place: int) -> Leaves:
        """Every leaf of this dimension that some value holds."""
        return frozenset[int]().union(*self.leaves[place].values())

    def empty(self, place: int) -> Leaves:
        """The leaves of this dimension of which it tells, though no value holds them: there is nobody."""
        return self.covered[place] - self.listed(place)

    def touches(self, name: str, leaves: Leaves) -> bool:
        """Whether it counts any of these."""
        return name not in self.table.dimensions or not leaves.isdisjoint(self.covered[self.position(name)])


def place(table: CountTable, dimensions: Mapping[str, Dimension]) -> Placed:
    """Resolve the table's values.

    Raises:
        DoesNotHold: values overlap in part, or a total is not the sum of its parts.
    """
    leaves, smallest = [], []
    for number, name in enumerate(table.dimensions):
        used = {row.values[number]: dimensions[name].leaves_of[row.values[number]] for row in table.rows}
        used = _of_listed(used, dimensions[name].everything)
        leaves.append(used)
        smallest.append(_smallest(used, f"{table.name}, column {name}"))
    chosen = [set(values) for values in smallest]
    base = {
        row.values: row.count
        for row in table.rows
        if all(value in chosen[number] for number, value in enumerate(row.values))
    }
    covered = tuple(frozenset[int]().union(*used.values()) for used in leaves)
    placed = Placed(table, tuple(leaves), tuple(smallest), base, covered)
    _check_totals(placed)
    return placed


def _of_listed(used: Mapping[str, Leaves], everything: Leaves) -> dict[str, Leaves]:
    """A total is of the values listed beside it: of three wards if the table has three, whatever others have."""
    listed = frozenset[int]().union(*(group for group in used.values() if group != everything))
    return {value: listed if listed and group == everything else group for value, group in used.items()}


def _smallest(used: Mapping[str, Leaves], where: str) -> tuple[str, ...]:
    """One value for each group of leaves that contains no other group."""
    by_leaves: dict[Leaves, str] = {}
    for value in sorted(used, reverse=True):
        by_leaves[used[value]] = value
    owner: dict[int, Leaves] = {}
    # Small groups first: a leaf already owned makes a larger group a total, and an overlap in part a fault.
    found = []
    for group in sorted(by_leaves, key=lambda entry: (len(entry), sorted(entry))):
        inside = {owner[leaf] for leaf in group if leaf in owner}
        if not inside:
            owner.update(dict.fromkeys(group, group))
            found.append(by_leaves[group])
        elif not all(part <= group for part in inside):
            raise DoesNotHold(
                f"the values `{by_leaves[group]}` and `{by_leaves[min(inside, key=sorted)]}` overlap in part",
                code="values-overlap",
                where=where,
                next_step="put bands that cut across each other into two files; they are then judged together",
            )
    return tuple(sorted(found))


def _check_totals(placed: Placed) -> None:
    within = [_parts(leaves, smallest) for leaves, smallest in zip(placed.leaves, placed.smallest, strict=True)]
    for row in placed.table.rows:
        if row.values in placed.base:
            continue
        parts = [within[number][value] for number, value in enumerate(row.values)]
        if row.count != _sum(placed.base, parts):
            raise _does_not_add_up(placed.table, row)


def _parts(leaves: Mapping[str, Leaves], smallest: Sequence[str]) -> dict[str, tuple[str, ...]]:
    owner = {leaf: value for value in smallest for leaf in leaves[value]}
    return {value: tuple(sorted({owner[leaf] for leaf in group if leaf in owner})) for value, group in leaves.items()}


def _sum(base: Mapping[Values, int], parts: Sequence[tuple[str, ...]]) -> int:
    size = 1
    for found in parts:
        size *= len(found)
    if size <= len(base):
        return sum(base.get(values, 0) for values in product(*parts))
    inside = [set(found) for found in parts]
    return sum(
        count
        for values, count in base.items()
        if all(value in found for value, found in zip(values, inside, strict=True))
    )


def _does_not_add_up(table: CountTable, row: Row) -> DoesNotHold:
    return DoesNotHold(
        "this total is not the sum of its parts in the same table",
        code="totals-do-not-add-up",
        where=f"{table.name}:{row.line}:count",
        next_step="give every part (a part left out counts as zero), or leave the total out, or rename it if it is "
        "not a total of this column",
    )
