"""The registered hierarchies: which value lies in which, for each dimension."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.nodes import Dimension, is_total, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.disclosure.table import CountTable


_TWO_PARTS_AND_A_TOTAL: Final = 3


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """For each dimension, the parent of each value."""

    parents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """For each dimension, further groups that may cut across those: a place may hold half of a network's practices."""

    def children(self, dimension: str) -> dict[str, tuple[str, ...]]:
        """The other way round."""
        found: dict[str, list[str]] = {}
        for value, parent in self.parents.get(dimension, {}).items():
            found.setdefault(parent, []).append(value)
        for group, values in self.groups.get(dimension, {}).items():
            found.setdefault(group, []).extend(value for value in values if value not in found[group])
        return {parent: tuple(sorted(values)) for parent, values in found.items()}

    def dimensions(self, tables: Sequence[CountTable]) -> dict[str, Dimension]:
        """Every dimension of these tables, with the leaves of every value they use."""
        values: dict[str, set[str]] = {}
        totals: dict[str, set[str]] = {}
        for table in tables:
            for number, name in enumerate(table.dimensions):
                values.setdefault(name, set()).update(row.values[number] for row in table.rows)
                found = self._unsaid_totals(table, number)
                found = {value for value in found if not _is_less_than_a_part(name, value, tables)}
                totals.setdefault(name, set()).update(found)
        return {
            name: resolve(name, used, children=self.children(name), totals=totals[name])
            for name, used in sorted(values.items())
        }

    def _unsaid_totals(self, table: CountTable, place: int) -> set[str]:
        """A value that is the sum of all the others, cell for cell, is a total whatever it is called."""
        name = table.dimensions[place]
        known = self.children(name)
        lines = _lines(table, place)
        used = {value for line in lines for value in line if line[value]}
        if len(used) < _TWO_PARTS_AND_A_TOTAL or any(is_total(value, name) for value in used) or used & known.keys():
            return set()
        weight = Counter[str]()
        for line in lines:
            weight.update(line)
        largest = max(sorted(used), key=lambda value: weight[value])
        return {largest} if all(2 * line[largest] == line.total() for line in lines) else set()


def _lines(table: CountTable, place: int) -> list[Counter[str]]:
    """How many at each value of the dimension, for each combination of the other columns."""
    lines: dict[tuple[str, ...], Counter[str]] = {}
    for row in table.rows:
        line = lines.setdefault(row.values[:place] + row.values[place + 1 :], Counter())
        line[row.values[place]] = row.count
    return list(lines.values())


def _is_less_than_a_part(name: str, value: str, tables: Sequence[CountTable]) -> bool:
    """What is the sum of all others in one table is so by chance, if another table has more of one of these."""
    return any(
        0 < line[value] < max((count for other, count in line.items() if not is_total(other, name)), default=0)
        for table in tables if name in table.dimensions
        for line in _lines(table, table.dimensions.index(name))
    )  # fmt: skip
