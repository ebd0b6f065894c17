"""What every extract is cut from: the seed, the period, the places, the people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.synth.arrays import Ints, Period, day
from caldicott.synth.persons import Persons, invent_persons
from caldicott.synth.places import POSTCODES_PER_AREA, Places, invent_places

if TYPE_CHECKING:
    from caldicott.facts.layout import Layout
    from caldicott.synth.sources import Source

LAST_DAY = day(2026, 3, 31)
EXTRACTED_DAY = day(2026, 5, 1)


@dataclass(frozen=True, eq=False)  # compared by identity, so that what follows from a world can be cached
class World:
    """One invented population and the years we look at."""

    seed: int
    period: Period
    places: Places
    persons: Persons

    def area_of(self, person: Ints) -> Ints:
        return self.persons.postcode[person] // POSTCODES_PER_AREA

    def deprivation_fifth_of(self, person: Ints) -> Ints:
        """0 is the most deprived fifth."""
        return (self.places.deprivation_tenth[self.area_of(person)] - 1) // 2


@dataclass(frozen=True, eq=False)
class Extract:
    """One kind of extract to be cut from a world."""

    world: World
    source: Source
    layout: Layout


def invent_world(*, people: int, seed: int, years: int) -> World:
    """The population with financial years that end in March 2026."""
    period = Period(day(2026 - years, 4, 1), LAST_DAY)
    places = invent_places(seed, people)
    return World(seed, period, places, invent_persons(seed, people, period, places))
