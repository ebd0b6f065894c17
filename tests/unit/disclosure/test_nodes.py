"""Which values of a dimension lie in which."""

from __future__ import annotations

import pytest

from caldicott.disclosure.nodes import is_total, resolve
from caldicott.vocabulary.errors import DoesNotHold


@pytest.mark.parametrize(
    ("small", "large"),
    [("15-19", "15-44"), ("85-89", "85+"), ("2-3", "under 5"), ("2026-05", "2026-Q2"), ("2026-05", "2026/27"),
     ("2026-Q1", "2026"), ("15-44", "All"), ("2026-05", "Total")],
)  # fmt: skip
def test_a_value_lies_in_a_larger_one_by_its_name(small, large):
    """Bands, months, quarters, years and totals need no hierarchy."""
    found = resolve("group", [small, large, "100-104", "2027-01"], children={})
    found = resolve("group", [small, large], children={}) if large not in {"All", "Total"} else found
    assert found.leaves_of[small] < found.leaves_of[large]


def test_bands_that_cut_across_share_leaves():
    """15-44 and 15-49 share 15-44; what is left is 45-49."""
    found = resolve("age", ["15-44", "15-49", "45-64"], children={})
    assert len(found.leaves_of["15-49"] - found.leaves_of["15-44"]) == 1
    assert found.leaves_of["15-49"] & found.leaves_of["45-64"]


def test_only_whole_words_are_totals():
    """A total hip replacement is an operation, not a total."""
    assert is_total("All practices", "practice")
    assert not is_total("Total hip replacement", "operation")


def test_a_ring_is_refused():
    """A network that lies in itself."""
    with pytest.raises(DoesNotHold) as told:
        resolve("practice", ["A", "B"], children={"A": ("B",), "B": ("A",)})
    assert told.value.code == "hierarchy-ring"
