"""The command of these tests."""

from __future__ import annotations

import pytest
from tests.spec.linkage.linking import command


@pytest.fixture
def link(monkeypatch, capsys, tmp_path):
    """`caldicott link` in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: command(monkeypatch, capsys, *words)
