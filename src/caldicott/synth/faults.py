"""The mess: which rows are wrong in which way, drawn at the rates of the fact table.

A row has at most one drawn fault, so that what must become of it is never in
doubt. Some faults are not drawn but follow from a life: a merged number, a
baby without one, a palindrome, activity after death.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from caldicott.facts.layout import ColumnClass
from caldicott.synth.pools import pool

if TYPE_CHECKING:
    from caldicott.facts.layout import Layout
    from caldicott.synth.arrays import Ints

NO_NUMBER = ("nhs_number_blank", "overseas_no_number", "identity_withheld")
NAMES_KEPT = (
    "nhs_number_blank",
    "overseas_no_number",
    "nhs_number_check_digit",
    "nhs_number_nine_digits",
    "nhs_number_float",
)
"""The number is absent or fails its check, so the sender leaves name and address in the row."""
NOT_PLAIN = (
    *NAMES_KEPT,
    "identity_withheld",
    "nhs_number_sentinel",
    "nhs_number_unissued_range",
    "number_with_spaces",
    "number_with_hyphens",
    "number_full_width",
)
"""The row does not show its person's number as ten plain digits."""
NUMBER_UNTOUCHED = (
    "duplicate",
    "number_present_not_traced",
    "number_trace_required",
    "practice_unknown",
    "birth_date_differs",
    "formula_text",
    "identifier_in_free_text",
)
"""Faults whose row (or first copy) is admitted with its number as it is, so that it can show a second one."""
_NEEDS_LEAK_COLUMN = ("identifier_leaked",)
_NEEDS_FREE_COLUMN = ("formula_text", "identifier_in_free_text")
_NEEDS_STATUS = ("trace_conflict", "number_present_not_traced", "number_trace_required", "overseas_no_number")
_NEEDS_WITHHELD = ("identity_withheld",)
_NEEDS_ORDER = ("date_end_before_start",)
_NEEDS_BIRTH = ("birth_date_differs",)


def names() -> tuple[str, ...]:
    """The drawn faults; a row's fault is the place in here plus one, and nought is none."""
    return pool("faults").texts("fault")


def code(fault: str) -> int:
    return names().index(fault) + 1


def expected() -> dict[str, str]:
    """What must become of a row with the fault: `admitted` or `quarantined:<reason>`."""
    tables = (pool("faults"), pool("natural_faults"))
    return {
        fault: outcome
        for table in tables
        for fault, outcome in zip(table.texts("fault"), table.texts("expected"), strict=True)
    }


def draw(rng: np.random.Generator, count: int, *, group: str, impossible: frozenset[str], once_each: bool) -> Ints:
    """A fault or none for every row; with `once_each` every possible fault is in at least one row."""
    rates = pool("faults").floats(group)
    rates[[place for place, name in enumerate(names()) if name in impossible]] = 0
    fault = np.searchsorted(np.cumsum(rates), rng.random(count), side="right") + 1
    fault[fault > len(rates)] = 0
    possible = np.flatnonzero(rates) + 1
    if once_each and count >= 5 * len(possible):
        fault[rng.permutation(count)[: len(possible)]] = possible
    return fault


def impossible(layout: Layout, *, leak_column: str, free_column: str, has_order: bool) -> frozenset[str]:
    """The faults that an extract has no column for."""
    by_name = {column.canonical: column for column in layout.columns}
    is_free = free_column in by_name and by_name[free_column].column_class == ColumnClass.FREE_TEXT
    lacking: list[tuple[bool, tuple[str, ...]]] = [
        (bool(leak_column), _NEEDS_LEAK_COLUMN),
        (bool(free_column), _NEEDS_FREE_COLUMN),
        (is_free, ("identifier_in_free_text",)),
        (layout.status_column is not None, _NEEDS_STATUS),
        (layout.withheld_column is not None, _NEEDS_WITHHELD),
        (has_order, _NEEDS_ORDER),
        ("birth_date" in by_name, _NEEDS_BIRTH),
    ]
    return frozenset(name for has, needed in lacking if not has for name in needed)


def at(fault: Ints, *which: str) -> Ints:
    """The rows that have one of these faults, in order."""
    return np.flatnonzero(np.isin(fault, [code(name) for name in which]))
