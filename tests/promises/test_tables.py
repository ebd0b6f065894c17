"""What was told is remembered, and no record leaves alone; a memory that was put back is noticed."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

import people
from caldicott.analytics.builder import built
from caldicott.analytics.question import question
from caldicott.engines.duckdb.extracts import Records
from caldicott.operations.extract import Request, extract
from caldicott.operations.indicators import analyse
from caldicott.operations.verify.control import State
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.evidence import Evidence
from caldicott.operations.verify.verifying import look_at
from caldicott.stores import ledger
from stage import Stage, episode


@pytest.fixture
def told(tmp_path, example_icb):
    """Thirty people in hospital; the public has a table of them, and an analyst two figures."""
    stage = Stage(tmp_path, example_icb)
    crowd = people.invented(31)[1:]
    stage.send("ncdr-sus-apc", [episode(one, f"r{n}", "2025-06-11") for n, one in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run()
    stage.export("public", "public")
    with stage.house() as house:
        for by in ("provider", "month"):
            analyse(house, question(built("sus-apc", "events"), [by], []))
    return stage


def looked(stage, control, *exports):
    with stage.house() as house:
        return look_at(all_controls()[control], Evidence(house, exports))


@pytest.mark.keeps("L2-004", "L2-008")
def test_every_count_that_left_is_remembered(told):
    """An export and two figures: three answers, each in the trail and in a sealed memory."""
    found = looked(told, "told-is-remembered")
    assert found.state is State.KEPT
    assert found.seen.startswith("3 answers")


@pytest.mark.keeps("L2-004")
def test_an_older_copy_of_the_memory_is_noticed(told):
    """Whoever puts back the memory of before the last answer makes the gate forget it; the trail does not."""
    longest = max((told.store / ledger.PLACE).iterdir(), key=lambda folder: len(list(folder.glob("0*.json"))))
    last = max(longest.glob("0*.json"))
    with told.house() as house:
        whole = [one.certificate for one in ledger.all_but(house.store, "", today=told.today)]
    last.unlink()
    assert looked(told, "told-is-remembered").state is State.BROKEN
    # With a head that fits the older copy the chain is whole again, and only the trail knows better.
    before = sorted(longest.glob("0*.json"))
    previous = next(one for one in whole if one == _hash(before[-1]))
    (longest / "head.json").write_text(json.dumps({"entries": len(before), "last": previous}))
    with told.house() as house:
        assert len(ledger.all_but(house.store, "", today=told.today)) == len(whole) - 1
    found = looked(told, "told-is-remembered")
    assert found.state is State.BROKEN
    assert "no longer in the memory" in found.seen


def _hash(path):
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.keeps("L2-004")
def test_a_memory_that_was_thrown_away_is_noticed(told):
    """Without any memory the next table would be judged as if nothing had ever been told."""
    shutil.rmtree(told.store / ledger.PLACE)
    assert looked(told, "told-is-remembered").state is State.BROKEN


@pytest.mark.keeps("L1-008")
def test_records_are_tried_and_those_at_hand_are_counted_again(told, tmp_path, monkeypatch):
    """An extract at hand with a record alone is found; so is a program that would let one leave."""
    table = tmp_path / "people.csv"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([("age", "ill"), *((f"{30 + n % 3}", "ab"[n % 2]) for n in range(30))])
    folder = tmp_path / "given"
    extract(Request(table, ("age",), "ill", folder))
    assert looked(told, "records-in-groups", folder).state is State.KEPT
    with (folder / "extract.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow(("97", "a"))
    assert looked(told, "records-in-groups", folder).state is State.BROKEN
    with monkeypatch.context() as off:
        off.setattr(Records, "identifiers", lambda *_: {})
        assert looked(told, "records-in-groups").state is State.BROKEN
