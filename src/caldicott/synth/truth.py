"""OUT/truth/: who is who and who objects. What is wrong with which row is written beside the extracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import identity, numbers, objections
from caldicott.synth.extracts import iso_days, person_ids, truth_file
from caldicott.synth.texts import pick

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.synth.arrays import Ints, Texts
    from caldicott.synth.objections import Entries, NationalOptOut
    from caldicott.synth.world import World

_CHUNK = 250_000
PEOPLE = (
    "person",
    "nhs_number",
    "superseded_nhs_number",
    "merged_on",
    "given_name",
    "middle_names",
    "family_name",
    "sex",
    "birth_date",
    "died_on",
    "ethnic_category",
    "postcode",
    "lsoa",
    "deprivation_tenth",
    "practice",
    "earlier_practice",
    "moved_on",
    "household",
    "twin_of",
    "is_list_inflation",
    "conditions",
)
OBJECTIONS = ("person", "nhs_number", "scheme", "state", "date", "in_force_2026_05_01")
PERSONS_OBJECTING = ("person", "nhs_number", "scheme")


def write_people(folder: Path, world: World) -> None:
    """people.csv, one row a person."""
    append = truth_file(folder, "people", PEOPLE)
    for low in range(0, len(world.persons), _CHUNK):
        append(_people(world, np.arange(low, min(low + _CHUNK, len(world.persons)))))


def _people(world: World, person: Ints) -> Texts:
    held, places = world.persons, world.places
    before, moved = held.superseded[person], held.moved_on[person]
    has_moved = moved >= world.period.first
    twin = held.twin_of[person]
    columns = [
        person_ids(person),
        numbers.plain(held.number[person]),
        pa.array(before, mask=before == 0).cast(pa.string()),
        iso_days(held.merged_on[person]),
        identity.given_names(held.given_name[person]),
        identity.given_names(held.middle_name[person]),
        identity.family_names(held.family_name[person]),
        pa.array(held.sex[person]),
        iso_days(held.born_on[person]),
        iso_days(held.died_on[person]),
        identity.ethnic_categories(world, person),
        pick(places.postcodes, held.postcode[person]),
        pick(places.lsoa_codes, world.area_of(person)),
        pa.array(places.deprivation_tenth[world.area_of(person)]),
        pick(places.practice_codes, held.practice[person]),
        pick(places.practice_codes, held.earlier_practice[person], missing=~has_moved),
        iso_days(moved),
        pa.array(held.household[person]),
        _person_or_null(twin),
        pa.array(held.is_ghost[person]).cast(pa.string()),
        pa.array(np.bitwise_count(held.conditions[person]).astype(np.int64)),
    ]
    return pa.table(columns, names=list(PEOPLE))


def _person_or_null(person: Ints) -> Texts:
    return person_ids(person.clip(0)).take(pa.array(np.arange(len(person)), mask=person < 0))


def write_objections(folder: Path, world: World, entries: Entries, national: NationalOptOut) -> None:
    """objections.csv, every entry with what holds on 1 May 2026; persons_objecting.csv, what holds alone."""
    append = truth_file(folder, "objections", OBJECTIONS)
    opted = np.flatnonzero(national.has_opted_out)
    append(_entries(world, entries))
    append(_entries(world, _as_entries(opted, national.since[opted])))
    append = truth_file(folder, "persons_objecting", PERSONS_OBJECTING)
    for place, scheme in enumerate(_all_schemes()):
        person = opted if scheme == "ndop" else _holding(entries, scheme)
        columns = [person_ids(person), _numbers(world, person), pick(_all_schemes(), np.full(len(person), place))]
        append(pa.table(columns, names=list(PERSONS_OBJECTING)))


def _all_schemes() -> tuple[str, ...]:
    return (*objections.schemes(), "ndop")


def _as_entries(person: Ints, since: Ints) -> Entries:
    """National opt-outs in the form of coded entries, though no GP system holds them."""
    yes = np.ones(len(person), np.bool_)
    return objections.Entries(person, np.full(len(person), len(objections.schemes())), yes, since, yes)


def _entries(world: World, entries: Entries) -> Texts:
    columns = [
        person_ids(entries.person),
        _numbers(world, entries.person),
        pick(_all_schemes(), entries.scheme),
        pick(("withdrawn", "dissent"), entries.is_dissent.astype(np.int64)),
        iso_days(entries.recorded_on),
        pa.array(entries.is_in_force).cast(pa.string()),
    ]
    return pa.table(columns, names=list(OBJECTIONS))


def _holding(entries: Entries, scheme: str) -> Ints:
    is_held = entries.is_in_force & (entries.scheme == objections.schemes().index(scheme))
    return np.unique(entries.person[is_held])


def _numbers(world: World, person: Ints) -> Texts:
    return numbers.plain(world.persons.number[person])
