"""Counts leave a store only through the gate: proved against every earlier release, remembered, and sealed."""

from __future__ import annotations

import csv
import json
from hashlib import sha256

import pytest

import people
from caldicott.operations import protect_release
from caldicott.stores import ledger
from caldicott.vocabulary.errors import DoesNotHold, Refused
from stage import TODAY, Stage, episode

JUNE, JULY, AUGUST = "2025-06", "2025-07", "2025-08"
FIRST = {JUNE: 13, JULY: 30, AUGUST: 4}


def _send(stage, met, name, extracted):
    crowd = people.invented(41)[1:]
    rows = [
        episode(person, f"{month}-{place}", f"{month}-11")
        for month, number in met.items()
        for place, person in enumerate(crowd[:number])
    ]
    stage.send("ncdr-sus-apc", rows, name=name, extracted=extracted)
    stage.answer(crowd, name=f"answer-{name}")
    stage.land()
    stage.run()


@pytest.fixture
def stage(tmp_path, example_icb):
    """Three months of hospital care, run once."""
    stage = Stage(tmp_path, example_icb)
    _send(stage, FIRST, "first", "2026-05-01T06:00:00")
    return stage


def _table(stage, to):
    with (stage.root / to / "commissioning-mart.csv").open() as stream:
        return {row["month"]: row["persons"] for row in csv.DictReader(stream)}


def test_asked_again_the_same_bytes_leave(stage):
    """The same counts asked for by the same or another role are the stored answer, byte for byte."""
    for to, role in (("one", "public"), ("two", "public"), ("three", "ig_officer")):
        stage.export(role, to)
    texts = {(stage.root / to / "commissioning-mart.csv").read_bytes() for to in ("one", "two", "three")}
    assert len(texts) == 1
    receipts = [json.loads((stage.root / to / "receipt.json").read_text()) for to in ("one", "two")]
    assert receipts[0]["certificate"] == receipts[1]["certificate"] != ""


def test_the_memory_is_sealed(stage):
    """The ledger holds true counts, and no byte of them can be read without the store's key."""
    stage.export("public", "one")
    entries = sorted((stage.store / ledger.PLACE).rglob("0*.json"))
    assert len(entries) == 1
    content = entries[0].read_bytes()
    assert not any(word in content for word in (b"month", b"people", b"count", JUNE.encode()))
    with stage.house() as house, ledger.held_in(house.store, protect_release.EVERYBODY, today=TODAY) as memory:
        kept = memory.releases()[0]
    rows = {row.values[0]: row for row in kept.tables[0].rows}
    assert {month: row.count for month, row in rows.items()} == FIRST


def test_a_ledger_that_was_tampered_with_stops_every_release(stage):
    """One flipped byte, or an entry put in another's place: nothing more leaves, and no file is written."""
    stage.export("public", "one")
    entry = next((stage.store / ledger.PLACE).rglob("000001.json"))
    content = bytearray(entry.read_bytes())
    content[40] ^= 1
    entry.write_bytes(content)
    with pytest.raises(DoesNotHold) as fault:
        stage.export("public", "two")
    assert fault.value.code == "ledger-broken"
    assert not (stage.root / "two").exists()


def test_every_release_is_in_the_trail_with_its_certificate(stage):
    """The trail names the entry of the ledger by hash, and how many cells were withheld; never a count of people."""
    done = stage.export("public", "one")
    entry = next(found for found in stage.entries() if found.event == "gate")
    assert done.certificate in entry.references
    assert dict(entry.counts) == {"cells": 3, "primary": 1, "secondary": 0}
    lying = next((stage.store / ledger.PLACE).rglob("000001.json"))
    assert sha256(lying.read_bytes()).hexdigest() == done.certificate


@pytest.mark.parametrize("late", [1, 2, 4, 7])
def test_late_records_cannot_be_told_by_subtraction(stage, late):
    """A month is told twice, the second time with a few late people: who came late is not known within two."""
    stage.export("public", "before")
    _send(stage, {**FIRST, JUNE: FIRST[JUNE] + late}, "second", "2026-05-02T06:00:00")
    stage.export("public", "after")
    before, after = _table(stage, "before"), _table(stage, "after")
    least, most = 0, 10_000
    if before[JUNE] != "*" and after[JUNE] != "*":
        low = [max(int(found) - 2, 8) for found in (before[JUNE], after[JUNE])]
        high = [int(found) + 2 for found in (before[JUNE], after[JUNE])]
        least, most = max(0, low[1] - high[0]), high[1] - low[0]
    assert least <= late <= most
    assert most - least >= 4


def test_a_refusal_writes_nothing_and_is_in_the_trail(stage, monkeypatch):
    """Where no form can be proved safe nothing leaves, and the trail says so with its code."""

    def never(*_args, **_kwargs):
        raise Refused("Nothing.", code="not-proved-safe", next_step="ask for less")

    monkeypatch.setattr(protect_release, "judged", never)
    with pytest.raises(Refused):
        stage.export("public", "no")
    assert not (stage.root / "no").exists()
    failed = [entry for entry in stage.entries() if entry.event == "gate" and entry.outcome == "failed"]
    assert [entry.reasons for entry in failed] == [("not-proved-safe",)]
