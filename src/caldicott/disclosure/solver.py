"""One linear program in HiGHS, asked many questions: how large, how small can this sum be?

Single thread and no clock in any limit, so that the same tables get the same
answer on any day and any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import highspy
import numpy as np

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.disclosure.system import Numbers

EPSILON: Final = 1e-6
_ROUNDS: Final = 200_000
_PRIMAL: Final = 4
_MIP_NODES: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The largest (or smallest) value of the objective, a table that reaches it, and what stops it going further."""

    value: float
    table: Numbers
    stopping_columns: tuple[int, ...]
    stopping_rows: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the table could be a table of people."""
        return is_whole(self.table)


def is_whole(table: Numbers) -> bool:
    """Whether all of it could be people."""
    return bool(np.all(np.abs(table - np.rint(table)) < EPSILON))


def quiet(**options: str | int) -> highspy.Highs:
    """HiGHS, silent, on one thread, without a random element that depends on the day."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its own signature has none
    for option, value in {"output_flag": False, "threads": 1, "random_seed": 1, **options}.items():
        solver.setOptionValue(option, value)
    return solver


def simplex(strategy: int, **options: str | int) -> highspy.Highs:
    """The same for linear programs, of which none goes on for ever."""
    return quiet(simplex_strategy=strategy, simplex_iteration_limit=_ROUNDS, **options)


class Program:
    """Columns with bounds, rows with bounds; only the objective changes between questions."""

    def __init__(
        self, column_bounds: tuple[Numbers, Numbers], rows: Sequence[tuple[Sequence[int], Sequence[float]]],
        row_bounds: tuple[Numbers, Numbers],
    ) -> None:  # fmt: skip
        self.columns = len(column_bounds[0])
        self._solver = simplex(_PRIMAL)
        self._solver.passModel(model(column_bounds, rows, row_bounds))
        self._asked: list[int] = []

    def furthest(self, weights: dict[int, float], *, upwards: bool) -> Answer | None:
        """The extreme of a weighted sum of columns; None where the solver did not settle it."""
        self._ask(weights, upwards=upwards)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise _impossible()
        # What cannot be bounded is answered by a bounded one in the caller: every column has an upper bound there.
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        found = self._solver.getSolution()
        return Answer(
            float(self._solver.getInfo().objective_function_value),
            np.array(found.col_value),
            tuple(np.flatnonzero(np.abs(np.array(found.col_dual)) > EPSILON).tolist()),
            tuple(np.flatnonzero(np.abs(np.array(found.row_dual)) > EPSILON).tolist()),
        )

    def _ask(self, weights: dict[int, float], *, upwards: bool) -> None:
        if self._asked:
            before = np.array(self._asked, dtype=np.int32)
            self._solver.changeColsCost(len(before), before, np.zeros(len(before)))
        self._asked = sorted(weights)
        costs = np.array([weights[column] for column in self._asked], dtype=np.float64)
        self._solver.changeColsCost(len(self._asked), np.array(self._asked, dtype=np.int32), costs)
        sense = highspy.ObjSense.kMaximize if upwards else highspy.ObjSense.kMinimize
        self._solver.changeObjectiveSense(sense)


def whole_table(
    column_bounds: tuple[Numbers, Numbers], rows: Sequence[tuple[Sequence[int], Sequence[float]]],
    row_bounds: tuple[Numbers, Numbers], weights: dict[int, float] | None = None,
) -> Numbers | None:  # fmt: skip
    """A table of whole numbers within the bounds, small in the weights; None where none was found in time."""
    solver = quiet(mip_max_nodes=_MIP_NODES)
    asked = model(column_bounds, rows, row_bounds)
    costs = np.zeros(len(column_bounds[0]))
    for column, weight in (weights or {}).items():
        costs[column] = weight
    asked.col_cost_ = costs
    asked.integrality_ = [highspy.HighsVarType.kInteger] * len(costs)
    solver.passModel(asked)
    solver.run()
    found: Numbers = np.rint(np.array(solver.getSolution().col_value))
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return found


def model(
    column_bounds: tuple[Numbers, Numbers], rows: Sequence[tuple[Sequence[int], Sequence[float]]],
    row_bounds: tuple[Numbers, Numbers],
) -> highspy.HighsLp:  # fmt: skip
    made = highspy.HighsLp()
    made.num_col_, made.num_row_ = len(column_bounds[0]), len(rows)
    made.col_cost_ = np.zeros(len(column_bounds[0]))
    made.col_lower_, made.col_upper_ = column_bounds
    made.row_lower_, made.row_upper_ = row_bounds
    made.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    made.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(row[0]) for row in rows])]).astype(np.int32)
    made.a_matrix_.index_ = np.array([column for row in rows for column in row[0]], dtype=np.int32)
    made.a_matrix_.value_ = np.array([value for row in rows for value in row[1]], dtype=np.float64)
    return made


def _impossible() -> ProgramFault:
    return ProgramFault(
        "the tables' own true counts do not fit what would be printed of them",
        code="system-infeasible",
        next_step="report this with the shape of the tables, not with their counts; nothing was written",
    )
