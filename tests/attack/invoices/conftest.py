"""The desk of the tests of invoices."""

import pytest

from integration.invoices.desk import Desk


@pytest.fixture
def desk(tmp_path, example_icb, home):
    """An empty finance desk."""
    return Desk(tmp_path, example_icb)
