"""A chart stands in a page by itself: named, scriptless, asking nothing of a network."""

import re

import altair as alt
import pytest

from caldicott.charts import Line, bars, draw, lines

SAID = {"title": "People by age & sex", "text": "More people are <old> than young.", "across": "age", "up": "people"}


def test_a_chart_has_one_name_and_one_description() -> None:
    """Who cannot see the picture is told what it is; marks are not read out one by one."""
    svg = bars([("0-17", 4), ("18-64", 9)], **SAID)
    name = re.search(r'aria-labelledby="(\S+) (\S+)"', svg)
    assert svg.startswith("<svg")
    assert 'role="img"' in svg
    assert f'<title id="{name[1]}">People by age &amp; sex</title>' in svg
    assert f'<desc id="{name[2]}">More people are &lt;old&gt; than young.</desc>' in svg
    assert (svg.count("aria-"), svg.count("role=")) == (1, 1)


def test_a_chart_carries_no_script_style_or_address() -> None:
    """The page's own rules forbid them, and nothing is fetched."""
    svg = lines([Line("risk", [("April", 1.0), ("May", None), ("June", 3.0)])], **SAID)
    assert not re.search(r"<script|<style|style=|@import|url\(|<image", svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_lines_are_told_apart_without_colour() -> None:
    """The second line is dashed."""
    two = [Line("here", [("1", 1.0), ("2", 2.0)]), Line("England", [("1", 2.0), ("2", 2.0)])]
    assert 'stroke-dasharray="6,4"' in lines(two, **SAID)


def test_the_same_values_give_the_same_picture() -> None:
    """Byte for byte: a page and a report can be kept and compared."""
    assert bars([("a", 1.5)], **SAID) == bars([("a", 1.5)], **SAID)


def test_a_chart_that_names_an_address_fetches_nothing() -> None:
    """It fails instead."""
    chart = alt.Chart(alt.UrlData("https://example.org/rows.csv")).mark_bar().encode(x="a:N")
    with pytest.raises(ValueError, match="example"):
        draw(chart, title="t", text="t")
