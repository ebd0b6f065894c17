"""What may still be told of whom: so that an analyst sees it before asking, and not from a refusal."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from caldicott.analytics.tables import people_of
from caldicott.facts import indicators as facts
from caldicott.stores import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.operations.perform import House


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one dataset's people: how many different answers were told, and how many may be at most."""

    dataset: str
    told: int
    at_most: int

    @property
    def left(self) -> int:
        return max(0, self.at_most - self.told)


def component(dataset: str, activity: str) -> str:
    """What is proved together: all that was ever told of a dataset of an activity. Everybody talks to everybody."""
    return f"indicators/{activity}/{dataset}"


def budgets(house: House, activity: str, datasets: Iterable[str] = ()) -> tuple[Budget, ...]:
    """Of the people of these datasets, or of all that come in to the activity. An answer told again counts once."""
    entry = house.register.activity(activity)
    uses = [one.dataset for one in (entry.datasets or () if entry else ())]
    named = dict.fromkeys(people_of(one) for one in (datasets or uses))
    return tuple(
        Budget(one, ledger.length(house.store, component(one, activity)), at_most())
        for one in named
        if datasets or ledger.is_begun(house.store, component(one, activity))
    )


@cache
def at_most() -> int:
    """How many answers of one dataset's people may be told."""
    return int(tomllib.loads(facts.text("budget.toml"))["tables"])
