"""What an attacker knows, as numbers: atoms nobody has printed, sums that were printed, and equations between them.

An atom is a smallest group of people that all tables together can tell apart.
A statistic is one printed cell, however many tables print it: a sum of atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

INFINITE: Final = float("inf")


class State(Enum):
    """What became of a statistic."""

    SHOWN = "shown"
    SMALL = "small"
    """Withheld for its own sake. The attacker we prove against is told so."""
    COVER = "cover"
    """Withheld for the sake of another; that, too, the attacker is told."""
    SEALED = "sealed"
    """Withheld, and the attacker is told no more than the marker says: at least one person."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One lattice cell: the atoms it sums, and its true value."""

    atoms: tuple[int, ...]
    truth: int
    is_fixed: bool = False
    """Released before: what was said of it cannot be taken back."""

    def __repr__(self) -> str:
        """Keeps the truth out of logs."""
        return f"Statistic({len(self.atoms)} atoms)"


@dataclass(frozen=True, slots=True)
class Tie:
    """Two sums that are equal because they count the same people."""

    left: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A group that must stay uncertain."""

    atoms: tuple[int, ...]
    is_known_small: bool
    """Its true value is small. Otherwise it is a group that no table prints: small is decided by what an attacker
    could conclude, never by the truth."""
    reach: tuple[float, float] | None = None
    """For sums of money: the attacker must think possible this little and this much."""


@dataclass(frozen=True, slots=True)
class System:
    """The joint system of every table in view."""

    atoms: int
    statistics: tuple[Statistic, ...]
    ties: tuple[Tie, ...]
    targets: tuple[Target, ...]
    truth: Numbers | None = None
    """A whole-number solution, where the tables themselves give one."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of one statistic."""

    low: float
    high: float


class Sums:
    """Many sums of atoms at once."""

    def __init__(self, groups: Sequence[tuple[int, ...]]) -> None:
        lengths = [len(group) for group in groups]
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        self.indices = np.fromiter((atom for group in groups for atom in group), dtype=np.int32, count=sum(lengths))
        self.count = len(groups)

    def of(self, values: Numbers) -> Numbers:
        """The value of each sum."""
        if not self.count:
            return np.zeros(0)
        picked: Numbers = np.concatenate([[0.0], np.cumsum(values[self.indices])])
        sums: Numbers = picked[self.starts[1:]] - picked[self.starts[:-1]]
        return sums


def components(atoms: int, groups: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Atoms that no printed sum connects can be judged apart."""
    above = list(range(atoms))

    def top(atom: int) -> int:
        while above[atom] != atom:
            above[atom] = above[above[atom]]
            atom = above[atom]
        return atom

    for group in groups:
        first = top(group[0])
        for atom in group[1:]:
            other = top(atom)
            if other != first:
                above[other] = first
    found: dict[int, list[int]] = {}
    for atom in range(atoms):
        found.setdefault(top(atom), []).append(atom)
    return list(found.values())


def restricted(system: System, atoms: Sequence[int]) -> tuple[System, Mapping[int, int]]:
    """The part of the system on these atoms, and which of its statistics is which of the whole."""
    place = {atom: number for number, atom in enumerate(atoms)}

    def moved(group: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(place[atom] for atom in group)

    kept = [number for number, statistic in enumerate(system.statistics) if statistic.atoms[0] in place]
    part = System(
        len(atoms),
        tuple(
            Statistic(moved(found.atoms), found.truth, found.is_fixed)
            for found in (system.statistics[number] for number in kept)
        ),
        tuple(Tie(moved(tie.left), moved(tie.right)) for tie in system.ties if (tie.left + tie.right)[0] in place),
        tuple(Target(moved(t.atoms), t.is_known_small, t.reach) for t in system.targets if t.atoms[0] in place),
        _whole(system.truth, atoms),
    )
    return part, dict(enumerate(kept))


def _whole(truth: Numbers | None, atoms: Sequence[int]) -> Numbers | None:
    """The truth of these atoms, if every one of them is known."""
    if truth is None:
        return None
    found = truth[np.asarray(atoms, dtype=np.int64)]
    return None if np.isnan(found).any() else found
