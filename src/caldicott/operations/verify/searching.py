"""Looks for identifiers in what left the safe haven: marts, exports, and the plain files of the store.

Three looks at a table: its columns against the layouts, its whole numbers and
texts against every NHS number the store knows, and its texts against the
shapes of an NHS number and of a full postcode. Clinical codes are made of
digits and letters too, so there only a number somebody has is counted.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from caldicott.facts import layout as layouts
from caldicott.operations.stratify_plan import RISK_SCORES, score_columns
from caldicott.operations.verify.haven import is_known, passes_check
from caldicott.safe_haven.release import LINKED_MART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.operations.verify.evidence import Evidence

OUTSIDE = frozenset({
    "organisation", "practice", "area", "quasi", "activity", "clinical", "finance", "admin", "nhs_number_status",
    "withheld_reason",
})  # fmt: skip
"""Classes of column that may stand outside the safe haven; written here a second time, apart from the policy."""
DERIVED = frozenset({"person_token", "link_quality", "birth_year", "age_band", "outward_postcode"})
LINKED = frozenset({"person_token", "service_area", "contacts", "cost"})
_SMALLEST = 10**8
"""Whole numbers below are counts and codes; an NHS number that lost zeros would be no NHS number."""
_TEN = r"(?:^|[^0-9A-Za-z])([0-9]{3}[ \-./_]?[0-9]{3}[ \-./_]?[0-9]{4})(?:$|[^0-9A-Za-z])"
_POSTCODE = r"(?i)(?:^|[^0-9A-Z])[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}(?:$|[^0-9A-Z])"
_GROUPED = re.compile(rb"(?<![0-9A-Za-z])\d{3}[ -]?\d{3}[ -]?\d{4}(?![0-9A-Za-z])")
_PIECE = 1 << 24
_LONGEST = 14


@cache
def classes_of(dataset: str) -> dict[str, set[str]]:
    """What each column of a dataset is, over all its layouts."""
    found: dict[str, set[str]] = {}
    for name in layouts.known():
        loaded = layouts.load(name)
        for column in loaded.columns if loaded.dataset == dataset else ():
            found.setdefault(column.canonical, set()).add(column.column_class.value)
    return found


def telling_columns(names: list[str], dataset: str, *, whitelist: frozenset[str]) -> list[str]:
    """Columns of a mart that may not be outside: of a class that tells, or of no layout at all."""
    if dataset == LINKED_MART:
        return [name for name in names if name not in LINKED]
    if dataset == RISK_SCORES:
        return [name for name in names if name not in score_columns()]
    known = classes_of(dataset)
    return [
        name
        for name in names
        if name not in DERIVED
        and not (known.get(name, set()) & OUTSIDE or (known.get(name) == {"restricted"} and name in whitelist))
    ]


def telling_values(path: Path, dataset: str, evidence: Evidence) -> list[str]:
    """Columns in which a value is somebody's number, or shaped like a number or a postcode."""
    table = pq.ParquetFile(path) if path.suffix == ".parquet" else None
    known = classes_of(dataset)
    found: list[str] = []
    names = table.schema_arrow.names if table else pa_csv.read_csv(path).column_names
    for name in names:
        column = table.read([name]).column(0) if table else pa_csv.read_csv(path).column(name)
        if _tells(column, is_code="clinical" in known.get(name, set()), evidence=evidence):
            found.append(name)
    return found


def _tells(column: pa.ChunkedArray, *, is_code: bool, evidence: Evidence) -> bool:
    if pa.types.is_integer(column.type):
        numbers = pc.unique(column).drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
        return bool(is_known(numbers[numbers >= _SMALLEST], evidence).any())
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return False
    texts = pc.unique(column).drop_null()
    if not is_code and pc.any(pc.match_substring_regex(texts, _POSTCODE)).as_py():
        return True
    numbers = _numbers_in(texts.filter(pc.match_substring_regex(texts, _TEN)))
    return bool((is_known(numbers, evidence) if is_code else passes_check(numbers)).any())


def _numbers_in(texts: pa.Array) -> np.ndarray:
    found = (one for text in texts.to_pylist() for one in re.findall(_TEN, text))
    return np.array([int(re.sub(r"\D", "", one)) for one in found], dtype=np.int64)


def numbers_in_bytes(path: Path, evidence: Evidence) -> int:
    """How many times the number of somebody in this store stands in a plain file."""
    found, tail = 0, b""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            numbers = [int(re.sub(rb"\D", b"", one)) for one in _GROUPED.findall(tail + piece)]
            found += int(is_known(np.array(numbers, dtype=np.int64), evidence).sum())
            tail = piece[-_LONGEST:]
    return found


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below a folder that a role received."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
