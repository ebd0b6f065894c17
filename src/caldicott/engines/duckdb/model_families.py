"""What features count: for each family the mart, the columns it needs, and its rows of person, day and amount.

Rows are not cut off at any day here: the features' own windows do that, and the
guard in model_features looks at what they let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from caldicott.engines.duckdb.scores_inputs import SourceFile, is_emergency

_ATTENDED: Final = "('5', '6')"
_MISSED: Final = "('3', '7')"
"""Attended, on time or late but seen; did not attend, or came too late to be seen [DD: ATTENDED OR DID NOT ATTEND]."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of event."""

    dataset: str
    columns: tuple[str, ...]
    day: str
    what: str = "''"
    amount: str = "1"
    where: str = "true"
    is_distinct: bool = False
    """Whether several rows of one person, day and thing are one event."""

    def rows(self, source: str) -> str:
        """Person, day, thing and amount of every event."""
        distinct = "DISTINCT " if self.is_distinct else ""
        return (
            f"SELECT {distinct}person_token, ({self.day})::DATE AS day, {self.what} AS what, ({self.amount})::DOUBLE AS amount "
            f"FROM {source} WHERE person_token IS NOT NULL AND ({self.where})"
        )


def _emergency() -> str:
    from pathlib import Path

    return f"({is_emergency(SourceFile(Path(), ('admission_method',)))}) = 1"


EMERGENCY: Final = Family(
    "sus-apc", ("admission_method", "admitted_on"), "admitted_on", where=_emergency(), is_distinct=True
)
FAMILIES: Final = {
    "emergency": EMERGENCY,
    "planned": Family(
        "sus-apc", ("admission_method", "admitted_on"), "admitted_on",
        where="trim(admission_method) IN ('11', '12', '13')", is_distinct=True,
    ),
    # Known when the stay has ended, so a stay that spans the day is not counted.
    "nights": Family(
        "sus-apc", ("admitted_on", "discharged_on"), "discharged_on", what="admitted_on::VARCHAR",
        amount="discharged_on::DATE - admitted_on::DATE", where="discharged_on >= admitted_on", is_distinct=True,
    ),
    "attendance": Family("sus-ec", ("arrived_on",), "arrived_on"),
    "outpatient": Family(
        "sus-op", ("appointed_on", "attendance_status"), "appointed_on", where=f"trim(attendance_status) IN {_ATTENDED}"
    ),
    "outpatient-missed": Family(
        "sus-op", ("appointed_on", "attendance_status"), "appointed_on", where=f"trim(attendance_status) IN {_MISSED}"
    ),
    "medicine": Family(
        "gp-medications", ("dmd_code", "issued_on"), "issued_on", what="dmd_code",
        where="coalesce(trim(dmd_code), '') <> ''",
    ),
    "practice-appointment": Family(
        "gp-appointments", ("appointed_on", "did_not_attend"), "appointed_on",
        where="lower(coalesce(did_not_attend, '')) NOT IN ('true', '1', 't', 'y')",
    ),
    "mental-health": Family("mental-health", ("contacted_on",), "contacted_on"),
}  # fmt: skip

WORD_OF: Final = {
    "admission_method": "admission_method",
    "admitted_on": "admission_date",
    "discharged_on": "discharge_date",
    "arrived_on": "arrival_date",
    "appointed_on": "appointment_date",
    "attendance_status": "appointment_status",
    "did_not_attend": "appointment_status",
    "dmd_code": "medication_code",
    "issued_on": "issue_date",
    "contacted_on": "contact_date",
    "birth_year": "birth_date",
    "sex": "sex",
    "lsoa": "lsoa",
    "ethnic_category": "ethnic_category",
    "died_on": "death_date",
    "practice": "practice",
    "registered_on": "practice",
    "diagnosis": "diagnoses",
}
"""Which word of the register's whitelist lets each column of a mart into the model's tables."""
