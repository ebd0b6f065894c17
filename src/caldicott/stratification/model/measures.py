"""How good a model is, in numbers: discrimination, calibration, what a threshold finds, with intervals.

Every measure takes weights, so that a bootstrap draw is a vector of counts and
nothing is sorted twice. Persons stand once each, so drawing rows is drawing persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_LEAST: Final = 1e-9
_STEPS: Final = 50
_FAR: Final = 30.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the 95 per cent interval of its bootstrap; all None where it could not be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Judged:
    """Probabilities beside outcomes, sorted once, from the highest down."""

    def __init__(self, probability: Floats, happened: Bools) -> None:
        order = np.argsort(-probability, kind="stable")
        self.order = order
        self.p = probability[order]
        self.y = happened[order].astype(np.float64)
        starts = np.flatnonzero(np.r_[True, np.diff(self.p) != 0]) if len(order) else np.array([], dtype=np.int64)
        self._starts = starts

    def __len__(self) -> int:
        return len(self.p)

    def tied(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weight of events and of all, by distinct probability from the highest down."""
        if not len(self):
            return np.zeros(0), np.zeros(0)
        return np.add.reduceat(weights * self.y, self._starts), np.add.reduceat(weights, self._starts)


Measure = "Callable[[Judged, Floats], float | None]"


def auroc(judged: Judged, weights: Floats) -> float | None:
    """How often who was admitted had the higher probability; ties count half."""
    events, every = judged.tied(weights)
    others = every - events
    if events.sum() <= 0 or others.sum() <= 0:
        return None
    above = np.cumsum(events) - events
    return float((others * (above + events / 2)).sum() / (events.sum() * others.sum()))


def auprc(judged: Judged, weights: Floats) -> float | None:
    """Average precision: the share of true among the flagged, over all thresholds."""
    events, every = judged.tied(weights)
    if events.sum() <= 0:
        return None
    precision = np.cumsum(events) / np.maximum(np.cumsum(every), _LEAST)
    return float((precision * events).sum() / events.sum())


def brier(judged: Judged, weights: Floats) -> float | None:
    """Mean squared distance of the probability from what happened."""
    total = weights.sum()
    return float((weights * (judged.p - judged.y) ** 2).sum() / total) if total > 0 else None


def scaled_brier(judged: Judged, weights: Floats) -> float | None:
    """How much of the distance that a constant has the model takes away."""
    total = weights.sum()
    rate = float((weights * judged.y).sum() / total) if total > 0 else 0.0
    found = brier(judged, weights)
    return None if found is None or rate in {0.0, 1.0} else 1 - found / (rate * (1 - rate))


def calibration(sums: Floats, happened: Floats, weights: Floats, *, slope: bool = True) -> tuple[float, float] | None:
    """Intercept and slope of the outcome on the logit; without `slope` the intercept alone beside a slope of 1."""
    events = float((weights * happened).sum())
    if events <= 0 or events >= weights.sum():
        return None
    rate = events / float(weights.sum())
    # From the plain rate: a step from a slope of 1 that is far off would jump past the answer and never come back.
    intercept, gradient = (float(np.log(rate / (1 - rate))), 0.0) if slope else (0.0, 1.0)
    for _ in range(_STEPS):  # Newton's steps; a handful is enough, for two numbers are sought
        p = 1 / (1 + np.exp(-np.clip(intercept + gradient * sums, -_FAR, _FAR)))
        wanted, bend = weights * (happened - p), weights * p * (1 - p)
        if not slope:
            step = float(np.clip(wanted.sum() / max(bend.sum(), _LEAST), -1, 1))
            intercept += step
            if abs(step) < _LEAST:
                break
            continue
        a, b, c = bend.sum(), (bend * sums).sum(), (bend * sums**2).sum()
        bottom = a * c - b * b
        if bottom <= _LEAST:
            return None
        first, second = wanted.sum(), (wanted * sums).sum()
        step_a, step_b = (c * first - b * second) / bottom, (a * second - b * first) / bottom
        intercept, gradient = intercept + step_a, gradient + step_b
        if abs(step_a) + abs(step_b) < _LEAST:
            break
    return float(intercept), float(gradient)


def logit(probability: Floats) -> Floats:
    """The sum behind a probability; 0 and 1 are moved in a hair."""
    inside = np.clip(probability, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def slope(judged: Judged, weights: Floats) -> float | None:
    """1 where high probabilities are as high as they should be; below 1 they are too extreme."""
    found = calibration(logit(judged.p), judged.y, weights)
    return found[1] if found else None


def intercept(judged: Judged, weights: Floats) -> float | None:
    """0 where as many were admitted as was said; beside a slope of 1."""
    found = calibration(logit(judged.p), judged.y, weights, slope=False)
    return found[0] if found else None


def observed_over_expected(judged: Judged, weights: Floats) -> float | None:
    """Events over the sum of probabilities."""
    expected = float((weights * judged.p).sum())
    return float((weights * judged.y).sum() / expected) if expected > 0 else None


def flagged_at(judged: Judged, percent: float) -> Bools:
    """The top so many per cent, none cut apart from an equal: who has the probability of the last one is in."""
    if not len(judged):
        return np.zeros(0, dtype=np.bool_)
    last = max(1, round(len(judged) * percent / 100)) - 1
    return np.asarray(judged.p >= judged.p[last])


def ppv(judged: Judged, weights: Floats, flagged: Bools) -> float | None:
    """Of the flagged, the share who were admitted."""
    total = (weights * flagged).sum()
    return float((weights * flagged * judged.y).sum() / total) if total > 0 else None


def sensitivity(judged: Judged, weights: Floats, flagged: Bools) -> float | None:
    """Of those admitted, the share who were flagged."""
    total = (weights * judged.y).sum()
    return float((weights * flagged * judged.y).sum() / total) if total > 0 else None


def net_benefit(judged: Judged, weights: Floats, threshold: float) -> float | None:
    """True ones less false ones, each false one weighed by the odds of the threshold, for each person."""
    total = weights.sum()
    if total <= 0:
        return None
    flagged = judged.p >= threshold
    true, false = (weights * flagged * judged.y).sum(), (weights * flagged * (1 - judged.y)).sum()
    return float((true - false * threshold / (1 - threshold)) / total)


def treat_all(judged: Judged, weights: Floats, threshold: float) -> float:
    """The net benefit of flagging everybody."""
    rate = float((weights * judged.y).sum() / weights.sum())
    return rate - (1 - rate) * threshold / (1 - threshold)


def draws(count: int, *, times: int, seed: int) -> list[Floats]:
    """Bootstrap draws as weights: how often each person was drawn."""
    chance = np.random.default_rng(seed)
    return [np.bincount(chance.integers(0, count, count), minlength=count).astype(np.float64) for _ in range(times)]


def with_interval(measure: Callable[[Judged, Floats], float | None], judged: Judged, drawn: Sequence[Floats]) -> Figure:
    """The measure and the middle 95 per cent of it over the draws."""
    if not len(judged):
        return Figure(None)
    value = measure(judged, np.ones(len(judged)))
    found = [one for weights in drawn if (one := measure(judged, weights)) is not None]
    return Figure(value, *interval(found))


def interval(found: Sequence[float]) -> tuple[float | None, float | None]:
    """The middle 95 per cent."""
    if not found:
        return None, None
    low, high = np.percentile(np.array(found), [2.5, 97.5])
    return float(low), float(high)


def by_decile(judged: Judged, parts: int = 10) -> list[tuple[int, int, float, float]]:
    """For each tenth from the highest down: persons, events, expected events, observed over expected."""
    found = []
    for part in np.array_split(np.arange(len(judged)), parts):
        expected, events = float(judged.p[part].sum()), float(judged.y[part].sum())
        found.append((len(part), int(events), expected, events / expected if expected > 0 else float("nan")))
    return found


def stability_index(reference: Sequence[float], now: Sequence[float]) -> float:
    """Population stability index of two lists of shares over the same bins; an empty bin counts a hair."""
    was, is_now = (np.maximum(np.array(shares, dtype=np.float64), 1e-4) for shares in (reference, now))
    return float(((is_now - was) * np.log(is_now / was)).sum())
