"""From a published workbook to rows of the reference tables: by a layout that is a fact, cell by cell.

A cell that cannot be what its column needs is named by sheet, row and column, and
its row is left out; the rest goes on. As many rows come out as went in, less
those that are named. What a formula computes is not taken: the workbook that is
published holds values, and whoever changed it should say so.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.invoices.workbook_cells import Percentages, is_filled, number_in, place_of, written
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

_HEADER_WITHIN: Final = 30
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_NO_WORD: Final = "not a name that the table can have: 40 letters, digits, dots and hyphens at most"


@dataclass(frozen=True)
class Shape:
    """What a reference table needs of a workbook: by which column a row is found, what it is about, what else."""

    key: str
    main: str
    """Without it there is no row."""
    numbers: Mapping[str, str]
    """Fields that are numbers, and of what kind."""
    texts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.texts, *self.numbers)


SHAPES: Final = {
    "prices": Shape("hrg", "price", {"price": "money", "trim_point_days": "whole", "per_day": "money",
                                     "short_stay_percent": "percent"}, ("point_of_delivery",)),
    "market_forces": Shape("provider", "factor", {"factor": "factor"}),
    "top_ups": Shape("provider", "percent", {"percent": "percent"}, ("top_up",)),
    "best_practice": Shape("hrg", "amount", {"amount": "money"}, ("best_practice", "point_of_delivery", "kind")),
}  # fmt: skip
_ORDER: Final = {
    "prices": ("hrg", "point_of_delivery", "price", "trim_point_days", "per_day", "short_stay_percent"),
    "market_forces": ("provider", "factor"),
    "top_ups": ("provider", "top_up", "percent"),
    "best_practice": ("best_practice", "hrg", "point_of_delivery", "kind", "amount"),
}
_DEFAULTS: Final = {"prices": {"short_stay_percent": "100"}}


@dataclass(frozen=True)
class Cells:
    """A sheet as this room needs it."""

    name: str
    rows: Sequence[tuple[int, Sequence[Any]]]
    formulas: frozenset[tuple[int, int]] = frozenset()
    merged: frozenset[tuple[int, int]] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    hidden_rows: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Read:
    """What was read of a sheet for one table: its rows, every row that was left out and why, and what else to know."""

    table: str
    rows: tuple[dict[str, str], ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_verified: bool = False
    """Whether the layout's headings were read in a published workbook, and not remembered."""

    @property
    def faults(self) -> tuple[str, ...]:
        return (*self.notes, *self.left_out)

    @property
    def text(self) -> str:
        """The rows as the CSV of the table."""
        out = io.StringIO()
        writer = csv.DictWriter(out, (*_ORDER[self.table], "valid_from", "valid_to"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()


Unit = dict[str, tuple[int, ...]]
"""Of each field the columns that may have it; the first that is filled speaks."""


@dataclass
class _Reading:
    """One sheet on its way to one table."""

    cells: Cells
    layout: Mapping[str, Any]
    table: Mapping[str, Any]
    key: int
    units: list[Unit]
    percentages: Percentages
    rows: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        return SHAPES[self.table["table"]]

    def place(self, row: int, column: int) -> str:
        return place_of(self.cells.name, row, column)


def sheet_for(names: Sequence[str], table: Mapping[str, Any]) -> str:
    """The one sheet whose name has the table's words in it.

    Raises:
        DoesNotHold: none has, or several.
    """
    found = sheets_like(names, table)
    if len(found) != 1:
        words = " or ".join(f"'{one}'" for one in _listed(table["sheet"]))
        raise DoesNotHold(
            f"{len(found)} sheets of the workbook have {words} in their name, and one was looked for",
            code="sheet-missing",
            next_step="compare the workbook's sheets with the layout; a layout of your own may name another",
        )
    return found[0]


def sheets_like(names: Sequence[str], table: Mapping[str, Any]) -> list[str]:
    """The sheets whose name has the table's words in it."""
    return [name for name in names if any(words in _folded(name) for words in _listed(table["sheet"]))]


def read_table(
    cells: Cells, layout: Mapping[str, Any], table: Mapping[str, Any], *, valid_from: date, valid_to: date
) -> Read:
    """The rows of a sheet for one table, in force between these days.

    Raises:
        DoesNotHold: the sheet has no heading that the layout knows.
    """
    header_row, reading = _begun(cells, layout, table)
    days = {"valid_from": valid_from.isoformat(), "valid_to": valid_to.isoformat()}
    for number, values in cells.rows:
        if number <= header_row:
            continue
        for unit, wanted in zip(table["units"], reading.units, strict=True):
            if _first_filled(reading, values, wanted.get(reading.shape.main, ())):
                _take(reading, number, values, unit=unit, wanted=wanted, days=days)
    verified = bool(table.get("verified", layout.get("verified", False)))
    return Read(
        table["table"], tuple(reading.rows), tuple(reading.left_out), tuple(_unseen(reading, header_row)), verified
    )


def _begun(cells: Cells, layout: Mapping[str, Any], table: Mapping[str, Any]) -> tuple[int, _Reading]:
    main = SHAPES[table["table"]].main
    for index, (number, values) in enumerate(cells.rows[:_HEADER_WITHIN]):
        own = [_folded(value) for value in values]
        key = next((own.index(name) + 1 for name in _listed(table["key"]) if name in own), 0)
        if key:
            names = _with_groups(cells.rows[max(0, index - 2) : index], own)
            units = [_columns_of(unit, names, SHAPES[table["table"]]) for unit in table["units"]]
            if any(main in unit for unit in units):
                percents = {place for unit in units for place in _percents(unit, SHAPES[table["table"]])}
                below = [values for later, values in cells.rows if later > number]
                return number, _Reading(cells, layout, table, key, units, Percentages.of(below, percents))
    named = " or ".join(f"'{one}'" for one in _listed(table["key"]))
    raise DoesNotHold(
        f"no row at the top of the sheet '{cells.name}' has the heading {named} and {_A[main]}",
        code="headings-missing",
        next_step="compare the sheet's headings with the layout; a layout of your own may name others",
    )


_A: Final = {"price": "a price", "factor": "a factor", "percent": "a top-up", "amount": "an amount"}


def _percents(unit: Unit, shape: Shape) -> Iterator[int]:
    for name, kind in shape.numbers.items():
        if kind == "percent":
            yield from unit.get(name, ())


def _with_groups(above: Sequence[tuple[int, Sequence[Any]]], own: Sequence[str]) -> list[tuple[str, str]]:
    """Each heading, alone and with the merged heading that stands over it."""
    groups = [""] * len(own)
    for _number, values in above:
        over = ""
        for place in range(len(own)):
            over = _folded(_at(values, place + 1)) or over
            groups[place] = over
    return [(name, f"{group} {name}".strip()) for name, group in zip(own, groups, strict=True)]


def _columns_of(unit: Mapping[str, Any], names: Sequence[tuple[str, str]], shape: Shape) -> Unit:
    found = {}
    for name in shape.fields:
        headings = unit.get(name, ())
        places = (
            [place for one in headings for place in _places_of(one, names)] if not isinstance(headings, str) else []
        )
        if places:
            found[name] = tuple(dict.fromkeys(places))
    return found


def _places_of(heading: str, names: Sequence[tuple[str, str]]) -> list[int]:
    own = [place for place, (name, _whole) in enumerate(names, start=1) if name.startswith(heading)]
    return own or [place for place, (name, whole) in enumerate(names, start=1) if name != whole and heading == whole]


def _take(
    reading: _Reading, number: int, values: Sequence[Any], *, unit: Mapping[str, Any], wanted: Unit,
    days: Mapping[str, str],
) -> None:  # fmt: skip
    """One row of the table, or the one reason why it is left out."""
    made, fault = _one(reading, number, values, unit, wanted)
    if fault:
        reading.left_out.append(fault)
        return
    order = _ORDER[reading.table["table"]]
    name = tuple(made[one] for one in order if one in {reading.shape.key, *reading.shape.texts} - {"kind"})
    if name in reading.seen:
        fault = f"the same {'unit of care' if reading.shape.key == 'hrg' else 'provider'} stands in row"
        reading.left_out.append(f"{reading.place(number, reading.key)}: {fault} {reading.seen[name]} too")
        return
    reading.seen[name] = number
    reading.rows.append({**made, **days})


def _one(
    reading: _Reading, number: int, values: Sequence[Any], unit: Mapping[str, Any], wanted: Unit
) -> tuple[dict[str, str], str]:
    table, shape = reading.table, reading.shape
    made = {**_DEFAULTS.get(table["table"], {}), shape.key: str(_at(values, reading.key)).strip()}
    made.update({name: unit[name] for name in shape.texts if isinstance(unit.get(name), str)})
    if why := _unusable(
        reading, number, reading.key, is_known=bool(re.fullmatch(table["key_pattern"], made[shape.key]))
    ):
        return {}, why
    for name, columns in wanted.items():
        column = _first_filled(reading, values, columns)
        if not column:
            continue
        found = _cell(reading, _at(values, column), column, name, unit)
        if why := _unusable(reading, number, column, is_known=bool(found)):
            return {}, why
        made[name] = found
    missing = [name for name in shape.texts if name not in made]
    if missing:
        return {}, f"{reading.place(number, reading.key)}: the row has no {missing[0].replace('_', ' ')}"
    return made, ""


def _cell(reading: _Reading, value: Any, column: int, name: str, unit: Mapping[str, Any]) -> str:
    """The cell as the table writes it; nothing where it is not what the column needs."""
    folded = _folded(value)
    if name in reading.shape.texts:
        word = reading.table.get("names", {}).get(folded, " ".join(str(value).split()))
        return word if _WORD.fullmatch(word) else ""
    if folded in reading.layout.get("yes", ()):
        return str(unit.get("when_yes", ""))
    amount = number_in(folded, reading.shape.numbers[name])
    amount = reading.percentages.of_cell(column, folded, amount) if _is_percent(reading, name) else amount
    return "" if amount is None else written(amount, reading.shape.numbers[name])


def _is_percent(reading: _Reading, name: str) -> bool:
    return reading.shape.numbers[name] == "percent"


def _unusable(reading: _Reading, number: int, column: int, *, is_known: bool) -> str:
    if (number, column) in reading.cells.formulas:
        why = "a formula, not a value"
    elif (number, column) in reading.cells.merged:
        why = "part of a merged cell, not a value"
    elif not is_known and column == reading.key:
        why = "not a code that this column can have"
    elif not is_known:
        why = "not a number that this column can have" if _holds_numbers(reading, column) else _NO_WORD
    else:
        return ""
    return f"{reading.place(number, column)}: {why}"


def _holds_numbers(reading: _Reading, column: int) -> bool:
    return any(column in unit.get(name, ()) for unit in reading.units for name in reading.shape.numbers)


def _first_filled(reading: _Reading, values: Sequence[Any], columns: Sequence[int]) -> int:
    return next((one for one in columns if is_filled(_folded(_at(values, one)), reading.layout["no_price"])), 0)


def _unseen(reading: _Reading, header_row: int) -> Iterator[str]:
    """What a person who looks at the sheet does not see."""
    used = {reading.key, *(place for unit in reading.units for places in unit.values() for place in places)}
    for column in sorted(used & reading.cells.hidden_columns):
        yield f"{place_of(reading.cells.name, 0, column)}: the column is hidden; it was read all the same"
    for row in sorted(reading.cells.hidden_rows.intersection(reading.seen.values())):
        if row > header_row:
            yield f"{place_of(reading.cells.name, row, 0)}: the row is hidden; it was read all the same"


def _at(values: Sequence[Any], column: int) -> Any:
    return values[column - 1] if column <= len(values) else ""


def _listed(value: Any) -> Sequence[str]:
    return (value,) if isinstance(value, str) else tuple(value)


def _folded(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())
