"""Emergency admissions and visits to emergency departments in the last days of the records, for some tokens.

Reads only columns that the activity's whitelist lets into a score, as the scores do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, text
from caldicott.engines.duckdb.scores_inputs import SourceFile, is_emergency

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from caldicott.engines.duckdb.features import Marts

ADMISSION: Final = "admission"
VISIT: Final = "visit"


def lately(marts: Marts, tokens: pa.Table, since: date) -> list[tuple[str, str, date, date | None]]:
    """Token, kind, first and last day, newest first; `tokens` has the column person_token."""
    db = connect()
    db.register("mine", tokens.select(["person_token"]))
    parts = [*_admissions(db, marts, since), *_visits(db, marts, since)]
    if not parts:
        return []
    with engine_faults("look for the latest admissions"):
        found = db.execute(f"{' UNION ALL '.join(parts)} ORDER BY 3 DESC, 1, 2").fetchall()
    return [(str(token), str(kind), began, ended) for token, kind, began, ended in found]


def _admissions(db: duckdb.DuckDBPyConnection, marts: Marts, since: date) -> list[str]:
    rows, known = _rows(db, marts, "sus-apc")
    if not {"admitted_on", "admission_method"} <= known:
        return []
    emergency = is_emergency(SourceFile(_nowhere(marts), ("admission_method",)))
    # Episodes of one stay share its first day; the last day any of them knows is its end.
    ended = "max(discharged_on::DATE)" if "discharged_on" in known else "NULL::DATE"
    asked = (
        f"SELECT person_token, '{ADMISSION}', admitted_on::DATE, {ended} FROM {rows} SEMI JOIN mine USING (person_token) "
        f"WHERE ({emergency}) = 1 AND {_between('admitted_on', marts, since)} GROUP BY person_token, admitted_on::DATE"
    )
    return [asked]


def _visits(db: duckdb.DuckDBPyConnection, marts: Marts, since: date) -> list[str]:
    rows, known = _rows(db, marts, "sus-ec")
    if "arrived_on" not in known:
        return []
    asked = (
        f"SELECT DISTINCT person_token, '{VISIT}', arrived_on::DATE, NULL::DATE FROM {rows} "
        f"SEMI JOIN mine USING (person_token) WHERE {_between('arrived_on', marts, since)}"
    )
    return [asked]


def _between(column: str, marts: Marts, since: date) -> str:
    return f"{column}::DATE BETWEEN DATE '{since}' AND DATE '{marts.on}'"


def _rows(db: duckdb.DuckDBPyConnection, marts: Marts, dataset: str) -> tuple[str, set[str]]:
    paths = marts.files.get(dataset, ())
    if not paths:
        return "", set()
    listed = ", ".join(text(str(path)) for path in paths)
    rows = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    with engine_faults("look for the latest admissions"):
        names = {str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    wanted = {"admitted_on", "admission_method", "discharged_on", "arrived_on"}
    return rows, {name for name in names & wanted if marts.allows(name)}


def _nowhere(marts: Marts) -> Path:
    """`SourceFile` wants a path; only its columns are asked."""
    return next(path for paths in marts.files.values() for path in paths)
