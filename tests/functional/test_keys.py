"""The keys of a store from the command line: listed without a key, wrapped anew without touching a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import people
from stage import Stage, episode, example_register


@pytest.fixture
def stage(tmp_path):
    """A store with one landed submission."""
    made = Stage(tmp_path, example_register())
    made.land(made.send("ncdr-sus-apc", [episode(people.invented(1)[0], "E1")]))
    return made


def keys(stage, *words, **environ):
    place = {"PATH": os.environ["PATH"], "HOME": str(stage.root / "home"), **environ}
    return subprocess.run(
        [str(Path(sys.executable).parent / "caldicott"), "keys", *words, "--store", str(stage.store)],
        env=place, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_each_key_says_what_it_is_for_and_nothing_of_itself(stage):
    """The officer sees which rows hang on which key."""
    told = json.loads(keys(stage, "list", "--json").stdout)["keys"]
    landed = [key for key in told if key["for"].startswith("clear/sus-apc/")]
    assert [(key["files"] > 0, key["destroyed"]) for key in landed] == [(True, None)]
    assert all(set(key) == {"id", "for", "since", "files", "destroyed"} for key in told)


def test_a_new_key_opens_everything_and_the_old_one_nothing(stage, tmp_path):
    """Rows stay as they are, byte for byte; the change is in the trail with both keys' ids."""
    before = stage.files()
    new = tmp_path / "elsewhere" / "new.key"
    new.parent.mkdir()
    done = keys(stage, "rewrap", "--to-key-file", str(new))
    assert done.returncode == 0, done.stderr
    assert stage.files() == before
    assert keys(stage, "list", CALDICOTT_KEY_FILE=str(new)).returncode == 0
    refused = keys(stage, "list")
    assert (refused.returncode, "wrong-key" in refused.stderr) == (1, True)
    trail = [entry for entry in stage.entries() if entry.event.startswith("key-change")]
    assert [entry.event for entry in trail] == ["key-change-begun", "key-changed"]
    assert len({reference for entry in trail for reference in entry.references}) == 2


def test_a_key_in_the_store_is_refused(stage):
    """It would lock nothing, and nothing is changed."""
    refused = keys(stage, "rewrap", "--to-key-file", str(stage.store / "new.key"))
    assert (refused.returncode, "key-file-in-store" in refused.stderr) == (2, True)
    assert keys(stage, "list").returncode == 0
