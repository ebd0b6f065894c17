"""The fixtures that every pipeline test shares: an invented ICB on a temporary store, with a home of its own."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from browsing import browser, page
from stage import Stage, example_register

__all__ = ["browser", "page"]

# The same code meets the same examples, so that a red run can be run again; by night others are looked for.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("other", deadline=None)
settings.load_profile("other" if os.environ.get("CALDICOTT_NIGHTLY") else "same")


@pytest.fixture(scope="session")
def example_icb():
    """The invented ICB's register, read once."""
    return example_register()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of the test's own, so that no key file is looked for or made anywhere else."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "CALDICOTT_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def house(tmp_path, example_icb):
    """A stage: senders' folders and an empty store, on a day the test may change."""
    return Stage(tmp_path, example_icb)
