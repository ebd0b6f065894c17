"""Landing by DuckDB: a file in, checked rows out as Arrow batches, in the order of the file."""

from __future__ import annotations

import csv
import gzip
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from caldicott.engines.duckdb.connection import NAMELESS, connect, quoted, text
from caldicott.engines.duckdb.landing_beside import BATCH_ROWS, check_beside
from caldicott.engines.duckdb.landing_sql import LandingRules, select
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from caldicott.facts.layout import Layout

_LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True)
class DuckDbLanding:
    """The landing engine on one machine."""

    threads: int = 2
    memory_limit: str = "2GB"

    def check_table(self, path: Path, layout: Layout, rules: LandingRules) -> Iterator[pa.RecordBatch]:
        """Every data row of a CSV or Parquet file, placed; malformed lines come last, already held back."""
        connection = connect(threads=self.threads, memory_limit=self.memory_limit)
        columns = parquet_columns(path) if path.suffix == ".parquet" else header(path, layout)
        source = _parquet(path, columns) if path.suffix == ".parquet" else _csv(path, columns, layout)
        statement = select(layout, source=source, present=frozenset(columns), rules=rules)
        yield from _run(connection, statement, path)
        if path.suffix != ".parquet":  # only text has malformed lines, and only its reader a table of them
            yield from _malformed(connection)

    def check_batches(
        self, rows: pa.RecordBatchReader, layout: Layout, rules: LandingRules
    ) -> Iterator[pa.RecordBatch]:
        """The same over rows another reader made (FHIR), all columns text."""
        connection = connect(threads=self.threads, memory_limit=self.memory_limit)
        connection.register("rows_read", rows)
        statement = select(layout, source="rows_read", present=frozenset(rows.schema.names), rules=rules)
        yield from _run(connection, statement, None)

    def check_listed(
        self, opened: Callable[[], pa.RecordBatchReader], layout: Layout, rules: LandingRules, *, place: Path
    ) -> Iterator[pa.RecordBatch]:
        """The same over the rows of a plain file: text that is kept passes the engine by, and with it its value lists."""
        connection = connect(threads=self.threads, memory_limit=self.memory_limit)
        with engine_words(place):
            yield from check_beside(connection, opened(), layout, rules)

    def malformed(self, path: Path, layout: Layout, *, expected: int) -> Iterator[pa.RecordBatch]:
        """The lines of a CSV file that another reader left out, held back.

        Raises:
            DoesNotHold: the engine finds more of them, or fewer: then it is not sure which rows the file has.
        """
        connection = connect(threads=self.threads, memory_limit=self.memory_limit)
        with engine_words(path):
            connection.execute(f"SELECT count(COLUMNS(*)) FROM {_csv(path, header(path, layout), layout)}").fetchall()
        found = list(_malformed(connection))
        if sum(batch.num_rows for batch in found) != expected:
            raise _unreadable(path, "two readers find different rows in it", "readers-differ")
        yield from found

    def repeats(self, rows: pa.RecordBatchReader) -> pa.Table:
        """`file_row` of the second and later rows with the same record key and person.

        Reads record_hash, identity and file_row. Senders reuse record keys across people (GP2GP does), so a key
        alone does not make two rows one record.
        """
        connection = connect(threads=self.threads, memory_limit=self.memory_limit)
        connection.register("landed", rows)
        connection.execute(
            "CREATE TEMP TABLE keys AS SELECT record_hash, identity, file_row FROM landed WHERE record_hash IS NOT NULL"
        )
        return connection.sql(
            "WITH repeated AS (SELECT record_hash, identity, min(file_row) AS first_row FROM keys GROUP BY 1, 2 "
            "HAVING count(*) > 1) SELECT file_row FROM keys JOIN repeated r ON r.record_hash = keys.record_hash "
            "AND r.identity IS NOT DISTINCT FROM keys.identity WHERE file_row > first_row ORDER BY 1"
        ).to_arrow_table()


def header(path: Path, layout: Layout) -> list[str]:
    """The column names of a delimited file, read without the rest.

    Raises:
        DoesNotHold: not UTF-8 text, empty, or a name twice.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        first = stream.readline(_LONGEST_LINE)
    try:
        names = next(csv.reader([first.decode("utf-8-sig")], delimiter=layout.table.delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        raise _unreadable(path, "its first line is not UTF-8 text", "header_unreadable") from None
    if not names:
        raise _unreadable(path, "it has no header line", "header_missing")
    if len({*names}) < len(names):
        raise _unreadable(path, "two columns have the same name", "header_repeats")
    return names


def parquet_columns(path: Path) -> list[str]:
    """The column names of a Parquet file."""
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        raise _unreadable(path, "it is not a Parquet file", "parquet_unreadable") from None


def _csv(path: Path, columns: list[str], layout: Layout) -> str:
    nulls = ", ".join(text(value) for value in layout.table.null_values)
    types = ", ".join(f"{text(name or NAMELESS)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({text(str(path))}, header = true, auto_detect = false, delim = {text(layout.table.delimiter)}, "
        f"quote = '\"', escape = '\"', nullstr = [{nulls}], columns = {{{types}}}, store_rejects = true, "
        f"rejects_limit = 0, max_line_size = {_LONGEST_LINE})"
    )


def _parquet(path: Path, columns: list[str]) -> str:
    texts = ", ".join(f"{quoted(name)}::VARCHAR AS {quoted(name)}" for name in columns)
    return f"(SELECT {texts} FROM read_parquet({text(str(path))}))"


def _run(connection: duckdb.DuckDBPyConnection, statement: str, path: Path | None) -> Iterator[pa.RecordBatch]:
    with engine_words(path):
        yield from connection.sql(statement).to_arrow_reader(BATCH_ROWS)


@contextmanager
def engine_words(path: Path | None) -> Iterator[None]:
    """DuckDB quotes the line it stumbled over: its words must not travel."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as fault:
        raise _unreadable(path, f"it cannot be read ({type(fault).__name__})", "file_unreadable") from None


def _malformed(connection: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    rejects = connection.sql(
        "SELECT 'malformed_row|line ' || line AS fault, to_json({line: line, text: any_value(csv_line)})::VARCHAR AS raw "
        "FROM reject_errors GROUP BY line ORDER BY line"
    ).to_arrow_table()
    yield from rejects.to_batches()


def _unreadable(path: Path | None, what: str, code: str) -> DoesNotHold:
    return DoesNotHold(
        f"the file is refused: {what}",
        code=code,
        where=path.name if path else "",
        next_step="ask the sender for the file again as UTF-8 CSV or Parquet in the layout the manifest names",
    )
