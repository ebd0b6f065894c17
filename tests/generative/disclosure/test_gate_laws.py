"""Laws of the gate, on tables nobody thought of."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from attack.disclosure.attacker import Attacker, Seen
from caldicott.disclosure.gate import protect
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts.disclosure import rule

ROWS, COLUMNS = 3, 4


@st.composite
def tables(draw):
    counts = draw(st.lists(st.integers(0, 25), min_size=ROWS * COLUMNS, max_size=ROWS * COLUMNS))
    cells = {}
    for (row, column), count in zip(itertools.product(range(ROWS), range(COLUMNS)), counts, strict=True):
        for key in itertools.product((f"r{row}", "All"), (f"c{column}", "All")):
            cells.setdefault(key, [0, []])
            cells[key][0] += count
            cells[key][1].append(row * COLUMNS + column)
    rows = tuple(Row(key, line, found[0]) for line, (key, found) in enumerate(cells.items(), 2))
    return CountTable("t", ("row", "column"), rows), {key: tuple(found[1]) for key, found in cells.items()}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(tables())
def test_what_leaves_is_safe_against_an_independent_attacker(made):
    """No small cell printed; none left fewer than five values; the same answer twice; zeros and fives only."""
    table, atoms = made
    outcome = protect([table], rule("hes-2018"), hierarchies=Hierarchies())
    assert outcome == protect([table], rule("hes-2018"), hierarchies=Hierarchies())
    if not outcome.is_safe:
        return
    printed = outcome.tables[0].printed
    assert all(text == "*" or int(text) % 5 == 0 for text in printed)
    seen = [Seen(atoms[row.values], text) for row, text in zip(table.rows, printed, strict=True)]
    attacker = Attacker(ROWS * COLUMNS, seen)
    for row, text in zip(table.rows, printed, strict=True):
        if 1 <= row.count <= 7:
            assert text == "*"
            least, most = attacker.possible(atoms[row.values])
            assert most - least >= 4
