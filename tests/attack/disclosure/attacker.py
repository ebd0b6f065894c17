"""The attacker: knows the rule and everybody's returned files, and nothing of the program's inside.

Independent of the gate on purpose: one linear program over the full cross of
all dimensions, where the gate reasons with smaller parts and witnesses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import highspy
import numpy as np

_EPSILON = 1e-6
_UNBOUNDED = 5_000.0


@dataclass(frozen=True)
class Seen:
    """One returned cell: the people it counts (places in the cross) and what was printed."""

    atoms: tuple[int, ...]
    printed: str


def interval(printed, *, withheld):
    """What the national rule makes possible for a printed cell."""
    if printed == "*":
        return withheld
    if printed.startswith("="):
        # What an insider knows without any table.
        return int(printed[1:]), int(printed[1:])
    count = int(printed)
    return (max(count - 2, 8), count + 2) if count else (0, 0)


class Attacker:
    """All cells of a session as one system."""

    def __init__(self, atoms, cells, *, withheld=(1, _UNBOUNDED)):
        self.atoms = atoms
        best = {}
        for cell in cells:
            low, high = interval(cell.printed, withheld=withheld)
            old = best.get(cell.atoms, (0, _UNBOUNDED))
            best[cell.atoms] = (max(low, old[0]), min(high, old[1]))
        self._solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1)):
            self._solver.setOptionValue(option, value)
        self._solver.passModel(self._model(best))

    def possible(self, group):
        """The least and the most whole number of people the group can have."""
        bounds = []
        for sense in (highspy.ObjSense.kMinimize, highspy.ObjSense.kMaximize):
            costs = np.zeros(self.atoms)
            costs[list(group)] = 1
            self._solver.changeColsCost(self.atoms, np.arange(self.atoms, dtype=np.int32), costs)
            self._solver.changeObjectiveSense(sense)
            self._solver.run()
            assert self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
            bounds.append(self._solver.getInfo().objective_function_value)
        return math.ceil(bounds[0] - _EPSILON), math.floor(bounds[1] + _EPSILON)

    def _model(self, best):
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.atoms, len(best)
        model.col_cost_ = np.zeros(self.atoms)
        model.col_lower_, model.col_upper_ = np.zeros(self.atoms), np.full(self.atoms, _UNBOUNDED)
        model.row_lower_ = np.array([low for low, _high in best.values()], dtype=float)
        model.row_upper_ = np.array([high for _low, high in best.values()], dtype=float)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(group) for group in best])]).astype(np.int32)
        model.a_matrix_.index_ = np.array([atom for group in best for atom in group], dtype=np.int32)
        model.a_matrix_.value_ = np.ones(sum(len(group) for group in best))
        return model
