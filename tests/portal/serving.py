"""`caldicott serve` as a program of its own, on a store that knows its register and nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caldicott.stores.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_PATIENCE = 30


def store_of(register: Path | str, folder: Path) -> Path:
    """A store with nothing in it."""
    folder.mkdir(parents=True)
    catalogue = Catalogue(folder / "catalogue.sqlite")
    catalogue.set_setting("register", str(register))
    catalogue.close()
    return folder


def command(*words: object) -> list[str]:
    return [sys.executable, "-c", "from caldicott.cli import main; main()", "serve", *map(str, words)]


def environment(home: Path) -> dict[str, str]:
    """A home of the test's own: the secret key is made there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALDICOTT_", "XDG_"))}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


@contextmanager
def served(store: Path, home: Path, *words: object) -> Iterator[str]:
    """The address of a portal that runs for the time of a test."""
    with subprocess.Popen(
        command("--store", store, "--port", 0, *words),
        env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as program:  # fmt: skip
        try:
            yield _address(program)
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(_PATIENCE)


def _address(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    said = program.stdout.readline()
    found = _ADDRESS.search(said)
    assert found, f"the portal said: {said}"
    return found[0]
