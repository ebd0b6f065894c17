"""From pseudonymised marts to what scores are made of: codes, ages, medicines, and counts of the last 12 months.

Only columns that stand for a word of the activity's whitelist are read. Nothing
that happened after the day asked about is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.scores_inputs import SourceFile, is_emergency

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb

_PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_DIAGNOSIS: Final = "diagnosis_"

WHITELIST_WORD: Final = {
    "diagnosis": "diagnoses",
    "admission_method": "admission_method",
    "admitted_on": "admission_date",
    "discharged_on": "discharge_date",
    "arrived_on": "arrival_date",
    "dmd_code": "medication_code",
    "issued_on": "issue_date",
    "birth_year": "birth_date",
}
"""Which word of the register's whitelist lets each column in."""


@dataclass(frozen=True)
class Marts:
    """The pseudonymised files of one run, by dataset, and what of them may be used."""

    files: Mapping[str, Sequence[Path]]
    whitelist: frozenset[str]
    on: date

    def allows(self, column: str) -> bool:
        """Whether the activity's whitelist lets the column into a score. An empty whitelist sets no limit."""
        kind = "diagnosis" if column.startswith(_DIAGNOSIS) else column
        return not self.whitelist or WHITELIST_WORD[kind] in self.whitelist


class Features:
    """Reads marts into small tables of one connection; `population` (person_token, practice) stands there already."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, marts: Marts, scratch: Path) -> None:
        self._db, self._marts, self._scratch = connection, marts, scratch
        self._columns = {name: self._described(name) for name, paths in marts.files.items() if paths}

    def codes(self) -> SourceFile | None:
        """Every diagnosis of an inpatient stay with the day it is known since: the discharge, else the admission."""
        columns = self._usable("sus-apc", "admitted_on", "discharged_on")
        diagnoses = self._usable("sus-apc", _DIAGNOSIS)
        if not diagnoses or not columns:
            return None
        day = f"coalesce({', '.join(f'{name}::DATE' for name in sorted(columns, reverse=True))})"
        each = ", ".join(quoted(name) for name in diagnoses)
        return self._write(
            "codes",
            ("person_id", "code", "date"),
            f"SELECT DISTINCT person_token AS person_id, code, day AS date FROM ("
            f"SELECT person_token, unnest([{each}]) AS code, {day} AS day FROM {self._rows('sus-apc')}) "
            f"SEMI JOIN population USING (person_token) WHERE coalesce(trim(code), '') <> '' AND day <= {self._on}",
        )

    def no_codes(self) -> SourceFile:
        """An empty list of codes, for scores that need none."""
        return self._write(
            "codes", ("person_id", "code"), "SELECT person_token AS person_id, '' AS code FROM population WHERE false"
        )

    def persons(self) -> SourceFile:
        """Everybody who may have a score, with the age that a birth year tells."""
        self._make_ages()
        return self._write(
            "persons",
            ("person_id", "age"),
            "SELECT person_token AS person_id, age FROM population LEFT JOIN aged USING (person_token)",
        )

    def medicines(self) -> SourceFile | None:
        """Medicines by code and day of issue."""
        if len(self._usable("gp-medications", "dmd_code", "issued_on")) < len(("dmd_code", "issued_on")):
            return None
        return self._write(
            "medicines",
            ("person_id", "medicine", "date"),
            "SELECT DISTINCT person_token AS person_id, dmd_code AS medicine, issued_on::DATE AS date FROM "
            f"{self._rows('gp-medications')} SEMI JOIN population USING (person_token) "
            f"WHERE coalesce(trim(dmd_code), '') <> '' AND issued_on::DATE BETWEEN {self._on} - INTERVAL 12 MONTH AND {self._on}",
        )

    def make_counts(self) -> dict[str, str]:
        """Tables of counts over the last 12 months; name of the count to its table, for those that can be told."""
        made = {}
        if {"admission_method", "admitted_on"} <= set(self._usable("sus-apc", "admission_method", "admitted_on")):
            emergency = is_emergency(SourceFile(self._scratch, ("admission_method",)))
            self._count(
                "emergency_admission",
                f"SELECT DISTINCT person_token, admitted_on::DATE AS day FROM {self._rows('sus-apc')} WHERE ({emergency}) = 1",
            )
            made["emergency-admissions-12-months"] = "emergency_admission"
        if self._usable("sus-ec", "arrived_on"):
            self._count("attendance", f"SELECT person_token, arrived_on::DATE AS day FROM {self._rows('sus-ec')}")
            made["emergency-attendances-12-months"] = "attendance"
        return made

    @property
    def _on(self) -> str:
        return f"DATE '{self._marts.on}'"

    def _count(self, table: str, rows: str) -> None:
        with engine_faults("count the last 12 months"):
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT person_token, count(*) AS n, max(day) AS last_on "
                f"FROM ({rows}) WHERE day <= {self._on} AND day > {self._on} - INTERVAL 12 MONTH GROUP BY person_token"
            )

    def _make_ages(self) -> None:
        # The newest practice list knows best; who is in none has the year that a hospital gave.
        sources = [
            f"SELECT person_token, birth_year, {rank} AS rank FROM {self._rows(name)} WHERE birth_year IS NOT NULL"
            for rank, name in enumerate(("gp-patients", "sus-apc", "sus-ec"))
            if self._usable(name, "birth_year")
        ] or ["SELECT NULL::VARCHAR AS person_token, NULL::BIGINT AS birth_year, 0 AS rank WHERE false"]
        with engine_faults("tell the ages"):
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE aged AS SELECT person_token, {self._marts.on.year} - birth_year AS age FROM ("
                f"SELECT person_token, arg_min(birth_year, (rank, birth_year)) AS birth_year FROM ({' UNION ALL '.join(sources)}) "
                f"GROUP BY person_token) WHERE {self._marts.on.year} - birth_year BETWEEN 0 AND 130"
            )

    def _usable(self, dataset: str, *names: str) -> list[str]:
        """Those of the columns that the mart has and the whitelist allows; a name that ends in _ stands for a family."""
        known = self._columns.get(dataset, ())
        wanted = [c for c in known for n in names if c == n or (n == _DIAGNOSIS and c.removeprefix(n).isdecimal())]
        return [column for column in wanted if self._marts.allows(column)]

    def _rows(self, dataset: str) -> str:
        paths = ", ".join(text(str(path)) for path in self._marts.files[dataset])
        return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"

    def _described(self, dataset: str) -> tuple[str, ...]:
        with engine_faults("look at a mart"):
            return tuple(
                str(row[0]) for row in self._db.execute(f"DESCRIBE SELECT * FROM {self._rows(dataset)}").fetchall()
            )

    def _write(self, name: str, columns: tuple[str, ...], statement: str) -> SourceFile:
        path = self._scratch / f"{name}.parquet"
        with engine_faults("gather what scores are made of"):
            self._db.execute(f"COPY ({statement}) TO {text(str(path))} ({_PARQUET})")
        return SourceFile(path, columns)


def codes_of(marts: Sequence[Path], tokens: Sequence[str], on: date) -> list[tuple[str, str, date]]:
    """Token, diagnosis and day of a few tokens: what their scores were made of."""
    if not marts or not tokens:
        return []
    db = connect()
    paths = ", ".join(text(str(path)) for path in marts)
    rows = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
    with engine_faults("look up what scores are made of"):
        known = [str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()]
        each = [quoted(n) for n in known if n.startswith(_DIAGNOSIS) and n.removeprefix(_DIAGNOSIS).isdecimal()]
        days = [f"{name}::DATE" for name in ("discharged_on", "admitted_on") if name in known]
        if not each or not days:
            return []
        found = db.execute(
            f"SELECT DISTINCT person_token, code, day FROM (SELECT person_token, unnest([{', '.join(each)}]) AS code, "
            f"coalesce({', '.join(days)}) AS day FROM {rows} WHERE list_contains($tokens::VARCHAR[], person_token)) "
            f"WHERE coalesce(trim(code), '') <> '' AND day <= DATE '{on}' ORDER BY ALL",
            {"tokens": [*tokens]},
        ).fetchall()
    return [(str(token), str(code), day) for token, code, day in found]
