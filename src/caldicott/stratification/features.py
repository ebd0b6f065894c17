"""The features a score can use beside codes, and the input that gives each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Input(StrEnum):
    """A file that the command takes beside the codes."""

    PERSONS = "persons"
    SPELLS = "spells"
    MEDICINES = "medicines"


@dataclass(frozen=True, slots=True)
class Feature:
    """A number about a person: where it comes from and which columns it needs (any one of each inner tuple)."""

    name: str
    input: Input
    columns: tuple[tuple[str, ...], ...]
    meaning: str


_AGE = (("age", "birth_date"),)
_STAY = (("admission_date",), ("discharge_date",))
_EMERGENCY = (("is_emergency", "admission_method"),)

FEATURES: Final = {
    feature.name: feature
    for feature in (
        Feature("age", Input.PERSONS, _AGE, "whole years on the day asked about"),
        Feature("age_squared", Input.PERSONS, _AGE, "the square of the age"),
        Feature("imd_decile", Input.PERSONS, (("imd_decile",),), "tenth of deprivation, 1 the most deprived"),
        Feature("imd_score_2007", Input.PERSONS, (("imd_score_2007",),), "deprivation score of 2007"),
        Feature("medicines", Input.MEDICINES, (("medicine",),), "different medicines"),
        Feature("length_of_stay_days", Input.SPELLS, _STAY, "nights of the last spell"),
        Feature("is_emergency", Input.SPELLS, (*_STAY, *_EMERGENCY), "the last spell began as an emergency"),
        Feature("admissions_12_months", Input.SPELLS, _STAY, "spells that began in the 12 months before the last one"),
        Feature(
            "emergency_admissions_12_months",
            Input.SPELLS,
            (*_STAY, *_EMERGENCY),
            "emergency spells that began in the 12 months before the last one",
        ),
        Feature(
            "emergency_admissions_30_days",
            Input.SPELLS,
            (*_STAY, *_EMERGENCY),
            "emergency spells that began in the 30 days before the last one",
        ),
        Feature(
            "emergency_attendances_6_months",
            Input.SPELLS,
            (*_STAY, ("emergency_attendances_6_months",)),
            "attendances in the 6 months before the last spell, its own not counted",
        ),
        Feature("haemoglobin_g_l", Input.SPELLS, (*_STAY, ("haemoglobin_g_l",)), "haemoglobin at discharge, g/L"),
        Feature("sodium_mmol_l", Input.SPELLS, (*_STAY, ("sodium_mmol_l",)), "sodium at discharge, mmol/L"),
        Feature("is_oncology", Input.SPELLS, (*_STAY, ("is_oncology",)), "discharged from an oncology service"),
        Feature("has_procedure", Input.SPELLS, (*_STAY, ("has_procedure",)), "a coded procedure in the last spell"),
    )
}
"""The columns are those of the user's own files; docs/reference/scores.md lists them."""
