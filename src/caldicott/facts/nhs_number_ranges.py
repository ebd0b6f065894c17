"""Which ranges of ten-digit numbers are accepted, checked, or only for tests."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources


class RangeTreatment(StrEnum):
    ACCEPT = "accept"
    NEEDS_TRACE = "needs_trace"
    TEST_ONLY = "test_only"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class NumberRange:
    """A range of numbers, both ends included."""

    first: int
    last: int
    treatment: RangeTreatment


@cache
def ranges() -> tuple[NumberRange, ...]:
    """Every listed range; a number outside them all is refused."""
    text = resources.files("caldicott.facts").joinpath("identifiers", "nhs_number_ranges.csv").read_text("utf-8")
    return tuple(
        NumberRange(int(row["first"]), int(row["last"]), RangeTreatment(row["treatment"]))
        for row in csv.DictReader(text.splitlines())
    )
