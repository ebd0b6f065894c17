"""Who objects to what: coded entries of GP systems, and the national opt-out held apart from them.

For every coded scheme the latest entry decides, except that type 2 entries
after 11 October 2018 have no effect [facts/governance/objection_codes].
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from caldicott.synth.arrays import Bools, Floats, Ints, bands_of, day, generator
from caldicott.synth.pools import happens, pool
from caldicott.synth.world import LAST_DAY

if TYPE_CHECKING:
    from caldicott.synth.world import World

TYPE_2_ENDED = day(2018, 10, 11)
_BY_SEX = np.array([1, 0.89, 1.11])  # national opt-out: women 6.0, men 4.8 percent, March 2022


@dataclass(frozen=True)
class Entries:
    """Coded entries, one a row; `scheme` and `code` are places in the fact tables."""

    person: Ints
    scheme: Ints
    is_dissent: Bools
    recorded_on: Ints
    is_in_force: Bools
    """Whether the person's dissent of that scheme is in force, whatever this entry says."""

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class NationalOptOut:
    """By person: whether the national opt-out is set, and since when."""

    has_opted_out: Bools
    since: Ints


def schemes() -> tuple[str, ...]:
    """The coded schemes, in the order of the fact table."""
    return pool("objection_rates").texts("scheme")


def invent_national_opt_out(world: World) -> NationalOptOut:
    """By age, and a quarter more women than men, as the national counts have it."""
    rng = generator(world.seed, "ndop")
    persons, bands = world.persons, pool("age_bands")
    band = bands_of(persons.age_at(LAST_DAY), bands.ints("from_age")).clip(0)
    rate = bands.floats("ndop_percent")[band] / 100 * _BY_SEX[persons.sex]
    opted = rng.random(len(persons)) < rate
    earliest = np.maximum(day(2018, 5, 25), persons.born_on)
    since = earliest + (rng.random(len(persons)) * (LAST_DAY - earliest)).astype(np.int64)
    return NationalOptOut(opted, since)


def invent_entries(world: World, national: NationalOptOut) -> Entries:
    """All coded entries, in order of person, scheme and day."""
    parts = [_scheme_entries(world, national, number) for number in range(len(schemes()))]
    person, scheme, is_dissent, recorded_on = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((recorded_on, scheme, person))
    person, scheme, is_dissent, recorded_on = (column[order] for column in (person, scheme, is_dissent, recorded_on))
    in_force = in_force_by_latest(person, scheme, is_dissent, recorded_on)
    return Entries(person, scheme, is_dissent, recorded_on, in_force)


def in_force_by_latest(person: Ints, scheme: Ints, is_dissent: Bools, recorded_on: Ints) -> Bools:
    """For every entry whether its person's dissent holds; the entries are ordered by person, scheme, day."""
    counts = (scheme != schemes().index("type2")) | (recorded_on <= TYPE_2_ENDED)
    is_new = np.ones(len(person), np.bool_)
    is_new[1:] = (np.diff(person) != 0) | (np.diff(scheme) != 0)
    group = np.cumsum(is_new) - 1
    decided = np.zeros(int(is_new.sum()), np.bool_)
    decided[group[counts]] = is_dissent[counts]  # of equal places the last assignment stays
    return np.asarray(decided[group])


def _scheme_entries(world: World, national: NationalOptOut, number: int) -> tuple[Ints, Ints, Bools, Ints]:
    scheme = schemes()[number]
    rng = generator(world.seed, f"objections-{scheme}")
    rates = {name: values[number] for name, values in pool("objection_rates").columns.items()}
    person = np.flatnonzero(rng.random(len(world.persons)) < _dissent_rate(scheme, rates, national))
    first, last = (_day_of(rates[name]) for name in ("from", "to"))
    span = last - first
    start = np.maximum(first, world.persons.born_on[person])
    person, start = person[start < last - 3], start[start < last - 3]
    dissent = start + (rng.random(len(person)) * (last - start - 2)).astype(np.int64)
    after = dissent + 1 + (rng.random(len(person)) * np.minimum(span, LAST_DAY - dissent - 1) * 0.9).astype(np.int64)
    entries = [(person, True, dissent)]
    entries += _later(rng, person, after, rates)
    if scheme == "type2":
        entries += _too_late(rng, world)
    return _stacked(number, entries)


def _dissent_rate(scheme: str, rates: dict[str, str], national: NationalOptOut) -> Floats:
    base = float(rates["dissent_percent"]) / 100
    if scheme != "type2":
        return np.full(len(national.has_opted_out), base)
    # Type 2 objections were turned into national opt-outs in 2018, so most stand with one.
    return np.where(national.has_opted_out, base * 16, base * 0.2)


def _later(rng: np.random.Generator, person: Ints, after: Ints, rates: dict[str, str]) -> list[tuple[Ints, bool, Ints]]:
    draw = rng.random(len(person)) * 100
    withdrawn = draw < float(rates["withdrawn_after_percent"])
    again = draw < float(rates["dissent_again_percent"])
    repeated = ~withdrawn & (rng.random(len(person)) * 100 < float(rates["repeated_percent"]))
    return [
        (person[withdrawn], False, after[withdrawn]),
        (person[again], True, after[again] + 1 + after[again] % 20),
        (person[repeated], True, after[repeated]),
    ]


def _too_late(rng: np.random.Generator, world: World) -> list[tuple[Ints, bool, Ints]]:
    """Type 2 codes entered when the scheme had ended: without effect, to be reported to the practice."""
    person = np.flatnonzero(happens(rng, len(world.persons), "type2_too_late"))
    earliest = np.maximum(TYPE_2_ENDED + 1, world.persons.born_on[person])
    return [(person, True, earliest + (rng.random(len(person)) * (LAST_DAY - earliest)).astype(np.int64))]


def _stacked(number: int, entries: list[tuple[Ints, bool, Ints]]) -> tuple[Ints, Ints, Bools, Ints]:
    person = np.concatenate([entry[0] for entry in entries])
    dissent = np.concatenate([np.full(len(entry[0]), entry[1]) for entry in entries])
    recorded_on = np.concatenate([entry[2] for entry in entries])
    # Two entries of a person on one day would leave the latest open: keep the first.
    _, kept = np.unique(np.stack([person, recorded_on]), axis=1, return_index=True)
    kept = np.sort(kept)
    return person[kept], np.full(len(kept), number), dissent[kept], recorded_on[kept]


def _day_of(text: str) -> int:
    when = date.fromisoformat(text)
    return day(when.year, when.month, when.day)
