"""The atoms of one population: grids of leaves, one for each widest set of dimensions that tables cross.

Tables over {practice, age} and {practice, sex} need no atoms practice x age x
sex: whatever fits both and agrees on practices can be filled in. Tables that
cross in a ring, {a, b}, {b, c}, {c, a}, do need them, and get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from caldicott.disclosure.placed import Placed

Atom = tuple[int, ...]
ATOMS_AT_MOST: Final = 60_000


@dataclass(frozen=True, slots=True)
class Block:
    """Atoms over these dimensions that may hold anybody; all others are known to be empty."""

    dimensions: tuple[str, ...]
    atoms: tuple[Atom, ...]
    leaf_class: tuple[Mapping[int, int], ...]
    """For each dimension, the class of leaves that the block's tables cannot tell apart."""


def blocks(tables: Sequence[Placed]) -> list[Block]:
    """The blocks of one population."""
    finest = _is_crossing(tables)
    return [
        _block(dimensions, tables, finest=finest) for dimensions in _wide_sets([t.table.dimensions for t in tables])
    ]


def _wide_sets(used: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Widest sets of dimensions; those left over when no set hangs on the rest by one other set are a ring: joined."""
    sets = _widest({frozenset(found) for found in used})
    order = sorted({name for found in sets for name in found})
    while ring := _ring(sets):
        joined = frozenset[str]().union(*ring)
        sets = _widest({*(sets - ring), joined})
    return sorted(tuple(name for name in order if name in found) for found in sets)


def _widest(sets: set[frozenset[str]]) -> set[frozenset[str]]:
    return {found for found in sets if not any(found < other for other in sets)}


def _ring(sets: set[frozenset[str]]) -> set[frozenset[str]]:
    """What remains after taking ears off, again and again (Graham, Yu, Ozsoyoglu)."""
    left = {found: set(found) for found in sets}
    changed = True
    while changed and len(left) > 1:
        changed = False
        for found in sorted(left, key=sorted):
            others = set[str]().union(*(rest for other, rest in left.items() if other != found))
            shared = left[found] & others
            if any(shared <= rest for other, rest in left.items() if other != found):
                del left[found]
                changed = True
                break
    return set(left) if len(left) > 1 else set()


def _is_crossing(tables: Sequence[Placed]) -> bool:
    """Whether values of one dimension cut across each other between tables."""
    groups: dict[str, set[frozenset[int]]] = {}
    for found in tables:
        for name, leaves in zip(found.table.dimensions, found.leaves, strict=True):
            groups.setdefault(name, set()).update(leaves.values())
    for sets in groups.values():
        owner: dict[int, frozenset[int]] = {}
        # From small to large, every group must hold whole groups only.
        for group in sorted(sets, key=lambda entry: (len(entry), sorted(entry))):
            if any(not owner[leaf] <= group for leaf in group if leaf in owner):
                return True
            owner.update(dict.fromkeys(group, group))
    return False


def _block(dimensions: tuple[str, ...], tables: Sequence[Placed], *, finest: bool) -> Block:
    inside = [found for found in tables if set(found.table.dimensions) <= set(dimensions)]
    classes = tuple(_classes(name, tables if finest else inside) for name in dimensions)
    spines = [found for found in inside if len(found.table.dimensions) == len(dimensions)] or inside
    spine = max(spines, key=lambda found: sum(1 for count in found.base.values() if count))
    order = [spine, *(found for found in inside if found is not spine)]
    atoms: list[dict[str, int]] = [{}]
    for found in order:
        atoms = _joined(atoms, found, dict(zip(dimensions, classes, strict=True)))
    return Block(dimensions, tuple(sorted(tuple(atom[name] for name in dimensions) for atom in atoms)), classes)


def _classes(name: str, tables: Sequence[Placed]) -> dict[int, int]:
    holders: dict[int, list[tuple[int, str]]] = {}
    for number, found in enumerate(tables):
        if name in found.table.dimensions:
            for value, leaves in sorted(found.leaves[found.position(name)].items()):
                for leaf in leaves:
                    holders.setdefault(leaf, []).append((number, value))
    numbers: dict[tuple[tuple[int, str], ...], int] = {}
    return {leaf: numbers.setdefault(tuple(holders[leaf]), len(numbers)) for leaf in sorted(holders)}


def _joined(
    atoms: list[dict[str, int]], found: Placed, classes: Mapping[str, Mapping[int, int]]
) -> list[dict[str, int]]:
    """Atoms that fall in a cell of this table with somebody in it, extended by the dimensions it adds."""
    names = found.table.dimensions
    known = [name for name in names if atoms and name in atoms[0]]
    cells: dict[Atom, list[dict[str, int]]] = {}
    so_far = 0
    for values, count in found.base.items():
        if count:
            parts = [
                sorted({classes[name][leaf] for leaf in found.leaves[place][value]})
                for place, (name, value) in enumerate(zip(names, values, strict=True))
            ]
            so_far = _within_reach(so_far, parts)
            for chosen in product(*parts):
                cell = dict(zip(names, chosen, strict=True))
                cells.setdefault(tuple(cell[name] for name in known), []).append(cell)
    joined: list[dict[str, int]] = []
    for atom in atoms:
        matching = cells.get(tuple(atom[name] for name in known), [])
        _within_reach(len(joined), [matching])
        joined.extend(atom | cell for cell in matching)
    return joined


def _within_reach(so_far: int, parts: Sequence[Sequence[object]]) -> int:
    more = 1
    for found in parts:
        more *= len(found)
    if so_far + more > ATOMS_AT_MOST:
        raise DoesNotHold(
            f"the tables together cross into more than {ATOMS_AT_MOST:,} groups, too many to prove",
            code="tables-too-wide",
            next_step="ask for fewer dimensions, or larger groups (chapters, networks, quarters)",
        )
    return so_far + more
