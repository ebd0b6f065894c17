"""Hospital extracts without a stay: outpatient appointments and emergency attendances; what hospitals share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from caldicott.synth import events
from caldicott.synth.arrays import Floats, Ints, choose, scrambled
from caldicott.synth.pools import happens, pool
from caldicott.synth.rows import Draft
from caldicott.synth.texts import fixed_width, numerals, pick, pounds, repeated

if TYPE_CHECKING:
    from caldicott.synth.arrays import Bools, Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.world import World

_CONSULTANTS = 400


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
    return np.where(happens(rng, len(person), "other_trust"), ~is_west, is_west).astype(np.int64)


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


def priced(rng: np.random.Generator, price: Floats) -> Texts:
    return pounds(price * (0.9 + 0.2 * rng.random(len(price))))


_ATTENDED, _DID_NOT_ATTEND, _CANCELLED_BY_PATIENT, _CANCELLED_BY_PROVIDER = 0, 1, 2, 3


def op(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Appointments: 77 in a hundred attended, 6 not, 16 cancelled; two follow-ups and more to one first."""
    sender = home_trust(world, rng, chunk.person)
    sender = np.where(happens(rng, len(sender), "outpatient_at_independent"), 2, sender)
    person, _, sender = events.by_sender(rng, chunk, sender)
    count = len(person)
    when, is_after = events.happened_on(world, rng, person, weekdays=True)
    functions = pool("treatment_functions")
    function = choose(rng, functions.floats("weight"), count)
    is_first = happens(rng, count, "first_attendance")
    status = choose(rng, np.array([77.2, 6.2, 8.1, 8.1]), count)
    price = np.where(is_first, functions.floats("first_price")[function], functions.floats("follow_up_price")[function])
    referred = np.maximum(when - 7 - rng.geometric(0.012, count), world.persons.born_on[person])
    condition, has_none = comorbidities(world, person, 1)[0]
    has_procedure = (status == _ATTENDED) & happens(rng, count, "outpatient_procedure")
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
    is_admitted = happens(rng, count, "attendance_admitted")
    arrival = choose(rng, np.array([7.0, 3]), count)
    hrg = choose(rng, np.array([4.0, 3, 2, 1]), count)
    tariff = np.array([92.0, 148, 236, 410])[hrg]
    columns = {
        "record_id": record_ids(chunk.number, count, series=3),
        "attendance_id": references(rng, count, "EC"),
        "update_type": repeated("9", count),
        "site": pick(("RZ101", "RZ201"), sender),
        "department_type": pick(("01", "03"), happens(rng, count, "minor_unit").astype(np.int64)),
        "attendance_category": pick(("1", "2"), happens(rng, count, "planned_follow_up").astype(np.int64)),
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
        "cost": priced(rng, tariff),
    }
    return Draft(person, sender, {"arrived_on": when, "departed_on": left}, columns, is_after_death=is_after)
