"""Every bundled register, read once: what is published must hold for each of them."""

from __future__ import annotations

from functools import cache

import pytest

from caldicott.register import parse

NAMES = ("example-icb", "leeds-2018", "oxfordshire-2016", "dorset-2018")


@cache
def bundled(name):
    return parse.load(parse.resolve(name, parse.bundled_roots()))


@pytest.fixture(params=NAMES)
def register(request):
    """Each of the bundled registers in turn."""
    return bundled(request.param)


@pytest.fixture
def leeds():
    """The notice of Leeds, 2018, as a register."""
    return bundled("leeds-2018")
