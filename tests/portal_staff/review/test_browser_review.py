"""The pages of clerical review in a real browser: for everyone, at three widths, by keyboard alone, as valid HTML."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from tests.browsing import WIDTHS, Looks, follow
from tests.portal_staff.conftest import move_to
from tests.portal_staff.test_browser import _session, served

from caldicott.stores.desk import opening

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@dataclass
class Office:
    """A served portal and sessions of four who may review, and of one who may not."""

    address: str
    sessions: list

    def enter(self, visit, who):
        visit.context.clear_cookies()
        cookie = {"name": "__Host-session", "value": self.sessions[who], "domain": "localhost", "path": "/"}
        visit.context.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])


@pytest.fixture
def office(doubtful_ground, tmp_path):
    """A store of the test's own: each width answers all cases."""
    store = shutil.copytree(doubtful_ground / "store", tmp_path / "store")
    home = shutil.copytree(doubtful_ground / "home", tmp_path / "home")
    move_to(opening.location(store))
    staff = [("dscro_operator", "example-dscro")] * 3 + [("gp", "Z80001")]
    sessions = [_session(role, place) for role, place in staff]
    move_to({})
    with served(store, home) as started:
        yield Office(started.address, sessions)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_for_everyone_and_valid(office, page, width, tmp_path):
    """From the queue to the decision: no barrier, nothing sideways, valid HTML."""
    visit = page(width)
    look = Looks(visit, tmp_path / "pages", width)
    root = f"{office.address}/staff/review/"

    def send(name):
        follow(visit.get_by_role("button", name=name))

    def answer_all(choice):
        while visit.locator("h1").inner_text() != "No case waits for you":
            visit.get_by_role("radio", name=choice).first.check()
            send("Keep my answer")

    office.enter(visit, 0)
    visit.goto(f"{office.address}/staff/")
    look("home-of-a-reviewer")
    follow(visit.get_by_role("link", name="Doubtful links"))
    look("queue")
    follow(visit.get_by_role("link", name="Look at the next case"))
    look("case")
    for summary in visit.locator("summary").all():
        summary.click()
    look("case-with-reasons")
    send("Keep my answer")
    look("case-with-an-error")
    assert visit.title().startswith("Error: ")
    visit.get_by_role("radio", name="The same person").first.check()
    send("Keep my answer")
    look("case-after-an-answer")
    answer_all("The same person")
    look("no-case")
    office.enter(visit, 1)
    visit.goto(f"{root}next/")
    answer_all("A different person")
    office.enter(visit, 2)
    visit.goto(f"{root}decide/")
    look("decide")
    visit.get_by_role("radio", name="I cannot tell").check()
    send("Decide")
    look("decide-the-next")
    visit.goto(root)
    look("queue-with-numbers")
    office.enter(visit, 3)
    visit.goto(f"{root}next/")
    look("refused")
    assert visit.locator("h1").inner_text() == "You may not see this"
    assert look.found == {}
    assert look.faults() == []


def test_a_case_is_answered_by_keyboard_without_scripts(office, page):
    """Tab to the choices, arrow to one, tab to the button, enter: nothing needs a pointer or a script."""
    visit = page(390, java_script_enabled=False)
    office.enter(visit, 0)
    visit.goto(f"{office.address}/staff/review/next/")
    visit.locator("#choice").focus()
    visit.keyboard.press("Space")
    visit.keyboard.press("ArrowDown")
    assert visit.get_by_role("radio", name="A different person").is_checked()
    visit.keyboard.press("Tab")
    with visit.expect_navigation():
        visit.keyboard.press("Enter")
    assert visit.url.endswith("/staff/review/next/?kept=1")
    assert "Your answer is kept" in visit.content()


def test_by_tab_alone_the_choices_are_reached(office, page):
    """The keyboard's way to the first choice leads over the table, which scrolls, and no trap."""
    visit = page(1280)
    office.enter(visit, 0)
    visit.goto(f"{office.address}/staff/review/next/")
    focused = []
    for _press in range(40):
        visit.keyboard.press("Tab")
        focused.append(visit.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if focused[-1].startswith("choice"):
            break
    assert focused[-1].startswith("choice")
