"""Whoever came in March and in April is counted twice by month: such a table is no part of one by provider."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caldicott.disclosure import selections
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.placed import place
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts import disclosure as rules
from caldicott.operations.protect import decided
from caldicott.operations.protect_coarser import attempts
from caldicott.stores import ledger

QUARTERS = Hierarchies({"month": {"March": "winter", "April": "summer", "May": "summer"}})


def table(name, counts, several=()):
    rows = tuple(Row((value,), line, count) for line, (value, count) in enumerate(counts.items(), 2))
    return CountTable(f"{name}.csv", (name,), rows, several=frozenset(several))


PEOPLE = table("sex", {"F": 310, "M": 311})
BY_MONTH = table("month", {"March": 300, "April": 200, "May": 140}, ["month"])
BY_PROVIDER = table("provider", {"RX1": 347, "RX2": 300}, ["provider"])


def within(*tables):
    dimensions = Hierarchies().dimensions(tables)
    (reading,) = selections.readings([place(one, dimensions) for one in tables]).found
    return reading.populations.within


def test_people_by_month_are_no_part_of_people_by_provider():
    """621 people are 640 by month and 647 by provider: a part of both, and the 640 no part of the 647."""
    assert within(PEOPLE, BY_MONTH, BY_PROVIDER) == {(0, 1), (0, 2)}


def test_people_by_month_are_a_part_of_people_by_month_and_provider():
    """Whoever came in March came to some provider in March."""
    both = CountTable("both.csv", ("month", "provider"), tuple(
        Row(values, line, count) for line, (values, count) in enumerate({
            ("March", "RX1"): 200, ("March", "RX2"): 110, ("April", "RX1"): 120, ("April", "RX2"): 90,
            ("May", "RX1"): 80, ("May", "RX2"): 70,
        }.items(), 2)
    ), several=frozenset({"month", "provider"}))  # fmt: skip
    assert within(BY_MONTH, both) == {(0, 1)}


@pytest.mark.parametrize(("datasets", "together"), [(("a", "b"), False), (("a", "a"), True), (("", "b"), True)])
def test_tables_of_other_datasets_with_nothing_in_common_are_not_of_the_same_people(datasets, together):
    """Attendances by hospital, visits by nursing team: no value in common, nothing against it but what they are."""
    counts = {"RX1": 347}, {"Team north": 210, "Team south": 190}
    both = [replace(table("provider", one), of=name and f"{name}:") for one, name in zip(counts, datasets, strict=True)]
    dimensions = Hierarchies().dimensions(both)
    (reading,) = selections.readings([place(one, dimensions) for one in both]).found
    assert (len(reading.populations.members) == 1) is together


def test_nothing_in_common_with_one_table_does_not_hide_what_another_tells():
    """February's visits by sex have nothing in common with January's attendances; they are part of all attendances."""

    def by_sex(month, women, men, dataset):
        rows = (Row((month, "F"), 2, women), Row((month, "M"), 3, men))
        return CountTable(f"{dataset}-{month}.csv", ("month", "sex"), rows, of=f"{dataset}:all")

    months = replace(table("month", {"2026-01": 100, "2026-02": 110}), of="a:all")
    assert within(months, by_sex("2026-01", 60, 40, "a"), by_sex("2026-02", 30, 20, "b")) == {(1, 0)}


@pytest.mark.parametrize(("several", "done"), [((), ["month in larger groups"]), (["month"], [])])
def test_distinct_people_of_two_months_are_not_added_up(several, done):
    """A quarter's people are not the sum of its months' people, so that the table is never made coarser like that."""
    found = list(attempts([table("month", {"March": 30, "April": 20, "May": 14}, several)], QUARTERS))
    assert [step for attempt in found for step in attempt.done] == done


def test_the_memory_knows_it_too(tmp_path):
    """What was told by month is judged against what is told by provider as what it is."""
    release = decided([BY_MONTH], rules.rule("hes-2018"), hierarchies=Hierarchies(), earlier=())
    with ledger.held(tmp_path / "memory") as memory:
        memory.append(release)
        (known,) = memory.releases()
    assert [one.several for one in known.tables if one.rows] == [("month",)]
