"""Intervals and limits of shares, rates and series; plain arithmetic from published formulas.

Wilson (1927) for shares, Byar's approximation for counts, the log method for a
ratio of two counts, Spiegelhalter (2005) for funnel limits, Shewhart's XmR
constants for control charts. All from counts that the gate let go: rounding
to 5 adds an uncertainty of up to 2 each way, which is not in the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Z95: Final = 1.959964
Z998: Final = 3.090232
_XMR: Final = 2.66
_RUN: Final = 8
"""So many points in a row on one side of the mean are no chance (NHS England, Making Data Count uses 7)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From and to, both in the unit of the figure."""

    low: float
    high: float


def wilson(part: float, whole: float, z: float = Z95) -> Interval:
    """The interval of a share, as a share."""
    share, square = part / whole, z * z
    middle = share + square / (2 * whole)
    spread = z * sqrt(max(share * (1 - share) / whole + square / (4 * whole * whole), 0.0))
    below = 1 + square / whole
    return Interval(max((middle - spread) / below, 0.0), min((middle + spread) / below, 1.0))


def byar(count: float, z: float = Z95) -> Interval:
    """The interval of a count of events."""
    low = count * (1 - 1 / (9 * count) - z / (3 * sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    return Interval(max(low, 0.0), above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3)


def ratio(after: float, before: float, z: float = Z95) -> Interval | None:
    """The interval of after divided by before; None where either is nought."""
    if not after or not before:
        return None
    middle, spread = log(after / before), z * sqrt(1 / after + 1 / before)
    return Interval(exp(middle - spread), exp(middle + spread))


def funnel(overall: float, whole: float, z: float) -> Interval:
    """Where a share of that size lies if it differs from the overall share by chance alone."""
    return wilson(overall * whole, whole, z)


@dataclass(frozen=True, slots=True)
class Control:
    """A control chart of one series: mean, limits, and the steps that are no chance."""

    mean: float
    low: float
    high: float
    special: tuple[int, ...]


def control(points: Sequence[float]) -> Control | None:
    """Individuals and moving range: limits at 2.66 mean moving ranges; None for fewer than 8 points."""
    if len(points) < _RUN:
        return None
    mean = fmean(points)
    moving = fmean(abs(later - earlier) for earlier, later in pairwise(points))
    low, high = mean - _XMR * moving, mean + _XMR * moving
    outside = {place for place, point in enumerate(points) if not low <= point <= high}
    return Control(mean, max(low, 0.0), high, tuple(sorted(outside | _runs(points, mean))))


def _runs(points: Sequence[float], mean: float) -> set[int]:
    found: set[int] = set()
    for first in range(len(points) - _RUN + 1):
        run = points[first : first + _RUN]
        if all(point > mean for point in run) or all(point < mean for point in run):
            found.update(range(first, first + _RUN))
    return found
