"""What goes wrong in a busy office: forms sent twice, two people at one line, pages gone back to, made-up addresses."""

from __future__ import annotations

import pytest
from tests.portal_staff.conftest import text_of
from tests.portal_staff.finance.conftest import ROOT

DECIDE = f"{ROOT}decide/"


@pytest.fixture
def queried(finance):
    """Three lines that are asked about."""
    for place in range(1, 4):
        finance.bills.bill(place, sus=False)
    finance.bills.validate(actor="first")
    return finance


def form(queried, *lines, choice="pay|records-agree", **more):
    return {
        "choice": choice,
        "scope": "chosen",
        "line": [queried.key(line) for line in lines],
        "provider": "RZ1",
        **more,
    }


def decisions(queried, line):
    """What was decided of the line after the check had asked about it."""
    return [row["verdict"] for row in queried.bills.all_decisions() if row["line"] == line][1:]


def test_a_form_that_is_sent_twice_decides_once(queried):
    """The second time it says that the line is paid; the ledger has it once."""
    _, browser = queried.officer()
    for _ in range(2):
        answer = browser.post(DECIDE, form(queried, "L1"))
    assert "L1: the line is paid; only a queried line is decided again. The ledger" in text_of(answer)
    assert decisions(queried, "L1") == ["pay"]
    assert queried.bills.ledger()["GBP"]["paid"] == 570475


def test_of_two_who_decide_a_line_the_first_counts(queried):
    """Both had the page open; the second is told how it stands, and changes nothing."""
    (_, one), (_, two) = queried.officer(), queried.officer()
    address = queried.address("L1")
    for browser in (one, two):
        assert "Decide this line" in text_of(browser.get(address))
    one.post(DECIDE, form(queried, "L1", choice="reject|no-answer"))
    assert "the line is rejected" in text_of(two.post(DECIDE, form(queried, "L1")))
    assert decisions(queried, "L1") == ["reject"]
    assert "Decide this line" not in text_of(two.get(address))


def test_a_line_that_is_named_thrice_is_decided_once(queried):
    _, browser = queried.officer()
    assert "1 line now stands as: Pay" in text_of(browser.post(DECIDE, form(queried, "L1", "L1", "L1")))
    assert decisions(queried, "L1") == ["pay"]


@pytest.mark.parametrize(
    ("changes", "told", "field"),
    [
        ({"choice": ""}, "Choose what you decide, and why", "choice-1"),
        ({"choice": "pay|because I say so"}, "Choose what you decide, and why", "choice-1"),
        ({"line": []}, "Choose at least one line", "line-1"),
        ({"line": ["nothing"]}, "Choose at least one line", "line-1"),
    ],
)
def test_what_a_form_lacks_is_said_above_and_beside_and_nothing_is_lost(queried, changes, told, field):
    """The lines come again with what was chosen; nothing is decided."""
    _, browser = queried.officer()
    sent = {**form(queried, "L2"), **changes}
    answer = browser.post(DECIDE, sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert text_of(answer).count(told) == 2
    assert f'<a href="#{field}">' in page
    assert f'id="{field}"' in page
    assert ("checked" in page) == bool(sent["line"] == [queried.key("L2")] or sent["choice"] == "pay|records-agree")
    assert decisions(queried, "L2") == []


@pytest.mark.parametrize("row", ["9" * 18, "9" * 19, "9" * 60, "-1", "٣"])
def test_a_made_up_line_is_no_line(queried, row):
    """Neither a fault of the program nor a decision."""
    _, browser = queried.officer()
    answer = browser.post(DECIDE, {**form(queried), "line": f"x|{row}"})
    assert answer.status_code in {200, 422}
    assert browser.get(f"{ROOT}lines/x/{row}/").status_code == 404
    assert browser.get(f"{ROOT}queue/?a-provider=&a-invoice=&a-line=&a-submission=&a-file_row={row}").status_code == 200
    assert {row["verdict"] for row in queried.bills.decided().values()} == {"query"}


@pytest.mark.parametrize("named", [{}, {"provider": "RZ1"}, {"reason": "activity-missing"}])
def test_nobody_decides_every_line_of_everybody(queried, named):
    """All lines means those of one provider and one reason, as the page offers it."""
    _, browser = queried.officer()
    answer = browser.post(DECIDE, {"scope": "all", "choice": "reject|no-answer", **named})
    assert answer.status_code == 422
    assert {row["verdict"] for row in queried.bills.decided().values()} == {"query"}


def test_an_amount_below_nothing_is_not_paid_by_hand(finance):
    """It would take money out of what was paid; a credit note does that, and names the line."""
    finance.bills.bill(1, Unit_Price="-5704.75", Line_Amount="-5704.75")
    finance.bills.validate(actor="first")
    _, browser = finance.officer()
    answer = text_of(browser.post(DECIDE, form(finance, "L1", choice="pay|price-agreed")))
    assert "there is nothing to pay" in answer
    assert finance.bills.decided()["L1"]["verdict"] == "query"
    browser.post(DECIDE, form(finance, "L1", choice="reject|provider-withdrew"))
    assert finance.bills.ledger()["GBP"]["paid"] == 0
