"""The data-flow map as a picture: an SVG of our own, which says by colour, by pattern and by word what travels.

Presentation attributes only, so that it holds under a strict content security
policy; every line has a title; the table `flow-map.csv` says the same in rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax import saxutils

from caldicott.publication.flow_map_graph import BANDS, graph
from caldicott.publication.flow_map_layout import (
    HEAD,
    LINE,
    MARGIN,
    NODE_WIDTH,
    TAG_HEIGHT,
    TAG_WIDTH,
    Box,
    Layout,
    Route,
    Tag,
    layout,
    left_of,
)
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ActivityStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.flow_map_graph import Graph, Node
    from caldicott.register.model import Register

# Dark enough on white for text (contrast 7 or more), and told apart without colour by the pattern of the line.
COLOUR: Final = {
    DataFormat.IDENTIFIABLE: "#9c1c1c",
    DataFormat.PSEUDONYMISED: "#004c97",
    DataFormat.ANONYMISED: "#5b2a86",
    DataFormat.AGGREGATED: "#00593f",
}
PATTERN: Final = {
    DataFormat.IDENTIFIABLE: "",
    DataFormat.PSEUDONYMISED: "12 6",
    DataFormat.ANONYMISED: "12 5 2 5",
    DataFormat.AGGREGATED: "2 6",
}
WORD: Final = {
    DataFormat.IDENTIFIABLE: "Identifiable",
    DataFormat.PSEUDONYMISED: "Code",
    DataFormat.ANONYMISED: "Anonymised",
    DataFormat.AGGREGATED: "Counts",
}
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_INK: Final = "#212b32"
_SOFT: Final = "#4c6272"
_FONT: Final = "Arial, Liberation Sans, Helvetica, sans-serif"
_LEGEND_HEIGHT: Final = 150
_LEAST_WIDTH: Final = 1180
_POINT: Final = 9


def flow_map(register: Register) -> str:
    """The whole map as one SVG document."""
    found = graph(register)
    placed = layout(found)
    width, height = max(placed.width, _LEAST_WIDTH), placed.height + _LEGEND_HEIGHT
    name = register.controller.name
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" role="img"'
            f' aria-labelledby="flow-map-title flow-map-desc" font-family="{_FONT}">'
        ),
        f'<title id="flow-map-title">{escape(f"Data-flow map of {name}")}</title>',
        f'<desc id="flow-map-desc">{escape(says(found))}</desc>',
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="#ffffff"/>',
        *_bands(placed),
        _text(MARGIN, 40, f"Where information goes: {name}", size=24, bold=True),
        *(_line(route, found) for route in _drawn_order(placed)),
        *(_node(box) for box in placed.boxes),
        *(_tag(tag) for tag in placed.tags),
        *_legend(placed.height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def says(found: Graph) -> str:
    """What the picture shows, in words, for who cannot see it."""
    if not found.edges:
        return "The register states no flow."
    flows = {form: sum(len(edge.rows) for edge in found.edges if edge.format is form) for form in DataFormat}
    counts = words.listed(f"{many} {_flows(many)} of {words.FORMAT[form]}" for form, many in flows.items() if many)
    ends = len({name for node in found.nodes.values() for name in node.names})
    return (
        f"Lines run from left to right between {ends} organisations: {', '.join(BANDS).lower()}. "
        f"There are {counts}. The table of the flow map lists each one."
    )


def _flows(many: int) -> str:
    return "flow" if many == 1 else "flows"


def _bands(placed: Layout) -> Iterator[str]:
    for band, left, right in placed.bands:
        start, end = max(left, 12), min(right, max(placed.width, _LEAST_WIDTH) - 12)
        shade = "#f0f4f5" if band % 2 == 0 else "#ffffff"
        yield (
            f'<rect x="{_n(start + 4)}" y="62" width="{_n(end - start - 8)}" height="{_n(placed.height - 70)}" rx="10"'
            f' fill="{shade}"/>'
        )
    for band, left, _ in placed.bands:
        yield _text(max(left, 12) + 20, HEAD - 36, BANDS[band], size=17, bold=True, colour=_SOFT)


def _drawn_order(placed: Layout) -> list[Route]:
    """What says who a person is lies on top."""
    return sorted(placed.routes, key=lambda route: route.edge.format.tells)


def _line(route: Route, found: Graph) -> str:
    form = route.edge.format
    dash = f' stroke-dasharray="{PATTERN[form]}"' if PATTERN[form] else ""
    return (
        f"<g><title>{escape(_title(route, found))}</title>"
        f'<path d="{_path(route.points)}" fill="none" stroke="{COLOUR[form]}" stroke-width="2.5"{dash}'
        f' stroke-linecap="butt" stroke-opacity="{0.85 if _is_done(route) else 0.3}"/></g>'
    )


def _title(route: Route, found: Graph) -> str:
    edge = route.edge
    source, target = (_named(found.nodes[key]) for key in (edge.source, edge.target))
    activities = words.listed(dict.fromkeys(row.activity_title for row in edge.rows))
    many = len(edge.rows)
    done = "" if _is_done(route) else " Described, but not done."
    return f"{source} to {target}: {words.FORMAT[edge.format]}. {many} {_flows(many)}, for: {activities}.{done}"


def _is_done(route: Route) -> bool:
    return any(row.status == ActivityStatus.ACTIVE for row in route.edge.rows)


def _named(node: Node) -> str:
    room = f" ({node.room})" if node.room else ""
    return f"{words.listed(node.names)}{room}"


def _path(points: tuple[tuple[float, float], ...]) -> str:
    """Curves across the gaps, straight along the lanes."""
    (x, y), *rest = points
    steps = [f"M{_n(x)} {_n(y)}"]
    for number, (to_x, to_y) in enumerate(rest):
        bend = (to_x - x) / 2
        along = number % 2 == 1
        steps.append(
            f"L{_n(to_x)} {_n(to_y)}"
            if along
            else f"C{_n(x + bend)} {_n(y)} {_n(to_x - bend)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
        )
        x, y = to_x, to_y
    return "".join(steps)


def _node(box: Box) -> str:
    node, left = box.node, left_of(box.column)
    ours = node is not None and node.is_controller
    fill, edge, ink, soft = ("#003d78", "#003d78", "#ffffff", "#ffffff") if ours else ("#ffffff", _SOFT, _INK, _SOFT)
    top = box.middle - LINE * (len(box.lines) + len(box.small)) / 2 + LINE - 5
    rect = (
        f'<rect x="{_n(left)}" y="{_n(box.top)}" width="{NODE_WIDTH}" height="{_n(box.height)}" rx="6" fill="{fill}"'
        f' stroke="{edge}" stroke-width="1.5"/>'
    )
    named = [
        _text(left + (24 if line.startswith("  ") else 14), top + LINE * number, line.strip(), bold=True, colour=ink)
        for number, line in enumerate(box.lines)
    ]
    below = top + LINE * len(box.lines)
    small = [
        _text(left + 14, below + LINE * number, line, size=12, colour=soft) for number, line in enumerate(box.small)
    ]
    title = f"<title>{escape(_named(node))}</title>" if node is not None else ""
    return "".join(["<g>", title, rect, *named, *small, "</g>"])


def _tag(tag: Tag) -> str:
    """A label that points at the node: the word for the format, and how many flows."""
    top, right, half = tag.y - TAG_HEIGHT / 2, tag.x + TAG_WIDTH, TAG_HEIGHT / 2
    outline = (
        f"M{_n(tag.x)} {_n(top)}H{_n(right - _POINT)}L{_n(right)} {_n(top + half)}"
        f"L{_n(right - _POINT)} {_n(top + TAG_HEIGHT)}H{_n(tag.x)}Z"
    )
    many = f" × {tag.flows}" if tag.flows > 1 else ""
    return (
        f'<path d="{outline}" fill="{COLOUR[tag.format]}"/>'
        f"{_text(tag.x + 8, tag.y + 4.5, f'{WORD[tag.format]}{many}', size=13, bold=True, colour='#ffffff')}"
    )


def _legend(top: float) -> Iterator[str]:
    """Each format by its line and its words, in two columns."""
    yield _text(MARGIN, top + 18, "What travels", size=17, bold=True, colour=_SOFT)
    for number, form in enumerate(DataFormat):
        x, y = MARGIN + (number % 2) * 640, top + 48 + (number // 2) * 30
        dash = f' stroke-dasharray="{PATTERN[form]}"' if PATTERN[form] else ""
        yield f'<path d="M{x} {_n(y - 5)}h70" fill="none" stroke="{COLOUR[form]}" stroke-width="4"{dash}/>'
        yield _text(x + 82, y, WORD[form], bold=True, colour=COLOUR[form])
        yield _text(x + 176, y, words.capital(words.FORMAT[form]), size=12)
    note = (
        "× 3 means three flows. A dark box is a part of the organisation whose map this is. "
        "A faint line is described but not done. The table lists each flow."
    )
    yield _text(MARGIN, top + 122, note, size=12, colour=_SOFT)


def _text(x: float, y: float, says: str, *, size: int = 14, bold: bool = False, colour: str = _INK) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size}"{weight} fill="{colour}">{escape(says)}</text>'


def escape(says: str) -> str:
    """Text for XML, which has no way at all to write most control characters: those are left out."""
    return saxutils.escape(_UNWRITABLE.sub("", says))


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
