"""How good a linkage is, from counts: precision, recall, F1, B-cubed, and what the blocks never looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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


@dataclass(frozen=True)
class Quality:
    """One evaluation, whole."""

    records: int
    persons: int
    pairs: Pairs
    b_cubed: BCubed
    looked_at: int | None = None
    true_looked_at: int | None = None
    by: dict[str, dict[str, Pairs]] = field(default_factory=dict)
    scores: tuple[tuple[float, int, int], ...] = ()

    def as_record(self) -> dict[str, Any]:
        """The same as one document; no id in it."""
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
            "by": {name: {value: one.as_record() for value, one in rows.items()} for name, rows in self.by.items()},
            "scores": [{"from": low, "true": right, "other": wrong} for low, right, wrong in self.scores],
        }
