"""What the steps ask of a connection, answered by Spark.

The steps of `engines.duckdb.people` and the counts of `engines.duckdb.marts`
run on it unchanged. A table is a view over rows that were computed once and
stay with the workers; nothing is written to a catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott.engines.duckdb.identity_sql import MACROS
from caldicott.engines.spark.dialect import Kind, Statement, carried
from caldicott.engines.spark.sealed import carried_schema, unsealed
from caldicott.engines.spark.session import spark_faults
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    Parameters = Mapping[str, Any] | Sequence[Any]

_CARRIED_MACROS = ("canonical_number", "number_of")
"""The others belong to landing, which this engine does not do."""


@dataclass(frozen=True)
class Answer:
    """The rows of a query, not fetched yet."""

    rows: DataFrame
    step: str

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Every row, for answers known to be short."""
        with spark_faults(self.step):
            return [tuple(row) for row in self.rows.collect()]

    def to_arrow_table(self) -> pa.Table:
        """Every row, one of a person at most: rows of events never come here."""
        with spark_faults(self.step):
            found = self.rows.toArrow()
        return found.cast(pa.schema([pa.field(field.name, field.type) for field in found.schema]))


class SparkConnection:
    """A session of one run."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session.newSession()
        self._tables: dict[str, DataFrame] = {}
        self._changed: set[str] = set()
        self._does: dict[Kind, Callable[[Statement, Parameters | None], Answer | None]] = {
            Kind.TABLE: self._create,
            Kind.TABLE_AS: self._create_as,
            Kind.INSERT: self._insert,
            Kind.DROP: self._drop,
            Kind.QUERY: self._query,
            Kind.FUNCTION: self._query,
        }
        for macro in MACROS:
            if any(f"MACRO {name}(" in macro for name in _CARRIED_MACROS):
                self.execute(macro)

    def execute(self, text: str, parameters: Parameters | None = None) -> Answer:
        """Run every statement of the text; the answer is the last one's."""
        answer = None
        for statement in carried(text):
            if statement.kind != Kind.NOTHING:
                with spark_faults(statement.name or "query"):
                    answer = self._does[statement.kind](statement, parameters)
        return answer or Answer(self.session.range(0), "nothing")

    def executemany(self, text: str, parameters: Sequence[Sequence[Any]]) -> None:
        """One insertion of many short rows."""
        (statement,) = carried(text)
        together = " UNION ALL ".join([statement.text] * len(parameters))
        with spark_faults(statement.name):
            self._insert(Statement(Kind.INSERT, together, statement.name), [one for row in parameters for one in row])

    def sql(self, text: str) -> Answer:
        """A query, not run yet."""
        return self.execute(text)

    def register(self, name: str, rows: Any) -> None:
        """Give rows a name: files that workers open, or a table of the driver's."""
        with spark_faults(f"open {name}"):
            self.given(rows).createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        """The name means nothing any more."""
        self.session.catalog.dropTempView(name)

    def given(self, rows: Any) -> DataFrame:
        """Rows of either kind as Spark's own."""
        if hasattr(rows, "files"):
            return unsealed(self.session, rows)
        table = rows.read_all() if isinstance(rows, pa.RecordBatchReader) else rows
        schema = carried_schema(table.schema)
        if schema != table.schema and pa.uint64() in table.schema.types:
            raise ProgramFault(
                "a table of the driver's has a hash in it", code="hash-not-carried", next_step="report this"
            )
        return self.session.createDataFrame(table.cast(schema))

    def close(self) -> None:
        """Forget the rows."""
        for table in self._tables.values():
            table.unpersist()
        self._tables.clear()

    def _create(self, statement: Statement, _parameters: Parameters | None) -> None:
        if not (statement.keeps_existing and statement.name in self._tables):
            self._keep(statement.name, self.session.createDataFrame([], statement.text))

    def _create_as(self, statement: Statement, parameters: Parameters | None) -> None:
        # Computed here and once; a plan that grows with every step would be planned anew with every step.
        found = self._asked(statement, parameters).localCheckpoint(eager=True)
        self._keep(statement.name, found)

    def _insert(self, statement: Statement, parameters: Parameters | None) -> None:
        table = self._tables[statement.name]
        added = self._asked(statement, parameters).toDF(*table.columns).to(table.schema)
        self._tables[statement.name] = table.union(added)
        self._changed.add(statement.name)

    def _drop(self, statement: Statement, _parameters: Parameters | None) -> None:
        self._tables.pop(statement.name).unpersist()
        self._changed.discard(statement.name)
        self.session.catalog.dropTempView(statement.name)

    def _query(self, statement: Statement, parameters: Parameters | None) -> Answer:
        return Answer(self._asked(statement, parameters), "query")

    def _asked(self, statement: Statement, parameters: Parameters | None) -> DataFrame:
        self._gather()
        asked = parameters if parameters is None or isinstance(parameters, dict) else list(parameters)
        return self.session.sql(statement.text, args=asked)

    def _keep(self, name: str, rows: DataFrame) -> None:
        self._tables[name] = rows
        self._changed.discard(name)
        rows.createOrReplaceTempView(name)

    def _gather(self) -> None:
        """Tables that got rows since: counted together once, before somebody asks."""
        for name in sorted(self._changed):
            self._keep(name, self._tables[name].persist())
