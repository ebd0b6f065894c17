"""A portal with a desk: staff who sign in, on a store of the test's own, at an hour that the test sets."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyotp
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings

import risk_ward
from caldicott import bootstrap
from caldicott.portal.application import configure
from caldicott.portal.settings import PortalSettings
from caldicott.register import parse
from stage import example_register

REGISTER = parse.resolve("example-icb", parse.bundled_roots())
KEY = "k" * 60
if not settings.configured:
    # Before anything that has a table is imported. Django knows one set of settings in a program.
    configure(PortalSettings(REGISTER, REGISTER, KEY, hosts=("testserver", "localhost")))
    logging.getLogger("caldicott.portal").handlers.clear()

from caldicott.portal.staff import house, trail  # noqa: E402  tables need settings
from caldicott.stores.audit_log import read_entries  # noqa: E402  tables need settings
from caldicott.stores.desk import accounts, factors, invitations, opening  # noqa: E402  tables need settings
from caldicott.stores.store import Store, StoreSettings  # noqa: E402  tables need settings

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PASSWORD = "three odd words together"


@dataclass
class Clock:
    """The hour that the portal reads."""

    now: datetime = NOON

    def pass_(self, **length: float) -> None:
        self.now += timedelta(**length)

    @property
    def day(self) -> date:
        return self.now.date()


@dataclass
class Person:
    """Somebody of staff, with what they know and hold."""

    id: str
    role: str
    organisation: str
    sign_in_name: str
    secret: str
    password: str = PASSWORD
    name: str = "Alex Invented"

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(self.secret).at(at)


@dataclass
class Desk:
    """The portal as the tests drive it."""

    store: Path
    clock: Clock
    portal: PortalSettings

    def browser(self, *, checks: bool = False) -> Client:
        """A browser of somebody who has not signed in."""
        return Client(enforce_csrf_checks=checks, SERVER_NAME="localhost")

    def employ(self, role: str = "gp", organisation: str = "Z80001") -> Person:
        """Somebody who has an account already."""
        person = Person(str(uuid4()), role, organisation, f"{role}.{uuid4().hex[:6]}", factors.new_totp_secret())
        accounts.make(
            accounts.NewAccount(
                id=person.id, name=person.name, role=role, organisation=organisation,
                sign_in_name=person.sign_in_name, password_hash=_quick_hash(person.password),
            ),
            at=self.clock.now,
        )  # fmt: skip
        factors.keep_totp(person.id, person.secret, key=KEY)
        return person

    def signed_in(self, person: Person) -> Client:
        """Their browser, after both steps of the sign-in."""
        browser = self.browser()
        self.first_step(browser, person)
        answer = browser.post("/staff/sign-in/code/", {"code": person.code(self.clock.now)})
        assert answer.status_code == 303, text_of(answer)
        return browser

    def first_step(self, browser: Client, person: Person, **more: str) -> Any:
        words = {"name": person.sign_in_name, "password": person.password, **more}
        return browser.post("/staff/sign-in/", words)

    def invite(self, role: str = "gp", organisation: str = "Z80001", name: str = "Alex Invented") -> str:
        """The link of an invitation."""
        token, _ = invitations.invite(name=name, role=role, organisation=organisation, at=self.clock.now)
        return f"/staff/invitation/{token}/"

    def entries(self) -> list[Any]:
        """The audit trail."""
        return list(read_entries(self.store / "audit"))

    def events(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """What the audit trail says: event, outcome, actor, reasons."""
        found = read_entries(self.store / "audit")
        return [(one.event, one.outcome.value, one.actor, one.reasons) for one in found]


_hashes: dict[str, str] = {}


def _quick_hash(password: str) -> str:
    """Argon2 is slow on purpose: once a password is enough for the tests."""
    if password not in _hashes:
        _hashes[password] = accounts.hashed(password)
    return _hashes[password]


def text_of(answer: Any) -> str:
    """The words of a page, without its tags."""
    inside = answer.content.decode().partition("<main")[2]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", inside)))


def move_to(database: dict[str, Any]) -> None:
    """Django is given another database: it knows one set of settings in a program."""
    connections.close_all()
    settings.DATABASES = database
    connections._settings = None
    connections.__dict__.pop("settings", None)
    if hasattr(connections._connections, "default"):
        del connections["default"]


@pytest.fixture(scope="session")
def ground(tmp_path_factory, django_db_blocker):
    """A store and a desk as they are on the first day, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("desk")
    if django_db_blocker is not None:
        # pytest-django keeps tests from its own test database; ours are files of their own.
        django_db_blocker.unblock()
    with pytest.MonkeyPatch.context() as patch:
        home = folder / "home"
        patch.setenv("HOME", str(home))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        place = StoreSettings(environ={}, home=home)
        with Store(folder / "store", settings=place, created=NOON.date(), create=True) as store:
            store.catalogue.set_setting("register", "example-icb")
    move_to(opening.location(folder / "store"))
    opening.make_ready()
    move_to({})
    return folder


@pytest.fixture(scope="session")
def ward_ground(tmp_path_factory, django_db_blocker):
    """A store of three practices whose people are scored, and its desk; made once and copied for each test."""
    if django_db_blocker is not None:
        django_db_blocker.unblock()
    folder = tmp_path_factory.mktemp("ward")
    stage = risk_ward.scored(folder, example_register())
    shutil.rmtree(stage.inbox)
    with stage.house() as opened:
        opened.store.catalogue.set_setting("register", "example-icb")
    move_to(opening.location(folder / "store"))
    opening.make_ready()
    move_to({})
    return folder


@pytest.fixture
def desk(ground, tmp_path, monkeypatch):
    """A portal where staff can sign in."""
    yield from _opened(ground, tmp_path, monkeypatch)


@pytest.fixture
def surgery(ward_ground, tmp_path, monkeypatch):
    """The portal of three practices whose people are scored."""
    yield from _opened(ward_ground, tmp_path, monkeypatch)


def _opened(ground, tmp_path, monkeypatch):
    folder = shutil.copytree(ground, tmp_path / "ground")
    monkeypatch.setenv("HOME", str(folder / "home"))
    for name in ("XDG_CONFIG_HOME", "CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    clock = Clock()
    monkeypatch.setattr(bootstrap, "now", lambda: clock.now)
    monkeypatch.setattr(bootstrap, "today", lambda: clock.day)
    portal = PortalSettings(
        REGISTER, tmp_path / "public", KEY, hosts=("testserver", "localhost"), store=folder / "store"
    )
    move_to(opening.location(portal.store))
    with override_settings(PORTAL=portal, SECRET_KEY=KEY, ALLOWED_HOSTS=["testserver", "localhost"]):
        yield Desk(folder / "store", clock, portal)
    trail._log.cache_clear()
    house._opened.cache_clear()
    move_to({})


def rows_of(store: Path, table: str) -> list[dict[str, Any]]:
    """What the desk's file holds, as a thief would read it."""
    connection = sqlite3.connect(store / opening.FILE)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM desk_{table}")]
    finally:
        connection.close()
