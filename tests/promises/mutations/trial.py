"""Runs the promise tests that should notice, in a process of their own with one control off."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from promises.mutations.switches import SWITCHES

PROMISES = Path(__file__).resolve().parents[1]
ROOT = PROMISES.parents[1]
_OUTCOME = re.compile(r"^(FAILED|ERROR) (\S+?)(?: - .*)?$", re.MULTILINE)
_PASSED = re.compile(r"(\d+) passed")


@dataclass(frozen=True)
class Trial:
    """What came of switching one control off."""

    control: str
    noticed_by: tuple[str, ...]
    """Tests that failed."""
    errors: tuple[str, ...]
    """Tests that could not even be set up: the program stopped by itself."""
    passed: int
    tail: str

    @property
    def by_verify(self) -> bool:
        """Whether `verify` itself noticed, by its own look at the store."""
        return any("test_verify_" in name for name in self.noticed_by)

    @property
    def own(self) -> tuple[str, ...]:
        """The tests that failed apart from those that only ask `verify`."""
        return tuple(name for name in self.noticed_by if "test_verify_" not in name)


def attempt(control: str) -> Trial:
    """The tests that should notice, with the control off."""
    tests = [str(PROMISES / name) for name in SWITCHES[control].tests]
    environ = {**os.environ, "CALDICOTT_CONTROL_OFF": control, "PYTHONPATH": str(PROMISES.parent)}
    command = [sys.executable, "-m", "pytest", "-p", "promises.mutations.plugin", "--tb=no", "-rfE", *tests]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600, check=False)
    found = _OUTCOME.findall(done.stdout)
    passed = _PASSED.search(done.stdout)
    return Trial(
        control,
        tuple(_short(name) for kind, name in found if kind == "FAILED"),
        tuple(_short(name) for kind, name in found if kind == "ERROR"),
        int(passed.group(1)) if passed else 0,
        (done.stdout + done.stderr)[-600:],
    )


def _short(node: str) -> str:
    return node.rpartition("/")[2].partition("[")[0]
