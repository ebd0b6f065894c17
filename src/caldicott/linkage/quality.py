"""How good a linkage is, from counts: precision, recall, F1, B-cubed, and what the blocks never looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

_TELLING: Final = 30
"""Fewer records than this say too little about a group to name it as the worst."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs said to be links and pairs that are."""

    said: int
    true: int
    right: int

    @property
    def precision(self) -> float | None:
        """Of the links said, how many are right; none said, nothing to tell."""
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """Of the true pairs, how many were found."""
        return self.right / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        return 2 * self.right / (self.said + self.true) if self.said + self.true else None

    def as_record(self) -> dict[str, Any]:
        return {
            "links": self.said, "true_pairs": self.true, "right": self.right, "wrong": self.said - self.right,
            "missed": self.true - self.right, "precision": self.precision, "recall": self.recall, "f1": self.f1,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class BCubed:
    """For each record: how much of its group is its person, and how much of its person is in its group."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def as_record(self) -> dict[str, float]:
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, slots=True)
class Group:
    """The quality among some of the records: a pair counts where one of its two is in the group."""

    records: int
    pairs: Pairs
    b_cubed: BCubed
    true_looked_at: int | None = None

    def as_record(self) -> dict[str, Any]:
        never = None if self.true_looked_at is None else self.pairs.true - self.true_looked_at
        return {
            "records": self.records,
            **self.pairs.as_record(),
            "b_cubed": self.b_cubed.as_record(),
            "true_pairs_never_looked_at": never,
        }


@dataclass(frozen=True)
class Quality:
    """One evaluation, whole."""

    records: int
    persons: int
    pairs: Pairs
    b_cubed: BCubed
    looked_at: int | None = None
    true_looked_at: int | None = None
    by: dict[str, dict[str, Group]] = field(default_factory=dict)
    scores: tuple[tuple[float, int, int], ...] = ()

    def furthest_below(self) -> tuple[str, str, float] | None:
        """The group of 30 records or more whose recall is furthest below the whole's: column, value, by how much."""
        whole = self.pairs.recall
        gaps = [
            (whole - one.pairs.recall, name, value)
            for name, rows in self.by.items()
            for value, one in rows.items()
            if whole is not None and one.pairs.recall is not None and one.records >= _TELLING
        ]
        gap, name, value = max(gaps, default=(0.0, "", ""))
        return (name, value, gap) if gap > 0 else None

    def as_record(self) -> dict[str, Any]:
        """The same as one document; no id in it."""
        below = self.furthest_below()
        blocks = None
        if self.looked_at is not None and self.true_looked_at is not None:
            blocks = {
                "pairs_looked_at": self.looked_at,
                "true_pairs_looked_at": self.true_looked_at,
                "true_pairs_never_looked_at": self.pairs.true - self.true_looked_at,
            }
        return {
            "records": self.records,
            "persons": self.persons,
            "pairs": self.pairs.as_record(),
            "b_cubed": self.b_cubed.as_record(),
            "blocks": blocks,
            "furthest_below": None if below is None else dict(zip(("by", "group", "recall_below"), below, strict=True)),
            "by": {name: {value: one.as_record() for value, one in rows.items()} for name, rows in self.by.items()},
            "scores": [{"from": low, "true": right, "other": wrong} for low, right, wrong in self.scores],
        }
