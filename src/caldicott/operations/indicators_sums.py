"""Sums as they are told: of enough people who put something in, and no finer than the count beside them.

Where every event costs the same, an exact sum is an exact count under another
name. So a sum is told as the mean times the rounded number of events, to a step
no smaller than one event's mean and a quarter: a sharper one would tell which
numbers of events, each of some whole price, it can be made of.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.primary import is_small
from caldicott.operations.protect_files import neutral

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caldicott.analytics.tables import Count
    from caldicott.disclosure.table import Row
    from caldicott.facts.disclosure import DisclosureRule

_COUNT, _SUM = "count", "sum"
_MEASURES: Final = frozenset({_COUNT, "people", _SUM})


def of_enough(row: Row, contributors: int | None, rule: DisclosureRule) -> Row:
    """The row; where few of its people put anything in, their sum is guarded as one that a single person made.

    Five hundred people of whom three have an amount: their sum is the sum of three.
    """
    if row.amount is None or contributors is None or not is_small(contributors, rule):
        return row
    return replace(row, largest=row.amount, second=0.0)


def as_coarse_as_counts(text: str, rows: Iterable[Count], marker: str) -> str:
    """A table of the gate with each sum as its mean times the printed number of events."""
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    if _SUM not in header:
        return text
    true = {tuple(map(neutral, row.values)): row for row in rows}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        cells = dict(zip(header, line, strict=True))
        values = tuple(cell for name, cell in cells.items() if name not in _MEASURES)
        writer.writerow((cells | {_SUM: _told(cells, true[values], marker)}).values())
    return out.getvalue()


def _told(cells: Mapping[str, str], row: Count, marker: str) -> str:
    """Beside a withheld count a sum is withheld too: it would say how many there are."""
    if marker in {cells[_COUNT], cells[_SUM]}:
        return marker
    if not row.count or not row.amount:
        return cells[_SUM]
    mean = row.amount / row.count
    step = _step(mean)
    return str(round(mean * int(cells[_COUNT]) / step) * step)


def _step(mean: float) -> int:
    """The least of 1, 2, 5, 10, 20, 50 ... that is a mean and a quarter."""
    least = max(1.25 * mean, 1.0)
    size = 10 ** math.floor(math.log10(least))
    return next(int(step * size) for step in (1, 2, 5, 10) if step * size >= least)
