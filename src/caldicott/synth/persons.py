"""The invented population: who lives where with whom, is how old, has which conditions, dies when.

All arrays are by person. Households come first, so that names, places and
practices run in families; numbers are drawn apart, so that they tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from caldicott.synth.arrays import NO_DAY, Bools, Floats, Ints, Period, bands_of, choose, generator
from caldicott.synth.numbers import invent_numbers, palindromes
from caldicott.synth.places import POSTCODES_PER_AREA, Places
from caldicott.synth.pools import happens, pool, share

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS_A_YEAR = 365.25
_OLDEST_TWINS = 30
_LAST_BANDS = 8  # in the bands from 80 the younger ages are the more common
_HOUSEHOLD_SIZES = np.array([0.30, 0.34, 0.16, 0.13, 0.05, 0.02])


@dataclass(frozen=True)
class Persons:
    """One entry a person in every array."""

    number: Ints
    superseded: Ints
    """The number the person had before; 0 for none."""
    merged_on: Ints
    """The day the superseded number was merged."""
    sex: Ints
    born_on: Ints
    died_on: Ints
    ethnicity: Ints
    given_name: Ints
    middle_name: Ints
    family_name: Ints
    household: Ints
    house_number: Ints
    street: Ints
    postcode: Ints
    earlier_postcode: Ints
    practice: Ints
    earlier_practice: Ints
    """The same as `practice` for who has not moved."""
    moved_on: Ints
    registered_on: Ints
    is_ghost: Bools
    """Registered still, but gone or dead before the period: list inflation."""
    twin_of: Ints
    """The person shared the birth with; -1 for none."""
    conditions: Ints
    """One bit a condition, in the order of the fact table."""
    intensity: Floats
    """How much care the person uses, 1 on average."""

    def __len__(self) -> int:
        return len(self.number)

    def age_at(self, on: int) -> Ints:
        return np.floor((on - self.born_on) / DAYS_A_YEAR).astype(np.int64)


def invent_persons(seed: int, count: int, period: Period, places: Places) -> Persons:
    """The population, alive or lately dead, at the end of the period."""
    parts: dict[str, Any] = {}
    for invent_part in _PARTS:
        invent_part(generator(seed, invent_part.__name__), count, period, places, parts)
    return Persons(**{field.name: parts[field.name] for field in fields(Persons)})


def _households(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    del period
    sizes = choose(rng, _HOUSEHOLD_SIZES, count) + 1
    sizes[0] = 3  # the three J Smiths
    household = np.repeat(np.arange(count), sizes)[:count]
    postcode = rng.integers(0, places.areas * POSTCODES_PER_AREA, count)
    earlier = rng.integers(0, places.areas * POSTCODES_PER_AREA, count)
    has_moved = happens(rng, count, "moved_house")
    parts |= {
        "household": household,
        "postcode": postcode[household],
        "earlier_postcode": np.where(has_moved[household], earlier[household], postcode[household]),
        "house_number": rng.integers(1, 120, count)[household],
        "street": rng.integers(0, len(pool("streets").texts("name")), count)[household],
    }


def _lives(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    del places
    bands = pool("age_bands")
    band = choose(rng, bands.floats("share_percent"), count)
    spread = np.where(band == len(bands.ints("from_age")) - 1, 12, 10)
    age = bands.ints("from_age")[band] + rng.random(count) ** np.where(band >= _LAST_BANDS, 1.6, 1) * spread
    born_on = (period.last - age * DAYS_A_YEAR).astype(np.int64)
    is_female = rng.random(count) * 100 < bands.floats("female_percent")[band]
    is_twin = np.zeros(count, np.bool_)
    is_twin[1:] = (np.diff(parts["household"]) == 0) & (age[:-1] < _OLDEST_TWINS) & happens(rng, count - 1, "twin")
    is_twin[1:] &= ~is_twin[:-1]
    is_twin[:3] = False
    born_on[is_twin] = born_on[np.flatnonzero(is_twin) - 1]
    parts |= {
        "sex": np.where(is_female, 2, 1),
        "born_on": born_on,
        "twin_of": np.where(is_twin, np.arange(count) - 1, -1),
        "ethnicity": choose(rng, pool("ethnic_categories").floats("percent"), count),
    }


def _deaths(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    del places
    bands = pool("age_bands")
    age = np.floor((period.last - parts["born_on"]) / DAYS_A_YEAR)
    yearly = bands.floats("yearly_death_rate")[bands_of(age, bands.ints("from_age"))]
    is_ghost = happens(rng, count, "list_inflation") & (parts["born_on"] < period.first - 400)
    dies = rng.random(count) < 1 - (1 - yearly) ** period.years
    is_ghost_dead = is_ghost & (rng.random(count) < np.clip(yearly * 12, 0.02, 0.9))
    within = np.maximum(parts["born_on"], period.first)
    died_on = within + (rng.random(count) * (period.last - within + 1)).astype(np.int64)
    before = np.maximum(parts["born_on"], period.first - rng.integers(1, 1_100, count))
    died_on = np.where(is_ghost_dead, before, np.where(dies & ~is_ghost, died_on, NO_DAY))
    parts |= {"died_on": died_on, "is_ghost": is_ghost}


def _names(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    del period, places
    given, family = pool("given_names"), pool("family_names")
    parts["sex"][:3] = 1
    of_sex = np.stack([_given_name(rng, given.ints("sex") == sex, given.floats("weight"), count) for sex in (1, 2)])
    middle = np.stack([_given_name(rng, given.ints("sex") == sex, given.floats("weight"), count) for sex in (1, 2)])
    own = choose(rng, family.floats("weight"), count)
    shares = happens(rng, count, "shares_family_name")
    family_name = np.where(shares, own[parts["household"]], own)
    twins = np.flatnonzero(parts["twin_of"] >= 0)
    family_name[twins] = family_name[twins - 1]
    row = parts["sex"] - 1, np.arange(count)
    given_name = of_sex[row]
    for person, name in enumerate(("John", "James", "Jack")[:count]):
        given_name[person] = given.texts("name").index(name)
        family_name[person] = family.texts("name").index("Smith")
    parts |= {"given_name": given_name, "family_name": family_name}
    parts["middle_name"] = np.where(happens(rng, count, "middle_name"), middle[row], -1)


def _given_name(rng: np.random.Generator, usable: Bools, weights: Floats, count: int) -> Ints:
    return choose(rng, np.where(usable, weights, 0), count)


def _numbers(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    del places
    number = invent_numbers(rng, count)
    backwards = palindromes(rng, max(1, round(count * 0.00011)))
    number[rng.permutation(count)[: len(backwards)]] = backwards[:count]
    is_merged = rng.random(count) < share("merged_before") + share("merged_yearly") * period.years
    if not is_merged.any():
        is_merged[-1] = True
    superseded = np.zeros(count, np.int64)
    superseded[is_merged] = np.setdiff1d(invent_numbers(rng, int(is_merged.sum()) * 2 + 50), number)[: is_merged.sum()]
    superseded[is_merged] = rng.permutation(superseded[is_merged])
    merged_on = rng.integers(period.last - 4 * 365, period.last - 20, count)
    earliest = np.minimum(parts["born_on"] + 30, period.last - 1)
    parts |= {
        "number": number,
        "superseded": superseded,
        "merged_on": np.where(is_merged, np.maximum(merged_on, earliest), NO_DAY),
    }


def _registrations(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    by_area = places.area_practice[parts["postcode"] // POSTCODES_PER_AREA]
    anywhere = choose(rng, places.practice_weights, count)
    practice = np.where(happens(rng, count, "local_practice"), by_area, anywhere)[parts["household"]]
    can_move = (parts["born_on"] < period.first) & ~parts["is_ghost"] & (parts["died_on"] == NO_DAY)
    moves = can_move & (rng.random(count) < 1 - (1 - share("changes_practice")) ** period.years)
    elsewhere = (practice + rng.integers(1, max(2, len(places.practice_weights)), count)) % len(places.practice_weights)
    moved_on = rng.integers(period.first + 10, period.last - 10, count)
    since = (rng.random(count) ** 1.5 * 12_000).astype(np.int64)
    registered_on = np.maximum(parts["born_on"], period.first - 1 - since)
    parts |= {
        "practice": practice,
        "earlier_practice": np.where(moves, elsewhere, practice),
        "moved_on": np.where(moves, moved_on, NO_DAY),
        "registered_on": registered_on,
    }


def _health(rng: np.random.Generator, count: int, period: Period, places: Places, parts: _Parts) -> None:
    table = pool("conditions")
    starts = np.array([int(name.removeprefix("from_")) for name in list(table.columns)[4:]])
    rates = table.matrix(skip=4) / 100
    age = np.floor((period.last - parts["born_on"]) / DAYS_A_YEAR)
    band = bands_of(age, starts)
    tenth = places.deprivation_tenth[parts["postcode"] // POSTCODES_PER_AREA]
    # People who have one condition have more of the others, and the more deprived have more of all.
    proneness = rng.gamma(2.0, 0.5, count) * (1.25 - 0.045 * tenth)
    conditions = np.zeros(count, np.int64)
    for bit, rate in enumerate(rates):
        conditions |= (rng.random(count) < rate[band] * proneness).astype(np.int64) << bit
    many = np.bitwise_count(conditions)
    intensity = rng.gamma(1.5, 1 / 1.5, count) * (1 + 0.35 * many)
    parts |= {"conditions": conditions, "intensity": _even_within(intensity, band)}


def _even_within(values: Floats, group: Ints) -> Floats:
    """The values scaled so that every group averages 1: age is in the rates already."""
    means = np.bincount(group, values) / np.maximum(np.bincount(group), 1)
    return np.asarray(values / means[group])


_Parts = dict[str, Any]
_PARTS: tuple[Callable[[np.random.Generator, int, Period, Places, _Parts], None], ...] = (
    _households,
    _lives,
    _deaths,
    _names,
    _numbers,
    _registrations,
    _health,
)
