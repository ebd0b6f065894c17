"""A real browser for the tests of pages: what it may ask for, what is looked at, and how one goes from page to page."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-prefers-reduced-motion",
]  # fmt: skip
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
WIDTHS = (1280, 390, 320)
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium. In continuous integration it must be there."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI needs chromium: apt-get install chromium, or name it in CHROMIUM"
        pytest.skip("no chromium here: apt-get install chromium, or name it in CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # The driver keeps a loop in this thread; Django sees one and takes every test for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """A page of a fresh browser that asks for nothing outside this machine."""
    contexts, outside = [], []

    def start(width=1280, **how):
        context = browser.new_context(viewport={"width": width, "height": 900}, **how)
        contexts.append(context)
        context.route("**/*", lambda route: _inside(route, outside))
        return context.new_page()

    yield start
    for context in contexts:
        context.close()
    assert outside == []


def _inside(route, outside):
    if route.request.url.startswith("http://localhost:"):
        route.continue_()
    else:
        # The double of CIS2 asks for a font in its own pages; it gets none, and that is not ours.
        if not any(part in route.request.frame.url for part in ("/interaction/", "/session/")):
            outside.append(route.request.url)
        route.abort()


def follow(target):
    """Click, and wait until the page that it leads to is there as a whole: what is read after it is that page."""
    with target.page.expect_navigation(wait_until="load"):
        target.click()


def barriers(page):
    """The rules of WCAG 2.0 to 2.2, A and AA, that axe finds broken, by their names."""
    from axe_playwright_python.sync_playwright import Axe

    return [one["id"] for one in Axe().run(page, options=AXE).response["violations"]]


@dataclass
class Looks:
    """Looks at a page in its states at one width: barriers, pushing sideways, and what the browser has of it kept."""

    page: Any
    folder: Path
    width: int
    found: dict[str, tuple[list[str], int]] = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name):
        self.page.wait_for_load_state("load")
        (self.folder / f"{name}.html").write_text(self.page.content(), encoding="utf-8")
        if pictures := os.environ.get("PICTURES"):
            self.page.screenshot(path=f"{pictures}/{name}-{self.width}.png", full_page=True)
        told, sideways = barriers(self.page), self.page.evaluate(SIDEWAYS)
        if told or sideways > 0:
            self.found[f"{name} at {self.width}"] = (told, sideways)

    def faults(self):
        """What the checker of the W3C says of the pages as the browser got them."""
        from tests.portal.test_valid_html import check as valid

        java = shutil.which("java")
        if java is None:
            assert not os.environ.get("CI"), "CI needs java: apt-get install default-jre-headless"
            return []
        return valid(java, self.folder)
