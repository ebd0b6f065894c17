"""Finding witnesses by moves: from one whole table that fits to many, by steps that are known beforehand to fit.

A move adds to some groups and takes from others so that equations between
populations hold; most moves leave every printed sum as it is as well. How
often each move can be repeated follows by division, for all moves at once, and
with it how far each group can be pushed. Each such end is a whole table that
fits, as anyone can check by addition.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from caldicott.disclosure.system import Numbers

_NOTHING: Final = 1e-9
_FAR: Final = 40.0
"""No move is repeated more often: what is withheld may be without an upper end."""


def matrix(groups: Sequence[tuple[int, ...]], atoms: int) -> Numbers:
    """One row a sum."""
    rows = np.zeros((len(groups), atoms))
    for number, group in enumerate(groups):
        rows[number, list(group)] = 1.0
    return rows


def kernel(rows: Numbers) -> Numbers:
    """Whole-number moves that leave all of these sums as they are; one for each group that they leave free."""
    left = np.unique(rows, axis=0) if len(rows) else rows
    pivots: list[int] = []
    for column in range(rows.shape[1]):
        top = len(pivots)
        if top == len(left):
            break
        best = top + int(np.argmax(np.abs(left[top:, column])))
        if abs(left[best, column]) < _NOTHING:
            continue
        left[[top, best]] = left[[best, top]]
        left[top] /= left[top, column]
        others = np.flatnonzero(np.abs(left[:, column]) > _NOTHING)
        others = others[others != top]
        left[others] -= np.outer(left[others, column], left[top])
        pivots.append(column)
    free = np.setdiff1d(np.arange(rows.shape[1]), np.array(pivots, dtype=np.int64))
    found = np.zeros((len(free), rows.shape[1]))
    found[np.arange(len(free)), free] = 1.0
    found[:, pivots] = -left[: len(pivots), free].T
    whole = np.rint(found)
    is_whole = np.all(np.abs(found - whole) < _NOTHING, axis=1) & np.all(rows @ whole.T == 0, axis=0)
    kept: Numbers = whole[is_whole]
    return kept


@dataclass(frozen=True, slots=True)
class _Entries:
    """What is not nothing of a table of numbers, row by row; every row has something."""

    places: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Numbers
    starts: NDArray[np.int64]
    rows: NDArray[np.int64]

    @staticmethod
    def of(table: Numbers) -> _Entries:
        places, columns = np.nonzero(table)
        rows, starts = np.unique(places, return_index=True)
        return _Entries(places, columns, table[places, columns], starts, rows)


class Moves:
    """All moves of one system in one state of withholding."""

    def __init__(self, found: Numbers, sums: Numbers, targets: Numbers, low: Numbers, high: Numbers) -> None:
        """`sums` and `targets` have one row each; `low` and `high` are the bounds of the sums."""
        self._moves = found
        self._sums = sums
        atoms = found.shape[1]
        self._low = np.concatenate([np.zeros(atoms), low])
        self._high = np.concatenate([np.full(atoms, np.inf), high])
        self._by_move = _Entries.of(np.hstack([found, found @ sums.T]))
        self._by_target = _Entries.of(targets @ found.T)
        self._targets = targets
        self._chance = random.Random(1)  # noqa: S311  the same path every time; nothing secret

    def explore(
        self, start: Numbers, see: Callable[[Numbers, Numbers], None], wanted: Callable[[], Sequence[int]], looks: int
    ) -> list[Numbers]:
        """Look around from table to table while something is wanted; the tables passed. `see` gets least and most."""
        passed: list[Numbers] = []
        now, idle, before = start, 0, -1
        for _look in range(looks):
            up, down = self._repeats(now)
            see(*self._ends(now, up, down))
            left = wanted()
            idle = 0 if len(left) != before else idle + 1
            before = len(left)
            if not left or idle > looks // 6:
                break
            now = self._step(now, up, down, left)
            passed.append(now)
        return passed

    def _repeats(self, now: Numbers) -> tuple[Numbers, Numbers]:
        """How often each move can be made, and how often taken back."""
        at = np.concatenate([now, self._sums @ now])
        above, below = self._high - at, at - self._low
        entries = self._by_move
        size, column = np.abs(entries.values), entries.columns
        is_more = entries.values > 0
        found = []
        for one, other in ((above, below), (below, above)):
            room = np.floor(np.where(is_more, one[column], other[column]) / size)
            repeats = np.zeros(len(self._moves))
            repeats[entries.rows] = np.clip(np.minimum.reduceat(room, entries.starts), 0.0, _FAR)
            found.append(repeats)
        return found[0], found[1]

    def _ends(self, now: Numbers, up: Numbers, down: Numbers) -> tuple[Numbers, Numbers]:
        """The least and most of each target that one move leads to."""
        values = self._targets @ now
        entries = self._by_target
        least, most = values.copy(), values.copy()
        if len(entries.rows):
            one = entries.values * up[entries.columns]
            other = -entries.values * down[entries.columns]
            most[entries.rows] += np.maximum.reduceat(np.maximum(one, other), entries.starts)
            least[entries.rows] += np.minimum.reduceat(np.minimum(one, other), entries.starts)
        return least, most

    def _step(self, now: Numbers, up: Numbers, down: Numbers, wanted: Sequence[int]) -> Numbers:
        """By some move that changes a wanted target, or any."""
        able = np.maximum(up, down) > 0
        target = wanted[self._chance.randrange(len(wanted))]
        chosen = self._by_target.columns[self._by_target.places == target]
        useful = chosen[able[chosen]]
        if not len(useful) or self._chance.random() < 0.3:  # noqa: PLR2004  now and then somewhere else
            useful = np.flatnonzero(able)
        if not len(useful):
            return now
        move = int(useful[self._chance.randrange(len(useful))])
        is_up = self._chance.random() < up[move] / (up[move] + down[move])
        times = self._chance.randint(1, int(up[move] if is_up else down[move]))
        table: Numbers = now + (times if is_up else -times) * self._moves[move]
        return table
