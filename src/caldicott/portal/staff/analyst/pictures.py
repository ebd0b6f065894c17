"""Which picture stands beside an answer: a line over time, a funnel, a control chart, tiles for areas, or bars.

A picture shows what its table shows and nothing else; what is withheld is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott.analytics import intervals
from caldicott.analytics.definition import Figure, Unit
from caldicott.analytics.figures import limits_of
from caldicott.charts import BLUE, DARK, GREY, RED, Line, bars, draw, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.operations.indicators import Told

_LIGHT_TO_DARK: Final = ("#eef5fb", "#7aaedb")
"""Of tiles. On the darkest of it dark letters still have a contrast of more than 4.5 to 1."""
_PLACES: Final = {"as expected": "circle", "higher": "triangle-up", "lower": "triangle-down"}
"""Where a group stands in a funnel: told by shape as well as by colour."""
_TIMES: Final = ("month", "quarter", "year")
_AREAS: Final = ("practice", "network", "place", "provider")
_LINES, _BARS, _FUNNEL_FROM, _TILES_ACROSS = 6, 40, 3, 6
_MAIN: Final = {
    Figure.PEOPLE: "people", Figure.EVENTS: "events", Figure.SUM: "cost", Figure.MEAN: "mean", Figure.SHARE: "rate",
    Figure.RATE: "rate", Figure.PERCENTILE: "", Figure.CHANGE: "ratio", Figure.NEED: "expected",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its name and what it shows, in words."""

    title: str
    says: str
    svg: str


@dataclass(frozen=True, slots=True)
class _Point:
    groups: tuple[str, ...]
    value: float


def pictures(told: Told) -> tuple[Picture, ...]:
    """The pictures of an answer; none where the table has nothing to draw or too much."""
    main = _MAIN[told.asked.indicator.figure]
    if main not in {one.name for one in told.answer.headings}:
        return ()
    points = _points(told, main)
    by = told.asked.by
    time = next((name for name in _TIMES if name in by), None)
    made = []
    if time and points:
        made.append(_over_time(told, points, by.index(time), main))
    elif points and _is_compared(told):
        made.append(_funnel(told))
    elif 1 < len(points) <= _BARS:
        made.append(_bars(told, points, main))
    if len(by) == 1 and by[0] in _AREAS and len(points) > 1:
        made.append(_tiles(told, points, main))
    return tuple(one for one in made if one)


def _points(told: Told, main: str) -> list[_Point]:
    names = [one.name for one in told.answer.headings]
    place, groups = names.index(main), len(told.asked.by)
    return [
        _Point(tuple(str(cell) for cell in row[:groups]), float(cell))
        for row in told.answer.rows
        if isinstance(cell := row[place], int | float)
    ]


def _title(told: Told, main: str) -> str:
    heading = next(one for one in told.answer.headings if one.name == main)
    return heading.title


def _is_compared(told: Told) -> bool:
    return "compared" in {one.name for one in told.answer.headings} and len(told.answer.rows) >= _FUNNEL_FROM


def _over_time(told: Told, points: Sequence[_Point], place: int, main: str) -> Picture | None:
    names = dict.fromkeys(", ".join(_without(one.groups, place)) for one in points)
    if len(names) > _LINES:
        return None
    steps = sorted({one.groups[place] for one in points})
    series = [
        Line(name or told.asked.indicator.title, [(step, _at(points, place, name, step)) for step in steps])
        for name in names
    ]
    title = f"{told.asked.indicator.title}, over time"
    if told.asked.indicator.compared == "control" and len(series) == 1:
        return _control(series[0], title, _title(told, main))
    says = f"{_title(told, main)} for each {told.asked.by[place]}. Gaps are withheld."
    return Picture(title, says, lines(series, title=title, text=says, across="", up=_title(told, main), zero=False))


def _without(groups: tuple[str, ...], place: int) -> tuple[str, ...]:
    return groups[:place] + groups[place + 1 :]


def _at(points: Sequence[_Point], place: int, name: str, step: str) -> float | None:
    return next(
        (one.value for one in points if one.groups[place] == step and ", ".join(_without(one.groups, place)) == name),
        None,
    )


def _control(series: Line, title: str, up: str) -> Picture:
    """A line with its mean and the limits of chance; points that are no chance are marked, and named in the words."""
    known = [(step, value) for step, value in series.points if value is not None]
    found = intervals.control([value for _, value in known])
    if found is None:
        says = f"{up}. Fewer than eight points: no limits of chance are drawn."
        return Picture(title, says, lines([series], title=title, text=says, across="", up=up, zero=False))
    special = [known[place][0] for place in found.special]
    says = f"{up}. Mean {found.mean:.1f}; chance alone keeps it between {found.low:.1f} and {found.high:.1f}. "
    says += f"Not by chance: {', '.join(special)}." if special else "No point is out of the ordinary."
    limits = [("Mean", found.mean), ("Lower limit", found.low), ("Upper limit", found.high)]
    drawn = [series, *(Line(name, [(step, value) for step, _ in known]) for name, value in limits)]
    return Picture(title, says, lines(drawn, title=title, text=says, across="", up=up, zero=False))


def _funnel(told: Told) -> Picture | None:
    """Each group by its size, with the limits within which 998 in 1,000 lie by chance."""
    import altair as alt

    overall, per = told.answer.overall, told.asked.indicator.per
    shown = [one for one in told.answer.records() if isinstance(one["rate"], float) and isinstance(one["whole"], int)]
    sizes = [int(one["whole"]) for one in shown if isinstance(one["whole"], int) and one["whole"]]
    if overall is None or not sizes:
        return None
    is_capped = told.asked.indicator.figure is Figure.SHARE or told.asked.indicator.counts is Unit.PEOPLE
    steps = [min(sizes) + (max(sizes) - min(sizes)) * step / 40 for step in range(41)]
    limits = [(size, limits_of(overall / per, size, is_capped=is_capped)) for size in dict.fromkeys(steps)]
    rows = [{"size": size, "low": per * one.low, "high": per * one.high} for size, one in limits]
    dots = [{"size": one["whole"], "rate": one["rate"], "is": one["compared"]} for one in shown]
    up, across = _title(told, "rate"), next(one.title for one in told.answer.headings if one.name == "whole")
    x: Any = alt.X("size:Q", title=across, scale=alt.Scale(zero=False))
    base = alt.Chart({"values": rows})
    edges = [
        base.mark_line(color=GREY, strokeDash=[6, 4]).encode(x=x, y=alt.Y(f"{name}:Q", title=up))
        for name in ("low", "high")
    ]
    middle = alt.Chart({"values": [{"all": overall}]}).mark_rule(color=DARK).encode(y="all:Q")
    points = alt.Chart({"values": dots}).mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y="rate:Q",
        color=alt.Color("is:N", title=None, scale=alt.Scale(domain=list(_PLACES), range=[BLUE, RED, DARK])),
        shape=alt.Shape("is:N", title=None, scale=alt.Scale(domain=list(_PLACES), range=list(_PLACES.values()))),
    )  # fmt: skip
    title = f"{told.asked.indicator.title}, each against all together"
    out = sum(one["compared"] in {"higher", "lower"} for one in shown)
    says = f"All together {overall:.1f}. Between the dashed lines 998 in 1,000 lie by chance; "
    says += f"{out} of {len(shown)} do not."
    chart = alt.layer(*edges, middle, points).properties(width=600, height=300)
    return Picture(title, says, draw(chart, title=title, text=says))


def _bars(told: Told, points: Sequence[_Point], main: str) -> Picture:
    title, up = told.asked.indicator.title, _title(told, main)
    says = f"{up} of each group of the table. What is withheld has no bar."
    heights = [(", ".join(one.groups) or "All", one.value) for one in points]
    return Picture(title, says, bars(heights, title=title, text=says, across="", up=up))


def _tiles(told: Told, points: Sequence[_Point], main: str) -> Picture:
    """A map without boundaries: a tile for each area, in the order of its name, darker for more."""
    import altair as alt

    rows = [
        {"name": one.groups[0], "value": one.value, "column": place % _TILES_ACROSS, "row": place // _TILES_ACROSS}
        for place, one in enumerate(points)
    ]
    values = [one.value for one in points]
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("column:O", axis=None), y=alt.Y("row:O", axis=None)
    )  # fmt: skip
    title = f"{told.asked.indicator.title}, a tile for each area"
    says = f"{_title(told, main)}: from {min(values):,.1f} to {max(values):,.1f}, darker for more. "
    says += "Tiles stand in the order of their names, not where the areas lie."
    tile = base.mark_rect(stroke="white", strokeWidth=3).encode(
        color=alt.Color("value:Q", title=None, legend=None, scale=alt.Scale(range=list(_LIGHT_TO_DARK)))
    )  # fmt: skip
    name = base.mark_text(dy=-9, fontSize=13, color=DARK).encode(text="name:N")
    value = base.mark_text(dy=11, fontSize=15, color=DARK).encode(text=alt.Text("value:Q", format=",.4~r"))
    height = 70 * (1 + (len(rows) - 1) // _TILES_ACROSS)
    chart = alt.layer(tile, name, value).properties(width=600, height=height)
    return Picture(title, says, draw(chart, title=title, text=says))
