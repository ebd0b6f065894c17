"""National extracts: the spine's persons and merged numbers, and the answer to the opt-out check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from caldicott.synth import events, identity, numbers
from caldicott.synth.arrays import NO_DAY, day, generator
from caldicott.synth.hospital import record_ids
from caldicott.synth.rows import Draft
from caldicott.synth.texts import pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.synth.arrays import Ints
    from caldicott.synth.events import Chunk
    from caldicott.synth.objections import NationalOptOut
    from caldicott.synth.world import World

FIRST_ON_SPINE = day(2004, 1, 1)
MESH_FILE = "X26ABC1-010526-001"
"""Mailbox, day of the request and a sequence number."""


def everyone(world: World) -> Iterator[Chunk]:
    """All persons once, in no order."""
    return events.snapshot(world, np.arange(len(world.persons)), "pds")


def persons(world: World, rng: np.random.Generator, chunk: Chunk) -> Draft:
    """One row for every current number."""
    del rng
    person = chunk.person
    held, count = world.persons, len(person)
    since = np.maximum(held.born_on[person], FIRST_ON_SPINE)
    died = held.died_on[person]
    has_left = held.is_ghost[person] & (died == NO_DAY)
    moved = held.moved_on[person]
    days = {
        "effective_from": since,
        "died_on": died,
        "registered_on": np.where(moved == NO_DAY, held.registered_on[person], moved),
    }
    columns = {
        "row_id": record_ids(chunk.number, count, series=9),
        "family_name": identity.family_names(held.family_name[person]),
        "given_name": identity.given_names(held.given_name[person]),
        "death_status": pick(("2",), np.zeros(count, np.int64), missing=died == NO_DAY),
        "usual_address": identity.addresses(world, person),
        "postcode": pick(world.places.postcodes, held.postcode[person]),
        "lsoa": pick(world.places.lsoa_codes, world.area_of(person)),
        "removal_reason": pick(("SCT",), np.zeros(count, np.int64), missing=~has_left),
    }
    return Draft(person, np.zeros(count, np.int64), days, columns, practice=held.practice[person])


def mergers(world: World, rng: np.random.Generator) -> Draft:
    """One row for every superseded number."""
    person = rng.permutation(np.flatnonzero(world.persons.superseded))
    count = len(person)
    columns = {
        "row_id": record_ids(0, count, series=10),
        "superseded_nhs_number": numbers.plain(world.persons.superseded[person]),
    }
    days = {"merged_on": world.persons.merged_on[person], "merger_ended_on": np.full(count, NO_DAY)}
    return Draft(person, np.zeros(count, np.int64), days, columns)


def opt_out_request(world: World) -> Ints:
    """Every number in use, current and superseded, in no order."""
    held = world.persons
    everyone = np.concatenate([held.number, held.superseded[held.superseded > 0]])
    return generator(world.seed, "ndop-request").permutation(everyone)


def opt_out_answer(world: World, national: NationalOptOut, request: Ints) -> Ints:
    """The numbers of the request whose holder has not opted out, in the order of the request."""
    held = world.persons
    opted = held.number[national.has_opted_out]
    opted_before = held.superseded[national.has_opted_out & (held.superseded > 0)]
    return request[~np.isin(request, np.concatenate([opted, opted_before]))]


def mesh_lines(some: Ints) -> bytes:
    """One number, a comma and a line feed a line."""
    count = len(some)
    letters = np.full((count, 12), ord("\n"), np.uint8)
    letters[:, :10] = some[:, None] // 10 ** np.arange(9, -1, -1) % 10 + ord("0")
    letters[:, 10] = ord(",")
    return letters.tobytes()
