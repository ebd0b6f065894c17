"""When withholding is not enough: the same tables in larger groups, then with a dimension only in total.

The order is fixed and public (dimensions as the tables name them, then
totals from the last), so that what is finally released tells no more than
that everything before it could not be proved.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldicott.disclosure.nodes import is_total

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from caldicott.disclosure.hierarchy import Hierarchies
    from caldicott.disclosure.table import CountTable, Row


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tables as they could be released, and in words what was done to them."""

    tables: tuple[CountTable, ...]
    done: tuple[str, ...] = ()


def attempts(tables: Sequence[CountTable], hierarchies: Hierarchies) -> Iterator[Attempt]:
    """First as asked; then coarser, each step upon the last."""
    now = Attempt(tuple(tables))
    yield now
    if any(row.people is not None for table in tables for row in table.rows):
        # Distinct people of two groups are not the sum of both.
        return
    names = list(dict.fromkeys(name for table in tables for name in table.dimensions))
    for name in names:
        parents = hierarchies.parents.get(name, {})
        larger = tuple(_larger(table, name, parents) for table in now.tables)
        if larger != now.tables:
            now = Attempt(larger, (*now.done, f"{name} in larger groups"))
            yield now
    for name in reversed(names):
        fewer = tuple(_totals_only(table, name) for table in now.tables)
        if fewer != now.tables and all(table.rows for table in fewer):
            now = Attempt(fewer, (*now.done, f"{name} in total only"))
            yield now


def _larger(table: CountTable, name: str, parents: Mapping[str, str]) -> CountTable:
    if name not in table.dimensions or name in table.several or not parents:
        # Distinct people of two months are not the sum of both.
        return table
    place = table.dimensions.index(name)
    above = set(parents.values())
    used = {row.values[place] for row in table.rows}
    # A group may be named only where all that lies in it is there.
    if any(value not in used and parent not in used for value, parent in parents.items()):
        return table
    there = {row.values for row in table.rows if row.values[place] not in parents or row.values[place] in above}

    def lifted(row: Row) -> tuple[str, ...]:
        value = row.values[place]
        return row.values if row.values in there else (*row.values[:place], parents[value], *row.values[place + 1 :])

    kept = [row for row in table.rows if row.values in there]
    return _summed(table, kept, [(lifted(row), row) for row in table.rows if lifted(row) not in there])


def _totals_only(table: CountTable, name: str) -> CountTable:
    """The dimension's own totals, under their own name: a table of some groups must not pass for a table of all."""
    if name not in table.dimensions:
        return table
    place = table.dimensions.index(name)
    return replace(table, rows=tuple(row for row in table.rows if is_total(row.values[place], name)))


def _summed(table: CountTable, kept: Sequence[Row], parts: Sequence[tuple[tuple[str, ...], Row]]) -> CountTable:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for values, row in parts:
        groups[values].append(row)
    return replace(table, rows=(*kept, *(_sum(values, rows) for values, rows in groups.items())))


def _sum(values: tuple[str, ...], rows: Sequence[Row]) -> Row:
    first = rows[0]
    return replace(
        first,
        values=values,
        count=sum(row.count for row in rows),
        amount=None if first.amount is None else sum(row.amount or 0.0 for row in rows),
        # One person may be the largest in every part: the sum of these is the most they can have put in.
        largest=None if first.largest is None else sum(row.largest or 0.0 for row in rows),
        second=None if first.second is None else sum(row.second or 0.0 for row in rows),
    )
