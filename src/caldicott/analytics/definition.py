"""What an indicator is: values read from a file, nothing computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from caldicott.analytics.expression import Always

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.analytics.expression import Claim, Value


class Figure(StrEnum):
    """What is told of each group. Every kind is made of counts and sums that the gate let go."""

    PEOPLE = "people"
    EVENTS = "events"
    SUM = "sum"
    MEAN = "mean"
    SHARE = "share"
    RATE = "rate"
    PERCENTILE = "percentile"
    CHANGE = "change"
    """Events after something against events before it, of the same people."""
    NEED = "need"
    """People expected, if each group keeps its share and grows as a table says."""


class Unit(StrEnum):
    """What is counted: distinct people, or what happened to them."""

    PEOPLE = "people"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one mart dataset."""

    dataset: str
    where: Claim = field(default_factory=Always)
    persons: str = ""
    """The dataset of the same activity that says age, sex and area of these people; empty: its own rows do."""
    day: str = ""
    """The column of the day on which it happened."""
    first: bool = False
    """Only each person's first row."""


@dataclass(frozen=True, slots=True)
class Linked:
    """How many rows of another dataset the same person has in some days around each row."""

    name: str
    source: Source
    around: str
    """A day column of the indicator's own source."""
    from_day: int
    to_day: int


@dataclass(frozen=True, slots=True)
class Group:
    """A dimension of the indicator's own: codes of a column in named groups. Rows in no group are not counted."""

    name: str
    title: str
    column: str
    values: Mapping[str, tuple[str, ...]]
    is_start: bool = False
    """Whether a code belongs if it starts with one of the group's."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator, whole."""

    id: str
    version: int
    title: str
    definition: str
    citation: str
    status: str
    """`verified` against the citation, or `remembered` and still to be checked."""
    figure: Figure
    counts: Unit
    source: Source
    digest: str
    """SHA-256 of its file: what the trail records beside id and version."""
    dimensions: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    """What it is shown by if nothing is asked."""
    numerator: Claim | None = None
    denominator: Source | None = None
    """Other rows than the numerator's own, such as everybody registered."""
    amount: Value | None = None
    amount_in: str = ""
    per: int = 100
    linked: tuple[Linked, ...] = ()
    groups: tuple[Group, ...] = ()
    edges: tuple[int, ...] = ()
    """Where bands of the amount begin, for percentiles."""
    percentile: int = 50
    compared: str = ""
    """`funnel` or `control`: the chart that stands beside a rate."""
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """How the trail names it."""
        return f"{self.id}@{self.version}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """All rows it reads, its own first."""
        others = (self.denominator,) if self.denominator else ()
        return (self.source, *others, *(one.source for one in self.linked))

    @property
    def linked_sources(self) -> tuple[Source, ...]:
        """The rows of others that are joined to its own, person by person."""
        return tuple(one.source for one in self.linked)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets it reads; each must be permitted."""
        named = [one.dataset for one in self.sources] + [one.persons for one in self.sources if one.persons]
        return tuple(dict.fromkeys(named))

    def group(self, name: str) -> Group | None:
        """Its own dimension of that name."""
        return next((one for one in self.groups if one.name == name), None)
