"""What the promise tests share: one town, made once, and what `verify` says of it."""

from __future__ import annotations

import pytest

from promises.town import build
from stage import Stage


@pytest.fixture(scope="session")
def town(tmp_path_factory, example_icb):
    """Twenty invented people, landed, run and exported. Tests only look at it."""
    return build(Stage(tmp_path_factory.mktemp("town"), example_icb))


@pytest.fixture(scope="session")
def report(town):
    """What `verify` says of the town."""
    return town.verified()
