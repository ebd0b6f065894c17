"""Populations that contain each other, each laid out over every group that all their tables together tell apart.

Somebody who has a table by age of everybody and one by sex of a part knows
that each girl of the part is a girl of the whole: only groups by age and sex
of both can say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from caldicott.disclosure import blocks, families, populations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.disclosure.families import Family
    from caldicott.disclosure.placed import Placed
    from caldicott.disclosure.populations import Populations
    from caldicott.disclosure.selections import Reading

ATOMS_AT_MOST: Final = 1_000
"""Of a family, rests not counted. A larger one is compared sum by sum (`lattice`), which sees less."""


@dataclass(frozen=True, slots=True)
class Grids:
    """The families that are laid out in full, and the blocks of each of their populations."""

    families: tuple[Family, ...] = ()
    blocks: Mapping[int, list[blocks.Block]] = field(default_factory=dict)

    def hold(self, reading: Reading) -> bool:
        """Whether every table that got a column is laid out with it."""
        return all(
            population in self.blocks
            for population, group in enumerate(reading.populations.members)
            if any(reading.tables[number].selected for number in group)
        )


def find(reading: Reading, *, nested: bool, zeros_too: bool, only: int | None = None) -> Grids:
    """Every family that is small enough, and needs it."""
    tables, found = reading.tables, reading.populations
    kept, laid = [], dict[int, list[blocks.Block]]()
    for family in families.find(tables, found, nested=nested, only=only):
        numbers = [number for population in family.populations for number in found.members[population]]
        if len(family.populations) == 1 and not any(tables[number].selected for number in numbers):
            continue
        grids = _grids(tables, found, family, numbers, zeros_too=zeros_too)
        if grids is not None:
            kept.append(family)
            laid.update(zip(family.populations, grids, strict=True))
    return Grids(tuple(kept), laid)


def _grids(
    tables: Sequence[Placed], found: Populations, family: Family, numbers: Sequence[int], *, zeros_too: bool
) -> list[list[blocks.Block]] | None:
    place = {number: own for own, number in enumerate(numbers)}
    tellers = [
        [place[number] for around in family.around(population) for number in found.members[around]]
        for population in family.populations
    ]
    empty = [_empty(tables, found, family, population) for population in family.populations]
    among = [tables[number] for number in numbers]
    return blocks.full_grids(among, tellers, ATOMS_AT_MOST, empty=empty, zeros_too=zeros_too)


def _empty(tables: Sequence[Placed], found: Populations, family: Family, whole: int) -> Mapping[str, frozenset[int]]:
    """Where the whole has nobody, though what the family reads as part of it counts somebody: there it is none."""
    inside = [small for small, large in sorted(family.within) if large == whole]
    return populations.outside(
        [tables[number] for number in found.members[whole]],
        [tables[number] for population in inside for number in found.members[population]],
    )
