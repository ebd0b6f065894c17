"""What a model is: terms that add up, a calibration, and where it came from. Nothing a line of SQL could not say.

A term reads one feature. So what a person's score is made of can be told term by
term, and the engine scores a million people with one expression. Trees, the
challenger's form, add up too, but tell nothing about single facts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
Columns = "Mapping[str, Floats]"
FORMAT: Final = "caldicott-risk-model-1"


@dataclass(frozen=True, slots=True)
class Hinges:
    """A bending line: each weight times what the number, capped, has above its knot."""

    feature: str
    knots: tuple[float, ...]
    weights: tuple[float, ...]
    most: float
    missing: float = 0.0

    def adds(self, columns: Mapping[str, Floats]) -> Floats:
        """What the term adds for each person."""
        number = columns[self.feature]
        capped = np.minimum(number, self.most)
        total = np.zeros(len(number))
        for knot, weight in zip(self.knots, self.weights, strict=True):
            total += weight * np.maximum(capped - knot, 0.0)
        return np.where(np.isnan(number), self.missing, total)


@dataclass(frozen=True, slots=True)
class Steps:
    """A staircase: below the first cut the first value, from each cut on the next one."""

    feature: str
    cuts: tuple[float, ...]
    values: tuple[float, ...]
    missing: float = 0.0

    def adds(self, columns: Mapping[str, Floats]) -> Floats:
        """What the term adds for each person."""
        number = columns[self.feature]
        place = np.searchsorted(np.array(self.cuts), np.nan_to_num(number), side="right")
        return np.where(np.isnan(number), self.missing, np.array(self.values)[place])


@dataclass(frozen=True, slots=True)
class Node:
    """A fork of a tree: at or below the cut to the left. A missing number goes where `missing_left` says."""

    feature: str
    cut: float
    missing_left: bool
    left: Node | float
    right: Node | float


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of the challenger."""

    root: Node | float

    def adds(self, columns: Mapping[str, Floats]) -> Floats:
        """What the tree adds for each person."""
        return np.asarray(_walked(self.root, columns), dtype=np.float64)


def _walked(node: Node | float, columns: Mapping[str, Floats]) -> Any:
    if isinstance(node, (int, float)):
        return np.full(len(next(iter(columns.values()))), float(node))
    number = columns[node.feature]
    goes_left = np.where(np.isnan(number), node.missing_left, number <= node.cut)
    return np.where(goes_left, _walked(node.left, columns), _walked(node.right, columns))


Term = Hinges | Steps | Tree


@dataclass(frozen=True)
class Model:
    """A fitted model: what it adds up and what becomes of the sum."""

    kind: str
    """logistic, ebm or trees."""
    outcome: str
    features: tuple[str, ...]
    intercept: float
    terms: tuple[Term, ...]
    slope: float = 1.0
    """Calibration on the validation year; 1 leaves the sum as it was."""
    shifts: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What is added to the calibrated sum, by the controller whose people they are."""

    def sums(self, columns: Mapping[str, Floats]) -> Floats:
        """The sum of the terms, not calibrated."""
        total = np.full(len(next(iter(columns.values()))), self.intercept)
        for term in self.terms:
            total += term.adds(columns)
        return total

    def probabilities(self, columns: Mapping[str, Floats], *, controller: str) -> Floats:
        """The calibrated probability of each person."""
        return logistic(self.slope * self.sums(columns) + self.shift(controller))

    def shift(self, controller: str) -> float:
        """The controller's own intercept.

        Raises:
            DoesNotHold: the model was never calibrated on people of that controller.
        """
        if controller not in self.shifts:
            raise DoesNotHold(
                f"the model was never calibrated on the people of {controller}",
                code="model-not-calibrated",
                next_step="train it in this store, or recalibrate it on this store's own records",
            )
        return self.shifts[controller]

    @property
    def sha256(self) -> str:
        """Names the model exactly."""
        return hashlib.sha256(json.dumps(as_record(self), sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """What people call it: its kind and the beginning of its hash, in letters alone."""
        letters = "".join(chr(ord("a") + int(digit, 16)) for digit in self.sha256[:8])
        return f"{self.kind}-{letters}"


def logistic(total: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return np.asarray(1.0 / (1.0 + np.exp(-total)), dtype=np.float64)


def as_record(model: Model) -> dict[str, Any]:
    """The model as JSON can hold it."""
    terms = [{"form": type(term).__name__.lower(), **asdict(term)} for term in model.terms]
    return {
        "format": FORMAT, "kind": model.kind, "outcome": model.outcome, "features": list(model.features),
        "intercept": model.intercept, "terms": terms, "slope": model.slope, "shifts": dict(model.shifts),
    }  # fmt: skip


def from_record(record: Mapping[str, Any]) -> Model:
    """The model that `as_record` wrote.

    Raises:
        DoesNotHold: it is not one.
    """
    try:
        return Model(
            kind=str(record["kind"]),
            outcome=str(record["outcome"]),
            features=tuple(record["features"]),
            intercept=float(record["intercept"]),
            terms=tuple(_term(entry) for entry in record["terms"]),
            slope=float(record["slope"]),
            shifts={str(name): float(shift) for name, shift in record["shifts"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        # A later form has other keys; that is as unreadable as a torn file.
        raise DoesNotHold(
            "the file is not a risk model of this program",
            code="model-unreadable",
            next_step="train the model anew: `caldicott model train`",
        ) from None


def _term(entry: Mapping[str, Any]) -> Term:
    if entry["form"] == "tree":
        return Tree(_node(entry["root"]))
    feature, missing = str(entry["feature"]), float(entry["missing"])
    if entry["form"] == "steps":
        return Steps(feature, _numbers(entry["cuts"]), _numbers(entry["values"]), missing)
    if entry["form"] == "hinges":
        return Hinges(feature, _numbers(entry["knots"]), _numbers(entry["weights"]), float(entry["most"]), missing)
    raise KeyError


def _node(entry: Any) -> Node | float:
    if isinstance(entry, (int, float)):
        return float(entry)
    left, right = _node(entry["left"]), _node(entry["right"])
    return Node(str(entry["feature"]), float(entry["cut"]), bool(entry["missing_left"]), left, right)


def _numbers(given: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in given)
