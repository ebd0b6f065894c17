"""One way to open DuckDB: in memory, no spill, no network, no extensions from outside."""

from __future__ import annotations

import duckdb

from caldicott.engines.duckdb.identity_sql import MACROS


def connect(*, threads: int = 2, memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
    """A connection that leaves nothing on the disk and reaches nothing outside."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": memory_limit,
            "max_temp_directory_size": "0KiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    connection.execute("SET enable_progress_bar = false")
    for macro in MACROS:
        connection.execute(macro)
    return connection


def quoted(name: str) -> str:
    """An identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A literal of the layout's own words. Row values and keys never go through here."""
    return "'" + value.replace("'", "''") + "'"
