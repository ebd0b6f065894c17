"""Which rows are traced, by which columns, and what each outcome comes to.

Only the remainder is traced: rows held back because their number is missing or
not usable, and admitted rows whose number is of somebody born on another day.
A row that was sent without identity on purpose is never among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.facts.layout import ColumnClass, ColumnType, IdentityKind
from caldicott.safe_haven.release import KEPT_IN_THE_SAFE_HAVEN
from caldicott.vocabulary.nhs_number import NhsNumberFault

if TYPE_CHECKING:
    from caldicott.facts.layout import Layout

SPINE: Final = "pds"

HELD_BECAUSE: Final = {
    NhsNumberFault.MISSING: "blank",
    NhsNumberFault.NOT_TEN_DIGITS: "not ten digits",
    NhsNumberFault.SENTINEL: "sentinel",
    NhsNumberFault.CHECK_DIGIT: "check digit",
    NhsNumberFault.RANGE: "never issued",
    NhsNumberFault.TRACE_CONFLICT: "sender's trace in conflict",
}
"""Why a row had to be traced, in the words of the report."""
OTHER_BIRTH_DATE: Final = "born on another day"
SHARED: Final = "number shared by many"
SHARED_MOST: Final = 5
"""A number beside more birth dates than this, in one submission, is nobody's [linkage, what says nothing]."""

DETERMINISTIC: Final = ("cross-check@1", "spine-cross-check@1", "alphanumeric@1")
"""Steps that say who it is, or nothing; all others weigh, and wait for two people."""
SCORED: Final = "algorithmic@1"
WEIGHED: Final = "splink@1"
WEIGHED_BECAUSE: Final = "likely, by weight alone"
"""What no step found, and Splink holds for likely: always for two people, whatever the register says of scores."""
MOST_CANDIDATES: Final = 3
CONFIRMED: Final = "spine-cross-check@1"
"""By which step a number stays with its holder although the birth date is not quite the same."""
REVIEWED: Final = "reviewed"

_WHOLE_NAMES: Final = ("patient_name", "name")
_ROLES: Final = {
    "given": ("given_name",),
    "other_given": ("middle_names",),
    "family": ("family_name",),
    "whole_name": _WHOLE_NAMES,
    "birth_date": ("birth_date",),
    "gender": ("sex",),
    "postcode": ("postcode",),
    "death_date": ("died_on", "death_date"),
    "local_id": ("local_patient_id", "local_id"),
}
"""What tracing asks of a record. Practice and address are not asked: they change, and one that differs ends a step."""


def roles_of(layout: Layout) -> dict[str, str]:
    """Role to canonical column, for those that the layout has."""
    known = {column.canonical for column in layout.columns}
    found = {role: next((name for name in names if name in known), "") for role, names in _ROLES.items()}
    return {role: name for role, name in found.items() if name}


def is_traced(layout: Layout, dataset: str) -> bool:
    """Whether rows of the layout are traced: they name people by NHS number, and are not the spine itself."""
    return layout.identity_kind is IdentityKind.NHS_NUMBER and dataset not in KEPT_IN_THE_SAFE_HAVEN


def born_column(layout: Layout) -> str:
    """The birth date as a day; empty where the layout has none."""
    days = (c for c in layout.columns if c.column_class is ColumnClass.BIRTH_DATE and c.type is ColumnType.DATE)
    return next((column.canonical for column in days), "")
