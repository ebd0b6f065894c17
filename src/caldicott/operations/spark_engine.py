"""The Spark engine behind the port. Its packages are imported when it is asked for, and not before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.people import DuckDbPeople
from caldicott.operations.engine import DUCKDB, Engine
from caldicott.stores.sealed_rows import SealedRows
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_TOGETHER = 200_000_000
"""Workers spill what they cannot hold, encrypted; the limit keeps the list of files of one plan short."""


@contextmanager
def open_engine(name: str) -> Iterator[Engine]:
    """The engine of that name, until the end of the block."""
    if name == DUCKDB.name:
        yield DUCKDB
    elif name == "spark":
        from caldicott.engines.spark.session import open_session

        with open_session() as session:
            yield spark(session)
    else:
        raise WrongUsage(
            "the engine is not known here",
            code="engine-unknown",
            where="--engine",
            next_step="use --engine duckdb or --engine spark",
        )


def spark(session: Any) -> Engine:
    """The engine over an open session; one run at a time."""
    from caldicott.engines.spark.connection import SparkConnection
    from caldicott.engines.spark.marts import SparkMarts

    opened: list[SparkConnection] = []

    def people() -> DuckDbPeople:
        # The run before is over: what its steps kept with the workers may go.
        while opened:
            opened.pop().close()
        opened.append(SparkConnection(session))
        return DuckDbPeople(connection=opened[-1])  # type: ignore[arg-type]  # it answers the same questions

    return Engine(
        name="spark",
        rows=SealedRows,
        people=people,
        marts=SparkMarts,
        rows_together=_ROWS_TOGETHER,
        makes_scores=False,
    )
