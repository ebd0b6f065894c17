"""Hospital extracts: admitted episodes, outpatient appointments, emergency attendances."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import events
from caldicott.synth.arrays import NO_DAY, Floats, Ints, choose, scrambled
from caldicott.synth.pools import pool
from caldicott.synth.rows import Draft
from caldicott.synth.texts import fixed_width, joined, numerals, pick, pounds, repeated

if TYPE_CHECKING:
    from caldicott.synth.arrays import Bools, Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.world import World

_CONSULTANTS = 400
_PLANNED, _UNPLANNED, _BIRTH = ("11", "12", "13"), ("21", "22", "28", "2A"), ("82", "83")


def record_ids(chunk: int, count: int, *, series: int) -> Texts:
    """Twelve digits, so that none looks like an NHS number."""
    return numerals(series * 10**11 + chunk * 10**7 + np.arange(count))


def references(rng: np.random.Generator, count: int, letters: str) -> Texts:
    """A sender's own reference: letters and seven digits."""
    digits = rng.integers(0, 10, (count, 7), dtype=np.uint8) + ord("0")
    head = np.tile(np.frombuffer(letters.encode(), np.uint8), (count, 1))
    return fixed_width(np.concatenate([head, digits], axis=1).astype(np.uint8))


def consultants(rng: np.random.Generator, count: int) -> Texts:
    pool_of_codes = [f"C{7_000_000 + number * 37}" for number in range(_CONSULTANTS)]
    return pick(pool_of_codes, rng.integers(0, _CONSULTANTS, count))


def home_trust(world: World, rng: np.random.Generator, person: Ints) -> Ints:
    """0 in the eastern areas, 1 in the western, and one in ten the other way."""
    is_west = world.area_of(person) >= world.places.areas // 2
    return np.where(rng.random(len(person)) < 0.1, ~is_west, is_west).astype(np.int64)  # noqa: PLR2004


def comorbidities(world: World, person: Ints, how_many: int) -> list[tuple[Ints, Bools]]:
    """Place in the condition table and absence of the first, second, ... condition of each person."""
    left = world.persons.conditions[person]
    found = []
    for _ in range(how_many):
        lowest = left & -left
        place = np.where(lowest > 0, np.log2(np.maximum(lowest, 1)), 0).astype(np.int64)
        found.append((place, lowest == 0))
        left = left ^ lowest
    return found


def secondary_diagnoses(world: World, person: Ints, how_many: int) -> dict[str, Texts]:
    codes = pool("conditions").texts("icd10")
    found = comorbidities(world, person, how_many)
    return {
        f"diagnosis_{number}": pick(codes, place, missing=absent)
        for number, (place, absent) in enumerate(found, start=2)
    }


def apc_counts(world: World) -> Ints:
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
    spell_person, ordinal, sender = _spells_by_sender(world, rng, chunk)
    is_birth = (ordinal == 0) & _is_born_in_period(world, spell_person)
    emergencies = _emergencies(world)[spell_person]
    is_emergency = ~is_birth & (ordinal - _is_born_in_period(world, spell_person) < emergencies) & (sender < 2)  # noqa: PLR2004
    admitted, is_after = events.happened_on(world, rng, spell_person)
    admitted = np.where(is_birth, world.persons.born_on[spell_person], admitted)
    stay = _stays(rng, world, spell_person, is_emergency, is_birth)
    _, last = events.exposure(world)
    stay = np.minimum(stay, np.where(is_after, world.period.last, last[spell_person]) - admitted)
    episodes = 1 + ((rng.random(len(stay)) < 0.3) & (stay > 0)) + ((rng.random(len(stay)) < 0.2) & (stay > 4))  # noqa: PLR2004
    spell = np.repeat(np.arange(len(stay)), episodes)
    number = np.arange(len(spell)) - np.repeat(np.cumsum(episodes) - episodes, episodes)
    columns = _spell_columns(world, rng, chunk.number, spell_person, is_emergency, is_birth, stay)
    columns = {name: column.take(pa.array(spell)) for name, column in columns.items()}
    days = _apc_days(admitted, stay, episodes, spell, number)
    columns |= {
        "record_id": record_ids(chunk.number, len(spell), series=1),
        "episode_number": numerals(number + 1),
        "last_episode_in_spell": pick(("2", "1"), (number + 1 == episodes[spell]).astype(np.int64)),
        "episode_length_of_stay": numerals(days["episode_ended_on"] - days["episode_started_on"]),
        "consultant": consultants(rng, len(spell)),
        "provider_reference": references(rng, len(spell), "PR"),
        **secondary_diagnoses(world, spell_person[spell], 4),
    }
    return Draft(spell_person[spell], sender[spell], days, columns, is_after_death=(is_after & ~is_birth)[spell])


def _spells_by_sender(world: World, rng: np.random.Generator, chunk: Chunk) -> tuple[Ints, Ints, Ints]:
    sender = home_trust(world, rng, chunk.person)
    first_planned = _emergencies(world)[chunk.person] + _is_born_in_period(world, chunk.person)
    goes_private = (chunk.ordinal >= first_planned) & (rng.random(len(sender)) < 0.12)  # noqa: PLR2004
    return events.by_sender(rng, chunk, np.where(goes_private, 2, sender))


def _stays(rng: np.random.Generator, world: World, person: Ints, is_emergency: Bools, is_birth: Bools) -> Ints:
    """Days in hospital: a third of emergencies none, the rest long-tailed; most planned spells are day cases."""
    age = world.persons.age_at(world.period.last)[person]
    tail = rng.lognormal(0.9 + age.clip(0, 95) / 90, 0.95, len(person)).astype(np.int64)
    is_day_case = rng.random(len(person)) < np.where(is_emergency, 0.33, 0.78)
    stay = np.where(is_day_case, 0, np.where(is_emergency, 1 + tail, 1 + tail // 3))
    return np.where(is_birth, rng.integers(0, 4, len(person)), stay).clip(0, 180)


def _apc_days(admitted: Ints, stay: Ints, episodes: Ints, spell: Ints, number: Ints) -> dict[str, Ints]:
    share, last = stay[spell] // episodes[spell], number + 1 == episodes[spell]
    discharged = (admitted + stay)[spell]
    started = admitted[spell] + number * share
    return {
        "admitted_on": admitted[spell],
        "discharged_on": discharged,
        "episode_started_on": started,
        "episode_ended_on": np.where(last, discharged, started + share),
    }


def _spell_columns(
    world: World,
    rng: np.random.Generator,
    chunk: int,
    person: Ints,
    is_emergency: Bools,
    is_birth: Bools,
    stay: Ints,
) -> dict[str, Texts]:
    count = len(person)
    mix = pool("admission_diagnoses")
    kind = np.array(mix.texts("kind"))
    planned, urgent = (
        choose(rng, np.where(kind == name, mix.floats("weight"), 0), count) for name in ("elective", "emergency")
    )
    case = np.where(is_emergency, urgent, planned)
    diagnoses = (*mix.texts("icd10"), "Z380")
    method = np.where(
        is_emergency, 3 + choose(rng, np.array([7.0, 1, 1, 1]), count), choose(rng, np.array([5.0, 3, 2]), count)
    )
    method = np.where(is_birth, 7 + person % 2, method)
    died = world.persons.died_on[person]
    dies_here = is_emergency & (died != NO_DAY) & (rng.random(count) < 0.05)  # noqa: PLR2004
    price = mix.floats("price")[case] * np.where(is_birth, 0.3, 1) + np.maximum(0, stay - 5) * 313
    procedure = np.array([code == "" for code in mix.texts("opcs")])[case] | is_birth
    return {
        "spell_no": references(rng, count, "SP"),
        "update_type": repeated("9", count),
        "administrative_category": repeated("01", count),
        "patient_classification": pick(("1", "2"), ((stay == 0) & ~is_emergency & ~is_birth).astype(np.int64)),
        "admission_method": pick((*_PLANNED, *_UNPLANNED, *_BIRTH), method),
        "admission_source": pick(
            ("19", "51", "79"), np.where(is_birth, 2, (rng.random(count) < 0.04).astype(np.int64))
        ),
        "discharge_method": pick(("1", "4"), dies_here.astype(np.int64)),
        "discharge_destination": pick(
            ("19", "54", "79"), np.where(dies_here, 2, (rng.random(count) < 0.06).astype(np.int64))
        ),
        "specialty": pick(mix.texts("specialty"), case),
        "treatment_function": pick(mix.texts("specialty"), case),
        "diagnosis_1": pick(diagnoses, np.where(is_birth, len(diagnoses) - 1, case)),
        "procedure_1": pick(mix.texts("opcs"), case, missing=procedure),
        "hrg": pick(mix.texts("hrg"), case),
        "cost": _priced(rng, price),
    }


def _priced(rng: np.random.Generator, price: Floats) -> Texts:
    return pounds(price * (0.9 + 0.2 * rng.random(len(price))))


_ATTENDED, _DID_NOT_ATTEND, _CANCELLED_BY_PATIENT, _CANCELLED_BY_PROVIDER = 0, 1, 2, 3


def op(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Appointments: 77 in a hundred attended, 6 not, 16 cancelled; two follow-ups and more to one first."""
    sender = home_trust(world, rng, chunk.person)
    sender = np.where(rng.random(len(sender)) < 0.08, 2, sender)  # noqa: PLR2004
    person, _, sender = events.by_sender(rng, chunk, sender)
    count = len(person)
    when, is_after = events.happened_on(world, rng, person, weekdays=True)
    functions = pool("treatment_functions")
    function = choose(rng, functions.floats("weight"), count)
    is_first = rng.random(count) < 0.3  # noqa: PLR2004
    status = choose(rng, np.array([77.2, 6.2, 8.1, 8.1]), count)
    price = np.where(is_first, functions.floats("first_price")[function], functions.floats("follow_up_price")[function])
    referred = np.maximum(when - 7 - rng.geometric(0.012, count), world.persons.born_on[person])
    condition, has_none = comorbidities(world, person, 1)[0]
    has_procedure = (status == _ATTENDED) & (rng.random(count) < 0.2)  # noqa: PLR2004
    columns = {
        "record_id": record_ids(chunk.number, count, series=2),
        "attendance_id": references(rng, count, "AT"),
        "update_type": repeated("9", count),
        "attendance_status": pick(("5", "3", "2", "4"), status),
        "first_attendance": pick(("2", "1"), is_first.astype(np.int64)),
        "attendance_outcome": pick(
            ("1", "2", "3"), choose(rng, np.array([3.0, 5, 2]), count), missing=status != _ATTENDED
        ),
        "referral_source": pick(("03", "01", "05", "92"), choose(rng, np.array([6.0, 1, 2, 1]), count)),
        "priority": pick(("1", "2", "3"), choose(rng, np.array([8.0, 1, 1]), count)),
        "specialty": pick(functions.texts("specialty"), function),
        "treatment_function": pick(functions.texts("code"), function),
        "consultant": consultants(rng, count),
        "diagnosis_1": pick(pool("conditions").texts("icd10"), condition, missing=has_none | (function % 2 == 0)),
        "procedure_1": pick(("X621", "U071", "Q554", "H251"), function % 4, missing=~has_procedure),
        "hrg": pick(("WF01A", "WF01B", "WF02A"), np.where(is_first, 1, 0)),
        "provider_reference": references(rng, count, "PR"),
        "cost": pounds(np.where(status == _ATTENDED, price, 0.0)),
    }
    return Draft(person, sender, {"appointed_on": when, "referred_on": referred}, columns, is_after_death=is_after)


def ec(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Emergency attendances: one in five is admitted, one in six stays over four hours."""
    person, _, sender = events.by_sender(rng, chunk, home_trust(world, rng, chunk.person))
    count = len(person)
    when, is_after = events.happened_on(world, rng, person)
    complaints = pool("complaints")
    complaint = choose(rng, complaints.floats("weight"), count)
    minutes = rng.lognormal(5.0, 0.55, count).clip(5, 4_000).astype(np.int64)
    left = when + (minutes + rng.integers(0, 1_440, count)) // 1_440
    is_admitted = rng.random(count) < 0.22  # noqa: PLR2004
    arrival = choose(rng, np.array([7.0, 3]), count)
    hrg = choose(rng, np.array([4.0, 3, 2, 1]), count)
    tariff = np.array([92.0, 148, 236, 410])[hrg]
    columns = {
        "record_id": record_ids(chunk.number, count, series=3),
        "attendance_id": references(rng, count, "EC"),
        "update_type": repeated("9", count),
        "site": pick(("RZ101", "RZ201"), sender),
        "department_type": pick(("01", "03"), (rng.random(count) < 0.15).astype(np.int64)),
        "attendance_category": pick(("1", "2"), (rng.random(count) < 0.04).astype(np.int64)),
        "minutes_in_department": numerals(minutes),
        "arrival_mode": pick(("1048071000000103", "1048031000000100"), arrival),
        "attendance_source": pick(
            ("1065391000000104", "1079521000000104", "1066011000000107"), choose(rng, np.array([7.0, 2, 1]), count)
        ),
        "acuity": pick(
            ("1064911000000105", "1064901000000108", "1077241000000103"), choose(rng, np.array([1.0, 4, 5]), count)
        ),
        "chief_complaint": pick(complaints.texts("snomed"), complaint),
        "diagnosis_1": pick(
            complaints.texts("snomed"),
            (complaint + (scrambled(person, 3) % np.uint64(3)).astype(np.int64)) % len(complaints.texts("snomed")),
        ),
        "discharge_status": pick(
            ("182992009", "306689006", "1077031000000103"), choose(rng, np.array([6.0, 3, 1]), count)
        ),
        "discharge_destination": pick(("306689006", "306706006"), is_admitted.astype(np.int64)),
        "hrg": pick(("VB11Z", "VB09Z", "VB07Z", "VB04Z"), hrg),
        "provider_reference": references(rng, count, "PR"),
        "tariff": pounds(tariff),
        "cost": _priced(rng, tariff),
    }
    return Draft(person, sender, {"arrived_on": when, "departed_on": left}, columns, is_after_death=is_after)
