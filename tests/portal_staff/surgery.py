"""How the tests of a practice's pages look: a reader's browser, the page's persons, a person's address."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from tests.portal_staff.conftest import text_of

from caldicott.stores.desk.visits import Opening, Stage, begin

LIST = "/staff/practice/Z80001/"


def reader(desk: Any, role: str = "gp", organisation: str = "Z80001") -> Any:
    """A browser of that role, without the steps of the sign-in, which other tests walk."""
    person = desk.employ(role, organisation)
    browser = desk.browser()
    opening = Opening(stage=Stage.SIGNED_IN, account_id=person.id, method="test")
    browser.cookies["__Host-session"] = begin(opening, at=desk.clock.now)
    browser.person = person
    return browser


def names(answer: Any) -> list[str]:
    """Whose rows a list shows, in order."""
    return [unescape(one) for one in re.findall(r'patients/\w+/">([^<]+)</a>', answer.content.decode())]


def address_of(browser: Any, who: Any, where: str = LIST, query: str = "left-out=1") -> str:
    """The address of a patient's page, by the list."""
    found = dict(_links(browser.get(f"{where}?{query}")))
    return found[f"{who.family}, {who.given}"]


def _links(answer: Any) -> list[tuple[str, str]]:
    links = re.findall(r'href="([^"]+patients/\w+/)">([^<]+)</a>', answer.content.decode())
    return [(unescape(name), address) for address, name in links]


def words(answer: Any) -> str:
    return text_of(answer)
