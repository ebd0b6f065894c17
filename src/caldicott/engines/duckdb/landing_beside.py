"""Check the rows of another reader while the text they keep goes past the engine.

The engine is shown what a check needs and says of each row what `landing_sql`
says; kept text never enters it, so a column that came as places in a list stays
one. Rows leave the engine in the order they went in, and each says its number.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.connection import NAMELESS, connect, quoted
from caldicott.engines.duckdb.landing_sql import (
    LEAK,
    NUMBER_LENGTH,
    ROW,
    SYSTEM_COLUMNS,
    kept,
    leaks,
    scanned_in,
    select_beside,
)
from caldicott.facts.layout import ColumnType
from caldicott.safe_haven.landing.value_lists import listed_in
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from caldicott.engines.duckdb.landing_sql import LandingRules
    from caldicott.facts.layout import Column, Layout

BATCH_ROWS: Final = 245_760


def check_beside(
    connection: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader, layout: Layout, rules: LandingRules
) -> Iterator[pa.RecordBatch]:
    """Every row with its identity, its typed columns and its place, in batches as the reader gave them, or smaller."""
    names = [name or NAMELESS for name in rows.schema.names]
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)])
    present, listed = frozenset(rows.schema.names), frozenset(listed_in(schema))
    statement = select_beside(layout, source="rows_read", present=present, rules=rules, listed=listed)
    asked = [field for field in schema if quoted(field.name) in statement]
    looked_through = enumerate(scanned_in(layout, present), start=1)
    leaks_in = _Leaks([(place, column) for place, column in looked_through if _name(column) in listed])
    beside = _Beside([column for column in layout.columns if column.name in present], leaks_in)
    shown = pa.schema([*asked, pa.field(ROW, pa.int64()), pa.field(LEAK, pa.int32())])
    connection.register("rows_read", pa.RecordBatchReader.from_batches(shown, beside.shown(rows, schema, shown)))
    for found in connection.sql(statement).to_arrow_reader(BATCH_ROWS):
        yield from beside.together(found)


def _name(column: Column) -> str:
    return column.name or NAMELESS


@dataclass(repr=False)
class _Beside:
    """Rows on their way past the engine."""

    columns: Sequence[Column]
    """Those of the layout that the file has."""
    leaks: _Leaks
    passing: deque[pa.RecordBatch] = field(default_factory=deque)
    rows: int = 0

    def shown(self, batches: pa.RecordBatchReader, schema: pa.Schema, shown: pa.Schema) -> Iterator[pa.RecordBatch]:
        """What the engine sees of each batch; the whole of it waits here for the answer."""
        first = 0
        for batch in batches:
            named = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
            numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
            self.passing.append(named)
            first += batch.num_rows
            columns = [named.column(name) for name in shown.names[:-2]]
            yield pa.RecordBatch.from_arrays([*columns, numbers, self.leaks.places(named)], schema=shown)

    def together(self, found: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The engine's answer and what passed by it."""
        self._require_order(found)
        while found.num_rows:
            batch = self.passing.popleft()
            length = min(found.num_rows, batch.num_rows)
            if length < batch.num_rows:
                self.passing.appendleft(batch.slice(length))
            yield self._both(found.slice(0, length), batch.slice(0, length))
            found = found.slice(length)

    def _require_order(self, found: pa.RecordBatch) -> None:
        expected = np.arange(self.rows, self.rows + found.num_rows, dtype=np.int64)
        if not np.array_equal(found.column(ROW).to_numpy(), expected):
            raise ProgramFault(
                "the engine gave rows back in another order than it got them",
                code="rows-out-of-order",
                next_step="nothing was taken in; report this with the engine's version",
            )
        self.rows += found.num_rows

    def _both(self, found: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = {name: found.column(name) for name in (*SYSTEM_COLUMNS, "fault")}
        columns["raw"] = _raw(found.column("fault"), batch, [_name(column) for column in self.columns])
        for column in kept(self.columns):
            is_text = column.type == ColumnType.TEXT
            columns[column.canonical] = batch.column(_name(column)) if is_text else found.column(column.canonical)
        return pa.RecordBatch.from_pydict(columns)


def _raw(faults: pa.Array, batch: pa.RecordBatch, names: Sequence[str]) -> pa.Array:
    """The text of rows held back, as the engine's own `to_json` has it; nothing for the others."""
    at = np.flatnonzero(pc.is_valid(faults).to_numpy(zero_copy_only=False))
    if not len(at):
        return pa.nulls(batch.num_rows, pa.string())
    # Column by column: rows as Arrow makes them cost six times as much (measured).
    held = [batch.column(name).take(pa.array(at)).cast(pa.string()).to_pylist() for name in names]
    told = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in zip(*held, strict=True)]
    places = np.zeros(batch.num_rows, dtype=np.int32)
    places[at] = np.arange(len(at))
    return pa.array(told, pa.string()).take(pa.array(places, mask=pc.is_null(faults).to_numpy(zero_copy_only=False)))


@dataclass(repr=False)
class _Leaks:
    """Which listed column of a row holds an NHS number: each value of a list is looked at once, not each row."""

    columns: Sequence[tuple[int, Column]]
    """Each with its place, from 1, among all columns of the file that are looked through."""
    known: dict[tuple[int, str], bool] = field(default_factory=dict)
    engine: duckdb.DuckDBPyConnection | None = None

    def places(self, batch: pa.RecordBatch) -> pa.Array:
        """For each row the place of the first such column, if there is one."""
        found = np.zeros(batch.num_rows, dtype=np.int32)
        for place, column in self.columns:
            array = batch.column(_name(column))
            leaking = self._leaking(place, column, array.dictionary)
            if leaking.any():
                is_told = array.is_valid().to_numpy(zero_copy_only=False)
                is_leak = leaking[array.indices.fill_null(0).to_numpy()] & is_told
                found[(found == 0) & is_leak] = place
        return pa.array(found, mask=found == 0) if found.any() else pa.nulls(batch.num_rows, pa.int32())

    def _leaking(self, place: int, column: Column, values: pa.StringArray) -> np.ndarray:
        is_long = pc.greater_equal(pc.binary_length(values), NUMBER_LENGTH).to_numpy(zero_copy_only=False)
        leaking = np.zeros(len(values), dtype=bool)
        if is_long.any():
            texts = values.filter(pa.array(is_long)).to_pylist()
            self._learn(place, column, [text for text in texts if (place, text) not in self.known])
            leaking[is_long] = [self.known[place, text] for text in texts]
        return leaking

    def _learn(self, place: int, column: Column, texts: list[str]) -> None:
        if not texts:
            return
        # Of its own: the one that checks is busy with the rows this is asked for.
        self.engine = self.engine or connect(threads=1)
        self.engine.register("asked", pa.table({"value": texts}))
        said = self.engine.execute(f"SELECT {leaks(column, 'value')} FROM asked").fetchall()
        self.known |= {(place, text): bool(is_leak) for text, (is_leak,) in zip(texts, said, strict=True)}
