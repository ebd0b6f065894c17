"""The small register of `broken.py`, for every test of the room."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("register_broken", Path(__file__).parent / "broken.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _MODULE
_SPEC.loader.exec_module(_MODULE)


@pytest.fixture(scope="session")
def small():
    """The module of the small register: SMALL, broken(), faults_of(), lenient()."""
    return _MODULE
