"""Blocks with their place in the system: which atoms a row sums, and what several blocks can all be summed to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from caldicott.disclosure.blocks import Atom, Block
    from caldicott.disclosure.placed import Placed, Values


@dataclass(frozen=True, slots=True)
class Sited:
    """A block with its first atom's number in the system."""

    block: Block
    first: int

    def numbered(self) -> Iterable[tuple[int, Atom]]:
        return enumerate(self.block.atoms, self.first)


def atoms_of_rows(sited: Sited, table: Placed, names: Sequence[str] = ()) -> dict[Values, list[int]]:
    """The atoms that each row counts, by its values in these columns: of the table, if not said otherwise."""
    names = names or table.table.dimensions
    places = [sited.block.dimensions.index(name) for name in names]
    own = [table.position(name) for name in names]
    holding = [
        _holding(table.leaves[number], sited.block.leaf_class[where]) for number, where in zip(own, places, strict=True)
    ]
    there = {tuple(row.values[number] for number in own) for row in table.table.rows}
    found: dict[Values, list[int]] = {}
    for atom, leaf in sited.numbered():
        for values in product(*(held.get(leaf[where], ()) for held, where in zip(holding, places, strict=True))):
            if values in there:
                found.setdefault(values, []).append(atom)
    return found


def _holding(leaves: Mapping[str, frozenset[int]], classes: Mapping[int, int]) -> dict[int, tuple[str, ...]]:
    """For each class of leaves the values that hold it."""
    found: dict[int, set[str]] = {}
    for value, group in leaves.items():
        for leaf in group:
            if leaf in classes:
                found.setdefault(classes[leaf], set()).add(value)
    return {leaf: tuple(sorted(values)) for leaf, values in found.items()}


@dataclass(frozen=True, slots=True)
class Grouped:
    """Each block's atoms by the smallest cells that all the blocks can be summed to."""

    names: tuple[str, ...]
    """The dimensions in common."""
    atoms: tuple[dict[Atom, list[int]], ...]
    leaves: tuple[dict[int, frozenset[int]], ...]
    """For each dimension in common, all the leaves of each shared group."""
    covered: tuple[tuple[frozenset[int], ...], ...]
    """For each block and dimension in common, the leaves it counts."""

    def cells(self) -> set[Atom]:
        return set().union(*(found.keys() for found in self.atoms))

    def follows_from(self, other: Grouped) -> bool:
        """Whether what the other says of the same two populations says this as well, summed up."""
        if not (self.is_complete() and other.is_complete() and set(self.names) <= set(other.names)):
            return False
        for name, own in zip(self.names, self.leaves, strict=True):
            finer = other.leaves[other.names.index(name)].values()
            if any(group != frozenset().union(*(one for one in finer if one & group)) for group in own.values()):
                return False
        return True

    def is_complete(self) -> bool:
        """Whether each of the blocks counts all of every cell."""
        return all(self.is_whole(block, key) for block in range(len(self.atoms)) for key in self.cells())

    def is_whole(self, block: int, key: Atom) -> bool:
        """Whether the block counts all of that cell."""
        return all(
            leaves[part] <= covered for leaves, covered, part in zip(self.leaves, self.covered[block], key, strict=True)
        )


def grouped_by_all(sited: Sequence[Sited]) -> Grouped:
    names = [name for name in sited[0].block.dimensions if all(name in found.block.dimensions for found in sited)]
    shared = [_shared_classes(name, sited) for name in names]
    grouped, covered = [], []
    for number, found in enumerate(sited):
        places = [found.block.dimensions.index(name) for name in names]
        groups: dict[Atom, list[int]] = {}
        for atom, leaf in found.numbered():
            key = tuple(shared[n][0][number][leaf[where]] for n, where in enumerate(places))
            groups.setdefault(key, []).append(atom)
        grouped.append(groups)
        covered.append(tuple(frozenset(found.block.leaf_class[where]) for where in places))
    return Grouped(tuple(names), tuple(grouped), tuple(leaves for _classes, leaves in shared), tuple(covered))


def _shared_classes(name: str, sited: Sequence[Sited]) -> tuple[list[dict[int, int]], dict[int, frozenset[int]]]:
    """For each block the shared group of each class; and the leaves of each group."""
    above: dict[int, int] = {}

    def top(leaf: int) -> int:
        while above.setdefault(leaf, leaf) != leaf:
            leaf = above[leaf]
        return leaf

    tables = [found.block.leaf_class[found.block.dimensions.index(name)] for found in sited]
    for classes in tables:
        firsts: dict[int, int] = {}
        for leaf in sorted(classes):
            above[top(leaf)] = top(firsts.setdefault(classes[leaf], leaf))
    groups: dict[int, set[int]] = {}
    for leaf in sorted(above):
        groups.setdefault(top(leaf), set()).add(leaf)
    return (
        [{number: top(leaf) for leaf, number in classes.items()} for classes in tables],
        {number: frozenset(leaves) for number, leaves in groups.items()},
    )
