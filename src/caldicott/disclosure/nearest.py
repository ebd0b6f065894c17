"""From one table that fits, the fewest people moved so that some groups count as many as wanted, or as few.

A linear program over what is moved in and out of each atom. It moves few, so that its
answer is mostly whole, where that of a program that goes as far as it can mostly is
not: of 26 groups for which only a search in whole numbers had found anything, 24 were
whole at once, in a seventieth of the time (measured). Where it is not, a search in whole
numbers among what was moved and what lies beside it is small, and nearly always finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import highspy
import numpy as np

from caldicott.disclosure import solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from caldicott.disclosure.system import Numbers

_DUAL: Final = 1
_UNFULFILLED: Final = 1_000.0
"""For each person short of a wish: more than moving everybody whom that may take."""
_SEARCHED: Final = 15_000
"""Places in rows of the atoms that a search in whole numbers may change; at three times as many one takes seconds."""
_SHORT: Final = 12
"""Atoms in a row that says which atoms lie beside each other; a longer one says it of too many."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A group, and within which ends it should count."""

    atoms: tuple[int, ...]
    least: float
    most: float


class Nearest:
    """Columns and rows as of `solver.Program`, and a table of whole numbers within them to begin from."""

    def __init__(
        self, table: Numbers, column_bounds: tuple[Numbers, Numbers],
        rows: Sequence[tuple[Sequence[int], Sequence[float]]], row_bounds: tuple[Numbers, Numbers],
    ) -> None:  # fmt: skip
        self._table, self._columns, self._rows, self._row_bounds = table, column_bounds, rows, row_bounds
        self._beside = [np.asarray(places) for places, _weights in rows if len(places) <= _SHORT]
        count = len(table)
        self._rows_of = np.bincount([place for places, _weights in rows for place in places], minlength=count)
        both = [([*places, *(place + count for place in places)], [*weights, *(-weight for weight in weights)])
                for places, weights in rows]  # fmt: skip
        now = np.array([np.dot(table[list(places)], weights) for places, weights in rows])
        most = np.concatenate([column_bounds[1] - table, table - column_bounds[0]])
        model = solver.model((np.zeros(2 * count), most), both, (row_bounds[0] - now, row_bounds[1] - now))
        model.col_cost_ = np.ones(2 * count)
        self._solver = solver.simplex(_DUAL, presolve="off")
        self._solver.passModel(model)

    def whole(self, wishes: Sequence[Wish]) -> Numbers | None:
        """A table of whole numbers near the first, which fulfils of the wishes as much as can be; or none was found."""
        moved = self._moved(wishes)
        if moved is None:
            return None
        if solver.is_whole(moved):
            return self._table + np.rint(moved)
        is_free = self._around(np.abs(moved) > solver.EPSILON)
        if self._rows_of[is_free].sum() > _SEARCHED:
            return None
        low, high = (np.where(is_free, end, self._table) for end in self._columns)
        return self._searched((low, high), [self._within_reach(wish, moved) for wish in wishes])

    def anywhere(self, wish: Wish) -> Numbers | None:
        """A table of whole numbers, near or far, that fulfils the wish; None where none was found in time."""
        return self._searched(self._columns, [wish])

    def _searched(self, columns: tuple[Numbers, Numbers], wishes: Sequence[Wish]) -> Numbers | None:
        rows = [*self._rows, *((wish.atoms, [1.0] * len(wish.atoms)) for wish in wishes)]
        low = np.append(self._row_bounds[0], [wish.least for wish in wishes])
        high = np.append(self._row_bounds[1], [wish.most for wish in wishes])
        return solver.whole_table(columns, rows, (low, high))

    def _around(self, is_moved: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What was moved and what lies beside it; what was moved alone, where that would be too much."""
        is_free = is_moved.copy()
        for places in [found for found in self._beside if is_moved[found].any()]:
            is_free[places] = True
        return is_free if self._rows_of[is_free].sum() <= _SEARCHED else is_moved

    def _within_reach(self, wish: Wish, moved: Numbers) -> Wish:
        """As much of a wish as the program could fulfil, in whole people."""
        reached = float((self._table + moved)[list(wish.atoms)].sum())
        least, most = np.floor(reached + solver.EPSILON), np.ceil(reached - solver.EPSILON)
        return Wish(wish.atoms, min(wish.least, least), max(wish.most, most))

    def _moved(self, wishes: Sequence[Wish]) -> Numbers | None:
        """How many more and fewer in each atom, whole or not: to fulfil the wishes first, then as few as can be."""
        count, solving = len(self._table), self._solver
        places = [np.asarray(wish.atoms, dtype=np.int32) for wish in wishes]
        lengths = [2 * len(found) + 2 for found in places]
        now = np.array([self._table[found].sum() for found in places])
        short = np.arange(2 * count, 2 * (count + len(wishes)), dtype=np.int32)
        # One by itself is fulfilled or not.
        solving.addVars(
            len(short), np.zeros(len(short)), np.full(len(short), highspy.kHighsInf if len(wishes) > 1 else 0)
        )
        solving.changeColsCost(len(short), short, np.full(len(short), _UNFULFILLED))
        solving.addRows(
            len(wishes),
            np.array([wish.least for wish in wishes]) - now, np.array([wish.most for wish in wishes]) - now,
            sum(lengths), np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32),
            np.concatenate([np.concatenate([found, found + np.int32(count), short[2 * number : 2 * number + 2]])
                            for number, found in enumerate(places)]),
            np.concatenate([np.repeat([1.0, -1.0, 1.0, -1.0], [len(found), len(found), 1, 1]) for found in places]),
        )  # fmt: skip
        solving.run()
        is_found = solving.getModelStatus() == highspy.HighsModelStatus.kOptimal
        by = np.array(solving.getSolution().col_value) if is_found else None
        solving.deleteRows(len(wishes), np.arange(len(self._rows), len(self._rows) + len(wishes), dtype=np.int32))
        solving.deleteCols(len(short), short)
        # Begun anew each time, so that no answer depends on what was asked before.
        solving.clearSolver()
        return None if by is None else by[:count] - by[count : 2 * count]
