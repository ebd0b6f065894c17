"""Asking for one row of counts, and leaving nothing unread.

An unread result on the shared connection makes the next statement of Splink fail.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def reading(role: str) -> Iterator[None]:
    """A file that the reader cannot follow is the file's fault, and its words are not passed on: they quote rows."""
    try:
        yield
    except duckdb.InvalidInputException:
        raise DoesNotHold(
            "a file cannot be read as a table to its end",
            code="file-unreadable",
            where=role,
            next_step="write it again as UTF-8 CSV with one kind of line end throughout, or as Parquet",
        ) from None


def broken_lines(connection: duckdb.DuckDBPyConnection) -> int:
    """Lines of the user's files that could not be read as rows. They are left out, and must be named."""
    (kept,) = one(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")
    if not kept:
        return 0
    return int(one(connection, "SELECT count(*) FROM (SELECT DISTINCT scan_id, file_id, line FROM reject_errors)")[0])


def one(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The only row of the answer."""
    rows = connection.execute(sql, list(values)).fetchall()
    return tuple(rows[0])


def ids_hold(connection: duckdb.DuckDBPyConnection, table: str, where: str, condition: str = "true") -> None:
    """Ids name one record each: a result that points at two rows would be read as a wrong link."""
    rows, named, distinct = one(
        connection, f"SELECT count(*), count(id), count(DISTINCT id) FROM {table} WHERE {condition}"
    )
    if not rows:
        raise DoesNotHold(
            "the file has no rows", code="file-empty", where=where, next_step="give a file with at least one record"
        )
    if named < rows or distinct < named:
        raise DoesNotHold(
            f"{rows - named:,} rows have no id and {named - distinct:,} repeat another's",
            code="id-not-unique",
            where=where,
            next_step="give every row an id of its own in the column that the spec names as `id`",
        )
