"""The site in a real browser: with and without scripts, on a desk and on a phone, by keyboard, for everyone.

One portal and one browser serve the whole file. Every page is opened at each
width once; what is found is gathered by page, so that a failure names them all.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.browsing import SIDEWAYS, WIDTHS, barriers
from tests.portal import crawl
from tests.portal.conftest import go_on, keep_version
from tests.portal.serving import served, store_of

from caldicott.portal.board import Board
from caldicott.portal.settings import PortalSettings
from caldicott.register import parse

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a portal on a register with two versions, and every page of it."""
    folder = tmp_path_factory.mktemp("browser")
    register = shutil.copytree(parse.resolve("example-icb", parse.bundled_roots()), folder / "register")
    store = store_of(register, folder / "store")
    keep_version(register, store / "public")
    go_on(register)
    notice = Board(PortalSettings(register, store / "public", "k" * 60)).notice()
    with served(store, folder / "home") as address:
        yield address, crawl.pages(notice)


@dataclass
class Visit:
    """A page of the browser, with what went wrong in it."""

    page: Any
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(site, browser):
    """Opens a page of the browser that reaches nothing but the portal, and writes down what it tried."""
    address, _pages = site
    contexts = []

    def start(width=1280, **how):
        context = browser.new_context(viewport={"width": width, "height": 900}, base_url=address, **how)
        contexts.append(context)
        visited = Visit(context.new_page())
        context.route("**/*", lambda route: _inside(route, address, visited.outside))
        visited.page.on("console", lambda said: visited.complaints.append(said.text))
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        return visited

    yield start
    for context in contexts:
        context.close()


def _inside(route, address, outside):
    if route.request.url.startswith(address + "/"):
        route.continue_()
    else:
        outside.append(route.request.url)
        route.abort()


@pytest.mark.parametrize("width", WIDTHS)
def test_everyone_can_use_every_page(site, visit, width):
    """No barrier that axe knows of (WCAG 2.0 to 2.2, A and AA), nothing to be pushed sideways, at this width.

    In the same visit: no request leaves for anywhere else, no cookie is kept, and the browser has nothing to say.
    """
    visited, found = visit(width), {}
    for place in site[1]:
        visited.page.goto(place)
        told, sideways = barriers(visited.page), visited.page.evaluate(SIDEWAYS)
        if told or sideways > 0:
            found[place] = (told, sideways)
    assert found == {}
    assert (visited.outside, visited.complaints, visited.page.context.cookies()) == ([], [], [])


def test_every_page_is_whole_without_scripts(site, visit):
    """With scripts off, each page shows its heading, its words and the whole menu, and keeps to its width."""
    visited, found = visit(320, java_script_enabled=False), {}
    for place in site[1]:
        visited.page.goto(place)
        heading = visited.page.locator("main h1")
        menu = visited.page.locator("header nav a")
        if not heading.is_visible() or not all(link.is_visible() for link in menu.all()):
            found[place] = "heading or menu"
    assert found == {}
    assert visited.outside == []


def test_scripts_only_fold_the_menu(site, visit):
    """What a reader can read is the same with scripts and without."""
    with_scripts, without = visit(), visit(java_script_enabled=False)
    for place in site[1][:6]:
        with_scripts.page.goto(place)
        without.page.goto(place)
        assert with_scripts.page.locator("main").inner_text() == without.page.locator("main").inner_text(), place


def test_the_menu_opens_by_keyboard_on_a_phone(visit):
    """What does not fit folds away behind a button that says whether it is open."""
    visited = visit(320)
    visited.page.goto("/")
    button = visited.page.locator("button.nhsuk-header__menu-toggle")
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    visited.page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert visited.page.get_by_role("link", name="Your choices").first.is_visible()


def test_the_first_key_leads_past_the_menu(visit):
    """By keyboard: the first stop is the link to the content, and it goes there."""
    visited = visit()
    visited.page.goto("/opt-out/")
    visited.page.keyboard.press("Tab")
    focused = visited.page.locator(":focus")
    assert focused.inner_text() == "Skip to main content"
    assert focused.is_visible()
    visited.page.keyboard.press("Enter")
    assert visited.page.url.endswith("#maincontent")
    visited.page.keyboard.press("Tab")
    assert visited.page.evaluate("document.activeElement.closest('main') !== null")


def test_the_pictures_are_drawn_under_the_policy(visit):
    """Opened by themselves, to be made larger, the map and the four forms are drawn, and ask for nothing."""
    for picture in ("/assets/flow-map.svg", "/assets/four-formats.svg"):
        visited = visit()
        assert visited.page.goto(picture).ok
        assert visited.page.evaluate("document.documentElement.querySelectorAll('text').length") > 3
        assert visited.page.evaluate("document.documentElement.getBoundingClientRect().width") > 300
        assert (visited.outside, visited.complaints) == ([], [])


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pictures_are_seen_on_their_pages(visit, width):
    """At every width a picture has a size at which its words can be read; the map moves in a frame of its own."""
    visited = visit(width)
    for place, least in (("/types-of-information/", 250), ("/flow-map/", 1500)):
        visited.page.goto(place)
        picture = visited.page.locator("main figure img")
        box = picture.bounding_box()
        assert (box["width"] >= least, box["height"] > 250) == (True, True), place
    frame = visited.page.locator("main figure [tabindex='0']")
    frame.focus()
    assert frame.evaluate("it => it === document.activeElement && it.scrollWidth > it.clientWidth")
    assert frame.evaluate("it => { it.scrollLeft = 200; return it.scrollLeft }") > 0
    assert visited.page.evaluate(SIDEWAYS) <= 0


def test_pages_that_say_what_went_wrong_are_for_everyone_too(visit):
    """The page for an address that is not there is as usable as the others."""
    visited = visit(320)
    answer = visited.page.goto("/nothing-here/")
    assert answer.status == 404
    assert barriers(visited.page) == []
    assert visited.page.evaluate(SIDEWAYS) <= 0
    assert visited.outside == []


def test_the_style_is_there(visit):
    """The style sheet and the script come through the security policy, so the tests above judged the real look."""
    visited = visit()
    visited.page.goto("/")
    assert (
        visited.page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(0, 94, 184)"
    )
    assert visited.page.locator("body.js-enabled").count() == 1


def test_an_inline_script_would_not_run(visit):
    """The policy is alive: a script put into a page, as an attacker would, is refused by the browser."""
    visited = visit()
    visited.page.goto("/")
    visited.page.evaluate(
        "() => { const planted = document.createElement('script');"
        " planted.textContent = 'window.ran = true'; document.body.append(planted) }"
    )
    assert visited.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in one for one in visited.complaints)
