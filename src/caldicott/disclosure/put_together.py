"""Tables that nobody printed and anybody can add up: each month by practice is every month by practice."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.disclosure.nodes import Leaves
    from caldicott.disclosure.placed import Placed, Values
    from caldicott.disclosure.populations import Populations

_WAYS: Final = 20
"""So many tables of one shape are tried for each part; the first of each tells what the others do."""


def of_whole(tables: Sequence[Placed], found: Populations, whole: int) -> Iterator[Placed]:
    """Of parts that are all of it, or of its own tables about some of the people that are about all together."""
    own = [tables[number] for number in found.members[whole]]
    for relation in found.relations:
        if relation.whole == whole and relation.is_all:
            yield from _sums([[tables[number] for number in found.members[part]] for part in relation.parts])
    for name in sorted(frozenset[str]().union(*(one.selected for one in own))):
        yield from _over(name, [one for one in own if name in one.table.dimensions])


def _over(name: str, own: Sequence[Placed]) -> Iterator[Placed]:
    """Tables of one column each about other values of it, without that column."""
    everything = frozenset[int]().union(*(one.covered[one.position(name)] for one in own))
    groups: dict[Leaves, list[Placed]] = {}
    for one in own:
        if one.selected == {name}:
            groups.setdefault(one.covered[one.position(name)], []).append(_without(one, name))
    for chosen in _partitions(sorted(groups, key=sorted), everything):
        yield from _sums([groups[leaves] for leaves in chosen])


def _partitions(groups: Sequence[Leaves], everything: Leaves) -> Iterator[tuple[Leaves, ...]]:
    """Groups that share nothing and are everything together."""
    if not everything:
        yield ()
    else:
        for group in groups:
            if min(everything) in group and group <= everything:
                for rest in _partitions(groups, everything - group):
                    yield group, *rest


def _without(one: Placed, name: str) -> Placed:
    """The same people without the column that says of whom the table is."""
    kept = [place for place, own in enumerate(one.table.dimensions) if own != name]
    base: dict[Values, int] = {}
    for values, count in one.base.items():
        rest = tuple(values[place] for place in kept)
        base[rest] = base.get(rest, 0) + count
    return replace(
        one, table=replace(one.table, dimensions=tuple(one.table.dimensions[place] for place in kept), rows=()),
        leaves=tuple(one.leaves[place] for place in kept), smallest=tuple(one.smallest[place] for place in kept),
        base=base, covered=tuple(one.covered[place] for place in kept), selected=one.selected - {name},
    )  # fmt: skip


def _sums(parts: Sequence[Sequence[Placed]]) -> Iterator[Placed]:
    """One table of each part, all of the same columns and values, added up."""
    shapes = [{_shape(one): one for one in part[:_WAYS] if not one.selected} for part in parts]
    for shape in shapes[0]:
        chosen = [found[shape] for found in shapes if shape in found]
        if len(chosen) == len(parts) > 1:
            yield _sum(chosen)


def _shape(one: Placed) -> tuple[object, ...]:
    values = [
        tuple((value, leaves[value]) for value in smallest)
        for smallest, leaves in zip(one.smallest, one.leaves, strict=True)
    ]
    return tuple(sorted(zip(one.table.dimensions, values, strict=True)))


def _sum(chosen: Sequence[Placed]) -> Placed:
    first = chosen[0]
    base = dict.fromkeys(product(*first.smallest), 0)
    for one in chosen:
        place = [one.position(name) for name in first.table.dimensions]
        for values, count in one.base.items():
            base[tuple(values[number] for number in place)] += count
    return replace(first, table=replace(first.table, rows=()), base=base)
