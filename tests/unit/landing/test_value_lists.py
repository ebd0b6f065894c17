"""Columns of few values travel as a list and places in it; a list never tells of rows that are not there."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.safe_haven.landing.placement import Period, Tally, place
from caldicott.safe_haven.landing.value_lists import ValueLists, listed_in, only_used, with_lists, without_lists

TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "Ä", "long enough to differ"])), max_size=40)


def _values(rows, name):
    return rows.column(name).combine_chunks().dictionary.to_pylist()


def test_columns_of_few_values_are_listed_and_others_are_not():
    """A code is listed; a record's own number, and a number, are not."""
    rows = pa.table({"code": ["a", "b"] * 32, "record": [f"R{number}" for number in range(64)], "cost": range(64)})
    assert listed_in(ValueLists().listed(rows).schema) == ["code"]


def test_what_the_first_rows_decide_holds_for_all():
    """Later pieces of the same landing have the same type, whatever is in them."""
    lists = ValueLists()
    lists.listed(pa.table({"code": ["a"] * 32}))
    later = lists.listed(pa.table({"code": [f"R{number}" for number in range(64)]}))
    assert listed_in(later.schema) == ["code"]


@settings(max_examples=50, deadline=None)
@given(pieces=st.lists(TEXTS, min_size=1, max_size=4), left=st.integers(0, 3))
def test_a_list_changes_no_row_and_holds_only_what_its_rows_say(pieces, left):
    """However the rows were cut and joined: the same texts, and a list that is the set of them in order."""
    parts = [with_lists(pa.table({"code": pa.array(piece, pa.string())}), ["code"]) for piece in pieces]
    rows = pa.concat_tables(parts).slice(left)
    said = [text for piece in pieces for text in piece][left:]
    kept = only_used(rows)
    assert kept.column("code").to_pylist() == said
    assert _values(kept, "code") == sorted({text for text in said if text is not None}, key=str.encode)
    assert without_lists(kept, ["code"]).column("code").to_pylist() == said


def test_the_values_of_a_row_held_back_do_not_stay_with_the_admitted():
    """What only a quarantined row says stands in no admitted piece, not even in its list of values."""
    batch = pa.record_batch({
        "occurred_on": pa.array([date(2025, 5, 1)] * 64, pa.date32()),
        "fault": pa.array(["identifier_in_free_column|note", *[None] * 63], pa.string()),
        "raw": pa.array(["{}", *[None] * 63], pa.string()),
        "link_quality": ["verified"] * 64,
        "needs_trace": [False] * 64,
        "withdrawn": [False] * 64,
        "note": ["9999999999", *["nothing"] * 63],
    })  # fmt: skip
    admitted = []

    class Kept:
        def admit(self, parts):
            admitted.extend(parts.values())

        def hold(self, rows):
            pass

    place([batch], period=Period(date(2025, 4, 1), date(2026, 3, 31)), sink=Kept(), tally=Tally())
    assert [_values(rows, "note") for rows in admitted] == [["nothing"]]
