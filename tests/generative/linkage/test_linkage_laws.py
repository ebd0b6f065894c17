"""Laws of linkage that hold for any people: order does not matter, nothing missing links, swaps are even."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.linkage.trace import Tracer
from caldicott.linkage import bloom
from caldicott.linkage.chart import score_chart
from caldicott.linkage.quality import BCubed, Pairs
from caldicott.linkage.tracing import profile

KEY = bytes(range(64))
WORDS = st.text(alphabet="abcdefgh", min_size=1, max_size=8)
CONNECTION = Tracer(profile("mps-2024")).connection


@given(st.lists(WORDS, min_size=2, max_size=8))
def test_an_encoding_is_the_same_in_any_order_and_beside_anyone(words):
    """A filter depends on the record and the key, not on who else is in the file."""
    columns = [("name", words), ("text", words[::-1])]
    whole = bloom.encode(columns, KEY)
    alone = bloom.encode([(kind, values[:1]) for kind, values in columns], KEY)
    assert (whole[0] == alone[0]).all()


@given(st.lists(st.none() | WORDS, min_size=1, max_size=8))
def test_a_missing_value_sets_no_bit(words):
    """Who says nothing has an empty filter, and an empty filter is nobody's partner."""
    filters = bloom.encode([("name", words)], KEY)
    assert [bool(row.any()) for row in filters] == [word is not None for word in words]
    left, _right, _dice = bloom.best_pairs(filters, np.zeros((2, filters.shape[1]), np.uint8), at_least=0.5)
    assert len(left) == 0


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_f1_lies_between_precision_and_recall(right, wrong, missed):
    """Whatever the counts."""
    pairs = Pairs(right + wrong, right + missed, right)
    if pairs.precision is not None and pairs.recall is not None and pairs.f1 is not None:
        assert min(pairs.precision, pairs.recall) - 1e-9 <= pairs.f1 <= max(pairs.precision, pairs.recall) + 1e-9
    assert BCubed(0.0, 0.0).f1 == 0.0


@settings(max_examples=40, deadline=None)
@given(st.dates(), st.dates())
def test_nearly_the_same_birth_date_is_so_both_ways(one, other):
    """If one date is a partial match of the other, the other is one of it; and each is one of itself."""
    days = [one.isoformat(), other.isoformat()]
    asked = "SELECT nearly_born(?, ?), nearly_born(?, ?), nearly_born(?, ?)"
    there, back, itself = CONNECTION.execute(asked, [*days, *days[::-1], days[0], days[0]]).fetchall()[0]
    assert there == back
    assert itself


@given(st.lists(st.tuples(st.floats(-50, 50), st.integers(0, 9999), st.integers(0, 9999)), max_size=20))
def test_a_chart_can_be_drawn_of_any_scores(scores):
    """Also of none; nothing in it stands outside the picture."""
    drawn = score_chart(tuple(scores), "a < b & c")
    assert drawn.startswith("<svg")
    assert "a &lt; b &amp; c" in drawn
