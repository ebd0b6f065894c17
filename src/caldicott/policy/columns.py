"""Which classes of column may be in an answer: the table of docs/design.md as sets.

A `restricted` column comes in by name only: the class is never allowed as a
whole unless the activity's `inputs_whitelist` says so in that very word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable

DERIVED = frozenset({"birth_year", "age_band", "outward_postcode"})
"""What a birth date and a postcode become outside the safe haven."""

_ABOUT_CARE = frozenset({"organisation", "practice", "area", "quasi", "activity", "clinical", "finance", "admin"})
_ABOUT_THE_RECORD = frozenset({"nhs_number_status", "withheld_reason"})
_ALWAYS_IN_THE_CLEAR = frozenset({"source_pseudonym", "record_key", "staff", "objection_code"})

_CLASSES_TOLD_BY = {
    Identifier.NHS_NUMBER: frozenset({"nhs_number", "superseded_nhs_number"}),
    # Free text and contact columns are full of names, so they need the name to be allowed.
    Identifier.NAME: frozenset({"name", "contact", "free_text"}),
    Identifier.ADDRESS: frozenset({"address"}),
    Identifier.POSTCODE: frozenset({"postcode"}),
    Identifier.DOB: frozenset({"birth_date"}),
    Identifier.LOCAL_ID: frozenset({"local_id"}),
}

_WITHOUT_RECORD_KEYS = _ABOUT_CARE | DERIVED
# `token` is the domain's pseudonym: it stands where the identity columns stood.
_PSEUDONYMISED = _WITHOUT_RECORD_KEYS | _ABOUT_THE_RECORD | {"token"}
_IN_THE_CLEAR = _ABOUT_CARE | _ABOUT_THE_RECORD | _ALWAYS_IN_THE_CLEAR | DERIVED


def column_classes(
    data_format: DataFormat, identifiers: Iterable[Identifier], *, inputs_whitelist: tuple[str, ...] = ()
) -> frozenset[str]:
    """The classes an answer of this format may hold, when only these identifiers are allowed."""
    allowed = _by_format(data_format, identifiers)
    return allowed | {"restricted"} if "restricted" in inputs_whitelist else allowed


def _by_format(data_format: DataFormat, identifiers: Iterable[Identifier]) -> frozenset[str]:
    if data_format is DataFormat.IDENTIFIABLE:
        return _IN_THE_CLEAR.union(*(_CLASSES_TOLD_BY[identifier] for identifier in identifiers))
    if data_format is DataFormat.PSEUDONYMISED:
        return _PSEUDONYMISED
    return _WITHOUT_RECORD_KEYS
