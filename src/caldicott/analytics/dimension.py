"""What figures can be shown by: registered hierarchies, their levels, and what is read of a row for each.

Levels of one hierarchy (practice, network) are one dimension to the gate: it
must know that what is told of a network is told of its practices.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from caldicott.facts import indicators as facts
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN: Final = "unknown"
MONTH: Final = "month"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One level of one hierarchy."""

    name: str
    title: str
    hierarchy: str
    rank: int
    """0 is the finest level of the hierarchy."""
    column: str
    """What is read of a row; empty for the month, which the mart is kept by."""
    of_person: bool
    """Whether it is one of the person, the same for all their rows of a snapshot; else of the event."""
    lookup: str = ""
    """The table by which the finest level becomes this one."""
    labels: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """Datasets that call the column otherwise."""

    @property
    def unknown(self) -> str:
        """What those are called who are in none of its groups: other people at each level, so never the same name."""
        return f"{self.name.replace('_', ' ')} {UNKNOWN}" if self.rank else UNKNOWN

    def column_in(self, dataset: str) -> str:
        """What the column is called there."""
        return dict(self.columns).get(dataset, self.column)

    def label(self, value: str) -> str:
        """The value as people say it."""
        return dict(self.labels).get(value, value)


@cache
def registered() -> Mapping[str, Dimension]:
    """Every dimension, by name."""
    found: dict[str, Dimension] = {}
    for hierarchy, part in tomllib.loads(facts.text("dimensions.toml")).items():
        for rank, level in enumerate(part["levels"]):
            found[level["name"]] = Dimension(
                level["name"], level["title"], hierarchy, rank, part.get("column", ""), part["of"] == "person",
                level.get("lookup", ""), tuple(part.get("labels", {}).items()), tuple(part.get("columns", {}).items()),
            )  # fmt: skip
    return found


def dimension(name: str, among: Iterable[str] = ()) -> Dimension:
    """The dimension of that name.

    Raises:
        WrongUsage: there is none; the known ones are named.
    """
    choices = list(among) or list(registered())
    if name not in registered() or name not in choices:
        raise WrongUsage(
            "this cannot be shown or filtered by that", code="dimension-unknown", where=name[:40],
            next_step=f"use one of: {', '.join(choices)}",
        )  # fmt: skip
    return registered()[name]


def levels(hierarchy: str) -> tuple[Dimension, ...]:
    """The levels of a hierarchy, finest first."""
    return tuple(sorted((one for one in registered().values() if one.hierarchy == hierarchy), key=lambda d: d.rank))
