"""The NHS.UK frontend that is carried along: which version, unchanged but for three edits, calling nobody."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import distribution

import pytest

from caldicott.publication.rendering import FRONTEND_VERSION, NHSUK_CSS, NHSUK_JS, STATIC

HASHES = {
    "assets/images/nhsuk-icon-arrow-down.svg": "413e412e70e61d4b26e608507cc009ae952eb57e3a3126f55587a7cc0ee453b8",
    "assets/images/nhsuk-icon-arrow-up-down.svg": "e5b217ca77e17e98e533c4272d2c41b88aadce5470e3af454a3359538734281b",
    "assets/images/nhsuk-icon-arrow-up.svg": "b8bee584537e8cc275eb49974427b84e9722ac22ab76adb1b32420e3266785d7",
    "assets/images/nhsuk-icon-cross.svg": "694bdf45a657c8b88c958f33ab724ddcd875b8dfa2006cdd27f6d861b0a306fb",
    "nhsuk-frontend-10.6.1.min.css": "4d6a4e52aec297e1dd77e7b527a102fec5cfb6bdbb77bbab1b5992786e5b3be2",
    "nhsuk-frontend-10.6.1.min.js": "ac4d3c251bdf86aa0d84a7fc057a9eb141bf3be884692c8e57318c59226c021c",
}
FOLDER = STATIC / "nhsuk"


def test_the_files_are_those_that_were_read():
    """Nobody changes the vendored files by hand, and none is added: the hashes are known."""
    found = {
        path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.name != "LICENCE.txt"
    }
    assert found == HASHES


def test_the_version_is_the_one_the_macros_are_made_for():
    """The installed macros name the frontend they match, and it is the one carried here."""
    macros = distribution("nhsuk-frontend-jinja")
    pairs = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \|$", macros.read_text("METADATA") or "", re.MULTILINE)
    assert {ours: theirs for theirs, ours in pairs}[macros.version] == FRONTEND_VERSION
    assert f'version="{FRONTEND_VERSION}"' in (STATIC / NHSUK_JS).read_text(encoding="utf-8")


def test_the_licence_stands_beside_the_files():
    """The MIT licence asks for its text to travel with the files."""
    words = (FOLDER / "LICENCE.txt").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in words
    assert "NHS England" in words


@pytest.mark.parametrize("banned", ["@font-face", "http://", "https://", "url(/", "sourceMappingURL"])
def test_the_style_sheet_calls_nobody(banned):
    """No font server, no absolute path, no missing map: a reader's visit is told to nobody else."""
    assert banned not in (STATIC / NHSUK_CSS).read_text(encoding="utf-8")


def test_every_icon_the_style_sheet_names_is_there():
    """A style sheet that names a file which is not there would stop the portal's static files."""
    named = set(re.findall(r"url\(([^)]*)\)", (STATIC / NHSUK_CSS).read_text(encoding="utf-8")))
    files = {name for name in named if not name.startswith("data:")}
    assert files
    assert all((FOLDER / name).is_file() for name in files)


def test_the_script_has_no_map():
    """The script names no source map, which is not carried along."""
    assert "sourceMappingURL" not in (STATIC / NHSUK_JS).read_text(encoding="utf-8")
