"""Which practice a person is registered with now, when several rows say different things."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from caldicott.engines.duckdb.people import DuckDbPeople
from caldicott.engines.duckdb.risk_people import DuckDbRiskPeople

ON = date(2026, 3, 31)
SCHEMA = pa.schema(
    [
        ("identity", pa.int64()), ("withdrawn", pa.bool_()), ("practice", pa.string()), ("registered_on", pa.date32()),
        ("effective_from", pa.date32()), ("died_on", pa.date32()), ("removal_reason", pa.string()),
    ]
)  # fmt: skip
OLD, NEW = date(2020, 1, 1), date(2026, 2, 1)


def _row(practice, since=None, effective=NEW, died=None, removed=None, *, withdrawn=False):
    values = (1, withdrawn, practice, since, effective, died, removed)
    return dict(zip(SCHEMA.names, values, strict=True))


def _practice(*rows, mask=0, barring=0):
    people = DuckDbPeople()
    people.connection.execute(
        f"CREATE TEMP TABLE person AS SELECT 1::BIGINT AS identity, {mask} AS mask, 'R1' AS token"
    )
    people.connection.execute("CREATE TEMP TABLE person_local AS SELECT * FROM person WHERE false")
    found = DuckDbRiskPeople(people, barring=barring)
    found.add_demographics(pa.Table.from_pylist([*rows], SCHEMA).to_reader())
    return [row["practice"] for row in found.population(ON).to_pylist()]


CASES = {
    "one row": ([_row("Z1", OLD)], ["Z1"]),
    "the later registration": ([_row("Z1", OLD), _row("Z2", NEW)], ["Z2"]),
    "whatever the order": ([_row("Z2", NEW), _row("Z1", OLD)], ["Z2"]),
    "without a day of registration, the day of the row": ([_row("Z1", OLD), _row("Z2", None, NEW)], ["Z2"]),
    "two claims of the same day are settled by nobody": ([_row("Z1", NEW), _row("Z2", NEW)], [None]),
    "a claim and its own repetition": ([_row("Z1", NEW), _row("Z1", NEW)], ["Z1"]),
    "removed from the list": ([_row("Z1", OLD, removed="R")], [None]),
    "removed there, then registered here": ([_row("Z1", OLD, removed="R"), _row("Z2", NEW)], ["Z2"]),
    "a row taken back": ([_row("Z1", OLD), _row("Z2", NEW, withdrawn=True)], ["Z1"]),
    "a practice that is a blank": ([_row(" ", NEW)], [None]),
    "nobody who has died": ([_row("Z1", OLD, died=date(2026, 3, 1))], []),
    "who died after the day is scored as of it": ([_row("Z1", OLD, died=date(2026, 4, 1))], ["Z1"]),
    "no row at all": ([], [None]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_newest_registration_decides(case):
    """The later registration wins, an ended one gives no practice, and what cannot be settled belongs to nobody."""
    rows, expected = CASES[case]
    assert _practice(*rows) == expected


def test_one_objecting_identity_bars_the_person():
    """Who objects under the schemes that bar scores is not in the population at all; other schemes do not matter."""
    assert _practice(_row("Z1", OLD), mask=4, barring=4) == []
    assert _practice(_row("Z1", OLD), mask=4, barring=8) == ["Z1"]
