"""A pytest plugin that switches one control off before any test is read: CALDICOTT_CONTROL_OFF names it."""

from __future__ import annotations

import os

import pytest

from promises.mutations.switches import SWITCHES


def pytest_configure(config):
    """Off for the whole run, so that fixtures too are made without the control."""
    patch = pytest.MonkeyPatch()
    SWITCHES[os.environ["CALDICOTT_CONTROL_OFF"]].off(patch)
    config.add_cleanup(patch.undo)
