"""One way to open DuckDB: in memory, no spill, no network, no extensions from outside."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from caldicott.engines.duckdb.identity_sql import MACROS
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterator


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


NAMELESS = "~nameless"


def quoted(name: str) -> str:
    """An identifier as SQL writes it; a column without a name, as spreadsheets leave one, gets one."""
    return '"' + (name or NAMELESS).replace('"', '""') + '"'


def text(value: str) -> str:
    """A literal of the layout's own words. Row values and keys never go through here."""
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def engine_faults(step: str) -> Iterator[None]:
    """DuckDB's words may quote rows: they stay here, and only the kind of fault and the step travel."""
    try:
        yield
    except duckdb.Error as fault:
        raise ProgramFault(
            f"the engine could not finish the step '{step}' ({type(fault).__name__})",
            code="engine-fault",
            next_step="see to the disk's space and the memory limit, then run the same command again; nothing was changed",
        ) from None
