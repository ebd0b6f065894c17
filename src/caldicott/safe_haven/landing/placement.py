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

from caldicott.safe_haven.landing.second_copies import Keys
from caldicott.safe_haven.landing.value_lists import ValueLists, only_used

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

UNDATED = "undated"
_MONTHS = 12
_ROWS_TOGETHER = 250_000


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
    keys: Keys = field(default_factory=Keys)
    """By which second copies are found once all rows are in."""

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
    lists = ValueLists()
    for gathered in _gathered(batches):
        table = _numbered(gathered, first=tally.rows + 1)
        tally.rows += table.num_rows
        _hold_back(table, sink=sink, tally=tally)
        if table.column("fault").null_count:
            sink.admit(_admitted(table, period, tally, lists))


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together: each is cut into up to fifty months, and the cutting costs by the piece."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        # Malformed lines come last and have no columns of their own.
        is_other = bool(waiting) and not batch.schema.equals(waiting[0].schema)
        if is_other or sum(one.num_rows for one in waiting) >= _ROWS_TOGETHER:
            yield pa.Table.from_batches(waiting)
            waiting = []
        waiting.append(batch)
    if waiting:
        yield pa.Table.from_batches(waiting)


def _numbered(table: pa.Table, *, first: int) -> pa.Table:
    numbers = pa.array(np.arange(first, first + table.num_rows, dtype=np.int64))
    return table.append_column("file_row", numbers)


def _hold_back(table: pa.Table, *, sink: Sink, tally: Tally) -> None:
    faults = table.column("fault")
    if faults.null_count < table.num_rows:
        held = table.select(["file_row", "fault", "raw"]).filter(pc.is_valid(faults))
        sink.hold(held)
        reasons = pc.list_element(pc.split_pattern(held.column("fault"), "|"), 0)
        tally.quarantined_by.update(_counts(reasons))


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(values)}


def _admitted(table: pa.Table, period: Period, tally: Tally, lists: ValueLists) -> dict[str, pa.Table]:
    """The rows without a fault, by month; every column is copied once at most."""
    faults = table.column("fault")
    numbers = pc.if_else(pc.is_null(faults), _part_numbers(table.column("occurred_on"), period), None)
    rows, found = lists.listed(table.drop_columns(["fault", "raw"])), pc.value_counts(pc.drop_null(numbers))
    if len(found) > 1 or numbers.null_count:
        order = pc.sort_indices(numbers).slice(0, len(numbers) - numbers.null_count)
        rows, found = only_used(rows.take(order)), pc.value_counts(numbers.take(order))
    _count(rows, tally)
    tally.keys.add(rows)
    parts, start = {}, 0
    for entry in found:
        length = entry["counts"].as_py()
        parts[_part_name(entry["values"].as_py())] = rows.slice(start, length)
        start += length
    return parts


def _count(admitted: pa.Table, tally: Tally) -> None:
    tally.admitted += admitted.num_rows
    tally.link_quality.update(_counts(admitted.column("link_quality")))
    tally.needs_trace += pc.sum(admitted.column("needs_trace")).as_py() or 0
    tally.withdrawn += pc.sum(admitted.column("withdrawn")).as_py() or 0


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
