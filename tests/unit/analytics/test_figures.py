"""Shares, intervals, funnels and control charts against worked examples from the literature."""

from __future__ import annotations

import pytest

from caldicott.analytics import figures, intervals
from caldicott.analytics.definition import Figure, Indicator, Source, Unit


def test_wilson_interval_of_a_share():
    """Newcombe (1998), method 3: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611; 1 of 29 to 0.1718."""
    found = intervals.wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert (intervals.wilson(0, 20).low, round(intervals.wilson(0, 20).high, 4)) == (0.0, 0.1611)
    assert (round(intervals.wilson(1, 29).low, 4), round(intervals.wilson(1, 29).high, 4)) == (0.0061, 0.1718)


def test_byar_interval_of_a_count():
    """Close to the exact Poisson interval: 10 gives 4.80 to 18.39, 100 gives 81.4 to 121.6."""
    assert intervals.byar(10).low == pytest.approx(4.80, abs=0.02)
    assert intervals.byar(10).high == pytest.approx(18.39, abs=0.02)
    assert intervals.byar(100).low == pytest.approx(81.4, abs=0.1)
    assert intervals.byar(100).high == pytest.approx(121.6, abs=0.1)
    assert intervals.byar(0).low == 0.0


def test_a_ratio_of_two_counts_has_an_interval_unless_one_is_nought():
    """50 after 100: a half, from 0.36 to 0.70; nothing can be said of nought."""
    found = intervals.ratio(50, 100)
    assert found is not None
    assert (round(found.low, 2), round(found.high, 2)) == (0.36, 0.70)
    assert intervals.ratio(0, 10) is None


def test_control_limits_and_what_is_no_chance():
    """Individuals chart: 2.66 mean moving ranges around the mean; a point outside and a run of eight are named."""
    steady = [10.0, 12.0] * 6
    found = intervals.control([*steady, 40.0])
    assert found is not None
    assert found.special[-1] == 12
    flat = intervals.control(steady)
    assert flat is not None
    assert (flat.mean, round(flat.low, 2), round(flat.high, 2), flat.special) == (11.0, 5.68, 16.32, ())
    assert intervals.control([1.0] * 7) is None
    shifted = intervals.control([10.0, 12, 10, 12, 10, 12, 10, 12, 14, 15, 14, 15, 14, 15, 14, 15])
    assert shifted is not None
    assert {*range(8, 16)} <= {*shifted.special}


def made(figure, groups, *, per=100, counts=Unit.EVENTS, is_compared=False, growth=None, edges=(), percentile=50):
    indicator = Indicator(
        "i", 1, "I", "d", "c", "verified", figure, counts, Source("sus-op"), "x", per=per, edges=edges,
        percentile=percentile, amount_in="minutes",
    )  # fmt: skip
    found = figures.of(indicator, groups, growth or {}, is_compared=is_compared)
    return [one.cells for one in found.rows]


def group(part, whole, *values):
    return figures.Group(values, {"part": {"count": part}, "whole": {"count": whole}})


def test_a_share_is_made_of_what_is_printed_and_of_nothing_else():
    """25 of 100; what is withheld makes the share withheld; nobody makes it a dash, never an error."""
    told = made(Figure.SHARE, [group(25, 100), group(None, 100), group(0, 0), group(0, 40)])
    assert told[0] == (100, 25, 25.0, 17.55, 34.3)
    assert told[1] == (100, "*", "*", "*", "*")
    assert told[2] == (0, 0, "–", "–", "–")
    assert told[3][2] == 0.0


def test_a_part_that_is_printed_larger_than_its_whole_is_no_more_than_all():
    """Both are rounded by themselves; a share above 100 per cent would tell in which direction."""
    assert made(Figure.SHARE, [group(15, 10)])[0][2] == 100.0


def test_groups_are_compared_with_all_together_in_words():
    """The words stand in the table, so that the funnel chart says nothing that the table does not."""
    groups = [group(100, 1000), group(110, 1000), group(250, 1000), group(20, 1000)]
    words = [cells[-1] for cells in made(Figure.SHARE, groups, is_compared=True)]
    assert words == ["as expected", "as expected", "higher", "lower"]


def test_a_percentile_is_a_band_and_withheld_bands_widen_it():
    """Nine in ten are below the band told; where bands are withheld it is told between which it lies."""
    edges = (0, 60, 120)
    whole = {"whole": {"count": 100, "people": 90}}
    told = made(
        Figure.PERCENTILE,
        [
            figures.Group((), whole, {"0-59": 50, "60-119": 45, "120+": 5}),
            figures.Group((), whole, {"0-59": 80, "60-119": None, "120+": None}),
            figures.Group((), {"whole": {"count": None, "people": None}}, {}),
        ],
        edges=edges, percentile=90,
    )  # fmt: skip
    assert [cells[2:] for cells in told] == [("60", "119"), ("60", "120+"), ("*", "*")]


def test_before_and_after_say_what_they_show():
    """Fewer, more, no clear change, or too few to say: each from the interval of the ratio."""
    rows = [(100, 50), (50, 100), (50, 55), (0, 10), (None, 10)]
    groups = [
        figures.Group((), {"whole": {"count": 500}, "before": {"count": b}, "after": {"count": a}}) for b, a in rows
    ]
    read = [cells[-1] for cells in made(Figure.CHANGE, groups)]
    assert read == ["fewer after", "more after", "no clear change", "too few to say", "*"]


def test_need_grows_with_its_group_and_is_told_in_fives():
    """200 of 1,000 people, of whom there will be a third more: 265, between 235 and 305."""
    told = made(Figure.NEED, [group(200, 1000, "85+"), group(10, 100, "unknown")], growth={"85+": "1.32"})
    assert told[0] == (1000, 200, 1.32, 265, 235, 300)
    assert told[1][3:] == ("–", "–", "–")
