"""Months of a mart: several layouts as one table, cut where the months meet."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa

from caldicott.engines.duckdb.mart_files import PLACE_SHIFT, ROW, SHUFFLE_KEY, Found, by_month, counted, together


def found(keys, **kept):
    rows = len(keys)
    known = pa.table({
        ROW: pa.array(range(rows), pa.int64()),
        SHUFFLE_KEY: pa.array([(month << PLACE_SHIFT) | order for month, order in keys], pa.uint64()),
        "person_token": [f"C{order}" for _month, order in keys],
    })  # fmt: skip
    return Found(known, pa.table(kept))


def test_two_layouts_with_other_types_become_one():
    """A day and a minute are both times; a number and a text are both text; what one lacks is empty."""
    days = found([(0, 3)], seen=pa.array([date(2025, 1, 2)]), code=pa.array([7]), only=pa.array(["x"]))
    times = found([(0, 1)], seen=pa.array([datetime(2025, 1, 2, 9, 30)]), code=pa.array(["A7"]))
    rows = together([days, times])
    assert rows.column("person_token").to_pylist() == ["C1", "C3"]
    assert rows.column("seen").to_pylist() == [datetime(2025, 1, 2, 9, 30), datetime(2025, 1, 2)]
    assert rows.column("code").to_pylist() == ["A7", "7"]
    assert rows.column("only").to_pylist() == [None, "x"]


def test_months_are_cut_where_they_meet():
    """Each row goes to its own month; a month without rows is empty; the key does not leave."""
    one = found([(0, 1), (0, 9), (2, 4)], code=pa.array(["a", "b", "c"]))
    months = by_month(one.rows(), 3)
    assert [month.column("code").to_pylist() for month in months] == [["a", "b"], [], ["c"]]
    assert counted([one], 3) == [2, 0, 1]
    assert SHUFFLE_KEY not in months[0].column_names
