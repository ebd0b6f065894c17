"""Larger groups for a question that cannot be told: which to try, in an order that hangs on the question alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.analytics.dimension import dimension, levels, registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.analytics.definition import Indicator
    from caldicott.analytics.question import Question

AT_MOST: Final = 3
"""Each try is counted and proved like a question, so there are few."""


def coarser(asked: Question) -> list[tuple[str, ...]]:
    """By what else it could be asked: every dimension one level up, then without the last, and so on to one figure."""
    larger = tuple(dict.fromkeys(_above(asked.indicator, name) for name in asked.by))
    shorter = [larger[:size] for size in range(len(larger), -1, -1)]
    every = [by for by in dict.fromkeys(shorter) if by != asked.by]
    # The single figure is always among them: it is what is likeliest to be told.
    return every if len(every) <= AT_MOST else [*every[: AT_MOST - 1], every[-1]]


def in_titles(asked: Question, by: Sequence[str]) -> str:
    """`GP practice and sex`, or that it is one figure."""
    titles = [group.title if (group := asked.indicator.group(name)) else dimension(name).title for name in by]
    return " and ".join(title.lower() if title[1:2].islower() else title for title in titles) or "nothing (one figure)"


def _above(indicator: Indicator, name: str) -> str:
    """The next level that the indicator can be shown by; where there is none, the same."""
    if indicator.group(name) or name not in registered():
        return name
    own = registered()[name]
    above = (one.name for one in levels(own.hierarchy) if one.rank > own.rank and one.name in indicator.dimensions)
    return next(above, name)
