"""Room: facts of publication: what zones are called, and what the register's words are in the DPV vocabulary.

Data format seen here: none; words only.
May import: vocabulary.
Serves: "must publish its flows" [HSCIC: accredited safe haven]; W3C DPV 2.3 [DPV].
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one table, in the order of the file."""
    text = resources.files("caldicott.facts.publication").joinpath(f"{name}.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def zones() -> dict[str, dict[str, str]]:
    """Zone to its title and whether records rest there before anybody works with them."""
    return {row["zone"]: row for row in table("zones")}
