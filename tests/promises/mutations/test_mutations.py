"""Each control is switched off in the program, and at least one promise test must fail: else it proves nothing."""

from __future__ import annotations

import os

import pytest

from promises.mutations.switches import EVERY_DAY, SWITCHES
from promises.mutations.trial import attempt

TRIED = tuple(SWITCHES) if os.environ.get("CALDICOTT_NIGHTLY") == "1" else EVERY_DAY


def test_there_are_at_least_thirty_controls():
    """The proof speaks of the whole program, not of a few places."""
    assert len(SWITCHES) >= 30
    assert set(EVERY_DAY) <= set(SWITCHES)


@pytest.mark.slow
@pytest.mark.parametrize("control", TRIED)
def test_a_control_that_is_off_is_noticed(control):
    """The promise tests that watch this control do not all pass without it."""
    trial = attempt(control)
    assert trial.noticed_by, trial.tail
