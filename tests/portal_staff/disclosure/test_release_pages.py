"""The airlock in the portal: asked, checked by two other people, taken out once; each sees what is theirs."""

from __future__ import annotations

import io
import zipfile

import pytest
from tests.portal_staff.conftest import text_of
from tests.portal_staff.test_matrix import signed_in_as

COUNTS = "month,service,count\n2025-06,falls,13\n2025-06,other,4\n2025-07,falls,41\n2025-07,other,23\n"
RELEASES = "/staff/analyst/releases/"


def _asked(browser, table=COUNTS, context="A board paper"):
    return browser.post(f"{RELEASES}ask/", {"context": context, "table": table})


def _checked(browser, address, verdict="approve"):
    return browser.post(f"{address}check/", {"verdict": verdict, "comment": "Looked at every cell"})


@pytest.fixture
def people_of_the_house(desk):
    """An analyst, an officer and the guardian, each in a browser of their own."""
    return {role: signed_in_as(desk, role)[0] for role in ("commissioning_analyst", "ig_officer", "caldicott_guardian")}


def test_a_table_leaves_after_two_checks_by_others(people_of_the_house):
    """The analyst asks; officer and guardian see it with findings and approve; the archive holds the gate's answer."""
    analyst, officer, guardian = people_of_the_house.values()
    sent = _asked(analyst)
    assert sent.status_code == 303
    address = sent.headers["Location"]
    page = text_of(officer.get(address))
    assert "What the program found" in page
    assert "Approve" in page
    assert _checked(officer, address).status_code == 303
    early = analyst.post(f"{address}take/")
    assert early.status_code == 403
    assert "1 of 2 checks are missing" in text_of(early)
    assert _checked(guardian, address).status_code == 303
    taken = analyst.post(f"{address}take/")
    assert taken.status_code == 200
    with zipfile.ZipFile(io.BytesIO(taken.content)) as archive:
        text = archive.read("table.csv").decode()
    assert "2025-06,other,*" in text
    assert "2025-07,falls,40" in text
    assert analyst.post(f"{address}take/").status_code == 403


def test_the_author_sees_how_it_stands_and_nothing_of_the_findings(people_of_the_house):
    """Nor can they check it."""
    analyst, officer, _guardian = people_of_the_house.values()
    address = _asked(analyst).headers["Location"]
    _checked(officer, address, "return")
    page = text_of(analyst.get(address))
    assert "returned" in page
    assert "What the program found" not in page
    assert "Looked at every cell" in page
    assert _checked(analyst, address).status_code == 403


def test_a_return_is_answered_on_its_own_page(people_of_the_house):
    """The author sends the same request again, with another table; a slip keeps it; the checks begin anew."""
    analyst, officer, _guardian = people_of_the_house.values()
    address = _asked(analyst).headers["Location"]
    number = address.rstrip("/").rpartition("/")[2]
    _checked(officer, address)
    _checked(officer, address, "return")
    hidden = f'name="number" value="{number}"'
    assert hidden in analyst.get(address).content.decode()
    sent = {"number": number, "context": "", "table": COUNTS}
    assert hidden in analyst.post(f"{RELEASES}ask/", sent).content.decode()
    again = analyst.post(f"{RELEASES}ask/", sent | {"context": "With services in groups"})
    assert again.headers["Location"] == address
    page = text_of(analyst.get(address))
    assert "waiting" in page
    assert "0 of 2" in page
    assert hidden not in analyst.get(address).content.decode()


def test_a_check_without_words_is_said_in_words_of_the_page(people_of_the_house):
    """Not in those of the command line."""
    analyst, officer, _guardian = people_of_the_house.values()
    address = _asked(analyst).headers["Location"]
    found = officer.post(f"{address}check/", {"verdict": "approve", "comment": " "})
    assert found.status_code == 400
    assert "say what you looked at" in text_of(found)
    assert "--comment" not in text_of(found)


def test_what_is_missing_is_said_at_the_field(people_of_the_house):
    """Without a purpose or a table: the form again, with the faults at the top and beside the fields."""
    analyst = people_of_the_house["commissioning_analyst"]
    sent = _asked(analyst, table="", context="")
    assert sent.status_code == 400
    page = text_of(sent)
    assert "There is a problem" in page
    assert "Say what it is for" in page


def test_who_may_only_look_at_counts_cannot_ask(people_of_the_house):
    """A checker has no form, and a request sent all the same is refused."""
    officer = people_of_the_house["ig_officer"]
    assert "Ask for a release" not in text_of(officer.get(RELEASES))
    assert _asked(officer).status_code == 403
