"""Room: charts. Values in, a picture out, as SVG that stands in a page without a script, a font or the network.

Data format seen here: what its caller may show its reader; a chart adds nothing and stands beside its table.
May import: vocabulary.
Serves: "a table beside every chart" (HOUSE); WCAG 2.2 1.1.1, 1.4.1, 1.4.11.
"""

from caldicott.charts.drawing import BLUE, DARK, GREEN, GREY, ORANGE, RED, draw
from caldicott.charts.kinds import Line, bars, lines

__all__ = ["BLUE", "DARK", "GREEN", "GREY", "ORANGE", "RED", "Line", "bars", "draw", "lines"]
