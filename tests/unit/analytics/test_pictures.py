"""Which picture stands beside an answer, and that it tells what the table tells and nothing that is withheld."""

from __future__ import annotations

import re

from caldicott.analytics.answer import Answer, Heading
from caldicott.analytics.question import question
from caldicott.analytics.reading import read
from caldicott.charts import bars
from caldicott.facts import indicators as facts
from caldicott.operations.indicators import Told
from caldicott.portal.staff.analyst.pictures import pictures

RATE = (
    Heading("whole", "Events in all", "count"), Heading("part", "Events that count", "count"),
    Heading("rate", "Per cent", "decimal"), Heading("compared", "Against all together", "word"),
)  # fmt: skip


def told(name, by, rows, headings=RATE, overall=10.0):
    """An answer as the operation hands it over."""
    found = read(facts.text("library", f"{name}.toml"), name)
    groups = tuple(Heading(one, one, "group") for one in by)
    answer = Answer((*groups, *headings), tuple(rows), 0, (), overall)
    asked = question(found, by)
    return Told(asked, answer, "run-x", "2026-05-04", "planning", "hes-2018", "*", 5, (), "k" * 64, ())


def test_a_rate_that_is_compared_is_a_funnel_and_areas_are_tiles():
    """Six practices: one is outside the limits, by its shape and in words; one is withheld and not drawn."""
    rows = [(f"Z8000{n}", 1000, 100, 10.0, "as expected") for n in range(1, 5)]
    rows += [("Z80005", 1000, 250, 25.0, "higher"), ("Z80006", 1000, "*", "*", "*")]
    funnel, tiles = pictures(told("outpatient-missed", ["practice"], rows))
    assert "1 of 5 do not" in funnel.says
    assert "Z80006" not in tiles.svg
    assert "Z80005" in tiles.svg
    assert "not where the areas lie" in tiles.says


def test_a_control_chart_names_the_months_that_are_no_chance():
    """Even months and one far out: it is named in the words, beside mean and limits."""
    months = [f"2025-{month:02}" for month in range(1, 13)]
    rows = [(month, 1000, 100, 95.0 if place == 6 else 80.0 + place % 2) for place, month in enumerate(months)]
    (chart,) = pictures(told("ae-four-hours", ["month"], rows, RATE[:3]))
    assert "Not by chance: 2025-07." in chart.says
    assert "Upper limit" in chart.svg


def test_a_short_series_has_no_limits():
    rows = [(f"2025-0{month}", 1000, 100, 80.0) for month in range(1, 5)]
    (chart,) = pictures(told("ae-four-hours", ["month"], rows, RATE[:3]))
    assert "Fewer than eight points" in chart.says


def test_lines_for_several_groups_have_gaps_where_something_is_withheld():
    """Two providers over three months: a withheld month is a gap, and so the words say."""
    rows = [("RZ1", f"2025-0{m}", 1000, 100, 80.0 + m) for m in range(1, 4)]
    rows += [("RZ2", "2025-01", 1000, 100, 70.0), ("RZ2", "2025-02", "*", "*", "*"), ("RZ2", "2025-03", 900, 90, 71.0)]
    (chart,) = pictures(told("ae-four-hours", ["provider", "month"], rows, RATE[:3]))
    assert "Gaps are withheld" in chart.says
    assert {"RZ1", "RZ2"} <= {*re.findall(r"RZ\d", chart.svg)}


def test_nothing_is_drawn_of_nothing_nor_of_too_much():
    """No rows, one row, or more than forty bars: the table alone."""
    people = (Heading("people", "People", "count"),)
    assert pictures(told("linked-services", ["service"], [], people)) == ()
    assert pictures(told("linked-services", ["service"], [("x", 10)], people)) == ()
    many = [(f"s{n}", 10) for n in range(41)]
    assert pictures(told("linked-services", ["service"], many, people)) == ()


def test_every_bar_of_a_few_has_its_name():
    """Six groups with long names: none is left out to make room, for a bar without a name says nothing."""
    names = [f"network-0{network}, {sex}" for network in (1, 2, 3) for sex in ("Male", "Female")]
    drawn = bars([(name, 10.0) for name in names], title="t", text="t", across="", up="People")
    assert [name for name in names if f">{name}<" not in drawn] == []


def test_a_name_cannot_end_the_drawing():
    """A provider's code is letters to the picture, whatever is in it."""
    rows = [("</svg><script>", 10), ("RZ2", 20)]
    people = (Heading("people", "People", "count"),)
    (chart,) = pictures(told("linked-services", ["service"], rows, people))
    assert "<script>" not in chart.svg
    assert chart.svg.count("</svg>") == 1
