"""Tables about some of the people that do not say which: are they a row of another table, or everybody but a row?

A table of everybody but one practice has no column that says so. Whoever asked
for it knows. So where the counts bear out that a table's people are a row of
another table, or all but such a row, the table is read as if it had the column.
Where they bear out more than one row, each is a reading of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from caldicott.disclosure import partings, populations, put_together
from caldicott.disclosure.compared import Pairs, listing_some, shared_of
from caldicott.disclosure.partings import Parting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.disclosure.nodes import Leaves
    from caldicott.disclosure.placed import Placed
    from caldicott.disclosure.populations import Populations

_READINGS_AT_MOST: Final = 16
Selection = tuple[str, str, "Leaves"]
"""A dimension, a name for the selection, and the leaves it counts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The tables with the columns they are taken to have, and which of them then count the same people."""

    tables: Sequence[Placed]
    populations: Populations
    apart: Parting = frozenset()
    plain: Reading | None = None
    """The tables as they are, where the columns are too many to be laid out."""


@dataclass(frozen=True, slots=True)
class Readings:
    """In how many ways the tables may be meant."""

    found: Sequence[Reading]
    are_all: bool
    """Whether there are no more than can be looked at."""


def readings(tables: Sequence[Placed]) -> Readings:
    """Every way in which the tables may be of these or of those people, each with the columns they may have then."""
    pairs = Pairs(tables)
    ways = partings.partings(pairs)
    found = list[Reading]()
    for apart in ways or [Parting()]:
        if len(found) <= _READINGS_AT_MOST:
            found += _with_doubts(_read(pairs, apart))
    return Readings(found[:_READINGS_AT_MOST], ways is not None and len(found) <= _READINGS_AT_MOST)


def _with_doubts(plain: Reading) -> list[Reading]:
    """The tables with the columns they may be taken to have; first the likeliest, then each doubt by itself."""
    line, doubts = plain, list[Reading]()
    # A column found may make another plain: who knows which month a table is about knows whom the next one leaves out.
    while steps := _steps(line):
        line = steps[0]
        doubts += steps[1:]
    return [plain] if line is plain else [replace(one, plain=plain) for one in (line, *map(_to_its_end, doubts))]


def _to_its_end(reading: Reading) -> Reading:
    while steps := _steps(reading):
        reading = steps[0]
    return reading


def _steps(reading: Reading) -> list[Reading]:
    """The reading with a column for every part that may have one; then with each other column by itself."""
    tables, found = reading.tables, reading.populations
    choices = {
        part: candidates
        for part in range(len(found.members))
        if (candidates := list(dict.fromkeys(_candidates(tables, found, part))))
    }
    if not choices:
        return []
    first = {part: candidates[0] for part, candidates in choices.items()}
    doubts = [{**first, part: other} for part, candidates in choices.items() for other in candidates[1:]]
    return [_chosen(reading, chosen) for chosen in (first, *doubts)]


def _chosen(reading: Reading, chosen: dict[int, Selection]) -> Reading:
    """With these columns; who has one is of the whole, and kept apart from nobody any more."""
    tables = _with_columns(reading.tables, reading.populations, chosen)
    apart = {pair for pair in reading.apart if not any(tables[number].selected for number in pair)}
    return _read(Pairs(tables), frozenset(apart))


def read(tables: Sequence[Placed]) -> Reading:
    """The tables as they are."""
    return _read(Pairs(tables), Parting())


def _read(pairs: Pairs, apart: Parting) -> Reading:
    found = populations.find(pairs, apart=apart)
    return Reading(found.tables, found, apart)


def _candidates(tables: Sequence[Placed], found: Populations, part: int) -> Iterator[Selection]:
    own = [tables[number] for number in found.members[part]]
    named = {name for one in own for name in one.table.dimensions}
    for whole in sorted(whole for small, whole in found.within if small == part):
        around = [tables[number] for number in found.members[whole]]
        around += put_together.of_whole(tables, found, whole)
        # Values it does not list have nobody, or it lists only some: either is evidence.
        listings = [own, [listing_some(one, around) for one in own]]
        for name in sorted({name for one in around for name in one.table.dimensions} - named):
            telling = [one for one in around if name in one.table.dimensions]
            told = [_Told(one, name) for one in telling]
            for label, leaves in _selections(name, telling):
                if any(_is_borne_out(listing, told, name, leaves) for listing in listings):
                    yield name, label, leaves


def _selections(name: str, telling: Sequence[Placed]) -> list[tuple[str, Leaves]]:
    """Each value of the dimension, and everybody but it."""
    everything = frozenset[int]().union(*(one.listed(one.position(name)) for one in telling))
    found: dict[Leaves, str] = {}
    for one in telling:
        for value, leaves in sorted(one.leaves[one.position(name)].items()):
            found.setdefault(leaves, value)
            found.setdefault(everything - leaves, f"all but {value}")
    return [(label, leaves) for leaves, label in found.items() if leaves and leaves != everything]


def _is_borne_out(own: Sequence[Placed], telling: Sequence[_Told], name: str, leaves: Leaves) -> bool:
    """Whether every own table agrees with every telling one restricted to these leaves, and some have anybody."""
    if any(told.is_other(one, leaves) for told in telling for one in own):
        return False
    is_evident = False
    for told in telling:
        some = _restricted(told.table, name, leaves)
        if not some:
            continue
        for one in own:
            agree = _agrees(one, some)
            if agree is False:
                return False
            is_evident = is_evident or bool(agree)
    return is_evident


class _Told:
    """A table that has the dimension, and how many it counts in all at each value of it."""

    def __init__(self, table: Placed, name: str) -> None:
        self.table, self._name = table, name
        place = table.position(name)
        self._counts: dict[Leaves, int] = {table.leaves[place][value]: 0 for value in table.smallest[place]}
        for values, count in table.base.items():
            self._counts[table.leaves[place][values[place]]] += count

    def is_other(self, one: Placed, leaves: Leaves) -> bool:
        """Whether the totals alone say no: a quick look before the comparison cell by cell."""
        inside = [found for found in self._counts if found <= leaves]
        if frozenset[int]().union(*inside) != leaves or one.some or self.table.some:
            return False
        shared = set(one.table.dimensions) & set(self.table.table.dimensions)
        if any(one.covered[one.position(n)] != self.table.covered[self.table.position(n)] for n in shared):
            return False
        return sum(self._counts[found] for found in inside) != sum(one.base.values())


def _restricted(table: Placed, name: str, leaves: Leaves) -> Placed | None:
    """The same table about these leaves alone, without the dimension; None where its values cut across them."""
    place = table.position(name)
    inside = {value for value in table.smallest[place] if table.leaves[place][value] <= leaves}
    if leaves - table.empty(place) != frozenset[int]().union(*(table.leaves[place][value] for value in inside)):
        return None
    base: dict[tuple[str, ...], int] = {}
    for values, count in table.base.items():
        if values[place] in inside:
            rest = values[:place] + values[place + 1 :]
            base[rest] = base.get(rest, 0) + count
    names = table.table.dimensions
    return replace(
        table, table=replace(table.table, dimensions=names[:place] + names[place + 1 :], rows=()),
        leaves=table.leaves[:place] + table.leaves[place + 1 :],
        smallest=table.smallest[:place] + table.smallest[place + 1 :], base=base,
        covered=table.covered[:place] + table.covered[place + 1 :],
    )  # fmt: skip


def _agrees(one: Placed, other: Placed) -> bool | None:
    """Whether they count the same wherever both count all; None where they say nothing of each other."""
    shared = shared_of((one, other))
    if any(table.some - set(shared.names) for table in (one, other)):
        return None
    left, right = shared.counts
    told = [key for key in shared.cells() if shared.is_covered(one, key) and shared.is_covered(other, key)]
    return all(left.get(key, 0) == right.get(key, 0) for key in told) if told else None


def _with_columns(tables: Sequence[Placed], found: Populations, chosen: dict[int, Selection]) -> list[Placed]:
    selection = {
        number: chosen[part] for part, members in enumerate(found.members) if part in chosen for number in members
    }
    return [
        _with_column(table, *selection[number]) if number in selection else table for number, table in enumerate(tables)
    ]


def _with_column(table: Placed, name: str, label: str, leaves: Leaves) -> Placed:
    own = table.table
    rows = tuple(replace(row, values=(*row.values, label)) for row in own.rows)
    return replace(
        table, table=replace(own, dimensions=(*own.dimensions, name), rows=rows),
        leaves=(*table.leaves, {label: leaves}), smallest=(*table.smallest, (label,)),
        base={(*values, label): count for values, count in table.base.items()}, covered=(*table.covered, leaves),
        selected=table.selected | {name},
    )  # fmt: skip
