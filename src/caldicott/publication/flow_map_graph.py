"""The flow map as a graph: who stands where, and one line for each pair and format.

Four bands, left to right: where records come from, where they first rest, where
the work is done, who receives. An organisation that sends and receives stands
on both sides, so that every line runs one way. Rooms of the controller stand
alone; outside it, one organisation is one node, and those with the same lines
share a node.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from caldicott.facts import publication as facts
from caldicott.publication.flows import FlowRow, flow_rows
from caldicott.publication.processors import PROCESSING_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.register.model import Register
    from caldicott.vocabulary.formats import DataFormat

SENDS, LANDS, WORKS, RECEIVES = range(4)
BANDS: Final = ("Where records come from", "Where they first rest", "Where the work is done", "Who receives")


@dataclass(frozen=True, slots=True)
class Node:
    """A place on the map: an organisation, several with the same lines, or one room of an organisation."""

    key: str
    band: int
    names: tuple[str, ...]
    room: str = ""
    is_controller: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """All flows from one node to another in one format."""

    source: str
    target: str
    format: DataFormat
    rows: tuple[FlowRow, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by key, in the order of the register, and the lines between them. No line runs in a circle."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]


class _Builder:
    """Places the ends of each flow. What it knows of the whole: who works for the controller, and who sends on."""

    def __init__(self, register: Register) -> None:
        self.controller = register.controller.id
        self.roles = {one.id: frozenset(one.roles) for one in register.organisations}
        self.rows = flow_rows(register)
        self.senders = {row.source_id for row in self.rows}
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, DataFormat], list[FlowRow]] = defaultdict(list)

    def build(self) -> Graph:
        # First what arrives from outside: whoever receives that and sends on is at work, not a source.
        fed = {(row.recipient_id, row.to_zone) for row in self.rows if self._is_fed(row)}
        for row in self.rows:
            start = self._start(row, fed)
            end = self._end(row, start)
            if _reaches(self.edges, end.key, start.key):
                end = self._node(row.recipient_id, row.recipient, RECEIVES)
            self.edges[start.key, end.key, row.format].append(row)
        return Graph(self.nodes, tuple(Edge(*key, tuple(rows)) for key, rows in self.edges.items()))

    def _is_fed(self, row: FlowRow) -> bool:
        return self._works_for_it(row.recipient_id) and row.source_id != self.controller

    def _works_for_it(self, organisation: str) -> bool:
        return organisation == self.controller or bool(PROCESSING_ROLES & self.roles.get(organisation, frozenset()))

    def _is_landing(self, organisation: str, zone: str) -> bool:
        rests = facts.zones().get(zone, {}).get("is_landing") == "yes"
        return self._works_for_it(organisation) and (rests or "dscro" in self.roles.get(organisation, frozenset()))

    def _start(self, row: FlowRow, fed: set[tuple[str, str]]) -> Node:
        who, zone = row.source_id, row.from_zone
        if self._is_landing(who, zone):
            return self._node(who, row.source, LANDS, zone)
        if who == self.controller or (who, zone) in fed:
            return self._node(who, row.source, WORKS, zone)
        return self._node(who, row.source, SENDS)

    def _end(self, row: FlowRow, start: Node) -> Node:
        who, zone = row.recipient_id, row.to_zone
        if self._is_landing(who, zone) and start.band <= LANDS:
            return self._node(who, row.recipient, LANDS, zone)
        if who == self.controller or (self._is_fed(row) and self._works_for_it(who)):
            return self._node(who, row.recipient, WORKS, zone)
        if start.band == SENDS and who in self.senders and who != row.source_id:
            return self._node(who, row.recipient, SENDS)
        return self._node(who, row.recipient, RECEIVES)

    def _node(self, who: str, name: str, band: int, zone: str = "") -> Node:
        key = f"{band}/{who}/{zone}"
        known = facts.zones().get(zone)
        title = known["title"] if known else zone.replace("-", " ").capitalize()
        return self.nodes.setdefault(key, Node(key, band, (name,), title, who == self.controller))


def graph(register: Register) -> Graph:
    """The map of a register, with organisations that have the same lines on one node."""
    found = _Builder(register).build()
    for band in (RECEIVES, SENDS):
        found = _grouped(found, band)
    return found


def ranks(found: Graph) -> dict[str, int]:
    """The column of each node: its band, and within a band after whoever sends to it."""
    depth: dict[str, int] = {}
    for key in _in_order(found):
        before = [
            depth[edge.source]
            for edge in found.edges
            if edge.target == key and found.nodes[edge.source].band == found.nodes[key].band
        ]
        depth[key] = max(before, default=-1) + 1
    columns = sorted({(found.nodes[key].band, depth[key]) for key in depth})
    return {key: columns.index((found.nodes[key].band, depth[key])) for key in depth}


def _in_order(found: Graph) -> list[str]:
    """Every node after all that send to it."""
    done: dict[str, None] = {}
    waiting = list(found.nodes)
    while waiting:
        ready = [
            key for key in waiting if all(edge.source in done for edge in found.edges if edge.target == key)
        ] or waiting
        done.update(dict.fromkeys(ready))
        waiting = [key for key in waiting if key not in done]
    return list(done)


def _reaches(edges: Iterable[tuple[str, str, DataFormat]], start: str, end: str) -> bool:
    """Whether lines lead from `start` to `end`: then a line back would close a circle."""
    follow: dict[str, set[str]] = defaultdict(set)
    for source, target, _ in edges:
        follow[source].add(target)
    seen, ahead = set[str](), [start]
    while ahead:
        here = ahead.pop()
        if here == end:
            return True
        ahead.extend(follow[here] - seen)
        seen |= follow[here]
    return False


def _grouped(found: Graph, band: int) -> Graph:
    """The same map with the nodes of a band that have the very same lines on one node."""
    lines: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for edge in found.edges:
        lines[edge.source].add(("to", edge.target, edge.format))
        lines[edge.target].add(("from", edge.source, edge.format))
    groups: dict[frozenset[tuple[str, str, str]], list[Node]] = defaultdict(list)
    for node in found.nodes.values():
        groups[frozenset(lines[node.key] if node.band == band else {(node.key, "", "")})].append(node)
    renamed = {node.key: members[0].key for members in groups.values() for node in members}
    nodes = {
        members[0].key: replace(members[0], names=tuple(name for node in members for name in node.names))
        for members in groups.values()
    }
    merged: dict[tuple[str, str, DataFormat], list[FlowRow]] = defaultdict(list)
    for edge in found.edges:
        merged[renamed[edge.source], renamed[edge.target], edge.format].extend(edge.rows)
    return Graph(nodes, tuple(Edge(*key, tuple(rows)) for key, rows in merged.items()))
