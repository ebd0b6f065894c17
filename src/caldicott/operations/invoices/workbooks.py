"""Workbooks in: a published workbook into the board's own tables, and a workbook of bills into rows to land."""

from __future__ import annotations

import csv
import datetime as dt
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.facts import invoices as facts
from caldicott.invoices import reference as references
from caldicott.invoices.workbooks import SHAPES, Cells, Read, read_table, sheet_for, sheets_like
from caldicott.stores.ceff_workbook import Sheet, column_name, read_sheet, sheets
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.facts.layout import Layout

ENDING: Final = ".xlsx"
FORMULA, MERGED, NO_VALUE = "formula-cell", "merged-cell", "error-cell"


def tables_from(
    workbook: Path, *, valid_from: date, valid_to: date, to: Path, only: Sequence[str] = (), layout: Path | None = None
) -> list[Read]:
    """What the workbook has for the reference tables, added to those in the folder: all of it, or nothing.

    Without `only` every table is read of which the workbook has a sheet.

    Raises:
        DoesNotHold: it does not open, has no such sheet or other headings, or its rows overlap with what a table has.
        WrongUsage: the last day is before the first, or no such table is known.
    """
    _require_days(valid_from, valid_to)
    known = _layout(layout)
    _require_known(only, known)
    names = sheets(workbook)
    wanted = [one for one in known["tables"] if one["table"] in only or (not only and sheets_like(names, one))]
    if not wanted:
        sheet_for(names, known["tables"][0])  # says what was looked for
    found = []
    for table in wanted:
        sheet = read_sheet(workbook, sheet_for(names, table))
        cells = Cells(
            sheet.name, sheet.rows, sheet.formulas, sheet.merged, sheet.hidden_columns, sheet.hidden_rows
        )  # fmt: skip
        found.append(_with_rows(read_table(cells, known, table, valid_from=valid_from, valid_to=valid_to), sheet.name))
    _add(found, to)
    return found


def _with_rows(read: Read, sheet: str) -> Read:
    if read.rows:
        return read
    raise DoesNotHold(
        f"the sheet '{sheet}' has nothing that can be read for {read.table}",
        code="prices-missing",
        next_step="; ".join(read.faults[:5]) or "compare it with the layout",
    )


def _add(found: Sequence[Read], to: Path) -> None:
    texts = {}
    for read in found:
        path = to / f"{read.table}.csv"
        earlier = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        fresh = read.text.partition("\n")[2] if earlier.strip() else read.text
        texts[read.table] = (earlier if not earlier or earlier.endswith("\n") else earlier + "\n") + fresh
    references.read(texts)
    to.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (to / f"{name}.csv").write_text(text, encoding="utf-8")


def _require_days(valid_from: date, valid_to: date) -> None:
    if valid_to < valid_from:
        raise WrongUsage(
            "the last day is before the first", code="days-wrong", where="--valid-to",
            next_step="give the first and the last day on which the prices are in force",
        )  # fmt: skip


def _require_known(only: Sequence[str], layout: dict[str, Any]) -> None:
    tables = [one["table"] for one in layout["tables"]]
    unknown = [name for name in only if name not in tables]
    if unknown:
        raise WrongUsage(
            "the layout has no such table", code="table-unknown", where="--table",
            next_step=f"use one of: {', '.join(tables)}",
        )  # fmt: skip


def _layout(path: Path | None) -> dict[str, Any]:
    """The layout that ships, or one of the board's own; a fault of it is named, never half read."""
    if path is None:
        return facts.workbook("nhs-payment-scheme")
    try:
        layout = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _broken(path, "it is no TOML that can be read") from None
    tables = layout.get("tables")
    if not isinstance(layout.get("no_price"), list) or not isinstance(tables, list) or not tables:
        raise _broken(path, "it needs `no_price` and at least one of `tables`")
    for table in tables:
        _require_table(path, table)
    return layout


def _require_table(path: Path, table: dict[str, Any]) -> None:
    name = table.get("table")
    if name not in SHAPES:
        raise _broken(path, f"a table is one of: {', '.join(SHAPES)}")
    missing = [key for key in ("sheet", "key", "key_pattern", "units") if not table.get(key)]
    if missing:
        raise _broken(path, f"{name} has no `{missing[0]}`")
    shape = SHAPES[name]
    for unit in table["units"]:
        absent = [one for one in (*shape.texts, shape.main) if not unit.get(one)]
        beyond = [one for one in unit if one not in {*shape.fields, "when_yes"}]
        if absent or beyond:
            raise _broken(
                path, f"a unit of {name} has no `{absent[0]}`" if absent else f"{name} knows no `{beyond[0]}`"
            )
    try:
        re.compile(table["key_pattern"])
    except re.error:
        raise _broken(path, f"the key_pattern of {name} is no pattern") from None


def _broken(path: Path, why: str) -> DoesNotHold:
    return DoesNotHold(
        f"the layout does not hold: {why}", code="layout-broken", where=path.name,
        next_step="start from a copy of nhs-payment-scheme.toml; docs/how-to/validate-invoices.md says where it is",
    )  # fmt: skip


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
