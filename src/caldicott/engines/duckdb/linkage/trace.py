"""Tracing: records against the persons that are known, set-wise, step by step.

Requests that ask the same are asked once. Every record gets an outcome: the person, or
an honest "not known" with its code; a bucket's id or a one-time id says so by its letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.linkage import prepare, trace_sql
from caldicott.engines.duckdb.linkage.counting import broken_lines, one, reading
from caldicott.engines.duckdb.scores_inputs import SourceFile, rows_of
from caldicott.facts import linkage as facts
from caldicott.linkage.tracing import PERSON_ROLES, ROLES, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb
    import pyarrow as pa

BUCKET_COLUMNS: Final = ("person", "given", "family", "birth_date", "gender", "postcode", "local_id")
# The activity date does not change who it is: what else a record says is one request, asked once.
_OF_A_REQUEST: Final = (*(role for role in ROLES if role != "activity_date"), "is_number_bad")
_MACROS: Final = (
    *prepare.MACROS,
    *trace_sql.MACROS,
    "CREATE MACRO latin_name(t) AS upper(strip_accents(t))",
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
            self._execute(f"CREATE TEMP TABLE raw AS SELECT {picked} FROM {rows_of(source, keep_rejects=True)}")
            _make_versions(self.connection)

    def read_requests(self, source: SourceFile, columns: Columns, *, id_column: str) -> None:
        """The records to trace; `asked` says which request each record makes."""
        with engine_faults("read records"), reading("LEFT"):
            picked = ", ".join(f"{columns.sql(source, role)} AS {role}" for role in ROLES)
            self._execute(
                f"CREATE TEMP TABLE raw AS SELECT tidy({quoted(id_column)}) AS id, {picked} FROM {rows_of(source, keep_rejects=True)}"
            )
            self._execute(f"CREATE TABLE stated AS SELECT id, {_stated(ROLES)}, {_BAD_NUMBER} FROM raw")
            fields = ", ".join(_OF_A_REQUEST)
            self._execute(
                f"CREATE TABLE request AS SELECT row_number() OVER (ORDER BY {fields}) AS request, *, {_SOUNDS} "
                f"FROM (SELECT DISTINCT {fields} FROM stated)"
            )
            same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM r.{name}" for name in _OF_A_REQUEST)
            self._execute(
                f"CREATE TABLE asked AS SELECT s.id, r.request, s.activity_date FROM stated s JOIN request r ON {same}"
            )
            self._execute("DROP TABLE raw")
            self._execute("DROP TABLE stated")

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
            "CREATE VIEW unsettled AS SELECT request FROM request ANTI JOIN (SELECT request FROM outcome WHERE person IS NOT NULL) USING (request)"
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

    def _execute(self, sql: str) -> None:
        self.connection.execute(sql).fetchall()


_BAD_NUMBER: Final = (
    "tidy(nhs_number) IS NOT NULL AND NOT coalesce(check_holds(number_of(canonical_number(nhs_number))) "
    "AND NOT is_sentinel(number_of(canonical_number(nhs_number))), false) AS is_number_bad"
)
_SOUNDS: Final = "sound_of(compact(family)) AS family_sound, sound_of(full_name_of(compact(given))) AS given_sound, birth_date[1:4] AS birth_year"


def _stated(roles: tuple[str, ...]) -> str:
    """Each role in the spelling of the published request."""
    number = "number_of(canonical_number(nhs_number))"
    born = "regexp_replace(tidy({0}), '[-/ ]', '', 'g')"
    day = (
        "CASE WHEN regexp_full_match(tidy({0}), '[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}}') THEN strftime(try_strptime(tidy({0}), '%d/%m/%Y'), '%Y-%m-%d') "
        f"WHEN regexp_full_match({born}, '[0-9]{{{{8}}}}') THEN dashed({born}) "
        f"WHEN regexp_full_match({born}, '[0-9]{{{{4}}}}') THEN {born} END"
    )
    spelt = {
        "nhs_number": f"CASE WHEN check_holds({number}) AND NOT is_sentinel({number}) THEN lpad({number}::VARCHAR, 10, '0') END",
        "given": "asked_name(given)",
        "family": "asked_name(family)",
        "birth_date": f"nullif(nullif({day.format('birth_date')}, '1900-01-01'), '1800-01-01')",
        "gender": "CASE WHEN plain(gender) IN ('1', 'm', 'male') THEN '1' WHEN plain(gender) IN ('2', 'f', 'female') THEN '2' WHEN tidy(gender) IN ('0', '9') THEN tidy(gender) END",
        "postcode": "CASE WHEN asked_postcode(postcode) NOT LIKE 'ZZ99%' THEN asked_postcode(postcode) END",
        "address": "alnum_only(address)",
        "superseded_by": "nullif(trim(superseded_by), '')",
        "is_sensitive": "coalesce(plain(is_sensitive) IN ('1', 'true', 'yes', 'y', 's', 'sensitive'), false)",
    }
    for role in ("death_date", "activity_date", "valid_from", "valid_to"):
        spelt[role] = day.format(role)
    return ", ".join(f"{spelt.get(role, f'tidy({role})')} AS {role}" for role in roles)


def _make_versions(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_VERSIONS.format(stated=_stated(PERSON_ROLES), sounds=_SOUNDS)).fetchall()
    for sql in _PERSONS:
        connection.execute(sql).fetchall()


_VERSIONS: Final = """
CREATE TABLE version AS
WITH spelt AS (SELECT {stated} FROM raw),
placed AS (
  SELECT nhs_number AS person, * EXCLUDE (nhs_number), {sounds}, row_number() OVER (
    PARTITION BY nhs_number ORDER BY valid_to DESC NULLS FIRST, valid_from DESC NULLS LAST, given, family, postcode) AS back
  FROM spelt WHERE nhs_number IS NOT NULL
)
SELECT * EXCLUDE (back), back = 1 AS is_current, max(gender) FILTER (back = 1) OVER (PARTITION BY person) AS now_gender,
  max(family_sound) FILTER (back = 1) OVER (PARTITION BY person) AS now_family_sound
FROM placed
"""
_PERSONS: Final = (
    "DROP TABLE raw",
    "CREATE VIEW current_version AS SELECT * FROM version WHERE is_current",
    "CREATE TABLE person AS SELECT person, max(superseded_by) AS superseded_by, bool_or(is_sensitive) AS is_sensitive FROM version GROUP BY person",
    "CREATE VIEW number AS SELECT person FROM person",
    # Who took whose place may itself have been replaced; a ring of replacements leads to nobody.
    """CREATE TABLE follows AS WITH RECURSIVE led AS (
  SELECT person, superseded_by AS now_person, 1 AS far FROM person WHERE superseded_by IS NOT NULL
  UNION ALL SELECT l.person, p.superseded_by, far + 1 FROM led l JOIN person p ON p.person = l.now_person WHERE p.superseded_by IS NOT NULL AND far < 10
) SELECT person, arg_max(now_person, far) AS now_person FROM led GROUP BY person HAVING max(far) < 10""",
)


def _traced(run: str) -> str:
    """Every record's outcome; who is in no bucket gets an id that is used once and links nothing."""
    return f"""
CREATE TABLE traced AS
SELECT a.id, coalesce(o.person, b.person, 'U' || {text(run)} || lpad(row_number() OVER (ORDER BY a.id)::VARCHAR, 9, '0')) AS person,
  CASE WHEN o.person IS NOT NULL THEN 'person' WHEN b.person IS NOT NULL THEN 'bucket' ELSE 'one-time' END AS kind,
  CASE WHEN o.person IS NOT NULL THEN o.step WHEN b.person IS NOT NULL THEN 'bucket@1' ELSE 'one-time@1' END AS step,
  o.score, o.runner_up,
  coalesce(o.code, CASE WHEN r.withheld IS NOT NULL THEN '15' WHEN r.is_number_bad THEN '91'
    WHEN r.birth_date IS NULL AND r.nhs_number IS NULL THEN '96'
    WHEN r.birth_date IS NULL OR (r.nhs_number IS NULL AND (r.gender IS NULL OR (r.family IS NULL AND r.postcode IS NULL))) THEN '16'
    ELSE '98' END) AS code
FROM asked a JOIN request r USING (request) LEFT JOIN outcome o USING (request) LEFT JOIN bucketed b USING (request)
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
