"""Admitted patient care: spells of planned, emergency and birth admissions, cut into consultant episodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import events
from caldicott.synth.arrays import NO_DAY, Bools, Ints, choose, choose_among
from caldicott.synth.hospital import consultants, home_trust, priced, record_ids, references, secondary_diagnoses
from caldicott.synth.pools import happens, pool
from caldicott.synth.rows import Draft
from caldicott.synth.texts import numerals, pick, repeated

if TYPE_CHECKING:
    from caldicott.synth.arrays import Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.world import World

_LONG_STAY = 5
_EXCESS_BED_DAY = 313
"""Pounds, 2016/17 [HFMA]."""
_PLANNED, _UNPLANNED, _BIRTH = ("11", "12", "13"), ("21", "22", "28", "2A"), ("82", "83")


@dataclass(frozen=True)
class _Spells:
    """One entry a spell in every array, in order of sender."""

    person: Ints
    sender: Ints
    is_birth: Bools
    is_emergency: Bools
    is_after_death: Bools
    admitted_on: Ints
    nights: Ints

    def __len__(self) -> int:
        return len(self.person)


def counts(world: World) -> Ints:
    """Spells: planned ones, emergencies, and the birth of who was born in the period."""
    planned = events.counts(world, events.yearly_rates(world, "elective"), "elective")
    births = _is_born_in_period(world, np.arange(len(world.persons)))
    return planned + _emergencies(world) + births


@lru_cache(maxsize=2)
def _emergencies(world: World) -> Ints:
    return events.counts(world, events.emergency_rates(world), "emergency")


def _is_born_in_period(world: World, person: Ints) -> Bools:
    return np.asarray(world.persons.born_on[person] > world.period.first)


def apc(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Spells of a chunk, each cut into one or more consultant episodes."""
    spells = _spells(world, rng, chunk)
    episodes = 1 + (happens(rng, len(spells), "second_episode") & (spells.nights > 0))
    episodes += happens(rng, len(spells), "further_episode") & (spells.nights >= _LONG_STAY)
    spell = np.repeat(np.arange(len(spells)), episodes)
    number = np.arange(len(spell)) - np.repeat(np.cumsum(episodes) - episodes, episodes)
    days = _days(spells, episodes, spell, number)
    columns = {name: column.take(pa.array(spell)) for name, column in _spell_columns(world, rng, spells).items()}
    columns |= {
        "record_id": record_ids(chunk.number, len(spell), series=1),
        "episode_number": numerals(number + 1),
        "last_episode_in_spell": pick(("2", "1"), (number + 1 == episodes[spell]).astype(np.int64)),
        "episode_length_of_stay": numerals(days["episode_ended_on"] - days["episode_started_on"]),
        "consultant": consultants(rng, len(spell)),
        "provider_reference": references(rng, len(spell), "PR"),
        **secondary_diagnoses(world, spells.person[spell], 4),
    }
    is_after = spells.is_after_death[spell]
    return Draft(spells.person[spell], spells.sender[spell], days, columns, is_after_death=is_after)


def _spells(world: World, rng: np.random.Generator, chunk: Chunk) -> _Spells:
    person, ordinal, sender = _by_sender(world, rng, chunk)
    born_here = _is_born_in_period(world, person)
    is_birth = (ordinal == 0) & born_here
    is_emergency = ~is_birth & (ordinal - born_here < _emergencies(world)[person])
    admitted_on, is_after = events.happened_on(world, rng, person)
    admitted_on = np.where(is_birth, world.persons.born_on[person], admitted_on)
    is_after &= ~is_birth
    latest = np.where(is_after, world.period.last, events.exposure(world)[1][person])
    nights = _nights(rng, world, person, is_emergency)
    nights = np.where(is_birth, rng.integers(0, 4, len(person)), nights)
    return _Spells(
        person, sender, is_birth, is_emergency, is_after, admitted_on, np.minimum(nights, latest - admitted_on)
    )


def _by_sender(world: World, rng: np.random.Generator, chunk: Chunk) -> tuple[Ints, Ints, Ints]:
    sender = home_trust(world, rng, chunk.person)
    first_planned = _emergencies(world)[chunk.person] + _is_born_in_period(world, chunk.person)
    goes_private = (chunk.ordinal >= first_planned) & happens(rng, len(sender), "planned_at_independent")
    return events.by_sender(rng, chunk, np.where(goes_private, 2, sender))


def _nights(rng: np.random.Generator, world: World, person: Ints, is_emergency: Bools) -> Ints:
    """A third of emergencies stay no night, the rest are long-tailed; most planned spells are day cases."""
    age = world.persons.age_at(world.period.last)[person]
    tail = rng.lognormal(0.9 + age.clip(0, 95) / 90, 0.95, len(person)).astype(np.int64)
    is_day_case = rng.random(len(person)) < np.where(is_emergency, 0.33, 0.78)
    return np.where(is_day_case, 0, np.where(is_emergency, 1 + tail, 1 + tail // 3)).clip(0, 180)


def _days(spells: _Spells, episodes: Ints, spell: Ints, number: Ints) -> dict[str, Ints]:
    nights = (spells.nights // episodes)[spell]
    admitted, discharged = spells.admitted_on[spell], (spells.admitted_on + spells.nights)[spell]
    started = admitted + number * nights
    return {
        "admitted_on": admitted,
        "discharged_on": discharged,
        "episode_started_on": started,
        "episode_ended_on": np.where(number + 1 == episodes[spell], discharged, started + nights),
    }


def _may_be(world: World, spells: _Spells) -> Bools:
    """For each spell and each case of the mix whether this person can have it: nobody of 80 gives birth."""
    mix, persons = pool("admission_diagnoses"), world.persons
    sex = persons.sex[spells.person]
    age = (spells.admitted_on - persons.born_on[spells.person]) / events.DAYS_A_YEAR
    limits = zip(*(mix.texts(name) for name in ("sex", "from_age", "to_age")), strict=True)
    anyone = np.ones(len(spells), np.bool_)
    return np.stack(
        [(sex == int(of)) & (age >= int(low)) & (age < int(high) + 1) if of else anyone for of, low, high in limits],
        axis=1,
    )  # fmt: skip


def _spell_columns(world: World, rng: np.random.Generator, spells: _Spells) -> dict[str, Texts]:
    person, is_birth, is_emergency, count = spells.person, spells.is_birth, spells.is_emergency, len(spells)
    mix = pool("admission_diagnoses")
    kind, may_be = np.array(mix.texts("kind")), _may_be(world, spells)
    planned, urgent = (
        choose_among(rng, np.where(kind == name, mix.floats("weight"), 0), may_be) for name in ("elective", "emergency")
    )
    case = np.where(is_emergency, urgent, planned)
    diagnoses = (*mix.texts("icd10"), "Z380")
    method = np.where(
        is_emergency, 3 + choose(rng, np.array([7.0, 1, 1, 1]), count), choose(rng, np.array([5.0, 3, 2]), count)
    )
    method = np.where(is_birth, 7 + person % 2, method)
    died = world.persons.died_on[person]
    dies_here = is_emergency & (died != NO_DAY) & happens(rng, count, "dies_in_hospital")
    price = (
        mix.floats("price")[case] * np.where(is_birth, 0.3, 1)
        + np.maximum(0, spells.nights - _LONG_STAY) * _EXCESS_BED_DAY
    )
    procedure = np.array([code == "" for code in mix.texts("opcs")])[case] | is_birth
    return {
        "spell_no": references(rng, count, "SP"),
        "update_type": repeated("9", count),
        "administrative_category": repeated("01", count),
        "patient_classification": pick(("1", "2"), ((spells.nights == 0) & ~is_emergency & ~is_birth).astype(np.int64)),
        "admission_method": pick((*_PLANNED, *_UNPLANNED, *_BIRTH), method),
        "admission_source": pick(
            ("19", "51", "79"), np.where(is_birth, 2, happens(rng, count, "from_other_hospital").astype(np.int64))
        ),
        "discharge_method": pick(("1", "4"), dies_here.astype(np.int64)),
        "discharge_destination": pick(
            ("19", "54", "79"), np.where(dies_here, 2, happens(rng, count, "to_care_home").astype(np.int64))
        ),
        "specialty": pick(mix.texts("specialty"), case),
        "treatment_function": pick(mix.texts("specialty"), case),
        "diagnosis_1": pick(diagnoses, np.where(is_birth, len(diagnoses) - 1, case)),
        "procedure_1": pick(mix.texts("opcs"), case, missing=procedure),
        "hrg": pick(mix.texts("hrg"), case),
        "cost": priced(rng, price),
    }
