"""The flow map as rows: every delivery the register speaks of, with both ends named as a person would.

The rows are the one reading of the register's flows: the table, the picture,
the workbook and the check against the audit trail all start here, so that they
cannot tell of different flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Flow, ProcessingActivity, Register
    from caldicott.vocabulary.formats import DataFormat


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One flow of one activity. An empty text or None means: the register does not state it."""

    id: str
    """The flow's id, which is its own only within its activity; `key` is its own in the register."""
    activity: str
    activity_title: str
    source: str
    recipient: str
    from_zone: str
    to_zone: str
    datasets: tuple[str, ...]
    """Ids; `words.dataset` gives their titles."""
    format: DataFormat
    purpose: str
    transport: str
    frequency: str
    instrument: str
    """The reference of the document it stands on."""
    instrument_until: date | None
    review_due: date | None
    source_id: str
    recipient_id: str
    instrument_id: str
    status: str
    """Of the activity: a flow of an activity that is not active is described but must not be seen."""

    @property
    def key(self) -> str:
        return f"{self.activity}/{self.id}"


def flow_rows(register: Register) -> tuple[FlowRow, ...]:
    """Every flow of every activity, in the order of the register."""
    return tuple(_rows(register))


def purpose_title(purpose: str | None) -> str:
    """A purpose of the closed tree as a person would say it; empty if none is given."""
    titles = {row["code"]: row["title"] for row in governance.table("purposes")}
    return titles.get(purpose or "", purpose or "")


def _rows(register: Register) -> Iterator[FlowRow]:
    for activity in register.activities:
        for flow in activity.flows or ():
            yield _row(activity, flow, register)


def _row(activity: ProcessingActivity, flow: Flow, register: Register) -> FlowRow:
    instrument = register.instrument(flow.instrument or "")
    return FlowRow(
        id=flow.id,
        activity=activity.id,
        activity_title=activity.title,
        source=words.organisation(flow.from_organisation, register),
        recipient=words.organisation(flow.to_organisation, register),
        from_zone=flow.from_zone,
        to_zone=flow.to_zone,
        datasets=flow.datasets,
        format=flow.format,
        purpose=purpose_title(activity.purpose),
        transport=flow.transport,
        frequency=flow.frequency,
        instrument=words.instrument(flow.instrument or "", register),
        instrument_until=instrument.valid_until if instrument else None,
        review_due=flow.review_due,
        source_id=flow.from_organisation,
        recipient_id=flow.to_organisation,
        instrument_id=flow.instrument or "",
        status=str(activity.status),
    )
