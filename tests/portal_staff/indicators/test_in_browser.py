"""The pages of analysts in a real browser: for everyone, at three widths, without a script and valid."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from tests.browsing import WIDTHS, Looks
from tests.portal.test_valid_html import check as valid
from tests.portal.test_valid_html import java  # noqa: F401  a fixture
from tests.portal_staff.surgery import reader

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

PAGES = {
    "library": "/staff/analyst/",
    "question": "/staff/analyst/indicators/outpatient-missed/",
    "answer": "/staff/analyst/indicators/ae-four-hours/?show=1&by=provider",
    "over-time": "/staff/analyst/indicators/ae-four-hours/?show=1&by=month",
    "fault": "/staff/analyst/indicators/ae-four-hours/?show=1&by=postcode",
    "choose": "/staff/analyst/table/",
    "table": "/staff/analyst/table/?dataset=sus-ec&measure=cost&by=provider&by=sex&show=1",
    "refused": "/staff/analyst/table/?dataset=secrets",
}


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch):
    """The browser's own loop runs in this thread, which Django minds; nothing of the desk is asked by two at once."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def opened(one_at_a_time, office, browser):
    """A page of an analyst's browser; what it asks for is answered by the portal in this very program."""
    analyst = reader(office, "commissioning_analyst", "example-icb")
    contexts = []

    def answered_to(person):
        def answered(route):
            parts = urlsplit(route.request.url)
            found = person.get(f"{parts.path}?{parts.query}")
            route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

        return answered

    def start(width, person=analyst):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.route("**/*", answered_to(person))
        contexts.append(context)
        return context.new_page()

    yield start
    for context in contexts:
        context.close()


def test_every_page_can_be_used_by_everyone_at_every_width(opened, tmp_path):
    """axe finds no barrier, and no page has to be pushed sideways, from a desk down to a small phone."""
    found = {}
    for width in WIDTHS:
        page = opened(width)
        look = Looks(page, tmp_path / "pages", width, found)
        for name, address in PAGES.items():
            page.goto(f"https://localhost{address}")
            look(name)
    assert found == {}


@pytest.fixture
def asked(office):
    """A request for release with a table of seven columns, as its author and as a checker see it."""
    header, cells = "month,provider,service,network,sex,age_group,mean", "2025-06,RZ1,01,network-01,1,65-74,12.5"
    author = reader(office, "commissioning_analyst", "example-icb")
    sent = {"context": "A board paper", "table": f"{header}\n{cells}\n{cells.replace('06', '07', 1)}\n"}
    return (
        author,
        reader(office, "ig_officer", "example-icb"),
        author.post("/staff/analyst/releases/ask/", sent)["Location"],
    )


def test_a_request_can_be_checked_and_answered_at_every_width(opened, asked, office, tmp_path, java):  # noqa: F811  the fixture
    """All that the program found stands on the page of a checker, on a phone too; so does the answer to a return."""
    author, officer, address = asked
    found = {}
    for width in WIDTHS:
        page = opened(width, officer)
        look = Looks(page, tmp_path / "checker", width, found)
        page.goto(f"https://localhost{address}")
        look("request")
        frames = page.evaluate("[...document.querySelectorAll('.site-scroll')].map(e => e.scrollWidth - e.clientWidth)")
        assert max(frames) <= 2, width  # a border
    officer.post(f"{address}check/", {"verdict": "return", "comment": "Say how many stand behind it"})
    for width in WIDTHS:
        page = opened(width, author)
        look = Looks(page, tmp_path / "author", width, found)
        for name, at in {"returned": address, "requests": "/staff/analyst/releases/"}.items():
            page.goto(f"https://localhost{at}")
            look(name)
    assert found == {}
    assert valid(java, tmp_path / "checker") + valid(java, tmp_path / "author") == []


def test_every_page_is_valid_html(office, tmp_path, java):  # noqa: F811  the fixture
    """The W3C's own checker has nothing to say of any page."""
    analyst = reader(office, "commissioning_analyst", "example-icb")
    for name, address in PAGES.items():
        (tmp_path / f"{name}.html").write_bytes(analyst.get(address).content)
    assert valid(java, tmp_path) == []
