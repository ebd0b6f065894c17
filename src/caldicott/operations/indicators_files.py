"""The answer as files: CSV, JSON and XLSX of exactly what is shown, the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from caldicott.operations.protect_files import neutral
from caldicott.stores import key_files
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from caldicott.analytics.answer import Cell
    from caldicott.operations.indicators import Told

CSV, JSON, XLSX = "csv", "json", "xlsx"
FORMATS: Final = (CSV, XLSX, JSON)
_FORMATS: Final = {"pounds": "£#,##0", "count": "#,##0", "number": "#,##0", "decimal": "0.00"}
_BEGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A workbook says when it was made; the same answer must be the same bytes."""
_WIDE: Final = 60


def contents(found: Told, form: str) -> bytes:
    """The answer in that format."""
    made = {CSV: _csv, JSON: _json, XLSX: _xlsx}
    return made[form](found)


def write(found: Told, to: Path) -> tuple[Path, ...]:
    """All three in a folder, named after the indicator; nothing there is overwritten by something else.

    Raises:
        WrongUsage: the place is a file.
    """
    if to.exists() and not to.is_dir():
        raise WrongUsage("this is a file", code="usage", where="--to", next_step="name a folder")
    with key_files.disk_faults(to):
        to.mkdir(mode=key_files.PRIVATE_FOLDER, parents=True, exist_ok=True)
        for form in FORMATS:
            key_files.put(to / f"{found.asked.indicator.id}.{form}", contents(found, form))
    return tuple(to / f"{found.asked.indicator.id}.{form}" for form in FORMATS)


def document(found: Told) -> dict[str, Any]:
    """Everything that is told, as one document."""
    indicator, answer = found.asked.indicator, found.answer
    return {
        "indicator": indicator.id,
        "version": indicator.version,
        "title": indicator.title,
        "definition": indicator.definition,
        "citation": indicator.citation,
        "status": indicator.status,
        "by": list(found.asked.by),
        "filters": dict(found.asked.filters),
        "activity": found.activity,
        "snapshot": found.snapshot,
        "as_of": found.as_of,
        "rule": found.rule,
        "marker": found.marker,
        "rounded_to": found.rounded_to,
        "made_coarser": list(answer.made_coarser),
        "fewer_than_ten_people": found.answer.is_too_few,
        "rows_with_something_withheld": answer.withheld,
        "notes": [*indicator.notes],
        "certificates": list(found.certificates),
        "columns": [{"name": one.name, "title": one.title, "kind": one.kind} for one in answer.headings],
        "rows": answer.records(),
    }


def _csv(found: Told) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(one.name for one in found.answer.headings)
    writer.writerows([_plain(cell) for cell in row] for row in found.answer.rows)
    return text.getvalue().encode()


def _plain(cell: Cell) -> Cell:
    return neutral(cell) if isinstance(cell, str) else cell


def _json(found: Told) -> bytes:
    return (json.dumps(document(found), indent=2, ensure_ascii=False) + "\n").encode()


def _xlsx(found: Told) -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": found.asked.indicator.title, "created": _BEGIN.replace(tzinfo=None)})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("Table")
    sheet.freeze_panes(1, 0)
    for place, heading in enumerate(found.answer.headings):
        shown = book.add_format({"num_format": _FORMATS.get(heading.kind, "General")})
        sheet.set_column(place, place, 18, shown)
        sheet.write_string(0, place, heading.title, bold)
        for line, row in enumerate(found.answer.rows, 1):
            _put(sheet, line, place, row[place])
    about = book.add_worksheet("About")
    about.set_column(0, 0, 24)
    about.set_column(1, 1, _WIDE, book.add_format({"text_wrap": True}))
    for line, (name, said) in enumerate(about_of(found)):
        about.write_string(line, 0, name, bold)
        about.write_string(line, 1, said)
    book.close()
    return made.getvalue()


def _put(sheet: Any, line: int, place: int, cell: Cell) -> None:
    if isinstance(cell, int | float):
        sheet.write_number(line, place, cell)
    else:
        sheet.write_string(line, place, str(cell))


def about_of(found: Told) -> Iterable[tuple[str, str]]:
    """What must stand with the figures wherever they go."""
    indicator = found.asked.indicator
    yield "Title", indicator.title
    yield "What it is", indicator.definition
    yield "Source of the definition", f"{indicator.citation} ({indicator.status})"
    yield "Made from", f"the records of {found.activity}, as they were on {found.as_of}"
    filters = "; ".join(f"{name} is {value}" for name, value in found.asked.filters)
    yield "Limited to", filters or "nothing: everybody is counted"
    yield (
        "How it is protected",
        (
            f"Counts are rounded to {found.rounded_to}; {found.marker} stands for what is withheld so that nobody "
            f"can be found (rule {found.rule}). Rates are made from the rounded counts."
        ),
    )
    if found.answer.is_too_few:
        yield "Too few", "Fewer than ten people, or nobody, are behind this question, so nothing of it is told."
    for done in found.answer.made_coarser:
        yield "Made coarser", done
    for note in indicator.notes:
        yield "Note", note
