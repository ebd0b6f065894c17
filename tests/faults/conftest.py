"""One machine and one set of scenes for all faults."""

import pytest

from faults.machine import Machine, can_trace
from faults.scenes import prepare


@pytest.fixture(scope="session")
def machine():
    """The program, warm, in forks."""
    started = Machine()
    yield started
    started.close()


@pytest.fixture(scope="session")
def traced():
    """Skips where the kernel lets nobody watch another's calls."""
    if reason := can_trace():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def scenes(machine, traced, tmp_path_factory):
    """Landing, running and exporting, each with the store before it and after it."""
    return prepare(machine, tmp_path_factory.mktemp("scenes"))
