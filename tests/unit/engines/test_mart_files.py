"""Months of a mart: several layouts as one table, cut where the months meet."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb.mart_files import (
    PLACE_SHIFT,
    ROW,
    SHUFFLE_KEY,
    Found,
    as_one,
    by_month,
    counted,
    together,
    write,
)
from caldicott.safe_haven.landing.value_lists import listed_in


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


def test_a_month_tells_of_nobody_who_is_not_in_it(tmp_path):
    """A value that only left out rows have, or only another month's, stands nowhere in a month's file."""
    codes = pa.array(["only-excluded", "b", "only-second-month", "b"]).dictionary_encode()
    one = found([(0, 1), (0, 9), (1, 4)], code=codes.take(pa.array([0, 1, 2, 3])))
    known = one.known.set_column(0, ROW, pa.array([1, 3, 2], pa.int64()))
    to = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    write([Found(known, one.wide)], to)
    assert pq.read_table(to[0]).column("code").to_pylist() == ["b", "b"]
    lists = [pq.read_table(path, read_dictionary=["code"]).column("code").chunk(0).dictionary for path in to]
    assert [values.to_pylist() for values in lists] == [["b"], ["only-second-month"]]


def test_submissions_that_were_listed_otherwise_become_one():
    """A column is a list where most of its rows are; what a submission lacks, or says nothing in, is empty there."""
    codes, more = pa.array(["a", "b"]).dictionary_encode(), pa.array(["x"] * 2).dictionary_encode()
    silent = pa.table({"code": pa.nulls(1), "more": ["y"]})
    rows = as_one([pa.table({"code": codes, "more": more}), pa.table({"code": ["c"]}), silent])
    assert rows.column("code").to_pylist() == ["a", "b", "c", None]
    assert rows.column("more").to_pylist() == ["x", "x", None, "y"]
    assert listed_in(rows.schema) == ["code", "more"]
    assert listed_in(as_one([pa.table({"code": codes}), pa.table({"code": ["c"] * 3})]).schema) == []
