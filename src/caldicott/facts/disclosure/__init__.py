"""Disclosure rules by name (rules.csv, about.toml)."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass, replace
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
    possible_values: int = 5
    """So many whole numbers must stay possible for each small group."""
    dominance_percent: int = 15
    """No contributor to a sum may be estimated this closely by another."""
    withholds_attributes: bool = False
    """Whether a group whose members all fall in one category is withheld too."""
    withholds_zeros: bool = False
    """Whether nobody is withheld like few, so that the marker does not tell where there is somebody."""
    is_of_amounts: bool = False
    """Whether what is printed are sums of pence, so that small numbers mean nothing."""

    def of_amounts(self) -> DisclosureRule:
        """The same rule for sums in pence: none is small by itself, and those shown are shown in whole pounds."""
        return replace(self, suppress_from=1, suppress_to=0, round_to=100, is_of_amounts=True)

    @property
    def possible_values_of_small(self) -> int:
        """Fewer than asked where the rule's own range has fewer."""
        return min(self.possible_values, self.suppress_to - self.suppress_from + 1)


@cache
def rule(name: str) -> DisclosureRule:
    """The rule of that name.

    Raises:
        DoesNotHold: no such rule.
    """
    rows = _rows()
    if name not in rows:
        near = difflib.get_close_matches(name, rows, n=1, cutoff=0.0)
        raise DoesNotHold(
            "this disclosure rule is not known",
            code="disclosure-rule-unknown",
            where=name[:40],
            next_step=f"nearest is {near[0]}; use one of: {', '.join(rows)}, "
            "or add a row to facts/disclosure/rules.csv",
        )
    row = rows[name]
    return DisclosureRule(
        name,
        int(row["suppress_from"]),
        int(row["suppress_to"]),
        row["shown_as"],
        int(row["round_to"]),
        int(row["possible_values"]),
        int(row["dominance_percent"]),
        row["attribute"] == "withheld",
        row["zero_shown"] == "no",
    )


def names() -> tuple[str, ...]:
    """The rules there are."""
    return tuple(_rows())


def _rows() -> dict[str, dict[str, str]]:
    text = resources.files("caldicott.facts.disclosure").joinpath("rules.csv").read_text("utf-8")
    return {row["rule"]: row for row in csv.DictReader(text.splitlines())}
