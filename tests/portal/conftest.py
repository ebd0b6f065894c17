"""The portal under test: in this process for what it answers, as a program of its own for what a browser sees."""

from __future__ import annotations

import logging
import re
import shutil
from datetime import date

import pytest
from django.conf import settings
from django.test import Client, override_settings
from tests.portal.crawl import Visitor

from caldicott import bootstrap
from caldicott.portal import board
from caldicott.portal.application import configure
from caldicott.portal.settings import PortalSettings
from caldicott.register import parse
from caldicott.register.kept import as_json

TODAY = date(2026, 5, 4)
OLD_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>As it was</title>
<link rel="stylesheet" href="../../assets/site.css"></head>
<body><main><h1>As it was published</h1></main></body></html>
"""
OLD_PDF = b"%PDF-1.7 as it was"
REGISTER = parse.resolve("example-icb", parse.bundled_roots())


@pytest.fixture(scope="session")
def django_once(tmp_path_factory):
    """Django knows one set of settings in a program; the tests change what they need of it."""
    nowhere = tmp_path_factory.mktemp("portal")
    if not settings.configured:
        configure(PortalSettings(REGISTER, nowhere, "k" * 60, hosts=("testserver",)))
        # The stream it writes to is the one of the test that came first, which ends.
        logging.getLogger("caldicott.portal").handlers.clear()
    return nowhere


@pytest.fixture
def portal(portal_of, django_once):
    """A visitor of a portal on the example register, with nothing published yet."""
    return portal_of(published=django_once)


@pytest.fixture
def own_register(tmp_path):
    """A copy of the example register that a test may change."""
    return shutil.copytree(REGISTER, tmp_path / "register")


@pytest.fixture
def portal_of(django_once, monkeypatch, tmp_path):
    """Makes a visitor of a portal with settings of the test's own."""
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)
    opened = []

    def make(**changes):
        chosen = PortalSettings(
            **{
                "register": REGISTER, "published": tmp_path / "public", "secret_key": "k" * 60,
                "hosts": ("testserver",), **changes,
            }
        )  # fmt: skip
        context = override_settings(PORTAL=chosen)
        context.enable()
        opened.append(context)
        return Visitor(Client(), board.board_of(chosen), chosen)

    yield make
    for context in reversed(opened):
        context.disable()


@pytest.fixture
def published(tmp_path, own_register):
    """A published folder with version 2026-1; the register has gone on to 2026-2, which keeps records longer."""
    folder = tmp_path / "published"
    keep_version(own_register, folder)
    (folder / "secret.txt").symlink_to("/etc/passwd")
    go_on(own_register)
    return folder


def keep_version(register, folder):
    """The register as version 2026-1 in a published folder."""
    first = folder / "versions" / "2026-1"
    first.mkdir(parents=True)
    (first / "register.json").write_bytes(as_json(parse.load(register)))
    (first / "index.html").write_text(OLD_PAGE, encoding="utf-8")
    (first / "notice.pdf").write_bytes(OLD_PDF)


def go_on(register):
    """The register's next version."""
    controller = register / "controller.toml"
    title = "How we use your information"
    later = f'[[notices]]\nversion = "2026-2"\npublished = 2026-05-01\ntitle = "{title}"\n\n[[contacts]]'
    text = controller.read_text(encoding="utf-8").replace("[[contacts]]", later, 1)
    controller.write_text(text, encoding="utf-8")
    complaints = register / "activities" / "complaints.toml"
    text = re.sub(r'(?m)^minimum = ".*"', 'minimum = "40 years"', complaints.read_text(encoding="utf-8"))
    assert "40 years" in text
    complaints.write_text(text, encoding="utf-8")
