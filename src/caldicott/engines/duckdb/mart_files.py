"""Cut shuffled rows into months and put them into Parquet.

Arrow's writer takes a fifth of the processor time of the engine's own COPY
(measured, bench/). Months are written behind the engine's back, one batch at a
time, so that both keep a core busy.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.engines.duckdb.hashed_file import HashedFile
from caldicott.safe_haven.landing.value_lists import is_listed, listed_in, only_used, with_lists, without_lists, written
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

SHUFFLE_KEY = "~order"
ROW = "~row"
PLACE = "~place"
PLACE_SHIFT = 52
"""The key's high bits say which month of a batch, the rest shuffles inside it."""
_ROW_GROUP = 122_880
_WRITERS = 2


@dataclass(frozen=True)
class Found:
    """Rows of one layout: what the join said of them, in shuffled order, and the columns they keep, in file order."""

    known: pa.Table
    wide: pa.Table

    def rows(self) -> pa.Table:
        """Both together, in shuffled order."""
        taken = self.wide.take(self.known.column(ROW))
        rows = self.known.drop_columns([ROW])
        for field in taken.schema:
            rows = rows.append_column(field, taken.column(field.name))
        return rows


def as_one(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of one layout; a column is places in a list where it is that in most of them."""
    weight: dict[str, int] = {}
    for table in tables:
        for field in table.schema:
            rows = 0 if pa.types.is_null(field.type) else table.num_rows
            weight[field.name] = weight.get(field.name, 0) + (rows if is_listed(field) else -rows)
    lists = {name for name, more in weight.items() if more > 0}
    plain = weight.keys() - lists
    found = [with_lists(without_lists(table, plain), lists) for table in tables]
    return pa.concat_tables(found, promote_options="permissive").unify_dictionaries()


def by_month(rows: pa.Table, months: int) -> list[pa.Table]:
    """The rows of each month; they come in the order of their shuffle key and leave without it."""
    places = pc.shift_right(rows.column(SHUFFLE_KEY), pa.scalar(PLACE_SHIFT, pa.uint64())).to_numpy()
    bounds = np.searchsorted(places, np.arange(months + 1, dtype=np.uint64))
    told = rows.drop_columns([SHUFFLE_KEY])
    return [told.slice(start, end - start) for start, end in pairwise(bounds.tolist())]


def together(found: Sequence[Found]) -> pa.Table:
    """Rows of several layouts as one, shuffled among each other."""
    if len(found) == 1:
        return found[0].rows()
    plain = [without_lists(rows, listed_in(rows.schema)) for rows in (one.rows() for one in found)]
    rows = pa.concat_tables(_alike(plain), promote_options="permissive")
    return rows.take(pc.sort_indices(rows.column(SHUFFLE_KEY)))


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    """Columns of one name in one type: a sender may give a day where another gives the minute."""
    common = common_types([table.schema for table in tables])
    return [
        table.cast(pa.schema([field.with_type(common.get(field.name, field.type)) for field in table.schema]))
        for table in tables
    ]


def common_types(schemas: Sequence[pa.Schema]) -> dict[str, pa.DataType]:
    """The columns whose types differ, each with the one type that holds them all."""
    types: dict[str, set[pa.DataType]] = {}
    for schema in schemas:
        for field in schema:
            types.setdefault(field.name, set()).add(field.type)
    return {name: _common(several) for name, several in types.items() if len(several) > 1}


def _common(types: set[pa.DataType]) -> pa.DataType:
    told = types - {pa.null()}
    if len(told) == 1:
        return told.pop()
    if all(pa.types.is_temporal(one) for one in told):
        return pa.timestamp("us")
    if all(pa.types.is_integer(one) or pa.types.is_floating(one) or pa.types.is_decimal(one) for one in told):
        return pa.float64()
    return pa.string()


def counted(found: Sequence[Found], months: int) -> list[int]:
    """How many rows each month will have."""
    total = np.zeros(months, dtype=np.int64)
    for one in found:
        total += np.array([rows.num_rows for rows in by_month(one.known.select([SHUFFLE_KEY, ROW]), months)])
    return [int(rows) for rows in total]


def write(found: Sequence[Found], to: Sequence[Path]) -> dict[Path, str]:
    """Each month to its file, two at a time; the SHA-256 of each."""
    with ThreadPoolExecutor(_WRITERS) as pool:
        return dict(zip(to, pool.map(_write_month, by_month(together(found), len(to)), to), strict=True))


def _write_month(rows: pa.Table, to: Path) -> str:
    # A list must not tell of persons who are not in this file.
    rows = only_used(rows)
    try:
        with HashedFile(to) as stream:
            pq.write_table(rows, stream, row_group_size=_ROW_GROUP, **_columns(rows.schema))
    except OSError as fault:
        raise ProgramFault(
            f"a month of a mart could not be written ({fault.strerror or 'no room or a failing disk'})",
            code="mart-not-written",
            next_step="see to the disk's space and health, then run the same command again; nothing was changed",
        ) from None
    return stream.sha256


def _columns(schema: pa.Schema) -> dict[str, Any]:
    """How each column is written, by what was measured.

    zstd would save a twenty-fifth of a file on lists. The least and the greatest text of rows in random order help
    no reader find any; to know them takes a quarter of the time of writing.
    """
    plain = [field for field in schema if not is_listed(field)]
    return {
        **written(schema, codec="zstd"),
        "compression_level": {field.name: 1 for field in plain},
        "write_statistics": [field.name for field in plain if not pa.types.is_string(field.type)] or False,
    }


class MonthWriter:
    """Writes months while the engine makes the next; one batch waits at most, so memory stays at two batches."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: Future[dict[Path, str]] | None = None
        self.digests: dict[Path, str] = {}
        """SHA-256 of every file written so far, taken while it was written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        if kind is None:
            self.settle()

    def write(self, found: Sequence[Found], to: Sequence[Path]) -> list[int]:
        """Write behind; a fault of the months before is raised here. How many rows each file will have."""
        self.settle()
        self._waiting = self._pool.submit(write, found, to)
        return counted(found, len(to))

    def settle(self) -> None:
        """Wait for what is being written."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.digests |= waiting.result()
