"""The atoms of one population: grids of leaves, one for each widest set of dimensions that tables cross.

Tables over {practice, age} and {practice, sex} need no atoms practice x age x
sex: whatever fits both and agrees on practices can be filled in. Tables that
cross in a ring, {a, b}, {b, c}, {c, a}, do need them, and get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from caldicott.disclosure.placed import Placed

Atom = tuple[int, ...]
ATOMS_AT_MOST: Final = 60_000
_NOWHERE: Final = ""
"""The value of those leaves of which a table tells though it lists no value that holds them; no value is called so."""


@dataclass(frozen=True, slots=True)
class Block:
    """Atoms over these dimensions that may hold anybody; all others are empty, or no table counts them."""

    dimensions: tuple[str, ...]
    atoms: tuple[Atom, ...]
    leaf_class: tuple[Mapping[int, int], ...]
    """For each dimension, the class of leaves that the block's tables cannot tell apart; others are not counted."""


def blocks(tables: Sequence[Placed], *, zeros_too: bool = False) -> list[Block]:
    """The blocks of one population; with `zeros_too` a cell counted as nobody may hold somebody to those who read."""
    finest = _is_crossing(tables)
    return [
        _block(dimensions, tables, finest=finest, zeros_too=zeros_too)
        for dimensions in _wide_sets([t.table.dimensions for t in tables])
    ]


def full_grids(
    tables: Sequence[Placed], tellers: Sequence[Sequence[int]], limit: int,
    *, empty: Sequence[Mapping[str, frozenset[int]]], zeros_too: bool,
) -> list[list[Block]] | None:  # fmt: skip
    """For each population every group that all the tables together tell apart; None where these are too many.

    `tellers` are the tables that say of a population where nobody is: its own, and those of populations around it;
    `empty` has leaves of dimensions at which it has nobody for another reason.
    """
    grids: list[list[Block]] = [[] for _ in tellers]
    atoms = 0
    for dimensions in _wide_sets([found.table.dimensions for found in tables]):
        classes = {name: _classes(name, tables) for name in dimensions}
        parts = [sorted(set(classes[name].values())) for name in dimensions]
        if prod(len(found) for found in parts) > limit:
            return None
        for grid, telling, nobody in zip(grids, tellers, empty, strict=True):
            inside = [tables[number] for number in telling if set(tables[number].table.dimensions) <= set(dimensions)]
            sights = [_Sight(found, classes, zeros_too=zeros_too) for found in inside]
            out = {name: {classes[name][leaf] for leaf in nobody.get(name, ())} for name in dimensions}
            filled = [[one for one in own if one not in out[name]] for name, own in zip(dimensions, parts, strict=True)]
            found = tuple(atom for atom in product(*filled) if all(one.allows(atom, dimensions) for one in sights))
            atoms += len(found)
            grid.append(Block(dimensions, found, tuple(classes[name] for name in dimensions)))
        if atoms > limit:
            return None
    return grids


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


def _block(dimensions: tuple[str, ...], tables: Sequence[Placed], *, finest: bool, zeros_too: bool) -> Block:
    inside = [found for found in tables if set(found.table.dimensions) <= set(dimensions)]
    classes = {name: _classes(name, tables if finest else inside) for name in dimensions}
    # The widest and fullest first: its empty cells keep the number of atoms down.
    order = sorted(inside, key=lambda found: (-len(found.table.dimensions), -sum(map(bool, found.base.values()))))
    sights = [_Sight(found, classes, zeros_too=zeros_too) for found in order]
    atoms: set[Atom] = set()
    for number, sight in enumerate(sights):
        for atom in sight.candidates(dimensions, sights[:number]):
            if all(other.allows(atom, dimensions) for other in sights):
                atoms.add(atom)
        _within_reach(len(atoms))
    return Block(dimensions, tuple(sorted(atoms)), tuple(classes[name] for name in dimensions))


class _Sight:
    """What one table says about which atoms may hold anybody."""

    def __init__(self, table: Placed, classes: Mapping[str, Mapping[int, int]], *, zeros_too: bool) -> None:
        self.names = table.table.dimensions
        self.all_classes = {name: sorted(set(found.values())) or [0] for name, found in classes.items()}
        self.covered = [{classes[name][leaf] for leaf in table.covered[place]} for place, name in enumerate(self.names)]
        self.value = [
            {classes[name][leaf]: value for value in table.smallest[place] for leaf in table.leaves[place][value]}
            for place, name in enumerate(self.names)
        ]
        self.there = {values for values, count in table.base.items() if count or zeros_too}

    def says_nothing_of(self, part: Sequence[tuple[str, int]]) -> bool:
        """Whether anybody of these classes may be outside what the table covers."""
        known = dict(part)
        return any(
            known[name] not in covered if name in known else not covered.issuperset(self.all_classes[name])
            for name, covered in zip(self.names, self.covered, strict=True)
        )

    def allows(self, atom: Atom, dimensions: Sequence[str]) -> bool:
        """False where the table has counted there and found nobody."""
        own = [atom[dimensions.index(name)] for name in self.names]
        if any(part not in covered for part, covered in zip(own, self.covered, strict=True)):
            return True
        return tuple(value.get(part, _NOWHERE) for part, value in zip(own, self.value, strict=True)) in self.there

    def candidates(self, dimensions: Sequence[str], earlier: Sequence[_Sight]) -> Iterable[Atom]:
        """Atoms of its cells that hold somebody, as far as no earlier table has counted there."""
        parts_of = [_inverted(found) for found in self.value]
        so_far = 0
        for values in sorted(self.there):
            for own in product(*(parts[value] for parts, value in zip(parts_of, values, strict=True))):
                known = list(zip(self.names, own, strict=True))
                if all(other.says_nothing_of(known) for other in earlier):
                    chosen = dict(known)
                    spread = [[chosen[name]] if name in chosen else self.all_classes[name] for name in dimensions]
                    so_far += prod(len(found) for found in spread)
                    _within_reach(so_far)
                    yield from product(*spread)


def _inverted(value_of: Mapping[int, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, value in sorted(value_of.items()):
        found.setdefault(value, []).append(number)
    return found


def _classes(name: str, tables: Sequence[Placed]) -> dict[int, int]:
    holders: dict[int, list[tuple[int, str]]] = {}
    for number, found in enumerate(tables):
        if name in found.table.dimensions:
            place = found.position(name)
            for value, leaves in sorted([*found.leaves[place].items(), (_NOWHERE, found.empty(place))]):
                for leaf in leaves:
                    holders.setdefault(leaf, []).append((number, value))
    numbers: dict[tuple[tuple[int, str], ...], int] = {}
    return {leaf: numbers.setdefault(tuple(holders[leaf]), len(numbers)) for leaf in sorted(holders)}


def _within_reach(atoms: int) -> None:
    if atoms > ATOMS_AT_MOST:
        raise DoesNotHold(
            f"the tables together cross into more than {ATOMS_AT_MOST:,} groups, too many to prove",
            code="tables-too-wide",
            next_step="ask for fewer dimensions, or larger groups (chapters, networks, quarters)",
        )
