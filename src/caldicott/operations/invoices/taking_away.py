"""The decisions of a month as a file: the five columns that may leave, as CSV or as a workbook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pa_csv

from caldicott.operations.flows import export_references
from caldicott.operations.invoices.checks import OUTSIDE, only_the_decision_leaves
from caldicott.operations.invoices.shelf import shelf_of
from caldicott.operations.invoices.zone import Zone, look_in
from caldicott.operations.perform import Act, perform
from caldicott.stores.ceff import ACTIVITY
from caldicott.vocabulary.errors import WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from caldicott.operations.perform import House

ROWS_OF_A_SHEET = 100_000
"""A workbook of more rows opens slowly or not at all; the CSV has no such limit."""


def decisions_file(house: House, *, month: str, kind: str) -> bytes:
    """The month's decisions, recorded as an export.

    Raises:
        Refused: policy says no, or the person is no member. WrongUsage: an unknown month, or too many rows for a sheet.
    """
    zone = look_in(house, ["invoices"])
    return perform(zone.house, event="export", activity=ACTIVITY, compute=lambda: _compute(zone, month, kind))


def _compute(zone: Zone, month: str, kind: str) -> Act[bytes]:
    rows = shelf_of(zone.ceff).books.outside_of(month)
    only_the_decision_leaves(rows.column_names)
    if not rows.num_rows or kind not in {"csv", "xlsx"}:
        raise WrongUsage(
            "there are no decisions of that month, or not in that kind of file",
            code="month-unknown",
            next_step="choose a month from the list, and CSV or XLSX",
        )
    made = _csv(rows) if kind == "csv" else _workbook(rows, month)
    formats = {"invoices": DataFormat.AGGREGATED.value}
    references = export_references(zone.house.register, activity=ACTIVITY, role=zone.house.role, formats=formats)
    return Act(
        made, lambda: None, counts={"rows invoices": rows.num_rows}, references=references, format="aggregated",
        touches_files=False,
    )  # fmt: skip


def _csv(rows: pa.Table) -> bytes:
    out = io.BytesIO()
    pa_csv.write_csv(rows, out)
    return out.getvalue()


def _workbook(rows: pa.Table, month: str) -> bytes:
    import xlsxwriter

    if rows.num_rows > ROWS_OF_A_SHEET:
        raise WrongUsage(
            f"the month has more than {ROWS_OF_A_SHEET:,} rows, too many for a workbook",
            code="too-many-for-a-sheet",
            next_step="take the CSV",
        )
    out = io.BytesIO()
    # A sender's text is never a formula or a link of ours.
    plain = {"in_memory": True, "constant_memory": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, plain) as book:
        sheet = book.add_worksheet(f"Decisions {month}")
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, OUTSIDE, bold)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 4, 18)
        for number, row in enumerate(rows.to_pylist(), start=1):
            sheet.write_row(number, 0, [row["invoice"], row["line"]])
            amount = row["amount"]
            if amount.replace("-", "").replace(".", "").isdecimal():
                sheet.write_number(number, 2, float(amount), money)
            else:
                sheet.write_string(number, 2, amount)
            sheet.write_row(number, 3, [row["decision"], row["reason"]])
        sheet.autofilter(0, 0, rows.num_rows, len(OUTSIDE) - 1)
    return out.getvalue()
