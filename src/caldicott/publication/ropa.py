"""The record of processing activities: one row an activity, every field of Article 30 and what the NHS adds.

Columns follow Article 30(1) and 30(2) of the UK GDPR, schedule 1 part 4 of the
Data Protection Act 2018, the extras of the regulator's template, and the extras
that no template has but the four notices promise. What the register does not
say is `not stated`; nothing is filled in for it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from caldicott.publication import processors
from caldicott.publication.flows import flow_rows
from caldicott.publication.ropa_columns import COLUMNS
from caldicott.publication.spreadsheet import NOT_STATED, Cell, Sheet, as_workbook, shown
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.flows import FlowRow
    from caldicott.register.model import Register

UNDATED: Final = date(2000, 1, 1)
"""Stands in a workbook of a register that has no date at all, so that its bytes still repeat."""
FLOW_COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("source", "30(1)(d)", "Who sends"),
    ("recipient", "30(1)(d)", "Who receives"),
    ("dataset", "30(1)(c)", "What is sent; one row for each dataset"),
    ("dataset_id", "product", "Its id, the same in every register"),
    ("format", "product", "identifiable, pseudonymised, anonymised or aggregated"),
    ("purpose", "30(1)(b)", "For what"),
    ("instrument", "product", "The document it stands on"),
    ("instrument_until", "product", "Last day of that document; “no end” if it has none"),
    ("frequency", "product", "How often"),
    ("review_due", "product", "When the flow is looked at again"),
    ("transport", "30(1)(g)", "How it travels"),
    ("from_zone", "product", "Which part of the sender it leaves"),
    ("to_zone", "product", "Which part of the receiver it enters"),
    ("activity", "product", "Title of the activity"),
    ("activity_id", "product", "Its id in the register"),
    ("flow_id", "product", "The flow's id within the activity"),
    ("status", "product", "Of the activity: only a flow of an active one may be used"),
)


def sheet(register: Register) -> Sheet:
    """The record: one row an activity."""
    head = tuple(column.name for column in COLUMNS)
    rows = tuple(tuple(column.value(one, register) for column in COLUMNS) for one in register.activities)
    return Sheet("Record of processing", head, rows, (26, 30, 8, 10, 12, 12, 34))


def flow_sheet(register: Register) -> Sheet:
    """The flow map as a table: one row for each flow and dataset."""
    head = tuple(name for name, _, _ in FLOW_COLUMNS)
    return Sheet("Flows", head, tuple(row for flow in flow_rows(register) for row in _flow(flow)), (34, 34, 40))


def workbook(register: Register) -> bytes:
    """Record, processors, flows, and what each column means."""
    title = f"Record of processing activities of {register.controller.name}"
    sheets = (sheet(register), processors.sheet(register), flow_sheet(register), explanation(register))
    return as_workbook(sheets, title=title, author=register.controller.name, dated=dated(register))


def dated(register: Register) -> date:
    """The day of the newest published notice; else the day since which the controller exists."""
    published = max((notice.published for notice in register.controller.notices), default=None)
    return published or register.controller.valid_from or UNDATED


def explanation(register: Register) -> Sheet:
    """Each column of each sheet: what it holds and what asks for it."""
    explained = (
        ("Record of processing", tuple((one.name, one.article, one.meaning) for one in COLUMNS)),
        ("Processors", processors.COLUMNS),
        ("Flows", FLOW_COLUMNS),
    )
    columns = ((of, name, article, meaning) for of, rows in explained for name, article, meaning in rows)
    return Sheet(
        "What the columns mean", ("sheet", "column", "asked_for_by", "meaning"), (*_about(register), *columns), (26, 28)
    )


def _about(register: Register) -> Iterator[tuple[Cell, ...]]:
    yield ("All", "not stated", "product", "The register says nothing of it; nothing was filled in")
    yield ("All", "digest", "product", f"SHA-256 of the register this was made from: {register.digest or NOT_STATED}")
    for notice in register.controller.notices:
        yield ("All", "notice", "product", f"Notice {notice.version}, published {words.day(notice.published)}")


def _flow(flow: FlowRow) -> Iterator[tuple[Cell, ...]]:
    for dataset in flow.datasets or ("",):
        yield (
            flow.source,
            flow.recipient,
            words.dataset(dataset).strip("“”") if dataset else NOT_STATED,
            dataset,
            str(flow.format),
            flow.purpose,
            flow.instrument,
            "no end" if flow.instrument_id and flow.instrument_until is None else shown(flow.instrument_until),
            flow.frequency,
            shown(flow.review_due),
            flow.transport,
            flow.from_zone,
            flow.to_zone,
            flow.activity_title,
            flow.activity,
            flow.id,
            flow.status,
        )
