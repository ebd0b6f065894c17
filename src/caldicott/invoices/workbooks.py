"""From a published prices workbook to rows of the price table: by a layout that is a fact, cell by cell.

A cell that cannot be a price is named by sheet, row and column, and its row is
left out; the rest goes on. A price that a formula computes is not taken: the
workbook that is published holds values, and whoever changed it should say so.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

_COLUMNS: Final = (
    "hrg", "point_of_delivery", "price", "trim_point_days", "per_day", "short_stay_percent", "valid_from", "valid_to",
)  # fmt: skip
_HEADER_WITHIN: Final = 30
_MONEY: Final = ("price", "per_day")


@dataclass(frozen=True)
class Cells:
    """A sheet as this room needs it."""

    name: str
    rows: Sequence[tuple[int, Sequence[Any]]]
    formulas: frozenset[tuple[int, int]] = frozenset()
    merged: frozenset[tuple[int, int]] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Prices:
    """What was read: rows of the table, and every cell that was not."""

    rows: tuple[dict[str, str], ...]
    faults: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rows as the CSV of the price table."""
        out = io.StringIO()
        writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()


def sheet_for(names: Sequence[str], table: Mapping[str, Any]) -> str:
    """The one sheet whose name has the table's words in it.

    Raises:
        DoesNotHold: none has, or several.
    """
    found = [name for name in names if table["sheet"] in _folded(name)]
    if len(found) != 1:
        raise DoesNotHold(
            f"{len(found)} sheets of the workbook have '{table['sheet']}' in their name, and one was looked for",
            code="sheet-missing",
            next_step="compare the workbook's sheets with the layout; a layout of your own may name another",
        )
    return found[0]


def read_prices(cells: Cells, layout: Mapping[str, Any], *, valid_from: date, valid_to: date) -> Prices:
    """The prices of a sheet, in force between these days.

    Raises:
        DoesNotHold: the sheet has no heading that the layout knows.
    """
    table = next(one for one in layout["tables"] if one["table"] == "prices")
    header_row, key, columns = _headings(cells, table)
    faults = [
        f"sheet '{cells.name}', column {_letters(column)}: the column is hidden; it was read all the same"
        for column in sorted(
            {key, *(number for unit in columns for places in unit.values() for number in places)} & cells.hidden_columns
        )
    ]
    rows: list[dict[str, str]] = []
    days = {"valid_from": valid_from.isoformat(), "valid_to": valid_to.isoformat()}
    seen: dict[tuple[str, str], int] = {}
    for number, values in cells.rows:
        code = str(_at(values, key)).strip()
        if number <= header_row or not re.fullmatch(table["key_pattern"], code):
            continue
        for unit, wanted in zip(table["units"], columns, strict=True):
            made = _one(cells, number, values, wanted, layout=layout, faults=faults)
            place = (code, unit["point_of_delivery"])
            if made is None:
                continue
            if place in seen:
                faults.append(f"{_place(cells, number, key)}: the same unit of care stands in row {seen[place]} too")
                continue
            seen[place] = number
            rows.append({"hrg": code, "point_of_delivery": place[1], **made, **days})
    return Prices(tuple(rows), tuple(faults))


def _headings(cells: Cells, table: Mapping[str, Any]) -> tuple[int, int, list[dict[str, tuple[int, ...]]]]:
    for index, (number, values) in enumerate(cells.rows[:_HEADER_WITHIN]):
        own = [_folded(value) for value in values]
        if table["key"] in own:
            names = _with_groups(cells.rows[max(0, index - 2) : index], own)
            columns = [_columns_of(unit, names) for unit in table["units"]]
            if any("price" in unit for unit in columns):
                return number, own.index(table["key"]) + 1, columns
    raise DoesNotHold(
        f"no row at the top of the sheet '{cells.name}' has the heading '{table['key']}' and a price",
        code="headings-missing",
        next_step="compare the sheet's headings with the layout; a layout of your own may name others",
    )


def _with_groups(above: Sequence[tuple[int, Sequence[Any]]], own: Sequence[str]) -> list[tuple[str, str]]:
    """Each heading, alone and with the merged heading that stands over it."""
    groups = [""] * len(own)
    for _number, values in above:
        over = ""
        for place in range(len(own)):
            over = _folded(_at(values, place + 1)) or over
            groups[place] = over
    return [(name, f"{group} {name}".strip()) for name, group in zip(own, groups, strict=True)]


def _columns_of(unit: Mapping[str, Any], names: Sequence[tuple[str, str]]) -> dict[str, tuple[int, ...]]:
    """Of each field the columns that may have it, the first that is filled speaks."""
    found = {}
    for field in ("price", "trim_point_days", "per_day", "short_stay_percent"):
        places = [place for heading in unit.get(field, ()) for place in _places_of(heading, names)]
        if places:
            found[field] = tuple(dict.fromkeys(places))
    return found


def _places_of(heading: str, names: Sequence[tuple[str, str]]) -> list[int]:
    own = [place for place, (name, _whole) in enumerate(names, start=1) if name.startswith(heading)]
    return own or [place for place, (name, whole) in enumerate(names, start=1) if name != whole and heading == whole]


def _one(
    cells: Cells, number: int, values: Sequence[Any], wanted: Mapping[str, tuple[int, ...]], *,
    layout: Mapping[str, Any], faults: list[str],
) -> dict[str, str] | None:  # fmt: skip
    made = {"short_stay_percent": "100"}
    for field, columns in wanted.items():
        column = next((one for one in columns if _folded(_at(values, one)) not in layout["no_price"]), None)
        if column is None:
            continue
        amount = _amount(_folded(_at(values, column)))
        if why := _unusable(cells, number, column, amount):
            faults.append(f"{_place(cells, number, column)}: {why}")
            return None
        made[field] = _written(field, amount or Decimal(0))
    return made if "price" in made else None


def _unusable(cells: Cells, number: int, column: int, amount: Decimal | None) -> str:
    if (number, column) in cells.formulas:
        return "a formula, not a value"
    if (number, column) in cells.merged:
        return "part of a merged cell, not a value"
    return "not a number that this column can have" if amount is None else ""


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.replace("£", "").replace(",", "").removesuffix("%").strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _written(field: str, amount: Decimal) -> str:
    if field in _MONEY:
        return str(amount.quantize(Decimal("0.01")))
    if field == "short_stay_percent":
        # A percentage cell holds its fraction.
        return str((amount * 100 if amount <= 1 else amount).normalize().quantize(Decimal("0.01")))
    return str(int(amount))


def _at(values: Sequence[Any], column: int) -> Any:
    return values[column - 1] if column <= len(values) else ""


def _place(cells: Cells, row: int, column: int) -> str:
    return f"sheet '{cells.name}', row {row}, column {_letters(column)}"


def _letters(number: int) -> str:
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _folded(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())
