"""Columns of text: what is picked, written, replaced."""

import uuid

import numpy as np
import pyarrow as pa

from caldicott.synth.arrays import NO_DAY, choose, day, scrambled
from caldicott.synth.texts import IMPOSSIBLE_DAY, blanked, dates, guids, joined, only_at, pick, put


def test_days_are_written_in_the_form_of_the_layout():
    """A day, no day, and the thirtieth of February."""
    days = np.array([day(2025, 4, 1), NO_DAY, IMPOSSIBLE_DAY])

    assert dates(days).to_pylist() == ["2025-04-01", None, "2025-02-30"]
    assert dates(days, "%d/%m/%Y").to_pylist() == ["01/04/2025", None, "30/02/2025"]


def test_rows_are_replaced_in_place():
    """The named rows change, in order, and no other."""
    column = pa.array(["a", "b", "c", "d"])

    assert put(column, np.array([1, 3]), pa.array(["x", "y"])).to_pylist() == ["a", "x", "c", "y"]


def test_a_sparse_column_is_null_elsewhere():
    """Only the named rows hold something."""
    assert only_at(np.array([2]), pa.array(["x"]), 4).to_pylist() == [None, None, "x", None]


def test_missing_parts_leave_no_trace():
    """A null part makes the whole null, so that no half address is written."""
    assert joined(pa.array(["1", None]), " Road").to_pylist() == ["1 Road", None]
    assert blanked(pa.array(["a", "b"]), np.array([True, False])).to_pylist() == [None, "b"]
    assert pick(["p", "q"], np.array([1, 0]), missing=np.array([False, True])).to_pylist() == ["q", None]


def test_ids_are_well_formed_and_apart():
    """Any reader of ids takes them; a thousand words give a thousand ids."""
    ids = guids(scrambled(np.arange(1_000), 1), scrambled(np.arange(1_000), 2)).to_pylist()

    assert len({uuid.UUID(text) for text in ids}) == 1_000


def test_choices_follow_their_weights():
    """A choice of weight nought is never made; three to one is three to one."""
    chosen = choose(np.random.default_rng(1), np.array([3.0, 0.0, 1.0]), 40_000)

    share = np.bincount(chosen, minlength=3) / 40_000
    assert share[1] == 0
    assert abs(share[0] - 0.75) < 0.01
