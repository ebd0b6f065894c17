"""Workbooks in: a published prices workbook into the board's own table, and a workbook of bills into rows to land."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.facts import invoices as facts
from caldicott.invoices import reference as references
from caldicott.invoices.workbooks import Cells, Prices, read_prices, sheet_for
from caldicott.stores.ceff_workbook import Sheet, column_name, read_sheet, sheets
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.facts.layout import Layout

ENDING: Final = ".xlsx"
FORMULA, MERGED, NO_VALUE = "formula-cell", "merged-cell", "error-cell"


def prices_from(workbook: Path, *, valid_from: date, valid_to: date, to: Path, layout: str = "") -> Prices:
    """The workbook's prices, added to the table at `to`.

    Raises:
        DoesNotHold: it does not open, has other headings, or its rows overlap with what the table has.
    """
    known = facts.workbook(layout or "nhs-payment-scheme")
    table = next(one for one in known["tables"] if one["table"] == "prices")
    sheet = read_sheet(workbook, sheet_for(sheets(workbook), table))
    cells = Cells(sheet.name, sheet.rows, sheet.formulas, sheet.merged, sheet.hidden_columns)
    found = read_prices(cells, known, valid_from=valid_from, valid_to=valid_to)
    if not found.rows:
        raise DoesNotHold(
            f"the sheet '{sheet.name}' has no price that can be read",
            code="prices-missing",
            next_step="; ".join(found.faults[:5]) or "compare it with the layout",
        )
    earlier = to.read_text(encoding="utf-8") if to.exists() else ""
    text = earlier + (found.text.partition("\n")[2] if earlier else found.text)
    references.read({"prices": text})
    to.write_text(text, encoding="utf-8")
    return found


@dataclass
class Taken:
    """A workbook of bills as rows of its layout: where each row stood, and which cannot be used and why."""

    path: Path
    sheet_rows: list[int] = field(default_factory=list)
    faults: dict[int, tuple[str, str]] = field(default_factory=dict)
    """By row of the table, from 1: reason and column."""
    notes: list[str] = field(default_factory=list)


def as_table(workbook: Path, layout: Layout, to: Path) -> Taken:
    """The first sheet that is filled, written as the layout's own CSV into a folder of the zone.

    Raises:
        DoesNotHold: it does not open, has columns that nobody sees, headings that are merged, or several sheets.
    """
    sheet = _only_sheet(workbook)
    header_number, header = sheet.rows[0]
    _require_seen(sheet, header_number, header)
    taken = Taken(to)
    if sheet.blank_rows:
        taken.notes.append(f"{sheet.blank_rows:,} blank rows passed over")
    names = [str(cell).strip() for cell in header]
    with to.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=layout.table.delimiter)
        writer.writerow(names)
        for number, cells in sheet.rows[1:]:
            taken.sheet_rows.append(number)
            writer.writerow([_written(cell) for cell in cells[: len(names)]])
            if fault := _fault(sheet, number, names, cells):
                taken.faults[len(taken.sheet_rows)] = fault
    return taken


def _only_sheet(workbook: Path) -> Sheet:
    filled = [sheet for sheet in (read_sheet(workbook, name) for name in sheets(workbook)) if sheet.rows]
    if len(filled) != 1:
        raise DoesNotHold(
            f"the workbook has {len(filled)} sheets with something in them, and must have one",
            code="workbook-sheets",
            next_step="send one sheet a workbook: nobody sees what stands on another",
        )
    return filled[0]


def _require_seen(sheet: Sheet, header_number: int, header: Sequence[Any]) -> None:
    width = max(len(cells) for _number, cells in sheet.rows)
    filled = {place for _n, cells in sheet.rows for place, cell in enumerate(cells, start=1) if cell not in ("", None)}
    hidden = sorted(sheet.hidden_columns & filled)
    merged = sorted({column for row, column in sheet.merged if row <= header_number and column <= width})
    nameless = [place for place in sorted(filled) if place > len(header) or not str(header[place - 1]).strip()]
    for code, places, why in (
        ("workbook-hidden-column", hidden, "is hidden, so nobody who looked at the sheet saw it"),
        ("workbook-merged-header", merged, "has a merged heading"),
        ("workbook-nameless-column", nameless, "has no heading"),
    ):
        if places:
            named = ", ".join(column_name(place) for place in places[:10])
            raise DoesNotHold(
                f"sheet row {header_number}, column {named}: the column {why}",
                code=code,
                next_step="send a sheet with one row of headings and no hidden column; nothing was taken in",
            )


def _fault(sheet: Sheet, number: int, names: Sequence[str], cells: Sequence[Any]) -> tuple[str, str] | None:
    for place, name in enumerate(names, start=1):
        if (number, place) in sheet.formulas:
            return FORMULA, name
        if (number, place) in sheet.merged:
            return MERGED, name
        if place <= len(cells) and str(cells[place - 1]).startswith("#"):
            return NO_VALUE, name
    return None


def _written(cell: Any) -> str:
    """A cell as the layouts write it: days and numbers in the one way they are read."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, float):
        # 5704.75 is a binary fraction in the file; what the sender sees has two decimals or none.
        return str(int(cell)) if cell.is_integer() else repr(round(cell, 6))
    return str(cell)
