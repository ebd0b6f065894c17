"""The picture of the flow map tells every flow, can be read, and holds under a strict content policy."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import ImageFont

from caldicott.publication import flow_map as drawing
from caldicott.publication.flow_map import flow_map, says
from caldicott.publication.flow_map_graph import LANDS, RECEIVES, SENDS, WORKS, graph, ranks
from caldicott.publication.flow_map_layout import NODE_WIDTH, TAG_HEIGHT, TAG_WIDTH, layout, left_of
from caldicott.publication.flows import flow_rows
from caldicott.register.model import Flow
from caldicott.vocabulary.formats import DataFormat

SVG = "{http://www.w3.org/2000/svg}"
FONTS = Path("/usr/share/fonts/truetype/liberation")


def _tree(svg):
    return ET.fromstring(svg)  # noqa: S314  the text was written by the function under test


def _with_flows(register, pairs, form=DataFormat.IDENTIFIABLE):
    """The register with one activity and a flow for each pair of organisations."""
    flows = tuple(
        Flow(id=f"f{number}", from_organisation=one, to_organisation=other, format=form)
        for number, (one, other) in enumerate(pairs)
    )
    only = register.activities[0].model_copy(update={"flows": flows})
    return register.model_copy(update={"activities": (only,)})


def _crowd(register):
    """Sixty flows between thirty organisations that nobody has explained."""
    forms = list(DataFormat)
    flows = tuple(
        Flow(
            id=f"f{number}",
            from_organisation=f"sender-{number % 17}" if number % 3 else register.controller.id,
            to_organisation=f"receiver-{number % 13}" if number % 2 else register.controller.id,
            from_zone=f"room-{number % 5}",
            to_zone=f"room-{number % 7}",
            format=forms[number % 4],
        )
        for number in range(60)
    )
    return register.model_copy(
        update={"activities": (register.activities[0].model_copy(update={"flows": flows}), *register.activities[1:])}
    )


def _rectangles(placed):
    """What must not lie on something else: nodes and tags, as left, top, right, bottom."""
    nodes = [
        (left_of(one.column), one.top, left_of(one.column) + NODE_WIDTH, one.top + one.height) for one in placed.boxes
    ]
    tags = [(tag.x, tag.y - TAG_HEIGHT / 2, tag.x + TAG_WIDTH, tag.y + TAG_HEIGHT / 2) for tag in placed.tags]
    return nodes + tags


def _overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_every_flow_is_on_exactly_one_line(register):
    """The picture leaves out no flow of the register and tells none twice."""
    drawn = [row.key for edge in graph(register).edges for row in edge.rows]
    assert sorted(drawn) == sorted(row.key for row in flow_rows(register))


def test_a_line_joins_the_organisations_of_its_flows(register):
    """Each flow runs from a node that names its sender to a node that names its receiver, in its own format."""
    found = graph(register)
    for edge in found.edges:
        for row in edge.rows:
            assert row.source in found.nodes[edge.source].names
            assert row.recipient in found.nodes[edge.target].names
            assert row.format is edge.format


def test_every_line_runs_from_left_to_right(register):
    """Nobody has to guess which way information goes."""
    found = graph(register)
    column = ranks(found)
    assert [edge for edge in found.edges if column[edge.source] >= column[edge.target]] == []
    assert all(one[0] < other[0] for route in layout(found).routes for one, other in pairwise(route.points))


def test_the_path_of_planning_runs_through_the_secure_landing(example_icb):
    """Sources, the regional office, the planning tables, partners: in this order."""
    found = graph(example_icb)
    # Who sends and also receives stands twice; here it is the sender that is asked for.
    standing = sorted(found.nodes.values(), key=lambda node: node.band, reverse=True)
    bands = {(name, node.room): node.band for node in standing for name in node.names}
    icb = example_icb.controller.name
    assert bands["NHS England", ""] == SENDS
    assert bands["Example Data Services for Commissioners Regional Office", "Secure landing"] == LANDS
    assert bands[icb, "Planning tables"] == WORKS
    assert bands["partner organisations of the integrated care system", ""] == RECEIVES


@pytest.mark.parametrize("crowded", [False, True])
def test_nothing_lies_on_anything_else(register, crowded):
    """No node and no label covers another, however many flows there are."""
    placed = layout(graph(_crowd(register) if crowded else register))
    assert [(one, other) for one, other in combinations(_rectangles(placed), 2) if _overlap(one, other)] == []


@pytest.mark.parametrize("crowded", [False, True])
def test_no_line_crosses_a_node_on_its_way(register, crowded):
    """Where a line passes a column, there is no node and no label."""
    placed = layout(graph(_crowd(register) if crowded else register))
    passing = [
        (start[0], start[1] - 1, end[0], end[1] + 1)
        for route in placed.routes
        for start, end in zip(route.points[1:-1:2], route.points[2:-1:2], strict=True)
    ]
    shapes = _rectangles(placed)
    assert [(one, shape) for one in passing for shape in shapes if _overlap(one, shape)] == []


def test_everything_is_inside_the_picture(register):
    """Nothing is cut off at an edge."""
    placed = layout(graph(_crowd(register)))
    for left, top, right, bottom in _rectangles(placed):
        assert left >= 0
        assert top >= 100  # below the headings of the columns
        assert right <= placed.width
        assert bottom <= placed.height


@pytest.mark.skipif(not FONTS.is_dir(), reason="the font that stands in for Arial is not on this machine")
def test_every_name_fits_its_box(register):
    """Measured in the font: no line of a name is wider than its node, no tag's word wider than the tag."""
    bold = ImageFont.truetype(str(FONTS / "LiberationSans-Bold.ttf"), 14)
    plain = ImageFont.truetype(str(FONTS / "LiberationSans-Regular.ttf"), 12)
    placed = layout(graph(register))
    for box in placed.boxes:
        assert all(bold.getlength(line) < NODE_WIDTH - 20 for line in box.lines)
        assert all(plain.getlength(line) < NODE_WIDTH - 20 for line in box.small)
    words = [f"{drawing.WORD[tag.format]} × {tag.flows}" for tag in placed.tags]
    assert all(bold.getlength(word) < TAG_WIDTH - 8 for word in words)


def test_it_is_a_picture_with_a_name_and_a_description(register):
    """A screen reader says what the picture is and what it shows; each line and each node has a title."""
    root = _tree(flow_map(register))
    assert root.get("role") == "img"
    names = [root.find(f"{SVG}title"), root.find(f"{SVG}desc")]
    assert root.get("aria-labelledby") == " ".join(one.get("id") for one in names)
    assert register.controller.name in names[0].text
    assert names[1].text == says(graph(register))
    groups = root.findall(f"{SVG}g")
    found = graph(register)
    assert len(groups) == len(found.edges) + len(found.nodes)
    assert all(group.find(f"{SVG}title").text for group in groups)


def test_a_line_says_what_it_carries_and_what_for(example_icb):
    """The title of a line names both ends, the format and each activity."""
    titles = [one.text for one in _tree(flow_map(example_icb)).iter(f"{SVG}title")]
    assert (
        "NHS Example Integrated Care Board (Corporate records) to Example Payroll Bureau: information that says who"
        " you are. 1 flow, for: People who work for us."
    ) in titles


def test_it_scales_with_the_page(register):
    """A view box and no fixed size: the reader may zoom as far as they like."""
    root = _tree(flow_map(register))
    assert re.fullmatch(r"0 0 [\d.]+ [\d.]+", root.get("viewBox"))
    assert (root.get("width"), root.get("height")) == (None, None)


def test_it_holds_under_a_strict_content_policy(register):
    """No style, no script, nothing from elsewhere."""
    allowed = {"svg", "title", "desc", "g", "rect", "path", "text"}
    for element in _tree(flow_map(register)).iter():
        assert element.tag.removeprefix(SVG) in allowed
        assert not {name for name in element.attrib if name in ("style", "class", "href") or name.startswith("on")}


def test_a_format_is_told_without_colour():
    """Each format has a pattern and a word of its own; colour only helps."""
    for looks in (drawing.COLOUR, drawing.PATTERN, drawing.WORD):
        assert set(looks) == set(DataFormat)
        assert len(set(looks.values())) == len(DataFormat)


def test_the_colours_can_be_read():
    """White words on a tag and coloured words on white have a contrast of 7 or more."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert all(1.05 / (luminance(colour) + 0.05) >= 7 for colour in drawing.COLOUR.values())


def test_names_cannot_break_the_picture(example_icb):
    """A name with angle brackets is shown as it is written, and is no markup."""
    hostile = example_icb.controller.model_copy(update={"name": '</text><script>alert("x")</script>&\x01'})
    root = _tree(flow_map(example_icb.model_copy(update={"controller": hostile})))
    assert [one for one in root.iter() if one.tag.endswith("script")] == []
    assert hostile.name.rstrip("\x01") in root.find(f"{SVG}title").text  # XML cannot write that sign


def test_a_register_without_flows_has_a_picture_that_says_so(example_icb):
    """An empty map is a map that says it is empty, not an error."""
    bare = example_icb.model_copy(update={"activities": ()})
    assert _tree(flow_map(bare)).find(f"{SVG}desc").text == "The register states no flow."


def test_a_circle_is_drawn_out(example_icb):
    """What goes round in a circle, or from an organisation to itself, still runs from left to right."""
    icb = example_icb.controller.id
    circle = _with_flows(example_icb, [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a"), (icb, icb), (icb, "a")])
    found = graph(circle)
    column = ranks(found)
    assert sum(len(edge.rows) for edge in found.edges) == 6
    assert all(column[edge.source] < column[edge.target] for edge in found.edges)


def test_organisations_with_the_same_lines_share_a_node(example_icb):
    """Many senders of the same thing are one box that names them; beyond eight it counts the rest."""
    icb = example_icb.controller.id
    many = _with_flows(example_icb, [(f"sender-{number}", icb) for number in range(11)])
    (node,) = [one for one in graph(many).nodes.values() if one.band == SENDS]
    assert len(node.names) == 11
    assert ">and 3 more<" in flow_map(many)


def test_the_same_register_gives_the_same_picture(register):
    """Drawn twice, nothing has moved."""
    assert flow_map(register) == flow_map(register)


def test_a_flow_of_an_activity_that_is_not_done_is_faint_and_says_so(example_icb):
    """What is described but not done must not look as if it were done."""
    idle = _with_flows(example_icb, [("a", "b")])
    idle = idle.model_copy(update={"activities": (idle.activities[0].model_copy(update={"status": "inactive"}),)})
    (line,) = [one for one in _tree(flow_map(idle)).iter(f"{SVG}g") if one.find(f"{SVG}path") is not None]
    assert line.find(f"{SVG}title").text.endswith("Described, but not done.")
    assert line.find(f"{SVG}path").get("stroke-opacity") == "0.3"
    assert "A faint line is described but not done." in flow_map(idle)
    assert 'stroke-opacity="0.3"' not in flow_map(_with_flows(example_icb, [("a", "b")]))


def test_a_regional_office_is_a_place_where_records_first_rest(leeds):
    """Whatever its rooms are called, what goes into the regional office stands before the work."""
    found = graph(_with_flows(leeds, [("gp-practices", "necs-dscro"), ("necs-dscro", leeds.controller.id)]))
    assert [node.band for node in found.nodes.values()] == [SENDS, LANDS, WORKS]
