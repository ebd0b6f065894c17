"""Tracing: records against the persons that are known, set-wise, step by step.

Requests that ask the same are asked once. Every record gets an outcome: the person, or
an honest "not known" with its code; a bucket's id or a one-time id says so by its letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.linkage import prepare, read_sql, trace_sql
from caldicott.engines.duckdb.linkage.counting import broken_lines, ids_hold, one, reading
from caldicott.engines.duckdb.scores_inputs import SourceFile, rows_of
from caldicott.facts import linkage as facts
from caldicott.linkage.tracing import PERSON_ROLES, ROLES, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

BUCKET_COLUMNS: Final = ("person", "given", "family", "birth_date", "gender", "postcode", "local_id")
_MACROS: Final = (
    *prepare.MACROS,
    *trace_sql.MACROS,
    "CREATE MACRO latin_name(t) AS upper(in_latin(lower(strip_accents(t))))",
)


@dataclass(frozen=True)
class Columns:
    """Which column of a file holds which role."""

    of: Mapping[str, str]

    def sql(self, source: SourceFile, role: str) -> str:
        column = self.of.get(role, role)
        return f"{quoted(column)}::VARCHAR" if column in source.columns else "NULL::VARCHAR"


class Tracer:
    """One run of tracing, in memory."""

    def __init__(
        self, profile: Profile, *, memory_limit: str = "6GB", told: Callable[[str], None] = lambda _step: None
    ) -> None:
        self.profile = profile
        self.told = told
        self.connection = connect(memory_limit=memory_limit)
        names = ", ".join(f"({text(short)}, {text(full)})" for short, full in facts.short_names())
        self.connection.execute(f"CREATE TABLE short_name AS SELECT * FROM (VALUES {names}) t(short_name, full_name)")
        for macro in _MACROS:
            self.connection.execute(macro)

    def read_persons(self, source: SourceFile, columns: Columns) -> None:
        """The versions of each person's record, and who took whose place."""
        with engine_faults("read persons"), reading("RIGHT"):
            picked = ", ".join(f"{columns.sql(source, role)} AS {role}" for role in PERSON_ROLES)
            self._execute(f"CREATE TEMP TABLE raw AS SELECT {picked} FROM {self._rows(source)}")
            for sql in read_sql.versions():
                self._execute(sql)

    def read_requests(self, source: SourceFile, columns: Columns, *, id_column: str) -> None:
        """The records to trace; `asked` says which request each record makes.

        Raises:
            DoesNotHold: a record has no id, or two have the same.
        """
        with engine_faults("read records"), reading("LEFT"):
            picked = ", ".join(f"{columns.sql(source, role)} AS {role}" for role in ROLES)
            self._execute(
                f"CREATE TEMP TABLE raw AS SELECT tidy({quoted(id_column)}) AS id, {picked} FROM {self._rows(source)}"
            )
            ids_hold(self.connection, "raw", "LEFT")
            for sql in read_sql.requests():
                self._execute(sql)

    def trace(self, bucket: pa.Table | None = None, *, run: str = "") -> None:
        """Table `traced`: a row a record with person, kind, step, score, runner_up, code."""
        with engine_faults("trace"):
            self._execute(
                "CREATE TABLE outcome (request BIGINT, person VARCHAR, step VARCHAR, score DOUBLE, runner_up DOUBLE, code VARCHAR)"
            )
            self._execute(
                "CREATE VIEW open_request AS SELECT * FROM request ANTI JOIN outcome USING (request) WHERE withheld IS NULL"
            )
            for step in self.profile.steps:
                if step in trace_sql.STEPS:
                    self.told(step)
                    self._execute(trace_sql.STEPS[step](self.profile))
            self._fill_bucket(bucket)
            self._execute(_traced(run))

    def _fill_bucket(self, bucket: pa.Table | None) -> None:
        columns = ", ".join(f"{name} VARCHAR" for name in BUCKET_COLUMNS)
        self._execute(f"CREATE TABLE bucket ({columns})")
        if bucket is not None:
            self.connection.register("bucket_given", bucket)
            self._execute(f"INSERT INTO bucket SELECT {', '.join(BUCKET_COLUMNS)} FROM bucket_given")
        self._execute(
            "CREATE TABLE bucket_start AS SELECT coalesce(max(try_cast(substr(person, 2) AS BIGINT)), 0) AS taken FROM bucket"
        )
        self._execute("CREATE TABLE bucketed (request BIGINT, person VARCHAR, is_new BOOLEAN)")
        self._execute(
            "CREATE VIEW unsettled AS SELECT request FROM request ANTI JOIN (SELECT request FROM outcome WHERE person IS NOT NULL OR code = '97') USING (request)"
        )
        if "bucket@1" in self.profile.steps:
            self._execute(trace_sql.bucket(self.profile))

    def bucket_after(self) -> pa.Table:
        """The bucket with those that came into it; it is never tidied, as published."""
        columns = ", ".join(BUCKET_COLUMNS)
        fields = ", ".join(f"r.{name}" for name in BUCKET_COLUMNS[1:])
        return self.connection.sql(
            f"SELECT {columns} FROM bucket UNION ALL SELECT DISTINCT b.person, {fields} FROM bucketed b JOIN request r USING (request) WHERE b.is_new ORDER BY ALL"
        ).to_arrow_table()

    def outcomes(self) -> pa.Table:
        """A row a record: id, person, kind, step, score, runner_up, code."""
        return self.connection.sql("SELECT * FROM traced ORDER BY id").to_arrow_table()

    def demographics(self) -> pa.Table:
        """What the national record said of each traced person on the day of the activity; nothing that may be sensitive."""
        return self.connection.sql(_DEMOGRAPHICS).to_arrow_table()

    def counts(self) -> list[tuple[str, str, int]]:
        """How many records each step settled, by code."""
        rows = self.connection.execute("SELECT step, code, count(*) FROM traced GROUP BY ALL ORDER BY ALL").fetchall()
        return [(step, code, number) for step, code, number in rows]

    def links_to(self, path: str, *, form: str) -> int:
        """Writes the links: records whose person is known."""
        (links,) = one(self.connection, "SELECT count(*) FROM traced WHERE kind = 'person'")
        self._execute(
            "COPY (SELECT id AS left_id, person AS right_id, score, runner_up, step, code FROM traced WHERE kind = 'person' ORDER BY id) "
            f"TO {text(path)} (FORMAT {form})"
        )
        return int(links)

    def outcomes_to(self, path: str, *, form: str) -> None:
        """Writes what became of every record."""
        self._execute(f"COPY (SELECT * FROM traced ORDER BY id) TO {text(path)} (FORMAT {form})")

    def broken_lines(self) -> int:
        """Lines of the files that were no rows."""
        return broken_lines(self.connection)

    def persons(self) -> int:
        """How many persons are known."""
        return int(one(self.connection, "SELECT count(*) FROM person")[0])

    def _rows(self, source: SourceFile) -> str:
        """Where rows come from; the safe haven's tracer reads them from memory, never from a file."""
        return rows_of(source, keep_rejects=True)

    def _execute(self, sql: str) -> None:
        self.connection.execute(sql).fetchall()


def _traced(run: str) -> str:
    """Every record's outcome; who is in no bucket gets an id that is used once and links nothing, in this run or another."""
    return f"""
CREATE TABLE traced AS
WITH known AS (
  SELECT a.id, coalesce(o.person, b.person) AS person,
    CASE WHEN o.person IS NOT NULL THEN 'person' WHEN b.person IS NOT NULL THEN 'bucket' ELSE 'one-time' END AS kind,
    CASE WHEN o.person IS NOT NULL THEN o.step WHEN b.person IS NOT NULL THEN 'bucket@1' ELSE 'one-time@1' END AS step,
    o.score, o.runner_up,
    coalesce(o.code, CASE WHEN r.withheld IS NOT NULL THEN '15' WHEN r.is_number_bad THEN '91'
      WHEN r.birth_date IS NULL AND r.nhs_number IS NULL THEN '96'
      WHEN r.birth_date IS NULL OR (r.nhs_number IS NULL AND (r.gender IS NULL OR (r.family IS NULL AND r.postcode IS NULL))) THEN '16'
      ELSE '98' END) AS code
  FROM asked a JOIN request r USING (request) LEFT JOIN outcome o USING (request) LEFT JOIN bucketed b USING (request)
), once AS (
  SELECT id, 'U' || {text(run)} || lpad(row_number() OVER (ORDER BY id)::VARCHAR, 9, '0') AS person FROM known WHERE person IS NULL
)
SELECT k.id, coalesce(k.person, u.person) AS person, k.* EXCLUDE (id, person) FROM known k LEFT JOIN once u USING (id)
"""


_DEMOGRAPHICS: Final = """
SELECT t.id, t.person, v.given, v.family, v.birth_date, v.gender,
  CASE WHEN NOT s.is_sensitive THEN v.postcode END AS postcode, CASE WHEN NOT s.is_sensitive THEN v.practice END AS practice,
  CASE WHEN NOT s.is_sensitive THEN v.address END AS address, CASE WHEN NOT s.is_sensitive THEN v.death_date END AS death_date
FROM traced t JOIN asked a ON a.id = t.id JOIN person s ON s.person = t.person
LEFT JOIN version v ON v.person = t.person AND (a.activity_date IS NULL AND v.is_current
  OR a.activity_date >= coalesce(v.valid_from, '0000') AND a.activity_date < coalesce(v.valid_to, '9999'))
WHERE t.kind = 'person'
QUALIFY row_number() OVER (PARTITION BY t.id ORDER BY v.valid_from DESC NULLS LAST) = 1
ORDER BY t.id
"""
