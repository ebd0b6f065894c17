"""Put every landed row in its place: admitted, by month, or held back with its reason.

The engine has said of each row what is wrong with it, if anything. Here rows
are only sorted and counted, whole batches at a time; no value is looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

UNDATED = "undated"
_MONTHS = 12


class Sink(Protocol):
    """Where rows go. Nothing is live before the caller says so."""

    def admit(self, parts: dict[str, pa.Table]) -> None: ...

    def hold(self, rows: pa.Table) -> None: ...


@dataclass
class Tally:
    """How many rows went where, and why."""

    rows: int = 0
    admitted: int = 0
    withdrawn: int = 0
    needs_trace: int = 0
    quarantined_by: Counter[str] = field(default_factory=Counter)
    link_quality: Counter[str] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        return sum(self.quarantined_by.values())


@dataclass(frozen=True)
class Period:
    """The submission's own period: rows inside it are kept by month, older ones by year."""

    first: date
    last: date


def place(batches: Iterable[pa.RecordBatch], *, period: Period, sink: Sink, tally: Tally) -> None:
    """Send each row of the engine's answer to its place and count it."""
    for batch in batches:
        table = _numbered(pa.Table.from_batches([batch]), first=tally.rows + 1)
        tally.rows += table.num_rows
        admitted = _hold_back(table, sink=sink, tally=tally)
        if admitted.num_rows:
            _count(admitted, tally)
            sink.admit(_by_part(admitted, period))


def _numbered(table: pa.Table, *, first: int) -> pa.Table:
    numbers = pa.array(np.arange(first, first + table.num_rows, dtype=np.int64))
    return table.append_column("file_row", numbers)


def _hold_back(table: pa.Table, *, sink: Sink, tally: Tally) -> pa.Table:
    faults = table.column("fault")
    if faults.null_count < table.num_rows:
        held = table.filter(pc.is_valid(faults)).select(["file_row", "fault", "raw"])
        sink.hold(held)
        reasons = pc.list_element(pc.split_pattern(held.column("fault"), "|"), 0)
        tally.quarantined_by.update(_counts(reasons))
        table = table.filter(pc.is_null(faults))
    return table.drop_columns(["fault", "raw"])


def _count(admitted: pa.Table, tally: Tally) -> None:
    tally.admitted += admitted.num_rows
    tally.link_quality.update(_counts(admitted.column("link_quality")))
    tally.needs_trace += pc.sum(admitted.column("needs_trace")).as_py() or 0
    tally.withdrawn += pc.sum(admitted.column("withdrawn")).as_py() or 0


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(values)}


def _by_part(rows: pa.Table, period: Period) -> dict[str, pa.Table]:
    months = _part_numbers(rows.column("occurred_on"), period)
    found = pc.value_counts(months)
    if len(found) == 1:
        return {_part_name(found[0]["values"].as_py()): rows}
    order = pc.sort_indices(months)
    ordered, numbers = rows.take(order), months.take(order)
    parts, start = {}, 0
    for entry in pc.value_counts(numbers):
        length = entry["counts"].as_py()
        parts[_part_name(entry["values"].as_py())] = ordered.slice(start, length)
        start += length
    return parts


def _part_numbers(occurred: pa.ChunkedArray, period: Period) -> pa.ChunkedArray:
    years = pc.cast(pc.multiply(pc.year(occurred), _MONTHS), pa.int32())
    inside = pc.and_(pc.greater_equal(occurred, period.first), pc.less_equal(occurred, period.last))
    # Month 1 to 12 inside the period; 13 stands for the whole of an older year, so that order is kept.
    month = pc.if_else(inside, pc.subtract(pc.cast(pc.month(occurred), pa.int32()), 1), pa.scalar(0, pa.int32()))
    by_month = pc.multiply(pc.add(years, month), 2)
    by_year = pc.add(pc.multiply(years, 2), 1)
    return pc.fill_null(pc.if_else(inside, by_month, by_year), -1)


def _part_name(number: int) -> str:
    if number < 0:
        return UNDATED
    months, is_year = divmod(number, 2)
    year, month = divmod(months, _MONTHS)
    return f"{year:04d}" if is_year else f"{year:04d}-{month + 1:02d}"
