"""Objection codes as editable reference data (codes.csv, no_practice.csv, about.toml)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from caldicott.vocabulary.terms import Objection


@dataclass(frozen=True, slots=True)
class ObjectionCode:
    """A code and what it says. A dissent dated after `effective_until` has no effect (type 2 after its end)."""

    scheme: Objection
    is_dissent: bool
    code: str
    effective_until: str


@cache
def codes() -> tuple[ObjectionCode, ...]:
    """Every code that states or withdraws an objection."""
    return tuple(
        ObjectionCode(Objection(row["scheme"]), row["state"] == "dissent", row["code"], row["effective_until"])
        for row in _rows("codes.csv")
    )


@cache
def no_practice() -> tuple[str, ...]:
    """What stands in the place of a practice's code where there is none."""
    return tuple(row["code"] for row in _rows("no_practice.csv"))


def _rows(name: str) -> csv.DictReader[str]:
    text = resources.files("caldicott.facts.objections").joinpath(name).read_text("utf-8")
    return csv.DictReader(text.splitlines())
