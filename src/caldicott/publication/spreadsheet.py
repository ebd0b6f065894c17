"""Tables as files: CSV (RFC 4180) and a workbook, safe to open and the same bytes for the same register.

A register is written by people and opened by others in a spreadsheet program. A
cell that such a program would run as a formula is made text, in both files, so
that what is copied from one to the other stays text.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final, TypeAlias

from xlsxwriter import Workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

NOT_STATED: Final = "not stated"
CSV_TYPE: Final = "text/csv; charset=utf-8; header=present"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell: TypeAlias = "str | tuple[str, ...]"
"""A text, or several that belong in one cell: apart by `; ` in a CSV, one a line in a workbook."""

_STARTS_A_FORMULA: Final = tuple("=+-@\t\r\n")
_CELL_LIMIT: Final = 32_767
_CUT: Final = " … (cut here: a workbook cell ends; the CSV file has all of it)"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with a name. Every row has as many cells as the head."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...] = ()
    """In characters, for the first columns; the last one given holds for the rest."""


def neutral(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet program would take it for a formula.

    Looked at as such a program may look: full-width signs as plain ones, and behind spaces.
    """
    plain = unicodedata.normalize("NFKC", text[:64])
    starts = plain.startswith(_STARTS_A_FORMULA) or plain.lstrip().startswith(_STARTS_A_FORMULA)
    return f"'{text}" if starts else text


def shown(when: date | None) -> str:
    """A date as machines and people sort it; `not stated` for none."""
    return when.isoformat() if when else NOT_STATED


def cell_text(cell: Cell, between: str = "; ") -> str:
    """One text of a cell; `not stated` where there is nothing."""
    parts = (cell,) if isinstance(cell, str) else cell
    return neutral(between.join(part for part in parts if part) or NOT_STATED)


def as_csv(sheet: Sheet) -> bytes:
    """RFC 4180: a header line, CRLF, quotes doubled, UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.head)
    writer.writerows([cell_text(cell) for cell in row] for row in sheet.rows)
    return out.getvalue().encode("utf-8")


def as_workbook(sheets: Sequence[Sheet], *, title: str, author: str, dated: date) -> bytes:
    """The sheets as XLSX. `dated` stands in the file in place of the clock, so that the bytes repeat."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        created = datetime.combine(dated, time.min, tzinfo=UTC).replace(tzinfo=None)
        book.set_properties({"title": title, "author": author, "created": created})
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#D8DDE0", "border": 1})
        body = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "border_color": "#D8DDE0"})
        for sheet in sheets:
            _fill(book.add_worksheet(sheet.name), sheet, head, body)
    return out.getvalue()


def _fill(page: Worksheet, sheet: Sheet, head: Format, body: Format) -> None:
    for column, name in enumerate(sheet.head):
        page.write_string(0, column, name, head)
        page.set_column(column, column, (sheet.widths or (24,))[min(column, len(sheet.widths or (24,)) - 1)])
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            # Never `write`: it guesses what a text means. A string cell is never run.
            page.write_string(number, column, _fitting(cell_text(cell, "\n")), body)
    page.freeze_panes(1, 2 if len(sheet.head) > len("abcd") else 0)
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.head) - 1)
    page.set_landscape()
    page.repeat_rows(0)
    page.fit_to_pages(1, 0)


def _fitting(text: str) -> str:
    return text if len(text) <= _CELL_LIMIT else text[: _CELL_LIMIT - len(_CUT)] + _CUT
