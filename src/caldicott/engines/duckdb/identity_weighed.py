"""Whom a record that no step found may be of, weighed by Splink: candidates for two people, never a link by itself.

Off unless the register says so. Everybody on the spine is looked at, not only
those born on the day that the record says: a wrong birth date is what is left
when the steps are done.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, quoted
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.facts import linkage as facts
from caldicott.linkage.spec import parse
from caldicott.safe_haven.identity.remainder import MOST_CANDIDATES, WEIGHED, WEIGHED_BECAUSE

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from caldicott.linkage.spec import Spec

SPEC: Final = "remainder"
_COLUMNS: Final = ("id", "nhs_number", "given", "family", "birth_date", "gender", "postcode")
_TOLD: Final = ", ".join(_COLUMNS[1:])

_UNFOUND: Final = f"""
SELECT r.id, {", ".join(f"r.{name}" for name in _COLUMNS[1:])}
FROM remainder r JOIN settled s USING (submission, file_row) WHERE s.kind = 'not known'
"""
# One row a person, as the spine has them now; a replaced number is nobody's.
_EVERYBODY: Final = """
SELECT lpad(nhs_number::VARCHAR, 10, '0') AS id, lpad(nhs_number::VARCHAR, 10, '0') AS nhs_number, given, family,
  birth_date::VARCHAR AS birth_date, gender, postcode
FROM spine_row ANTI JOIN led ON led.number = spine_row.nhs_number
QUALIFY row_number() OVER (PARTITION BY nhs_number ORDER BY valid_from DESC NULLS LAST, since DESC) = 1
"""
_LIKELY: Final = """
SELECT a.id, b.id AS person, p.probability, row_number() OVER (PARTITION BY a.id ORDER BY p.probability DESC, b.id) AS place
FROM pair p JOIN record a ON a.rec = p.rec_l JOIN record b ON b.rec = p.rec_r
WHERE NOT p.is_barred AND p.probability >= $least QUALIFY place <= $most ORDER BY a.id, place
"""
_NOTE: Final = (
    "CREATE TABLE weighed AS SELECT * FROM likely",
    f"""
UPDATE settled SET kind = 'doubtful', step = '{WEIGHED}', reason = '{WEIGHED_BECAUSE}', person = NULL,
  score = 100 * w.first, runner_up = 100 * w.second
FROM (
  SELECT r.submission, r.file_row, max(probability) FILTER (place = 1) AS first, max(probability) FILTER (place = 2) AS second
  FROM weighed JOIN remainder r USING (id) GROUP BY ALL
) w WHERE w.submission = settled.submission AND w.file_row = settled.file_row
""",
)


def weigh(connection: duckdb.DuckDBPyConnection, *, memory_limit: str = "4GB") -> None:
    """Table `weighed`: id, person, probability, place; what of `settled` was not known and is likely waits for review."""
    unfound, everybody = (connection.sql(sql).to_arrow_table() for sql in (_UNFOUND, _EVERYBODY))
    likely = _likely(unfound, everybody, memory_limit=memory_limit)
    connection.register("likely", likely)
    connection.register("everybody", everybody)
    for statement in _NOTE:
        connection.execute(statement)
    connection.execute(
        "CREATE TABLE weighed_person AS SELECT id AS person, * EXCLUDE (id, nhs_number) FROM everybody "
        "SEMI JOIN weighed ON weighed.person = everybody.id"
    )
    connection.unregister("likely")
    connection.unregister("everybody")


def _likely(unfound: pa.Table, everybody: pa.Table, *, memory_limit: str) -> pa.Table:
    """For each record at most three persons, the likeliest first."""
    import pyarrow as pa

    if not unfound.num_rows or not everybody.num_rows:
        kinds = {"id": pa.string(), "person": pa.string(), "probability": pa.float64(), "place": pa.int64()}
        return pa.schema(list(kinds.items())).empty_table()
    # Here and not above: Splink takes a second to import, and most runs never ask for it.
    from caldicott.engines.duckdb.linkage.model import Account, score_pairs
    from caldicott.engines.duckdb.linkage.prepare import read_records

    spec = _spec()
    # A connection of its own: linking and tracing name their tables and macros alike.
    beside = connect(memory_limit=memory_limit)
    sources = tuple(SourceFile(Path(name), _COLUMNS) for name in ("unfound", "everybody"))
    for name, table in (("unfound", unfound), ("everybody", everybody)):
        beside.register(name, table)
    read_records(beside, spec, sources, rows=lambda source: quoted(source.path.name))
    score_pairs(beside, spec, Account(), lambda _step: None)
    asked = {"least": spec.match_at, "most": MOST_CANDIDATES}
    found = beside.sql(_LIKELY, params=asked).to_arrow_table()
    beside.close()
    return found


def _spec() -> Spec:
    return parse(facts.spec_text(SPEC), f"{SPEC}.toml")


def doubtful(fields: tuple[str, ...]) -> str:
    """One row a weighed record and candidate, as the other doubts are told."""
    said = ", ".join(f"r.{name}" for name in fields)
    return f"""
SELECT r.submission, r.file_row, {said}, s.score, s.runner_up, s.step, s.reason, w.place, w.person AS candidate,
  v.given AS c_given, v.family AS c_family, v.birth_date AS c_birth_date, v.gender AS c_gender, v.postcode AS c_postcode
FROM settled s JOIN remainder r USING (submission, file_row) JOIN weighed w ON w.id = r.id
JOIN weighed_person v ON v.person = w.person
WHERE s.step = '{WEIGHED}' ORDER BY r.submission, r.file_row, w.place
"""
