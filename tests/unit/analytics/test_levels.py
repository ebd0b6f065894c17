"""What lies in what: months in quarters and financial years, tenths in fifths, practices in networks."""

from __future__ import annotations

import pytest

from caldicott.analytics.levels import above, groups, parents, with_tenths
from caldicott.analytics.question import Axis, question
from caldicott.analytics.reading import read
from caldicott.facts import indicators as facts
from caldicott.vocabulary.errors import WrongUsage

STAYS = read(facts.text("library", "activity-inpatient.toml"), "activity-inpatient.toml")
NETWORKS = {"practice-network": {"Z80001": "network-01"}}


@pytest.mark.parametrize(
    ("level", "value", "group"),
    [
        ("quarter", "2026-03", "2026-Q1"), ("quarter", "2025-12", "2025-Q4"), ("year", "2026-03", "2025/26"),
        ("year", "2026-04", "2026/27"), ("year", "2026-Q1", "2025/26"), ("year", "2025-Q2", "2025/26"),
        ("year", "1999-05", "1999/00"), ("month", "2026-03", "2026-03"), ("deprivation_fifth", "tenth 1", "fifth 1"),
        ("deprivation_fifth", "tenth 10", "fifth 5"), ("deprivation_fifth", "unknown", "unknown"),
        ("network", "Z80001", "network-01"), ("network", "Z99999", "network unknown"),
    ],
)  # fmt: skip
def test_a_value_has_the_group_above_it(level, value, group):
    """A financial year begins in April; a value without a group stays what it is."""
    assert above(level, value, NETWORKS) == group


def test_fifths_are_made_of_tenths_and_named_apart():
    """A tenth is never taken for a fifth of the same number."""
    found = with_tenths({"area-deprivation-tenth": {"E01": "9", "E02": "1"}})
    assert found["area-deprivation-tenth"] == {"E01": "tenth 9", "E02": "tenth 1"}
    assert found["area-deprivation-fifth"] == {"E01": "fifth 5", "E02": "fifth 1"}


def test_the_gate_is_told_what_lies_in_what():
    """Practices in networks by the register, tenths in fifths; ages and periods the gate reads by itself."""
    asked = question(STAYS, ["practice", "deprivation_tenth", "month"])
    told = [parents(axis, NETWORKS) for axis in asked.axes]
    assert told[0] == {"Z80001": "network-01"}
    assert told[1]["tenth 4"] == "fifth 2"
    assert told[2] == {}


def test_levels_of_one_hierarchy_are_one_axis_at_the_finest():
    """A filter by network and a table by practice are one dimension: practices, limited to the network."""
    asked = question(STAYS, ["practice"], [("network", "network-01")])
    assert [(axis.name, axis.level, axis.shown, axis.limits) for axis in asked.axes] == [
        ("practice", "practice", ("practice",), (("network", "network-01"),))
    ]


def test_the_order_of_dimensions_and_filters_is_no_part_of_a_question():
    """By sex and month, or by month and sex: the same question, the same key."""
    of = {"snapshot": "run-a", "activity": "planning", "rule": "hes-2018"}
    one = question(STAYS, ["sex", "month"], [("provider", "RZ1"), ("network", "network-01")])
    other = question(STAYS, ["month", "sex"], [("network", "network-01"), ("provider", "RZ1")])
    assert one.key(**of) == other.key(**of)
    assert one.key(**of) != question(STAYS, ["sex"]).key(**of)
    assert one.key(**of) != one.key(**{**of, "snapshot": "run-b"})


def test_at_most_four_hierarchies_and_one_group_of_each():
    with pytest.raises(WrongUsage, match="at most 4"):
        question(STAYS, ["sex", "month", "provider", "practice", "age_band"])
    with pytest.raises(WrongUsage, match="one group"):
        question(STAYS, [], [("sex", "1"), ("sex", "2")])


def test_a_place_holds_practices_even_where_it_cuts_across_networks():
    """Of a level above the second the gate is told the values themselves; of the second, each value's one group."""
    lookups = {
        "practice-network": {"P1": "N1", "P2": "N1", "P3": "N2"},
        "practice-place": {"P1": "East", "P2": "West", "P3": "West"},
    }
    axis = Axis("practice", "place", ("practice",), ())
    assert parents(axis, lookups) == {"P1": "N1", "P2": "N1", "P3": "N2"}
    assert groups(axis, lookups) == {"East": ("P1",), "West": ("P2", "P3")}
