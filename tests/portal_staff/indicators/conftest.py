"""The portal on the store whose people are counted by hand."""

from __future__ import annotations

import shutil

import pytest
from tests.portal_staff.conftest import _opened, move_to
from tests.spec.indicators.conftest import counted  # noqa: F401  the fixture

from caldicott.stores.desk import opening


@pytest.fixture(scope="session")
def counted_ground(counted, tmp_path_factory, django_db_blocker):  # noqa: F811  the fixture
    """That store with a desk in it, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("counted-desk") / "ground"
    shutil.copytree(counted.root, folder)
    if django_db_blocker is not None:
        django_db_blocker.unblock()
    move_to(opening.location(folder / "store"))
    opening.make_ready()
    move_to({})
    return folder


@pytest.fixture
def office(counted_ground, tmp_path, monkeypatch):
    """A portal where analysts can sign in."""
    yield from _opened(counted_ground, tmp_path, monkeypatch)
