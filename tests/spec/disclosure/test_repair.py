"""What is withheld so that a proof is found at all, where no single printed number stands in its way."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from caldicott.disclosure.gate import protect
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts.disclosure import rule

EXACT = rule("hes-before-2018")


def crossed(shape, seed):
    """An invented table with every total; about a third of its cells are small."""
    chance, counts = random.Random(seed), Counter()
    values = [[f"{name}{n}" for n in range(size)] for name, size in zip("abc", shape, strict=True)]
    for cell in itertools.product(*values):
        count = int(chance.expovariate(1 / 12))
        counts.update(dict.fromkeys(itertools.product(*[(value, "All") for value in cell]), count))
    return CountTable(
        "table", ("a", "b", "c"), tuple(Row(key, line, n) for line, (key, n) in enumerate(counts.items(), 2))
    )


@pytest.mark.parametrize(("shape", "seed"), [((4, 3, 3), 28), ((5, 4, 4), 19)])
def test_a_table_is_not_refused_before_more_room_was_tried(shape, seed):
    """Exact numbers, small totals of small parts: not refused, and every group is left five values; most is printed."""
    outcome = protect([crossed(shape, seed)], EXACT, hierarchies=Hierarchies())
    assert outcome.is_safe
    assert outcome.fewest_values_left >= EXACT.possible_values_of_small
    assert outcome.tables[0].withheld < 0.6 * len(outcome.tables[0].table.rows)
