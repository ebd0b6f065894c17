"""General practice extracts: registrations, coded entries, prescriptions issued, appointments, objections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import events, identity
from caldicott.synth.arrays import NO_DAY, Ints, choose, scrambled
from caldicott.synth.pools import happens, pool
from caldicott.synth.rows import Draft
from caldicott.synth.texts import fixed_width, guids, joined, numerals, pick, pounds, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.synth.arrays import Bools, Floats, Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.objections import Entries
    from caldicott.synth.world import World

_CLINICIANS = 600


def record_guids(world: World, chunk: int, count: int, *, series: int) -> Texts:
    """Ids of records: by series, chunk and place, never by person."""
    place = np.arange(count) + chunk * 10**8 + series * 10**12
    return guids(scrambled(place, world.seed % 2**31 + 3), scrambled(place, world.seed % 2**31 + 4))


def clinicians(rng: np.random.Generator, count: int) -> Texts:
    place = np.arange(_CLINICIANS)
    return guids(scrambled(place, 21), scrambled(place, 22)).take(pa.array(rng.integers(0, _CLINICIANS, count)))


def _processing(chunk: int, count: int) -> dict[str, Texts]:
    return {"deleted": repeated("false", count), "processing_id": numerals(np.full(count, 4_000 + chunk))}


def registrations(world: World) -> Iterator[Chunk]:
    """One row a registration: everyone's current one, and (a second row) the one ended by a move."""
    movers = np.flatnonzero(world.persons.moved_on != NO_DAY)
    person = np.concatenate([np.arange(len(world.persons)), movers])
    return events.snapshot(world, person, "gp-patients", is_second=np.arange(len(person)) >= len(world.persons))


def patients(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Registrations with all details; who moved appears twice, who is gone stays on the list."""
    person, is_ended = chunk.person, chunk.ordinal == 1
    persons, count = world.persons, len(person)
    moved, begun = persons.moved_on[person], persons.registered_on[person]
    died = persons.died_on[person]
    is_told = (died != NO_DAY) & ~persons.is_ghost[person]
    days = {
        "extracted_on": np.full(count, world.period.last),
        "registered_on": np.where(is_ended | (moved == NO_DAY), begun, moved),
        "deregistered_on": np.where(is_ended, moved, np.where(is_told, died, NO_DAY)),
        "died_on": np.where(is_told, died, NO_DAY),
    }
    columns = {
        "registration_id": record_guids(world, chunk.number, count, series=1),
        **_patient_details(world, rng, person),
        **_processing(chunk.number, count),
    }
    practice = np.where(is_ended, persons.earlier_practice[person], persons.practice[person])
    return Draft(person, np.zeros(count, np.int64), days, columns, practice=practice)


def _patient_details(world: World, rng: np.random.Generator, person: Ints) -> dict[str, Texts]:
    persons, count = world.persons, len(person)
    given = identity.given_names(persons.given_name[person])
    has_mail, has_mobile = happens(rng, count, "has_mail"), happens(rng, count, "has_mobile")
    letters = rng.integers(0, 26, (count, 8), dtype=np.uint8) + ord("a")
    return {
        "title": pick(("Mr", "Ms"), persons.sex[person] - 1),
        "given_name": given,
        "middle_names": identity.given_names(persons.middle_name[person]),
        "family_name": identity.family_names(persons.family_name[person]),
        "patient_number": numerals(100_000 + (person * 104_729) % 9_999_991),
        "patient_type": repeated("Regular", count),
        "dummy_type": repeated("false", count),
        "house": pa.array(persons.house_number[person]).cast(pa.string()),
        "street": identity.streets(world, person),
        "town": repeated("Zedford", count),
        "is_spine_sensitive": pick(("false", "true"), (scrambled(person, 7) % np.uint64(2_000) == 0).astype(np.int64)),
        "is_confidential": repeated("false", count),
        "email_address": _kept(joined(fixed_width(letters), "@mail.invalid"), has_mail),
        "mobile_phone": _kept(
            joined("07700 900", fixed_width(rng.integers(48, 58, (count, 3), dtype=np.uint8))), has_mobile
        ),
    }


def _kept(column: Texts, mask: Bools) -> Texts:
    return column.take(pa.array(np.arange(len(mask)), mask=~mask))


def observations(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Coded entries: diagnoses of the person's conditions, and measurements."""
    person, _, sender = events.by_sender(rng, chunk, np.zeros(len(chunk.person), np.int64))
    count = len(person)
    when, is_after = events.happened_on(world, rng, person, weekdays=True)
    conditions, measured = pool("conditions"), pool("measurements")
    which = choose(rng, measured.floats("weight"), count)
    condition, has_none = _some_condition(world, rng, person)
    is_diagnosis = ~has_none & happens(rng, count, "entry_is_diagnosis")
    place = np.where(is_diagnosis, condition, len(conditions.texts("snomed")) + which)
    mean, spread = measured.floats("mean")[which], measured.floats("spread")[which]
    no_value = is_diagnosis | (mean == 0)
    has_text = happens(rng, count, "entry_has_text")
    remarks = ("Feels well, no change", "Discussed results; happy to continue", "Seen with daughter", "Home reading")
    columns = {
        "observation_id": record_guids(world, chunk.number, count, series=2),
        "observed_on_precision": repeated("YMD", count),
        "clinician": clinicians(rng, count),
        "code_id": numerals(10_000 + place),
        "snomed_code": pick((*conditions.texts("snomed"), *measured.texts("snomed")), place),
        "term": pick((*conditions.texts("term"), *measured.texts("term")), place),
        "associated_text": pick(remarks, which % len(remarks), missing=~has_text),
        "value": pa.array(np.round(mean + spread * rng.standard_normal(count), 1), mask=no_value),
        "unit": pick(measured.texts("unit"), which, missing=no_value),
        "observation_type": pick(("Value", "Observation"), no_value.astype(np.int64)),
        "is_confidential": repeated("false", count),
        **_processing(chunk.number, count),
    }
    return Draft(person, sender, {"observed_on": when, "entered_on": when}, columns, is_after_death=is_after)


def _some_condition(world: World, rng: np.random.Generator, person: Ints) -> tuple[Ints, Bools]:
    """One of the person's conditions, each equally often: the lowest bit after a random turn."""
    bits = len(pool("conditions").texts("snomed"))
    turn = rng.integers(0, bits, len(person))
    held = world.persons.conditions[person]
    turned = ((held >> turn) | (held << (bits - turn))) & ((1 << bits) - 1)
    lowest = turned & -turned
    place = np.log2(np.maximum(lowest, 1)).astype(np.int64)
    return (place + turn) % bits, lowest == 0


def medications(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Prescriptions issued; a person keeps to a few medicines of their own."""
    person, _, sender = events.by_sender(rng, chunk, np.zeros(len(chunk.person), np.int64))
    count = len(person)
    when, is_after = events.happened_on(world, rng, person, weekdays=True)
    medicines = pool("medicines")
    own = scrambled(person * 8 + rng.integers(0, 4, count), 5) % np.uint64(1 << 20)
    shares = np.cumsum(medicines.floats("weight")) / medicines.floats("weight").sum()
    which = np.searchsorted(shares, own.astype(np.float64) / (1 << 20), side="right")
    times = rng.integers(1, 3, count)
    columns = {
        "issue_id": record_guids(world, chunk.number, count, series=3),
        "clinician": clinicians(rng, count),
        "code_id": numerals(20_000 + which),
        "dmd_code": pick(medicines.texts("dmd"), which),
        "term": pick(medicines.texts("term"), which),
        "dosage": pick(("One to be taken each day", "One to be taken twice a day", "As directed"), which % 3),
        "quantity": pounds(medicines.floats("quantity")[which] * times),
        "quantity_unit": pick(medicines.texts("unit"), which),
        "course_days": numerals((medicines.floats("days")[which] * times).astype(np.int64)),
        "cost": pounds(medicines.floats("price")[which] * times),
        "is_confidential": repeated("false", count),
        **_processing(chunk.number, count),
    }
    return Draft(person, sender, {"issued_on": when, "entered_on": when}, columns, is_after_death=is_after)


def appointments(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Appointments: under half with a GP, two in three face to face, one in twenty not attended."""
    person, _, sender = events.by_sender(rng, chunk, np.zeros(len(chunk.person), np.int64))
    count = len(person)
    when, is_after = events.happened_on(world, rng, person, weekdays=True)
    is_missed = happens(rng, count, "appointment_missed")
    holder = choose(rng, _weights(46, 22, 20, 12), count)
    columns = {
        "slot_id": record_guids(world, chunk.number, count, series=4),
        "planned_minutes": numerals(np.array([10, 15, 20, 10])[holder]),
        "actual_minutes": numerals(rng.integers(3, 31, count), missing=is_missed),
        "waited_minutes": numerals(rng.integers(0, 45, count), missing=is_missed),
        "did_not_attend": pick(("false", "true"), is_missed.astype(np.int64)),
        "session_id": clinicians(rng, count),
        "session_holder": pick(("General practitioner", "Practice nurse", "Other direct care", "Pharmacist"), holder),
        "contact_mode": pick(
            ("Face to face", "Telephone", "Online", "Home visit"), choose(rng, _weights(66, 26, 7, 1), count)
        ),
        **_processing(chunk.number, count),
    }
    return Draft(person, sender, {"appointed_on": when}, columns, is_after_death=is_after)


def _weights(*values: float) -> Floats:
    return np.array(values, np.float64)


def objections(world: World, rng: np.random.Generator, entries: Entries) -> Draft:
    """Coded objections, under the number the person had when they were recorded."""
    order = rng.permutation(len(entries))
    person, count = entries.person[order], len(entries)
    codes = pool("objection_codes")
    place = entries.scheme[order] * 2 + ~entries.is_dissent[order]
    read = codes.texts("read_code")
    no_read = np.array([code == "" for code in read])[place]
    recorded = entries.recorded_on[order]
    columns = {
        "observation_id": record_guids(world, 0, count, series=5),
        "objection_code": pick(codes.texts("code"), place),
        "read_code": pick(read, place, missing=no_read),
        "term": pick(codes.texts("term"), place),
        **_processing(0, count),
    }
    return Draft(person, np.zeros(count, np.int64), {"recorded_on": recorded, "entered_on": recorded}, columns)
