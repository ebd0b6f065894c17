"""The two charts that most pages need. Others are made where they are needed and drawn by `draw`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott.charts.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 600
HEIGHT: Final = 260
_LETTER: Final = 8
_NAMED: Final = 24
"""So many bars have their names beside each other; of more some names are left out rather than one upon another."""
_DASHES: Final = ((1, 0), (6, 4), (2, 3), (10, 3, 2, 3))


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name and its points from left to right; a gap is None."""

    name: str
    points: Sequence[tuple[str, float | None]]


def bars(
    heights: Sequence[tuple[str, float]], *, title: str, text: str, across: str, up: str, width: int = WIDTH
) -> str:
    """A bar for each name, in the order given, from nought."""
    import altair as alt

    rows = [{"name": name, "height": height} for name, height in heights]
    # Level words are read more easily; slanted ones fit where there are many.
    angle = 0 if sum(len(name) + 2 for name, _height in heights) * _LETTER < width else -45
    chart = alt.Chart({"values": rows}).mark_bar().encode(
        x=alt.X("name:N", sort=None, title=across, axis=alt.Axis(labelAngle=angle, labelOverlap=len(rows) > _NAMED)),
        y=alt.Y("height:Q", title=up, scale=alt.Scale(zero=True)),
    )  # fmt: skip
    return draw(chart.properties(width=width, height=HEIGHT), title=title, text=text)


def lines(
    of: Sequence[Line], *, title: str, text: str, across: str, up: str, zero: bool = True, width: int = WIDTH
) -> str:
    """Lines over the same steps (months, bands), told apart by dashes as well as by colour."""
    import altair as alt

    rows = [{"line": one.name, "step": step, "value": value} for one in of for step, value in one.points]
    shared: dict[str, Any] = {
        "x": alt.X("step:O", sort=None, title=across),
        "y": alt.Y("value:Q", title=up, scale=alt.Scale(zero=zero)),
    }
    if len(of) > 1:
        names = [one.name for one in of]
        dashes = [list(_DASHES[place % len(_DASHES)]) for place in range(len(names))]
        shared["color"] = alt.Color("line:N", title=None, scale=alt.Scale(domain=names))
        shared["strokeDash"] = alt.StrokeDash("line:N", title=None, scale=alt.Scale(domain=names, range=dashes))
    chart = alt.Chart({"values": rows}).mark_line(point=True).encode(**shared)
    return draw(chart.properties(width=width, height=HEIGHT), title=title, text=text)
