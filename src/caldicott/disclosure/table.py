"""A table of counts as someone hands it in: dimension columns and, for each cell, how many."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: its value in each dimension, the line of the file it came from, and what was counted."""

    values: tuple[str, ...]
    line: int
    count: int
    people: int | None = None
    """Distinct people, where `count` counts events; otherwise the count is of people."""
    amount: float | None = None
    """A sum over the same people, such as cost."""
    largest: float | None = None
    """What the largest contributor alone put into `amount`."""
    second: float | None = None

    def __repr__(self) -> str:
        """Names the line only: the counts are what is being protected."""
        return f"Row(line={self.line})"


@dataclass(frozen=True, slots=True)
class CountTable:
    """One table. Two rows never have the same values."""

    name: str
    dimensions: tuple[str, ...]
    rows: tuple[Row, ...]
    amount_name: str = "sum"
    """What the column of sums is called."""
    several: frozenset[str] = frozenset()
    """Dimensions at several values of which one person may be counted: whoever came in March and in April."""
    of: str = ""
    """Which records it counts: their dataset, and after a colon a word that only the same of them have; or nothing."""

    @property
    def dataset(self) -> str:
        """The dataset whose records it counts; empty where nobody says so."""
        return self.of.partition(":")[0]
