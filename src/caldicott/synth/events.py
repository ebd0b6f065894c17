"""How many events a person has and when: rates by age, deprivation and intensity, cut into chunks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from caldicott.synth.arrays import NO_DAY, Bools, Floats, Ints, bands_of, generator
from caldicott.synth.pools import happens, pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.synth.world import World

CHUNK_ROWS = 250_000
DAYS_A_YEAR = 365.25
_ROOM_AFTER_DEATH = 3


@dataclass(frozen=True)
class Chunk:
    """Events of some persons; `ordinal` numbers a person's events from nought."""

    number: int
    person: Ints
    ordinal: Ints


def yearly_rates(world: World, activity: str) -> Floats:
    """Expected events a year for every person."""
    persons = world.persons
    middle = (world.period.first + world.period.last) // 2
    band = bands_of(persons.age_at(middle).clip(0), pool("age_bands").ints("from_age"))
    rate = pool("activity_by_age").row(activity)[band] * persons.intensity
    factors = pool("activity_by_deprivation")
    if activity in factors.texts("activity"):
        rate *= factors.row(activity)[world.deprivation_fifth_of(np.arange(len(persons)))]
    return rate


def emergency_rates(world: World) -> Floats:
    """Expected emergency admissions a year, by the published table of age and deprivation."""
    persons, table = world.persons, pool("emergency_admissions")
    middle = (world.period.first + world.period.last) // 2
    band = bands_of(persons.age_at(middle).clip(0), table.ints("from_age"))
    fifth = world.deprivation_fifth_of(np.arange(len(persons)))
    cell = band * 5 + fifth
    # Uneven on purpose: a few persons have most of the emergencies, as in life; even within each cell.
    uneven = persons.intensity**1.3
    mean = np.bincount(cell, uneven, 25) / np.maximum(np.bincount(cell, minlength=25), 1)
    return np.asarray(table.matrix()[band, fifth] / 1_000 * uneven / mean[cell])


@lru_cache(maxsize=2)
def exposure(world: World) -> tuple[Ints, Ints]:
    """First and last day on which a person can have an event; nobody's last day precedes the first."""
    persons, period = world.persons, world.period
    first = np.maximum(persons.born_on, period.first)
    last = np.where(persons.died_on == NO_DAY, period.last, np.minimum(persons.died_on, period.last))
    return first, np.maximum(first, last)


def counts(world: World, rates: Floats, name: str) -> Ints:
    """How many events each person has in the period; who only inflates a list has none."""
    first, last = exposure(world)
    expected = np.where(world.persons.is_ghost, 0, rates * (last - first + 1) / DAYS_A_YEAR)
    return generator(world.seed, f"counts-{name}").poisson(expected)


def chunks(world: World, number_of_events: Ints, name: str) -> Iterator[Chunk]:
    """The events cut into chunks, persons in an order of their own."""
    order = generator(world.seed, f"order-{name}").permutation(len(number_of_events))
    ordered = number_of_events[order]
    ends = np.cumsum(ordered)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(CHUNK_ROWS, total, CHUNK_ROWS))
    bounds = [0, *(cut + 1 for cut in np.unique(cuts)), len(ordered)]
    for number, (low, high) in enumerate(pairwise(bounds)):
        some = ordered[low:high]
        starts = np.cumsum(some) - some
        ordinal = np.arange(int(some.sum())) - np.repeat(starts, some)
        yield Chunk(number, np.repeat(order[low:high], some), ordinal)


def snapshot(world: World, person: Ints, name: str, *, is_second: Bools | None = None) -> Iterator[Chunk]:
    """A row for each of these persons in no order; the ordinal is 1 where it is the person's second row."""
    order = generator(world.seed, f"order-{name}").permutation(len(person))
    ordinal = np.zeros(len(person), np.int64) if is_second is None else is_second.astype(np.int64)
    for number, low in enumerate(range(0, len(order), CHUNK_ROWS)):
        some = order[low : low + CHUNK_ROWS]
        yield Chunk(number, person[some], ordinal[some])


def by_sender(rng: np.random.Generator, chunk: Chunk, sender: Ints) -> tuple[Ints, Ints, Ints]:
    """Person, ordinal and sender, sender by sender and shuffled within, so that order tells nothing."""
    shuffled = rng.permutation(len(sender))
    order = shuffled[np.argsort(sender[shuffled], kind="stable")]
    return chunk.person[order], chunk.ordinal[order], sender[order]


def happened_on(world: World, rng: np.random.Generator, person: Ints, *, weekdays: bool = False) -> tuple[Ints, Bools]:
    """The day of each event, and whether it is after the person's death (a few are, by mistake)."""
    first, last = exposure(world)
    first, last = first[person], last[person]
    when = first + (rng.random(len(person)) * (last - first + 1)).astype(np.int64)
    if weekdays:
        weekday = (when + 3) % 7  # 1 January 1970 was a Thursday; Monday is 0
        when = np.maximum(first, when - np.maximum(0, weekday - 4))
    died_on = world.persons.died_on[person]
    room = world.period.last - died_on
    is_after = (died_on != NO_DAY) & (room >= _ROOM_AFTER_DEATH) & happens(rng, len(person), "after_death")
    late = died_on + 1 + (rng.random(len(person)) * np.minimum(room - 1, 20)).astype(np.int64)
    return np.where(is_after, late, when), is_after
