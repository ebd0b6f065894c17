"""A small national index and records to trace in it: invented people, 9xx numbers."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.linkage.trace import Columns, Tracer
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.linkage.tracing import PERSON_ROLES, ROLES, profile
from people import number

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def person(place: int, **changes: Any) -> dict[str, Any]:
    """One version of an invented person's record."""
    made = {
        "nhs_number": number(place), "given": "Zephrine", "family": "Quibbleworth", "birth_date": "1961-02-03",
        "gender": "2", "postcode": "ZZ7 4AP", "practice": "Z00001", "valid_from": "2000-01-01",
    }  # fmt: skip
    return {**made, **changes}


def trace(
    folder: Path, persons: list[dict[str, Any]], records: list[dict[str, Any]], *, by: str = "mps-2024",
    bucket: pa.Table | None = None, run: str = "",
) -> Tracer:  # fmt: skip
    """The tracer after its run; records are called r0, r1, … unless they have an id."""
    named = [{"id": f"r{place}", **record} for place, record in enumerate(records)]
    tracer = Tracer(profile(by))
    tracer.read_persons(_file(folder / "persons.csv", persons, PERSON_ROLES), Columns({}))
    tracer.read_requests(_file(folder / "records.csv", named, ("id", *ROLES)), Columns({}), id_column="id")
    tracer.trace(bucket, run=run)
    return tracer


def outcomes(tracer: Tracer) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in tracer.outcomes().to_pylist()}


def outcome(folder: Path, persons: list[dict[str, Any]], by: str = "mps-2024", **record: Any) -> dict[str, Any]:
    """What became of one record."""
    return outcomes(trace(folder, persons, [record], by=by))["r0"]


def _file(path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> SourceFile:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return SourceFile(path, columns)
