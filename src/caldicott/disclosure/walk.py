"""Finding witnesses by walking: move one group by a few people and mend what that breaks, step by step.

From a table that fits, a small group is made larger or smaller; whichever
printed sums no longer fit are mended by moving people in other cells of the
same sum, always the move that leaves least broken. What arrives is another
table of whole people that fits; what does not arrive says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.disclosure.system import Numbers

_STEPS: Final = 24
_TRIED: Final = 48


class Walker:
    """Constraints by atom, ready for many short walks from one table."""

    def __init__(
        self, table: Numbers, sums: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], low: Numbers, high: Numbers
    ) -> None:
        """`sums` are atoms counted once and atoms counted off, each with its bounds."""
        self._start = [int(count) for count in table]
        self._groups = [plus + minus for plus, minus in sums]
        self._low, self._high = low.tolist(), high.tolist()
        self._of: list[list[tuple[int, int]]] = [[] for _ in self._start]
        self._now: list[float] = []
        for number, (plus, minus) in enumerate(sums):
            self._now.append(sum(self._start[atom] for atom in plus) - sum(self._start[atom] for atom in minus))
            for atom in plus:
                self._of[atom].append((number, 1))
            for atom in minus:
                self._of[atom].append((number, -1))
        self._moved: dict[int, int] = {}

    def reach(self, atom: int, by: int) -> Numbers | None:
        """A fitting table in which this atom has changed by so many; None if the walk did not arrive."""
        self._moved = {}
        arrived = self._move(atom, by) and self._mend(atom)
        table = self._table() if arrived else None
        for other, change in self._moved.items():
            self._add(other, -change)
        return table

    def _table(self) -> Numbers:
        table = np.array(self._start, dtype=np.float64)
        for atom, change in self._moved.items():
            table[atom] += change
        return table

    def _move(self, atom: int, by: int) -> bool:
        if self._start[atom] + self._moved.get(atom, 0) + by < 0:
            return False
        self._moved[atom] = self._moved.get(atom, 0) + by
        self._add(atom, by)
        return True

    def _add(self, atom: int, by: int) -> None:
        for number, sign in self._of[atom]:
            self._now[number] += sign * by

    def _mend(self, kept: int) -> bool:
        seen = {kept}
        for _step in range(_STEPS):
            broken = self._broken(seen)
            if broken is None:
                return True
            best = self._best(broken, kept)
            if best is None or not self._move(*best):
                return False
            seen.add(best[0])
        return False

    def _broken(self, touched: set[int]) -> int | None:
        """A sum that no longer fits, the shortest first: it has the fewest ways to be mended."""
        worst, size = None, 0
        for atom in touched:
            for number, _sign in self._of[atom]:
                if not self._low[number] <= self._now[number] <= self._high[number]:
                    length = len(self._groups[number])
                    if worst is None or (length, number) < (size, worst):
                        worst, size = number, length
        return worst

    def _best(self, number: int, kept: int) -> tuple[int, int] | None:
        now = self._now[number]
        needed = int(self._low[number] - now) if now < self._low[number] else int(self._high[number] - now)
        best, least = None, float("inf")
        for atom in self._candidates(number):
            if atom == kept:
                continue
            sign = next(found for other, found in self._of[atom] if other == number)
            by = needed * sign
            count = self._start[atom] + self._moved.get(atom, 0)
            by = max(by, -count)
            if by:
                cost = self._cost(atom, by)
                if cost < least:
                    best, least = (atom, by), cost
        return best

    def _candidates(self, number: int) -> Sequence[int]:
        group = self._groups[number]
        if len(group) <= _TRIED:
            return group
        # Evenly over a long sum: nearby atoms share its other sums.
        return group[:: len(group) // _TRIED + 1]

    def _cost(self, atom: int, by: int) -> float:
        """By how much more is broken after the move than before; moving again what was moved costs a little."""
        change = 0.25 if atom in self._moved else 0.0
        for number, sign in self._of[atom]:
            before, low, high = self._now[number], self._low[number], self._high[number]
            after = before + sign * by
            change += max(low - after, after - high, 0) - max(low - before, before - high, 0)
        return change
