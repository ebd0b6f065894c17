"""k, l and t of a million records by six quasi-identifiers; `python -m bench.records [--small]`.

Invented records: five columns of a few to twenty values and one of a hundred;
the sensitive one of forty. Drawn by chance, so that nearly every record is a
class by itself (830,000 of a million): the most that there can be to count.
Seconds of the processor, two threads. Each figure begins anew, from records
that are open and nothing known of them; what a further step costs then is said
beside it. Then the same where a person has ten records, and people are counted.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
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
        f"COPY (SELECT {columns}, 'D' || (floor(random() * 40))::INT AS illness, "
        f"'C' || lpad(to_hex(hash((random() * {rows // 10})::INT)), 16, '0') AS person FROM range({rows})) "
        f"TO '{path}' (FORMAT parquet)"
    )


ASKED = {"k": Criteria(l=1), "l": Criteria(), "t": Criteria(t=0.5)}
TARGETS = {"k": 1, "l": 2, "t": 5}


def seconds(path: Path, criteria: Criteria, *, person: str = "") -> tuple[float, float, float, int]:
    """From the open records to how many fail; the same again; the same by SQL, as what leaves is measured."""
    names = tuple(QUASI)
    records = Records(path, person=person)
    columns = tuple(records.column(name) for name in names)
    clock = [time.process_time()]
    records.coarsen(columns, "illness", (), k=5)
    failing = records.failing(names, "illness", criteria)
    clock.append(time.process_time())
    assert records.failing(names, "illness", criteria) == failing
    clock.append(time.process_time())
    assert records.measure(names, "illness", criteria).failing == failing
    clock.append(time.process_time())
    records.db.close()
    first, again, by_sql = (after - before for before, after in pairwise(clock))
    return first, again, by_sql, failing


def measure(*, whole: bool = True) -> list[dict]:
    """Name, value, unit and target of every number."""
    rows = 1_000_000 if whole else 100_000
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "records.parquet"
        make(path, rows)
        for person, whose in (("", "records"), ("person", "people with ten records each")):
            for what, asked in ASKED.items():
                first, again, by_sql, _ = seconds(path, asked, person=person)
                name = f"{what} of {rows:,} records by {len(QUASI)} quasi-identifiers"
                named = name if not person else f"{name}, {whose}"
                target = {} if person else {"target": TARGETS[what]}
                found.append({"name": named, "value": round(first, 3), "unit": "s", **target})
                found.append({"name": f"{named}: the next step", "value": round(again, 3), "unit": "s"})
            found.append({"name": f"k, l and t by SQL of what leaves, {whose}", "value": round(by_sql, 3), "unit": "s"})
    return found


if __name__ == "__main__":
    for line in measure(whole="--small" not in sys.argv):
        print(line)
