"""What the engine is asked to count, and the true counts it hands back: these go to the gate and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.analytics.definition import Group, Linked, Source
    from caldicott.analytics.expression import Claim, Value
    from caldicott.analytics.question import Axis


@dataclass(frozen=True, slots=True)
class Cube:
    """One grouping of one source."""

    name: str
    source: Source
    axes: tuple[Axis, ...]
    numerator: Claim | None = None
    amount: Value | None = None
    linked: tuple[Linked, ...] = ()
    edges: tuple[int, ...] = ()
    """With them, rows are also told apart by the band of the amount."""
    groups: tuple[Group, ...] = ()
    """Rows in no value of these are not counted, whether or not the table is by them."""
    where: str = ""
    """The indicator's file, for errors."""


@dataclass(frozen=True, slots=True)
class Cell:
    """True counts of one group."""

    values: tuple[str, ...]
    events: int
    people: int
    events_part: int = 0
    people_part: int = 0
    amount: float | None = None
    largest: float | None = None
    second: float | None = None
    linked: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """For each link, events and the people who had any."""
    contributors: int = 0
    """People who put anything into the amount."""

    def __repr__(self) -> str:
        return "Cell(*)"
