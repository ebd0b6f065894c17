"""Room: facts for checking invoices: dated price and reference tables, coded reasons, the order of responsibility.

Data format seen here: none; prices, organisations and case numbers, nobody's record.
May import: vocabulary.
Serves: "we need to be sure that ... the amount billed is correct" [notice dorset-2018, invoice validation].
"""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

TABLES: Final = (
    "prices", "market_forces", "top_ups", "best_practice", "local_prices", "contracts", "providers", "commissioners",
    "practices", "residence", "approvals", "approvals_needed",
)  # fmt: skip
"""The reference tables: a board brings its own under the same names."""


@cache
def table_text(name: str) -> str:
    """The CSV text of a shipped reference table."""
    return _text("tables", f"{name}.csv")


@cache
def listed(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `reasons`, `checks` or `responsibility`, in the order of the file."""
    return tuple(csv.DictReader(_text(f"{name}.csv").splitlines()))


@cache
def rules() -> dict[str, Any]:
    """The numbers that are policy: time limit, amount for a second person, how near a near match is."""
    return tomllib.loads(_text("rules.toml"))


@cache
def workbook(name: str) -> dict[str, Any]:
    """A layout of a published workbook."""
    return tomllib.loads(_text("workbooks", f"{name}.toml"))


def _text(*parts: str) -> str:
    return resources.files("caldicott.facts.invoices").joinpath(*parts).read_text("utf-8")
