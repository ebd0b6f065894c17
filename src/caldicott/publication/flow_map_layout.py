"""Where everything on the flow map stands, as numbers.

Columns left to right; in each, nodes and lanes one under the other. A lane is a
free strip by which lines pass a column on their way further right, shared by
all that end in the same place in the same format; so no line ever crosses a
node. Lines of one format end at a node in one tag, which names the format. The
order in a column is found by a few sweeps of the middle of the neighbours.
"""

from __future__ import annotations

import itertools
import textwrap
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from caldicott.publication.flow_map_graph import ranks
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.publication.flow_map_graph import Edge, Graph, Node

NODE_WIDTH: Final = 228
GAP_WIDTH: Final = 262
TAG_WIDTH: Final = 124
TAG_HEIGHT: Final = 24
LINE: Final = 18
HEAD: Final = 128
MARGIN: Final = 32
NAME_LETTERS: Final = 25
SMALL_LETTERS: Final = 31
MOST_NAMES: Final = 8
_SPACE: Final = 26
_LANE: Final = 10
_PORT: Final = TAG_HEIGHT + 8
_SWEEPS: Final = 8
_MOST_EMPTY: Final = 44
_FORMATS: Final = tuple(DataFormat)


@dataclass(slots=True)
class Box:
    """A node or a lane in its column."""

    key: str
    column: int
    height: float
    node: Node | None = None
    lines: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    top: float = 0.0

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


@dataclass(frozen=True, slots=True)
class Tag:
    """The end of all lines of one format at a node."""

    target: str
    format: DataFormat
    x: float
    y: float
    flows: int


@dataclass(frozen=True, slots=True)
class Route:
    """One line: where it starts, the lanes it takes, and the tag at which it ends."""

    edge: Edge
    points: tuple[tuple[float, float], ...]
    """Pairs of entry and exit, from the exit of the source to the tag."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole picture in numbers."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    tags: tuple[Tag, ...]
    routes: tuple[Route, ...]
    bands: tuple[tuple[int, float, float], ...]
    """Band, left edge, right edge."""


@dataclass(slots=True)
class _Draft:
    graph: Graph
    rank: dict[str, int]
    columns: list[list[Box]] = field(default_factory=list)
    ways: dict[int, list[Box]] = field(default_factory=dict)
    """Edge number to the boxes it passes, its ends included."""


def layout(graph: Graph) -> Layout:
    """Place the graph. The same graph is always placed the same."""
    draft = _Draft(graph, ranks(graph))
    _fill(draft)
    _sort(draft)
    _settle(draft)
    return _measured(draft)


def left_of(column: int) -> float:
    return MARGIN + column * (NODE_WIDTH + GAP_WIDTH)


def _fill(draft: _Draft) -> None:
    draft.columns = [[] for _ in range(max(draft.rank.values(), default=0) + 1)]
    boxes = {key: _box(node, draft.rank[key], _ports(draft.graph, key)) for key, node in draft.graph.nodes.items()}
    for box in boxes.values():
        draft.columns[box.column].append(box)
    for number, edge in enumerate(draft.graph.edges):
        start, end = boxes[edge.source], boxes[edge.target]
        between = range(start.column + 1, end.column)
        draft.ways[number] = [start, *(_lane(draft, edge, column) for column in between), end]


def _lane(draft: _Draft, edge: Edge, column: int) -> Box:
    key = f"lane/{column}/{edge.target}/{edge.format}"
    found = next((box for box in draft.columns[column] if box.key == key), None)
    if found is None:
        found = Box(key, column, _LANE)
        draft.columns[column].append(found)
    return found


def _ports(graph: Graph, key: str) -> int:
    ending = {edge.format for edge in graph.edges if edge.target == key}
    starting = {edge.format for edge in graph.edges if edge.source == key}
    return max(len(ending), len(starting))


def _box(node: Node, column: int, ports: int) -> Box:
    if node.room:
        lines, small = _wrapped([node.room], NAME_LETTERS), _wrapped(node.names, SMALL_LETTERS)
    else:
        shown = [_spoken(name) for name in node.names[:MOST_NAMES]]
        more = len(node.names) - len(shown)
        lines, small = _listed(shown), (f"and {more} more",) if more else ()
    height = max(24 + LINE * (len(lines) + len(small)), ports * _PORT + 12)
    return Box(node.key, column, height, node, lines, small)


def _spoken(name: str) -> str:
    """A name as a heading; an id that no organisation explains, without its hyphens."""
    words = name if " " in name else name.replace("-", " ")
    return words[:1].upper() + words[1:]


def _listed(names: Sequence[str]) -> tuple[str, ...]:
    """Several names each begin with a dot; the lines that follow are set in by as much."""
    if len(names) == 1:
        return _wrapped(names, NAME_LETTERS)
    wrapped = (_wrapped([name], NAME_LETTERS - 2) for name in names)
    return tuple(f"{'•' if first else ' '} {line}" for lines in wrapped for first, line in _marked(lines))


def _marked(lines: Iterable[str]) -> list[tuple[bool, str]]:
    return [(number == 0, line) for number, line in enumerate(lines)]


def _wrapped(texts: Iterable[str], letters: int) -> tuple[str, ...]:
    return tuple(line for text in texts for line in textwrap.wrap(text, letters) or [""])


def _sort(draft: _Draft) -> None:
    """Order each column by the middle of its neighbours, to and fro; ties keep the order of the register."""
    order = range(len(draft.columns))
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = _neighbours(draft, before=forward)
        for column in order if forward else reversed(order):
            place = {box.key: at for boxes in draft.columns for at, box in enumerate(boxes)}
            size = [max(len(boxes), 1) for boxes in draft.columns]
            draft.columns[column].sort(
                key=lambda box: _mean(
                    [(place[one.key] + 0.5) / size[one.column] for one in neighbours[box.key]],
                    (place[box.key] + 0.5) / size[box.column],
                )
            )


def _neighbours(draft: _Draft, *, before: bool) -> dict[str, list[Box]]:
    found: dict[str, list[Box]] = defaultdict(list)
    for way in draft.ways.values():
        for one, other in itertools.pairwise(way):
            here, there = (other, one) if before else (one, other)
            found[here.key].append(there)
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _settle(draft: _Draft) -> None:
    """Let each box move towards the middle of its neighbours, as far as those above and below allow."""
    for boxes in draft.columns:
        _push(boxes, [0.0] * len(boxes))
    tallest = max((boxes[-1].top + boxes[-1].height for boxes in draft.columns if boxes), default=0)
    for boxes in draft.columns:
        slack = (tallest - (boxes[-1].top + boxes[-1].height if boxes else 0)) / 2
        for box in boxes:
            box.top += slack
    for sweep in range(_SWEEPS):
        neighbours = _neighbours(draft, before=sweep % 2 == 0)
        for boxes in draft.columns if sweep % 2 == 0 else reversed(draft.columns):
            wished = [_mean([one.middle for one in neighbours[box.key]], box.middle) - box.height / 2 for box in boxes]
            _push(boxes, wished)
    _close_up([box for boxes in draft.columns for box in boxes])


def _close_up(boxes: Sequence[Box]) -> None:
    """Begin below the headings, and take out what is empty right across the picture."""
    bottom, saved = None, 0.0
    for box in sorted(boxes, key=lambda one: one.top):
        top = box.top
        saved += top - HEAD if bottom is None else max(top - bottom - _MOST_EMPTY, 0)
        bottom = max(top + box.height, top if bottom is None else bottom)
        box.top = top - saved


def _push(boxes: Sequence[Box], wished: Sequence[float]) -> None:
    """Each as near to its wish as order and space allow: neighbours that collide share the difference."""
    offsets, total = [], 0.0
    for box in boxes:
        offsets.append(total)
        total += box.height + _SPACE
    blocks: list[list[float]] = []
    for wish, offset in zip(wished, offsets, strict=True):
        blocks.append([wish - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            later, many = blocks.pop()
            earlier, few = blocks[-1]
            blocks[-1] = [(earlier * few + later * many) / (few + many), few + many]
    starts = [start for start, many in blocks for _ in range(int(many))]
    for box, start, offset in zip(boxes, starts, offsets, strict=True):
        box.top = start + offset


def _measured(draft: _Draft) -> Layout:
    graph = draft.graph
    boxes = tuple(box for column in draft.columns for box in column if box.node is not None)
    tags = {(tag.target, tag.format): tag for box in boxes for tag in _tags(box, draft)}
    exits = {(box.key, form): at for box in boxes for form, at in _exits(box, draft).items()}
    routes = tuple(_route(edge, draft.ways[number], tags, exits) for number, edge in enumerate(graph.edges))
    bottom = max((box.top + box.height for column in draft.columns for box in column), default=HEAD)
    width = left_of(len(draft.columns) - 1) + NODE_WIDTH + MARGIN
    return Layout(width, bottom + MARGIN, boxes, tuple(tags.values()), routes, _bands(draft))


def _tags(box: Box, draft: _Draft) -> list[Tag]:
    ending = [(edge, draft.ways[number][-2]) for number, edge in enumerate(draft.graph.edges) if edge.target == box.key]
    order = _formats([(edge.format, before.middle) for edge, before in ending])
    x = left_of(box.column) - TAG_WIDTH
    return [
        Tag(box.key, form, x, y, sum(len(edge.rows) for edge, _ in ending if edge.format is form))
        for form, y in zip(order, _spread(box, len(order)), strict=True)
    ]


def _exits(box: Box, draft: _Draft) -> dict[DataFormat, float]:
    starting = [
        (edge.format, draft.ways[number][1].middle)
        for number, edge in enumerate(draft.graph.edges)
        if edge.source == box.key
    ]
    order = _formats(starting)
    return dict(zip(order, _spread(box, len(order)), strict=True))


def _formats(ends: Sequence[tuple[DataFormat, float]]) -> list[DataFormat]:
    """The formats at one side of a box, from top to bottom as their lines come."""
    formats = {form for form, _ in ends}
    return sorted(formats, key=lambda form: (_mean([y for one, y in ends if one is form], 0), _FORMATS.index(form)))


def _spread(box: Box, many: int) -> list[float]:
    return [box.middle + (number - (many - 1) / 2) * _PORT for number in range(many)]


def _route(
    edge: Edge,
    way: Sequence[Box],
    tags: dict[tuple[str, DataFormat], Tag],
    exits: dict[tuple[str, DataFormat], float],
) -> Route:
    tag = tags[edge.target, edge.format]
    points = [(left_of(way[0].column) + NODE_WIDTH, exits[edge.source, edge.format])]
    for lane in way[1:-1]:
        left = left_of(lane.column)
        points += [(left - TAG_WIDTH, lane.middle), (left + NODE_WIDTH, lane.middle)]
    return Route(edge, (*points, (tag.x, tag.y)))


def _bands(draft: _Draft) -> tuple[tuple[int, float, float], ...]:
    columns: dict[int, list[int]] = defaultdict(list)
    for key, node in draft.graph.nodes.items():
        columns[node.band].append(draft.rank[key])
    half = GAP_WIDTH / 2
    return tuple(
        (band, left_of(min(found)) - half, left_of(max(found)) + NODE_WIDTH + half)
        for band, found in sorted(columns.items())
    )
