"""Who comes by the command line and by the pages is one member: what they enter by one they approve by neither."""

from __future__ import annotations

import re

import pytest
from tests.portal_staff.conftest import text_of
from tests.portal_staff.finance.conftest import ROOT
from tests.portal_staff.test_invitation import join
from typer.testing import CliRunner

from caldicott import bootstrap
from caldicott.cli.app import app
from caldicott.operations.staff import say_without_account, staff_of, tie
from caldicott.stores.desk import invitations
from caldicott.vocabulary.errors import Refused, WrongUsage

DEAR = {"Quantity": "5", "Line_Amount": "28523.75"}
APPROVE = "pay|approved-as-second-person"


def typed(finance, login, *words):
    """A command of the zone, as the person types it."""
    whole = ["invoices", words[0], "example-icb", "--store", str(finance.desk.store), *words[1:]]
    return CliRunner().invoke(app, whole, env={"CALDICOTT_ACTOR": login}, catch_exceptions=True)


def refused(done) -> str:
    """The code of the refusal."""
    assert isinstance(done.exception, Refused), done.output
    return done.exception.code


def pay_typed(finance, login):
    return typed(finance, login, "settle", "--invoice", "INV-1", "--as", "pay", "--because", APPROVE.partition("|")[2])


def pay_clicked(finance, browser):
    """The words of the page that answers."""
    form = {"choice": APPROVE, "scope": "chosen", "line": finance.key("L1")}
    return text_of(browser.post(f"{ROOT}decide/", form))


def said_by_administrator(finance, say, *words):
    with finance.bills.house("administrator", known=False) as house:
        say(house, *words)


@pytest.fixture
def entered(finance):
    """A dear bill that "ada" landed and had checked at the command line, of whose login nothing is said yet."""
    finance.bills.bill(1, **DEAR)
    places = [finance.bills.send(layout, rows) for layout, rows in finance.bills.rows.items()]
    finance.bills.rows = {}
    for place in places:
        done = typed(finance, "ada", "land", "--from", str(place))
        assert done.exit_code == 0, done.output
    assert typed(finance, "ada", "validate").exit_code == 0
    return finance


def let_in(finance, name):
    assert typed(finance, "ada", "member", name).exit_code == 0


def test_what_was_entered_at_the_command_line_its_person_does_not_approve_on_the_page(entered):
    """Her login is tied to her account: the page refuses her, and takes the word of somebody else."""
    ada, other = (entered.desk.employ("ceff_officer", "example-icb") for _ in range(2))
    said_by_administrator(entered, tie, "ada", ada.id)
    let_in(entered, other.id)
    browser = entered.desk.signed_in(ada)
    assert "Nobody approves what they entered" in pay_clicked(entered, browser)
    assert entered.bills.decided()["L1"]["verdict"] == "query"
    pay_clicked(entered, entered.desk.signed_in(other))
    assert entered.bills.decided()["L1"]["verdict"] == "pay"


def test_a_member_by_one_door_is_one_by_the_other(entered):
    """She was let in by her login; the page knows her, and the list of members names her once."""
    ada = entered.desk.employ("ceff_officer", "example-icb")
    said_by_administrator(entered, tie, "ada", ada.id)
    let_in(entered, ada.id)
    page = entered.desk.signed_in(ada).get(f"{ROOT}members/")
    assert page.status_code == 200
    assert text_of(page).count("Alex Invented") == 1
    assert "ada" not in re.findall(r"\w+", text_of(page))


def test_what_was_entered_on_the_page_its_person_does_not_approve_at_the_command_line(entered):
    """The reverse: she has it checked by a form, and then types the approval."""
    eve = entered.desk.employ("ceff_officer", "example-icb")
    said_by_administrator(entered, say_without_account, "ada")
    said_by_administrator(entered, tie, "eve", eve.id)
    let_in(entered, eve.id)
    entered.bills.bill(2, **DEAR)
    for layout, rows in entered.bills.rows.items():
        assert typed(entered, "ada", "land", "--from", str(entered.bills.send(layout, rows))).exit_code == 0
    entered.bills.rows = {}
    assert "Checked" in text_of(entered.desk.signed_in(eve).post(f"{ROOT}check/"))
    words = ("settle", "--invoice", "INV-2", "--as", "pay", "--because", "approved-as-second-person")
    assert refused(typed(entered, "eve", *words)) == "same-person"
    assert entered.bills.decided()["L2"]["verdict"] == "query"
    assert pay_typed(entered, "eve").exit_code == 0  # of the other bill she is the second person


def test_of_a_login_that_is_tied_to_nobody_nothing_is_approved(entered):
    """Neither by it nor of what it entered; when it is said to have no account, the second person's word counts."""
    other = entered.desk.employ("ceff_officer", "example-icb")
    let_in(entered, other.id)
    let_in(entered, "bob")
    assert "tied to no account (ada)" in pay_clicked(entered, entered.desk.signed_in(other))
    said_by_administrator(entered, say_without_account, "ada")
    assert refused(pay_typed(entered, "bob")) == "login-unknown"
    assert entered.bills.decided()["L1"]["verdict"] == "query"
    said_by_administrator(entered, say_without_account, "bob")
    assert pay_typed(entered, "bob").exit_code == 0
    assert entered.bills.decided()["L1"]["verdict"] == "pay"


def test_an_unknown_login_may_still_reject(entered):
    """To say no needs no second person."""
    let_in(entered, "bob")
    words = ("settle", "--invoice", "INV-1", "--as", "reject", "--because", "no-answer")
    assert typed(entered, "bob", *words).exit_code == 0


def test_two_accounts_of_one_login_are_one_person(entered):
    """Ended and invited again, she is still who entered it."""
    old, new = (entered.desk.employ("ceff_officer", "example-icb") for _ in range(2))
    for account in (old, new):
        said_by_administrator(entered, tie, "ada", account.id)
    assert "Nobody approves what they entered" in pay_clicked(entered, entered.desk.signed_in(new))
    assert refused(pay_typed(entered, "ada")) == "same-person"


def test_nobody_frees_their_own_login(entered, monkeypatch):
    """Who entered could else say that the login is not hers; also not once it is tied."""
    monkeypatch.setenv("CALDICOTT_ACTOR", "ada")
    for _ in range(2):
        with bootstrap.house_of(entered.desk.store) as house, pytest.raises(Refused) as told:
            say_without_account(house, "ada")
        assert told.value.code == "own-login"
        ada = entered.desk.employ("ceff_officer", "example-icb")
        said_by_administrator(entered, tie, "ada", ada.id)


def test_a_login_does_not_pass_for_an_account(entered):
    """A login that is written like an account's id would be that account's person."""
    other = entered.desk.employ("ceff_officer", "example-icb")
    let_in(entered, other.id)
    done = pay_typed(entered, other.id)
    assert isinstance(done.exception, WrongUsage)
    assert done.exception.code == "login-like-an-account"
    assert entered.bills.decided()["L1"]["verdict"] == "query"


def test_an_invitation_that_names_the_login_ties_it_when_the_account_is_made(entered):
    """Before that the login is nobody's; after it, hers; and both are in the trail."""
    token, _ = invitations.invite(
        name="Ada Invented", role="ceff_officer", organisation="example-icb", at=entered.desk.clock.now, login="ada"
    )
    browser, link = entered.desk.browser(), f"/staff/invitation/{token}/"
    browser.get(link)
    with entered.bills.house("administrator", known=False) as house:
        assert not staff_of(house.store.catalogue).is_known("ada")
    join(entered.desk, browser, link)
    with entered.bills.house("administrator", known=False) as house:
        assert staff_of(house.store.catalogue).is_known("ada")
    assert "Nobody approves what they entered" in pay_clicked(entered, browser)
    told = [one for one in entered.desk.entries() if one.event == "login-tied"]
    assert [(one.references[0], one.actor == one.references[1].partition(" ")[2]) for one in told] == [
        ("login ada", True)
    ]
