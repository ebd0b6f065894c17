"""Asking for one row of counts, and leaving nothing unread.

An unread result on the shared connection makes the next statement of Splink fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


def one(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The only row of the answer."""
    rows = connection.execute(sql, list(values)).fetchall()
    return tuple(rows[0])
