"""What a hostile reader of the store and of the command line tried, and must not get away with."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

import people
from caldicott import bootstrap
from caldicott.operations.verify.control import State
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.evidence import Evidence
from caldicott.operations.verify.verifying import look_at
from caldicott.register import parse
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from stage import Stage, episode, example_register

CROWD = people.invented(5)[1:]


@pytest.fixture
def filled(tmp_path):
    stage = Stage(tmp_path / "stage", example_register())
    stage.send("ncdr-sus-apc", [episode(person, f"r{n}") for n, person in enumerate(CROWD)])
    stage.answer(CROWD)
    stage.land()
    stage.run()
    return stage


def _looked(stage, control):
    with stage.house() as house:
        return look_at(all_controls()[control], Evidence(house)).state


def _cook(stage, statement):
    catalogue = sqlite3.connect(stage.store / "catalogue.sqlite", isolation_level=None)
    catalogue.executescript(statement)
    catalogue.close()


COOKED = {
    "a delivery struck from the catalogue": (
        "every-act-recorded",
        "DELETE FROM outcome; DELETE FROM live_file WHERE owner LIKE '%s1%'; DELETE FROM submission WHERE id = 's1'",
    ),
    "another day of receipt": (
        "every-act-recorded", "UPDATE submission SET received = '2026-04-01' WHERE dataset = 'sus-apc'",
    ),
    "a run under another register": ("every-act-recorded", "UPDATE run SET register_digest = '0'"),
    "rows called replaced": (
        "opt-outs-counted", "UPDATE outcome SET superseded = superseded + 1, released = released - 1",
    ),
    "a mart that lies elsewhere": (
        "nothing-outside-the-zones",
        "UPDATE live_file SET path = '/dev/null' WHERE rowid = (SELECT min(rowid) FROM live_file WHERE kind = 'mart')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", COOKED)
def test_a_cooked_catalogue_is_found(filled, how):
    """The catalogue is an open file; what it says is held against the trail, which nobody can rewrite."""
    control, statement = COOKED[how]
    assert _looked(filled, control) is State.KEPT
    _cook(filled, statement)
    assert _looked(filled, control) is State.BROKEN


def test_a_mart_that_lost_rows_is_found(filled):
    """The rows of a mart are counted on the disk and held against the run."""
    import pyarrow.parquet as pq

    path = next((filled.store / "marts").rglob("sus-apc/**/*.parquet"))
    pq.write_table(pq.ParquetFile(path).read().slice(1), path)
    assert _looked(filled, "every-act-recorded") is State.BROKEN


def test_marts_of_a_use_that_ended_are_found(filled):
    """An activity that is no longer in use may have no marts left."""
    entries = [
        one.model_copy(update={"status": type(one.status)("retired")}) if one.id == "commissioning-planning" else one
        for one in filled.register.activities
    ]
    filled.register = filled.register.model_copy(update={"activities": tuple(entries)})
    assert _looked(filled, "not-in-use-refused") is State.BROKEN


def test_the_published_notice_may_lie_in_the_store(filled):
    """Publishing where `caldicott serve` looks breaks no promise; a strange file beside the trail does."""
    (filled.store / "public").mkdir()
    assert _looked(filled, "nothing-outside-the-zones") is State.KEPT
    (filled.store / "audit" / "notes.csv").write_text("who was it again")
    assert _looked(filled, "nothing-outside-the-zones") is State.BROKEN


def test_nothing_is_exported_into_the_store(filled):
    """There the sweep would remove it, after the trail said that it left."""
    with pytest.raises(WrongUsage) as refused:
        filled.export("commissioning_analyst", "store/marts/x")
    assert refused.value.code == "export-into-store"


def test_a_store_stays_its_controller_s(tmp_path, monkeypatch):
    """Another controller's register cannot open it, so neither its people nor its public site change hands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    leeds = parse.load(parse.resolve("leeds-2018", parse.bundled_roots()))
    with bootstrap.open_house(example_register(), tmp_path / "store", create=True):
        pass
    with pytest.raises(DoesNotHold) as refused, bootstrap.open_house(leeds, tmp_path / "store", create=True):
        pass
    assert refused.value.code == "store-of-another-controller"
    shutil.rmtree(tmp_path / "store")


def _command(*words, stdout):
    program = [sys.executable, "-c", "from caldicott.cli import main; main()", *words]
    return subprocess.run(program, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=300)


def test_a_reader_that_went_away_is_no_answer():
    """`| head` must not look like a promise that does not hold, and leaves no traceback."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = _command("version", stdout=gone)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_under_json_is_no_traceback():
    """Where the answer cannot be written, the exit code still tells."""
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device
        done = _command("register", "check", "example-icb", "--json", stdout=full)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
