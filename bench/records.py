"""k, l and t of a million records by six quasi-identifiers, in DuckDB; `python -m bench.records [--small]`.

Invented records: five columns of a few to twenty values and one of a hundred;
the sensitive one of forty. Seconds of the processor, two threads.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from caldicott.disclosure.records import Criteria
from caldicott.engines.duckdb.connection import connect
from caldicott.engines.duckdb.extracts import Records

QUASI = {"age": 18, "sex": 2, "ethnic": 6, "practice": 100, "month": 12, "tenth": 10}


def make(path: Path, rows: int) -> None:
    db = connect(threads=2)
    db.execute("SELECT setseed(0.5)")
    columns = ", ".join(f"'{name}' || (floor(random() * {size}))::INT AS {name}" for name, size in QUASI.items())
    db.execute(
        f"COPY (SELECT {columns}, 'D' || (floor(random() * 40))::INT AS illness FROM range({rows})) "
        f"TO '{path}' (FORMAT parquet)"
    )


def measure(*, whole: bool = True) -> list[dict]:
    """Name, value, unit and target of every number."""
    rows = 1_000_000 if whole else 100_000
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "records.parquet"
        make(path, rows)
        records = Records(path)
        names = tuple(QUASI)
        records.coarsen(tuple(records.column(name) for name in names), "illness", (), k=5)
        found = {}
        for what, asked in (("k", Criteria(l=1)), ("l", Criteria()), ("t", Criteria(t=0.5))):
            begun = time.process_time()
            if what == "t":
                records.measure(names, "illness", asked)
            else:
                records.failing(names, "illness", asked)
            found[what] = time.process_time() - begun
    targets = {"k": 1, "l": 2, "t": 5}
    return [
        {
            "name": f"{what} of {rows:,} records by {len(QUASI)} quasi-identifiers", "value": round(seconds, 3),
            "unit": "s", "target": targets[what],
        }
        for what, seconds in found.items()
    ]  # fmt: skip


if __name__ == "__main__":
    for line in measure(whole="--small" not in sys.argv):
        print(line)
