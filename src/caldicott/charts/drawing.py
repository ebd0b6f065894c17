"""A chart of Altair's as SVG: named for who cannot see it, quiet inside, as wide as its column.

What Vega writes for screen readers describes marks one by one, by row values that
nobody chose to read out. So it is taken off; the picture has one title and one
description, and its numbers stand in the table beside it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import altair as alt

BLUE: Final = "#005eb8"
DARK: Final = "#212b32"
GREY: Final = "#768692"
GREEN: Final = "#007f3b"
RED: Final = "#d5281b"
ORANGE: Final = "#ed8b00"
"""Colours of the NHS identity. No meaning hangs on one alone: line styles, shapes and words say it too."""

_FONT: Final = "Arial, sans-serif"
_TEXT: Final = {"labelFont": _FONT, "titleFont": _FONT, "labelFontSize": 14, "titleFontSize": 14, "labelColor": DARK}
_STYLE: Final[dict[str, Any]] = {
    "font": _FONT,
    "background": "white",
    "view": {"stroke": None},
    "axis": {**_TEXT, "titleColor": DARK, "titleFontWeight": "normal", "gridColor": "#d8dde0", "labelOverlap": True},
    "legend": {**_TEXT, "titleColor": DARK, "orient": "top", "symbolSize": 150, "labelLimit": 400},
    "range": {"category": [BLUE, DARK, GREEN, ORANGE, RED, GREY]},
    "bar": {"color": BLUE},
    "line": {"color": BLUE, "strokeWidth": 2.5},
}
_NOT_OURS: Final = re.compile(r' (?:role|tabindex|aria-[a-z]+)="[^"]*"')
_OPENING: Final = re.compile(r"<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>")


def draw(chart: alt.TopLevelMixin, *, title: str, text: str) -> str:
    """SVG of the chart. `title` names it, `text` says in a sentence or two what it shows."""
    import vl_convert

    spec = chart.to_dict()
    spec["config"] = _STYLE
    # No address is allowed: a chart that names one is a fault, never a request.
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    quiet = _NOT_OURS.sub("", drawn)
    found = _OPENING.search(quiet)
    assert found is not None  # noqa: S101  the library always writes one
    name = f"chart-{hashlib.sha256((title + text + quiet).encode()).hexdigest()[:12]}"
    wide = found.group(1).split()[2]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="{found.group(1)}" '
        f'width="{wide}" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(text)}</desc>'
    )
    return head + quiet[found.end() :]
