"""Sums of money, minutes and nights: a sum gives away no count that is rounded or withheld beside it."""

from __future__ import annotations

import pytest
from tests.spec.indicators.conftest import ask, attendance

import people
from caldicott.analytics.reading import read
from caldicott.analytics.tables import Count
from caldicott.operations.indicators_sums import as_coarse_as_counts
from caldicott.vocabulary.errors import DoesNotHold

MINUTES = """
id = "minutes"
version = 1
title = "Minutes"
definition = "Minutes in the department."
citation = "us"
status = "remembered"
figure = "sum"
dataset = "sus-ec"
amount = "{amount}"
amount_in = "minutes"
dimensions = ["provider", "month"]
by = ["provider"]
"""


def minutes(amount="minutes_in_department"):
    return read(MINUTES.format(amount=amount), "minutes.toml")


def told(stage, found, provider):
    """What is told of one provider: events, people, sum, mean."""
    return next(row[1:] for row in ask(stage, found).answer.rows if row[0] == provider)


def at_rz3(stage, number, minutes_of):
    """So many people attend at RZ3 once, each for so long, at 100 pounds."""
    rows = [
        attendance(one, f"x{place}", "2025-08-01", provider="RZ3", minutes=minutes_of(place))
        for place, one in enumerate(people.invented(140)[:number])
    ]
    stage.land(stage.send("ncdr-sus-ec", rows, sender="RZ2"))
    stage.run()


@pytest.mark.parametrize("number", [13, 14, 15, 16, 17])
def test_a_sum_of_equal_costs_is_no_exact_count(stage, number):
    """Every attendance costs 100 pounds: 13 and 17 people, both printed as 15, have the same sum and the same mean."""
    at_rz3(stage, number, lambda _place: 60)
    assert told(stage, "activity-emergency", "RZ3") == (15, 15, 1600, 106.67)


@pytest.mark.parametrize(("longer", "sum_told"), [(0, 0), (1, "*"), (3, "*"), (7, "*"), (8, 800)])
def test_a_sum_to_which_few_put_anything_is_withheld(stage, longer, sum_told):
    """Forty people, of whom a few have minutes at all: their minutes are those few people's, however many stand by."""
    at_rz3(stage, 40, lambda place: 100 if place < longer else 0)
    assert told(stage, minutes(), "RZ3")[:3] == (40, 40, sum_told)


@pytest.mark.parametrize("amount", ["1", "minutes_in_department - 600", "cost + 1000", "cost - cost + 1"])
def test_an_amount_cannot_be_made_to_count(amount):
    """The sum of ones, or of minutes over 600 less that of minutes over 601, is how many people there are exactly."""
    with pytest.raises(DoesNotHold, match="nothing is added to it") as refused:
        minutes(amount)
    assert refused.value.code == "indicator-file"


@pytest.mark.parametrize("total", range(400, 5_000, 50))
def test_a_sum_of_whole_prices_does_not_tell_how_many_there_are(total):
    """Nine events at prices of 50, 100, 150 ... are printed as 10: any of 8 to 12 events can have the sum told."""

    def printed(number, amount):
        rows = [Count(("RZ1",), number, number, float(amount))]
        return as_coarse_as_counts("provider,count,people,sum\nRZ1,10,10,1\n", rows, "*").rsplit(",", 1)[1]

    sum_told = printed(9, total)
    assert all(any(printed(one, 50 * k) == sum_told for k in range(200)) for one in (8, 9, 10, 11, 12))


def test_beside_a_withheld_count_no_sum_stands():
    """A sum of equal costs would say how many are withheld."""
    text = "provider,count,people,sum\nRZ1,*,15,1400\nRZ2,20,20,*\nRZ3,0,0,0\n"
    rows = [Count(("RZ1",), 14, 14, 1400.0), Count(("RZ2",), 20, 20, 900.0), Count(("RZ3",), 0, 0, 0.0)]
    assert as_coarse_as_counts(text, rows, "*") == "provider,count,people,sum\nRZ1,*,15,*\nRZ2,20,20,*\nRZ3,0,0,0\n"
