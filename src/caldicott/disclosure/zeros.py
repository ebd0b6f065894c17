"""Where nobody is withheld like few, a cell that is left out must not say that nobody is in it: every cell is there."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.placed import place
from caldicott.disclosure.table import CountTable, Row
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from caldicott.disclosure.hierarchy import Hierarchies

CELLS_AT_MOST: Final = 50_000


def with_every_cell(table: CountTable, hierarchies: Hierarchies) -> CountTable:
    """The table with a row of nobody for each combination of its smallest values that it leaves out.

    Raises:
        DoesNotHold: there are too many combinations, or the table contradicts itself.
    """
    placed = place(table, hierarchies.dimensions([table]))
    if prod(len(values) for values in placed.smallest) > CELLS_AT_MOST:
        raise DoesNotHold(
            f"with every combination of its values the table has more than {CELLS_AT_MOST:,} cells, and this rule "
            "prints them all, so that a cell left out does not tell that nobody is in it",
            code="tables-too-wide", where=table.name, next_step="ask for fewer dimensions, or larger groups",
        )  # fmt: skip
    missing = [values for values in product(*placed.smallest) if values not in placed.base]
    rows = (*table.rows, *(_nobody(table.rows[0], values) for values in missing))
    return replace(table, rows=rows)


def _nobody(like: Row, values: tuple[str, ...]) -> Row:
    """Measured as the rows that are there."""
    return Row(
        values, 0, 0,
        None if like.people is None else 0,
        None if like.amount is None else 0.0,
        None if like.largest is None else 0.0,
        None if like.second is None else 0.0,
    )  # fmt: skip
