"""The end of a data key from the command line: seen first, asked for by name, proven, and told by everybody after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import people
from caldicott.stores.key_records import read_certificate
from stage import PLANNING, Stage, episode, example_register

NAME = "sus-apc/commissioning-planning+risk-stratification/2025-04-01..2026-03-31"
OFFICER = ("--role", "ig_officer", "--reason", "time is over")


@pytest.fixture
def stage(tmp_path):
    """Hospital rows of two datasets, run; the folders that were sent stay beside the store."""
    made = Stage(tmp_path, example_register())
    one, other = people.invented(2)
    made.land(
        made.send("ncdr-sus-apc", [episode(one, "A"), episode(other, "B"), episode(one, "", NHS_Number="1")]),
        made.send("emis-patients", [people.patient(one, "P1")]),
        made.answer([one, other]),
    )
    made.run()
    return made


def command(stage, *words, **environ):
    place = {"PATH": os.environ["PATH"], "HOME": str(stage.root / "home"), "CALDICOTT_ACTOR": "officer-1", **environ}
    return subprocess.run(
        [str(Path(sys.executable).parent / "caldicott"), *words, "--store", str(stage.store)],
        env=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def destroy(stage, *words):
    return command(stage, "keys", "destroy", NAME, "--register", "example-icb", *OFFICER, *words)


def test_looking_first_changes_nothing_and_tells_what_would_be_lost(stage):
    """The officer sees submissions, files, months and what stays in the marts, before anything is done."""
    before = stage.files()
    told = json.loads(destroy(stage, "--dry-run", "--json").stdout)
    assert told["refused"] == ""
    seen = told["would_destroy"]
    assert [(one["id"], one["rows"]) for one in seen["submissions"]] == [("s1", 3)]
    assert (len(seen["keys"]), seen["months"], seen["rows_in_marts"]) == (2, ["2025-06"], {PLANNING: 2})
    assert (seen["files"], seen["bytes"] > 0, seen["against"]) == (2, True, [])
    assert stage.files() == before


@pytest.mark.parametrize(
    ("words", "code"), [((), "destroy-not-confirmed"), (("--yes-destroy", "yes"), "destroy-not-confirmed")]
)
def test_without_the_name_nothing_is_destroyed(stage, words, code):
    """A slip of the hand, or a script that says yes to everything, is not enough."""
    refused = destroy(stage, *words)
    assert (refused.returncode, code in refused.stderr) == (2, True)
    assert stage.account("s1")["rows"] == 3


def test_only_the_role_of_the_register_may(stage):
    """An analyst is refused, with the role that may; the refusal is in the trail and the rows stay."""
    refused = command(
        stage, "keys", "destroy", NAME, "--register", "example-icb", "--role", "commissioning_analyst",
        "--yes-destroy", NAME,
    )  # fmt: skip
    assert (refused.returncode, "ig_officer" in refused.stderr) == (3, True)
    assert any("destroy-not-named" in entry.reasons for entry in stage.entries())
    assert stage.account("s1")["rows"] == 3


def test_destroyed_is_proven_and_told_by_everyone(stage, tmp_path):
    """A certificate a key; the rows cannot be read from a copy either; status, run and land say so and do not fail."""
    copy = tmp_path / "copy-of-the-files"
    shutil.copytree(stage.store / "clear", copy)
    keys = json.loads(destroy(stage, "--dry-run", "--json").stdout)["would_destroy"]["keys"]
    done = destroy(stage, "--yes-destroy", NAME, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["now"], [one["key"] for one in told["certificates"]]) == (True, keys)
    with stage.house() as house:
        public, trail = house.store.keys.public_key(created=stage.today), house.store.audit
        for key in keys:
            one = read_certificate(stage.store / "keys" / f"{key}.destroyed.json")
            assert one.is_genuine(public)
            assert (one.by, one.reason) == ("officer-1, ig_officer", "time is over")
            size = int(one.checkpoint.split()[0])
            acts = [e for e in trail.entries(0, size) if e.event == "key-destroyed"]
            assert [set(keys) <= set(e.references) for e in acts] == [True]
        assert not set(keys) & set(house.store.keys.ids())
    shutil.copytree(copy, stage.store / "clear", dirs_exist_ok=True)
    account = stage.status()
    assert [(one["id"], one["rows"], one["still_in_marts_of"]) for one in account["destroyed"]] == [
        ("s1", 3, [PLANNING])
    ]
    assert "s1" not in {one["id"] for one in account["submissions"]}
    assert account["balanced"]
    shown = command(stage, "status", "--register", "example-icb")
    assert "s1 of RZ1 (sus-apc, 3 rows) can no longer be read" in " ".join(shown.stdout.split())
    ran = command(stage, "run", "example-icb", "--activity", PLANNING)
    assert (ran.returncode, "without s1: its key was destroyed" in " ".join(ran.stdout.split())) == (0, True)
    assert stage.mart("sus-apc") == []
    assert stage.status()["destroyed"][0]["still_in_marts_of"] == []
    again = command(stage, "land", "example-icb", "--from", str(stage.inbox / "s1"))
    assert (again.returncode, "submission-destroyed" in " ".join(again.stdout.split())) == (1, True)
    for told in (shown, ran, again):
        assert "Traceback" not in told.stdout + told.stderr


def test_what_is_sent_again_under_another_name_does_not_land_under_the_old_key(stage):
    """The same dataset, purposes and period were ended on purpose: nothing lands there by itself."""
    destroy(stage, "--yes-destroy", NAME)
    landed = stage.land(stage.send("ncdr-sus-apc", [episode(people.invented(1)[0], "C")]))
    assert [one.fault.code for one in landed] == ["key-destroyed"]


def test_asked_again_it_says_that_it_is_done(stage):
    """The second call changes nothing, needs no name, and shows the same certificates."""
    first = json.loads(destroy(stage, "--yes-destroy", NAME, "--json").stdout)
    entries = len(stage.entries())
    second = destroy(stage, "--json")
    assert second.returncode == 0
    assert json.loads(second.stdout) == {**first, "now": False}
    assert len(stage.entries()) == entries
    assert "destroyed already" in destroy(stage).stdout


def test_a_name_that_nothing_has_is_told_with_those_that_are(stage):
    """Keys of the person index, the vault or the trail are not ended by this command."""
    for name in ("persons/index", "ring/certificates", "sus-apc", "sus-op/x/2025"):
        refused = command(stage, "keys", "destroy", name, "--register", "example-icb", *OFFICER)
        assert (refused.returncode, "key-scope-unknown" in refused.stderr, NAME in "".join(refused.stderr.split())) == (
            2, True, True,
        )  # fmt: skip
