"""Extracts from everyone else: community, mental health, out of hours, urgent care, the council."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from caldicott.synth import events
from caldicott.synth.arrays import NO_DAY, choose
from caldicott.synth.hospital import record_ids, references
from caldicott.synth.pools import happens, pool
from caldicott.synth.rows import Draft
from caldicott.synth.texts import numerals, pick, pounds, repeated

if TYPE_CHECKING:
    from caldicott.synth.arrays import Bools, Ints, Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.world import World

_EVENT_KINDS = ("Request", "Assessment", "Service", "Review")


def _even(rng: np.random.Generator, count: int, *values: str) -> Texts:
    return pick(values, rng.integers(0, len(values), count))


def _who_and_when(world: World, rng: np.random.Generator, chunk: Chunk, *, weekdays: bool) -> tuple[Ints, Ints, Bools]:
    person, _, _ = events.by_sender(rng, chunk, np.zeros(len(chunk.person), np.int64))
    when, is_after = events.happened_on(world, rng, person, weekdays=weekdays)
    return person, when, is_after


def _care_contact(rng: np.random.Generator, chunk: Chunk, count: int, *, series: int) -> dict[str, Texts]:
    return {
        "contact_row_id": record_ids(chunk.number, count, series=series),
        "submission_no": numerals(np.full(count, 9_400 + series)),
        "contact_id": references(rng, count, "CC"),
        "referral_id": references(rng, count, "SR"),
        "consultation_type": _even(rng, count, "01", "02", "03"),
        "consultation_mechanism": _even(rng, count, "01", "01", "02", "04"),
        "location_type": _even(rng, count, "A01", "B01", "C01", "E04"),
        "attendance_status": pick(("5", "7", "2", "4"), choose(rng, np.array([85.0, 6, 5, 4]), count)),
        "contact_minutes": numerals(rng.integers(5, 91, count)),
    }


def community(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Care contacts of community teams."""
    person, when, is_after = _who_and_when(world, rng, chunk, weekdays=True)
    columns = _care_contact(rng, chunk, len(person), series=4)
    columns["team_type"] = _even(rng, len(person), "12", "16", "27", "32", "48")
    return _draft(person, {"contacted_on": when}, columns, is_after)


def mental_health(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Care contacts of mental health teams."""
    person, when, is_after = _who_and_when(world, rng, chunk, weekdays=True)
    columns = _care_contact(rng, chunk, len(person), series=5)
    columns["service"] = _even(rng, len(person), "A06", "A08", "B02", "C02")
    return _draft(person, {"contacted_on": when}, columns, is_after)


def out_of_hours(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Contacts with NHS 111 and the GP out of hours service."""
    person, when, is_after = _who_and_when(world, rng, chunk, weekdays=False)
    count = len(person)
    columns = {
        "contact_id": record_ids(chunk.number, count, series=6),
        "contact_mode": pick(
            ("Telephone", "Online", "Base visit", "Home visit"), choose(rng, np.array([7.0, 1, 1, 1]), count)
        ),
        "symptom_group": _even(rng, count, "1001", "1011", "1023", "1038", "1184"),
        "disposition": _even(
            rng, count, "Self care", "GP in hours", "Emergency department", "Ambulance", "GP out of hours"
        ),
        "priority": _even(rng, count, "Urgent", "Routine", "Emergency"),
        "contact_minutes": numerals(rng.integers(2, 41, count)),
        "presenting_notes": _even(
            rng, count, "Cough for three days", "Fall at home", "Rash, child well", "Ran out of tablets"
        ),
        "cost": pounds(18 + 42 * rng.random(count)),
    }
    return _draft(person, {"contacted_on": when}, columns, is_after)


def urgent_care(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Attendances at urgent treatment centres."""
    person, when, is_after = _who_and_when(world, rng, chunk, weekdays=False)
    count = len(person)
    complaints = pool("complaints")
    complaint = choose(rng, complaints.floats("weight"), count)
    columns = {
        "contact_id": record_ids(chunk.number, count, series=7),
        "arrival_mode": _even(rng, count, "Walk in", "Booked by 111"),
        "chief_complaint": pick(complaints.texts("snomed"), complaint),
        "diagnosis_1": pick(complaints.texts("snomed"), complaint),
        "discharge_status": _even(rng, count, "Discharged", "Referred to GP", "Sent to emergency department"),
        "minutes_in_department": numerals(rng.integers(10, 300, count)),
        "presenting_notes": _even(rng, count, "Twisted ankle", "Cut to hand, cleaned", "Sore throat", "Insect bite"),
        "cost": pounds(60 + 50 * rng.random(count)),
    }
    return _draft(person, {"contacted_on": when}, columns, is_after)


def social_care(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """Requests, assessments, services and reviews of adults, with their costs."""
    person, when, is_after = _who_and_when(world, rng, chunk, weekdays=True)
    count = len(person)
    kind = choose(rng, np.array([3.0, 2, 4, 1]), count)
    is_service = kind == _EVENT_KINDS.index("Service")
    still_open = is_service & (happens(rng, count, "service_still_open"))
    ended = np.minimum(when + rng.integers(0, 200, count), world.period.last)
    days = {
        "started_on": when,
        "ended_on": np.where(still_open, NO_DAY, np.maximum(when, ended)),
        "reporting_period_from": np.full(count, world.period.first),
        "reporting_period_to": np.full(count, world.period.last),
    }
    weekly = np.array([35.0, 210, 680, 920])[rng.integers(0, 4, count)] * (0.9 + 0.2 * rng.random(count))
    columns = {
        "event_reference": record_ids(chunk.number, count, series=8),
        "client_type": repeated("Service User", count),
        "support_reason": _even(
            rng, count, "Physical Support", "Memory and Cognition", "Learning Disability", "Mental Health"
        ),
        "accommodation": _even(
            rng, count, "Owner occupier", "Tenant", "Registered care home", "Supported accommodation"
        ),
        "has_unpaid_carer": _even(rng, count, "Yes", "No", "Unknown"),
        "funding_status": _even(rng, count, "LA funded", "Part funded", "Self funded"),
        "event_type": pick(_EVENT_KINDS, kind),
        "event_description": _even(
            rng, count, "Contact from family", "Planned review", "Hospital discharge", "Carer asks for help"
        ),
        "event_outcome": _even(rng, count, "Progress to assessment", "No further action", "Service continues"),
        "service_type": _even(
            rng, count, "Long Term Support: Community", "Long Term Support: Residential", "Short Term Support"
        ),
        "service_component": _even(rng, count, "Home Support", "Day Support", "Residential Care", "Direct Payment"),
        "delivery_mechanism": _even(rng, count, "CASSR managed", "Direct payment only"),
        "cost": pounds(np.where(is_service, weekly, 0.0)),
        "cost_frequency": repeated("Weekly", count),
        "planned_units": numerals(rng.integers(1, 29, count), missing=~is_service),
    }
    return _draft(person, days, columns, is_after)


def _draft(person: Ints, days: dict[str, Ints], columns: dict[str, Texts], is_after: Bools) -> Draft:
    return Draft(person, np.zeros(len(person), np.int64), days, columns, is_after_death=is_after)
