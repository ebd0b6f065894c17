"""The decision tables in the repository are those the register gives today."""

from __future__ import annotations

import pytest
from tests.golden.decision_table import HERE, table
from tests.golden.held_registers import held, names


@pytest.mark.parametrize("name", names())
def test_the_table_is_current(name):
    """Whoever changes a register or a rule shows a reviewer which answers change with it."""
    register = held(name) or pytest.skip(f"{name} cannot be read yet")
    kept = (HERE / f"{name}.md").read_text(encoding="utf-8")
    assert kept == table(name, register), "run `python -m tests.golden.decision_table` and review the difference"
