"""Suppress and round single counts by a named rule.

Weak, and said so: one table at a time. What several tables together give away
is the work of the disclosure ledger, which is not built yet; until then an
aggregated export is one fixed table with no totals and no free choice of cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from caldicott.facts.disclosure import DisclosureRule


def protected(counts: pa.ChunkedArray, rule: DisclosureRule) -> pa.ChunkedArray:
    """Counts as text: hidden where small, else rounded; zero stays zero."""
    halfway = rule.round_to // 2
    rounded = pc.multiply(pc.divide(pc.add(counts, halfway), rule.round_to), rule.round_to)
    small = pc.and_(pc.greater_equal(counts, rule.suppress_from), pc.less_equal(counts, rule.suppress_to))
    return pc.if_else(small, pa.scalar(rule.shown_as), pc.cast(rounded, pa.string()))
