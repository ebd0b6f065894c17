"""Sums as they are told: of enough people who put something in, and no finer than the count beside them.

Where every event costs the same, an exact sum is an exact count under another
name. So a sum is told as the mean times the rounded number of events: the mean
stays true, and the sum says nothing of the count that the count does not say.
"""

from __future__ import annotations

import csv
import io
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
    return str(round((row.amount or 0.0) * int(cells[_COUNT]) / row.count)) if row.count else cells[_SUM]
