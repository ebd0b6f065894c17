"""`caldicott status --verify` as the officer runs it: exit code 1 and the month's name when a mart was changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import people
from stage import PLANNING, Stage, episode, example_register


def status(stage, *words):
    place = {"PATH": os.environ["PATH"], "HOME": str(stage.root / "home")}
    return subprocess.run(
        [str(Path(sys.executable).parent / "caldicott"), "status", "--store", str(stage.store), "--register",
         "example-icb", *words],
        env=place, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_changed_month_is_named_with_exit_code_one(tmp_path):
    """Untouched: each still what its run wrote, 0. Changed: dataset, month and next step, 1, and the same in JSON."""
    stage = Stage(tmp_path, example_register())
    one = people.invented(1)[0]
    stage.land(stage.send("ncdr-sus-apc", [episode(one, "A")]), stage.answer([one]))
    stage.run()
    sound = status(stage, "--verify")
    assert (sound.returncode, "each still what its run wrote" in sound.stdout) == (0, True)
    with stage.house() as house:
        file = next(f for f in house.store.catalogue.files("mart", PLANNING) if f.part == "sus-apc/2025-06")
    (stage.store / file.path).write_bytes(b"PAR1")
    told = status(stage, "--verify")
    words = " ".join(told.stdout.split())
    assert (told.returncode, "sus-apc, 2025-06, of commissioning-planning" in words) == (1, True)
    found = json.loads(status(stage, "--verify", "--json").stdout)["marts"]
    assert [(entry["activity"], entry["part"]) for entry in found["changed"]] == [(PLANNING, "sus-apc/2025-06")]
    assert status(stage).returncode == 0
