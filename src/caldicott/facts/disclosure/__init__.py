"""Disclosure rules by name (rules.csv, about.toml)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from caldicott.vocabulary.errors import DoesNotHold


@dataclass(frozen=True, slots=True)
class DisclosureRule:
    """Counts from `suppress_from` to `suppress_to` are shown as `shown_as`; larger ones to the nearest `round_to`."""

    name: str
    suppress_from: int
    suppress_to: int
    shown_as: str
    round_to: int


@cache
def rule(name: str) -> DisclosureRule:
    """The rule of that name.

    Raises:
        DoesNotHold: no such rule.
    """
    text = resources.files("caldicott.facts.disclosure").joinpath("rules.csv").read_text("utf-8")
    rows = {row["rule"]: row for row in csv.DictReader(text.splitlines())}
    if name not in rows:
        raise DoesNotHold(
            "the register names a disclosure rule that is not known",
            code="disclosure_rule_unknown",
            next_step=f"use one of: {', '.join(rows)}, or add a row to facts/disclosure/rules.csv",
        )
    row = rows[name]
    return DisclosureRule(
        name, int(row["suppress_from"]), int(row["suppress_to"]), row["shown_as"], int(row["round_to"])
    )
