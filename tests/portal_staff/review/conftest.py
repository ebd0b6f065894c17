"""A desk beside a store in which three records wait for two people each."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.portal_staff.conftest import _opened, move_to, text_of
from tests.portal_staff.surgery import reader

from caldicott.stores.desk import opening
from doubtful_ward import doubted
from stage import example_register

if TYPE_CHECKING:
    from django.test import Client

ROOT = "/staff/review/"


@dataclass
class Reviews:
    """The portal as reviewers use it."""

    desk: Any

    def reviewer(self, role: str = "dscro_operator", organisation: str = "example-dscro") -> Client:
        return reader(self.desk, role, organisation)

    def recorded(self, who: Client) -> list[tuple[str, str]]:
        """What the trail has of one reviewer's work: event and what it was about, without decisions and ids."""
        mine = [one for one in self.desk.entries() if one.actor == who.person.id]
        return [(one.event, (one.references or one.reasons)[-1]) for one in mine if one.event.startswith("review")]


def case_of(answer: Any) -> str:
    """The id of the case that a page shows; empty if it shows none."""
    found = re.search(r'name="case" value="([^"]+)"', answer.content.decode())
    return found[1] if found else ""


def say(browser: Client, choice: str, where: str = "next/") -> Any:
    """Look, and answer what is shown."""
    shown = browser.get(ROOT + where)
    return browser.post(ROOT + where, {"case": case_of(shown), "choice": choice})


@pytest.fixture(scope="session")
def doubtful_ground(tmp_path_factory, django_db_blocker):
    """Made once and copied for each test."""
    if django_db_blocker is not None:
        django_db_blocker.unblock()
    folder = tmp_path_factory.mktemp("doubts")
    stage = doubted(folder, example_register())
    shutil.rmtree(stage.inbox)
    with stage.house() as opened:
        opened.store.catalogue.set_setting("register", "example-icb")
    move_to(opening.location(folder / "store"))
    opening.make_ready()
    move_to({})
    return folder


@pytest.fixture
def reviews(doubtful_ground, tmp_path, monkeypatch):
    for desk in _opened(doubtful_ground, tmp_path, monkeypatch):
        yield Reviews(desk)


__all__ = ["ROOT", "case_of", "say", "text_of"]
