"""Every row one place: sorted by fault and month, counted, never looked at."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.safe_haven.landing.placement import Period, Tally, place

PERIOD = Period(date(2025, 4, 1), date(2026, 3, 31))


class Kept:
    """A sink that remembers."""

    def __init__(self):
        self.parts, self.held = {}, []

    def admit(self, parts):
        for part, rows in parts.items():
            self.parts.setdefault(part, []).extend(rows.column("file_row").to_pylist())

    def hold(self, rows):
        self.held.extend(rows.column("file_row").to_pylist())


def _batch(rows):
    return pa.record_batch({
        "occurred_on": pa.array([on for on, _fault in rows], pa.date32()),
        "fault": pa.array([fault for _on, fault in rows], pa.string()),
        "raw": pa.array([None] * len(rows), pa.string()),
        "link_quality": ["verified"] * len(rows),
        "needs_trace": [False] * len(rows),
        "withdrawn": [False] * len(rows),
    })  # fmt: skip


def placed(*batches):
    sink, tally = Kept(), Tally()
    place([_batch(rows) for rows in batches], period=PERIOD, sink=sink, tally=tally)
    return sink, tally


def test_rows_of_the_period_lie_by_month_and_older_ones_by_year():
    """Inside the period a month; before or after it the year; without a day, undated."""
    days = [date(2025, 4, 1), date(2026, 3, 31), date(2025, 3, 31), date(2026, 4, 1), None, date(1999, 12, 31)]
    sink, _tally = placed([(day, None) for day in days])
    assert sink.parts == {
        "2025-04": [1], "2026-03": [2], "2025": [3], "2026": [4], "undated": [5], "1999": [6],
    }  # fmt: skip


def test_a_fault_holds_back_and_is_counted_by_its_code():
    """What follows the bar says where; the code before it is counted."""
    sink, tally = placed([(None, "date_invalid|A"), (None, "date_invalid|B"), (date(2025, 5, 1), None)])
    assert (sink.held, sink.parts) == ([1, 2], {"2025-05": [3]})
    assert (tally.rows, tally.admitted, dict(tally.quarantined_by)) == (3, 1, {"date_invalid": 2})


DAYS = st.one_of(st.none(), st.dates(date(2018, 1, 1), date(2027, 1, 1)))
ROWS = st.lists(st.tuples(DAYS, st.sampled_from([None, None, None, "a|x", "b|y"])), max_size=30)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROWS.filter(bool), max_size=4))
def test_no_row_is_lost_or_doubled(batches):
    """Whatever comes in however many pieces: each row number is in exactly one place."""
    sink, tally = placed(*batches)
    everywhere = sorted([*sink.held, *(row for rows in sink.parts.values() for row in rows)])
    assert everywhere == list(range(1, sum(map(len, batches)) + 1))
    assert tally.rows == tally.admitted + tally.quarantined == len(everywhere)
    assert tally.quarantined == len(sink.held)
