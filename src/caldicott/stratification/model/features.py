"""Which features a model may have: what the register's list of facts allows, and what the records reach back for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from caldicott.facts import models as facts
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable

MEASURES: Final = frozenset({"value", "count", "sum", "distinct", "since"})


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a person as of a day, and the words of the register that let it in."""

    name: str
    family: str
    measure: str
    plain: str
    words: tuple[str, ...]
    most: float
    knots: tuple[float, ...] = (0.0,)
    months: int = 0
    """How far back it looks; 0 for what a person is, not what happened."""
    ends_months_ago: int = 0
    """Where the look back begins. Below 0 it would look beyond the day, and is refused."""


@cache
def known() -> tuple[Feature, ...]:
    """Every feature of the facts."""
    return tuple(
        Feature(
            name=str(one["name"]),
            family=str(one["family"]),
            measure=str(one["measure"]),
            plain=str(one["plain"]),
            words=tuple(one["words"]),
            most=float(one["most"]),
            knots=tuple(float(knot) for knot in one["knots"]),
            months=int(one.get("months", 0)),
        )
        for one in facts.features()
    )


def allowed(features: Iterable[Feature], whitelist: frozenset[str]) -> tuple[Feature, ...]:
    """Those all of whose words the register names. A register without a list allows none."""
    return tuple(one for one in features if whitelist.issuperset(one.words))


def within_reach(features: Iterable[Feature], months: int) -> tuple[Feature, ...]:
    """Those that look no farther back than the records of the first training day do."""
    return tuple(one for one in features if one.months <= months)


def require_before_the_day(features: Iterable[Feature]) -> None:
    """No feature may look beyond the day it is as of.

    Raises:
        DoesNotHold: one does.
    """
    ahead = sorted(one.name for one in features if one.ends_months_ago < 0 or one.months < 0)
    if ahead:
        raise feature_after_index(ahead)


def feature_after_index(names: Iterable[str]) -> DoesNotHold:
    """The refusal of features made from what happened, or came in, too late to be known on the day."""
    return DoesNotHold(
        f"these features know what happened after the day they are as of: {', '.join(names)}",
        code="feature-after-index",
        next_step="take them out or correct them; nothing was trained and nothing was scored",
    )
