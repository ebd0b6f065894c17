"""Room: facts of governance, one CSV a table: known statutes, datasets, retention classes, purposes.

Data format seen here: none; words of law and of the field.
May import: vocabulary.
Serves: "controlled statute list with warnings; quote kept verbatim for history" [conflict 9].
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one table, in the order of the file."""
    text = (Path(__file__).parent / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def column(name: str, of: str) -> frozenset[str]:
    """The words of one column."""
    return frozenset(row[of] for row in table(name))


@cache
def service_areas() -> dict[str, str]:
    """For each dataset of care, which of the nine service areas of the Leeds notice it tells of."""
    return {row["dataset"]: row["service_area"] for row in table("service_areas")}
