"""Of two parts of a whole one may lie in the other, or those left out of them share nobody: where not both, either."""

from __future__ import annotations

import numpy as np
import pytest

from caldicott.disclosure import full_grids, gate, lattice, selections, solver
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.lattice import Released
from caldicott.disclosure.placed import place
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts import disclosure as rules

RULE = rules.rule("hes-2018")


def table(name, women, men):
    return CountTable(f"{name}.csv", ("sex",), (Row(("F",), 2, women), Row(("M",), 3, men)))


EVERYBODY, MOST, FEW = (table("all", 100, 120), table("most", 70, 80), table("few", 60, 70))
TABLES = [Released(one) for one in (EVERYBODY, MOST, FEW)]


@pytest.fixture(autouse=True)
def only_sums(monkeypatch):
    """As if these were too many groups to be laid out in full."""
    monkeypatch.setattr(full_grids, "ATOMS_AT_MOST", 0)


def at_most(built, more, fewer):
    """How many women the first can count beyond the others, by what is said of the populations alone."""
    system = built.system
    women = [system.statistics[numbers[0]].atoms[0] for numbers in built.statistic_of]
    rows = [((*tie.left, *tie.right), [1.0] * len(tie.left) + [-1.0] * len(tie.right)) for tie in system.ties]
    nothing = np.zeros(len(rows))
    program = solver.Program((np.zeros(system.atoms), np.full(system.atoms, 1000.0)), rows, (nothing, nothing))
    weights = {women[more]: 1.0, **{women[one]: -1.0 for one in fewer}}
    return round(program.furthest(weights, upwards=True).value)


@pytest.mark.parametrize(
    ("ways", "few_beyond_most", "left_out_beyond_all"),
    [({}, 0, 0), ({"either": True, "nested": True}, 0, 1000), ({"either": True}, 1000, 0)],
)
def test_what_is_said_of_two_parts(ways, few_beyond_most, left_out_beyond_all):
    """At once: no more of the few than of most, and those left out fit into all. Either: the one or the other."""
    dimensions = Hierarchies().dimensions([one.table for one in TABLES])
    (reading,) = selections.readings([place(one.table, dimensions) for one in TABLES]).found
    built = lattice.laid_out(TABLES, reading, RULE, **ways)
    assert at_most(built, 2, [1]) == few_beyond_most
    assert at_most(built, 0, [1, 2]) == left_out_beyond_all


@pytest.mark.parametrize(("possible", "is_safe"), [((False, True, True), True), ((False, False, False), False)])
def test_what_cannot_be_at_once_is_proved_either_way(monkeypatch, possible, is_safe):
    """Where the ways are not possible together, each is proved by itself; where none is, nothing leaves."""
    answers, ways, laid_out = iter(possible), [], lattice.laid_out
    settled = gate._settled

    def spied(*asked, **said):
        ways.append((said.get("either", False), said.get("nested", False)))
        return laid_out(*asked, **said)

    def unsafe_unless_possible(built, *more):
        found = settled(built, *more)
        return gate.replace(found, is_safe=next(answers))

    monkeypatch.setattr(lattice, "laid_out", spied)
    monkeypatch.setattr(gate, "_settled", unsafe_unless_possible)
    monkeypatch.setattr(gate, "is_impossible", lambda *_system: True)
    outcome = gate.protect([one.table for one in TABLES], RULE, hierarchies=Hierarchies())
    assert outcome.is_safe is is_safe
    assert ways == [(False, False), (True, False), (True, True)]
