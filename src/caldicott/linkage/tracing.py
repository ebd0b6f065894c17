"""A tracing profile: which steps, in which version, with which scores. Facts in, a value out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from caldicott.facts import linkage as facts

ROLES: Final = (
    "nhs_number", "given", "family", "birth_date", "gender", "postcode", "practice", "address", "death_date",
    "local_id", "activity_date", "withheld", "other_given",
)  # fmt: skip
"""What a record to trace may say; each is the column's name too, unless the spec names another."""
PERSON_ROLES: Final = (*ROLES[:9], "other_given", "valid_from", "valid_to", "superseded_by", "is_sensitive")
"""What the file of persons may say: one row a version of a person's record."""


@dataclass(frozen=True)
class Profile:
    """One way of tracing."""

    name: str
    title: str
    steps: tuple[str, ...]
    transliterates: bool
    candidates_most: int
    close: float
    floor: float
    given_least: float
    weights: dict[str, float]
    birth_date_scores: dict[str, float]
    gender_scores: dict[str, float]
    other_given_absent: float | None
    codes: dict[str, str]


@cache
def profile(name: str) -> Profile:
    """The profile of that name."""
    found = facts.profile(name)
    return Profile(
        name=found["name"],
        title=found["title"],
        steps=tuple(found["steps"]),
        transliterates=found["outside_ascii"] == "transliterate",
        candidates_most=found["candidates_most"],
        close=found["close"],
        floor=found["floor"],
        given_least=found["given_least"],
        weights=found["weights"],
        birth_date_scores=found["scores"]["birth_date"],
        gender_scores=found["scores"]["gender"],
        other_given_absent=found["scores"].get("other_given_absent"),
        codes=found["codes"],
    )
