"""Which part of a list is shown: change against the month before, numbers from a value on, order both ways."""

from __future__ import annotations

import pyarrow as pa
import pytest

from caldicott.operations.practice_query import Query, change_of, choices, filtered, ordered, require_known
from caldicott.operations.stratify import empty_list
from caldicott.vocabulary.errors import WrongUsage

ROWS = [
    {"person_token": "RISEN", "tier": "tier 1", "tier_before": "tier 3", "age_band": "90+", "charlson-rcs": 3.0},
    {"person_token": "FALLEN", "tier": "tier 4", "tier_before": "tier 2", "age_band": "85-89", "charlson-rcs": None},
    {"person_token": "SAME", "tier": "tier 2", "tier_before": "tier 2", "age_band": "5-9", "charlson-rcs": 0.0},
    {"person_token": "NEW", "tier": "tier 3", "tier_before": None, "age_band": None, "charlson-rcs": 1.0},
]


@pytest.fixture
def rows():
    schema = empty_list().schema
    return pa.Table.from_pylist(ROWS, schema=schema)


def tokens(table):
    return table.column("person_token").to_pylist()


def test_change_is_told_against_the_month_before(rows):
    """Towards the first tier is rising; who was not on the list then is new."""
    assert change_of(rows).to_pylist() == ["rising", "falling", "same", "new"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ((("change", "rising"), ("change", "new")), ["RISEN", "NEW"]),
        ((("conditions-from", "1"),), ["RISEN", "NEW"]),
        ((("conditions-from", "0"),), ["RISEN", "SAME", "NEW"]),
        ((("tier", "tier 2"), ("change", "falling")), []),
    ],
)
def test_filters_of_one_kind_add_and_of_several_narrow(rows, filters, left):
    """Who has no value has not so many; two values of one filter mean either."""
    assert tokens(filtered(rows, Query(filters=filters))) == left


def test_what_a_practice_keeps_narrows_by_token(rows):
    """Only those of a stage, and without those who were left out."""
    assert tokens(filtered(rows, Query(among=frozenset({"SAME", "NEW"}), without=frozenset({"NEW"})))) == ["SAME"]


@pytest.mark.parametrize(
    ("sort", "turned", "order"),
    [
        ("change", False, ["RISEN", "NEW", "SAME", "FALLEN"]),
        ("change", True, ["FALLEN", "SAME", "NEW", "RISEN"]),
        ("age", False, ["RISEN", "FALLEN", "SAME", "NEW"]),
        ("age", True, ["SAME", "FALLEN", "RISEN", "NEW"]),
        ("charlson-rcs", False, ["RISEN", "NEW", "SAME", "FALLEN"]),
        ("charlson-rcs", True, ["SAME", "NEW", "RISEN", "FALLEN"]),
    ],
)
def test_the_order_turns_round_and_unknown_values_stay_last(rows, sort, turned, order):
    """Who has no value is last both ways."""
    assert tokens(ordered(rows, Query(sort=sort, turned=turned))) == order


def test_anempty_list_can_be_asked_like_any_other():
    """A practice with nobody: no error, no choice, nobody."""
    empty = empty_list()
    for sort in ("tier", "age", "change"):
        assert tokens(ordered(filtered(empty, Query(filters=(("change", "new"),))), Query(sort=sort))) == []
    assert choices(empty)["tier"] == ()


@pytest.mark.parametrize(
    "query",
    [
        Query(sort="name"), Query(filters=(("conditions-from", "-1"),)), Query(filters=(("conditions-from", "1000"),)),
        Query(filters=(("change", "up"),)), Query(filters=(("name", "x"),)), Query(limit=0), Query(limit=101),
        Query(offset=-1),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_may_be_asked(query):
    """Nothing is guessed."""
    with pytest.raises(WrongUsage):
        require_known(query)


def test_ages_to_choose_from_stand_by_age(rows):
    """Five to nine before ninety, as people read; nothing is no choice."""
    assert choices(rows)["age-band"] == ("5-9", "85-89", "90+")
    assert choices(rows)["tier"] == ("tier 1", "tier 2", "tier 3", "tier 4")
