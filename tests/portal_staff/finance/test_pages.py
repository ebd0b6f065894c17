"""The pages of the locked area: what a member sees, decides and takes away; and what nobody else does."""

from __future__ import annotations

import csv
import io
import re

import pytest
from python_calamine import CalamineWorkbook
from tests.portal_staff.conftest import text_of
from tests.portal_staff.finance.conftest import ROOT

import people

DEAR = {"Quantity": "5", "Line_Amount": "28523.75"}
READ = ("", "queue/", "month/", "upload/", "members/", "letters/", "decisions/")


def three_queried(finance):
    for place in range(1, 4):
        finance.bills.bill(place, sus=False)
    finance.bills.validate(actor="first")


def test_the_first_officer_opens_the_zone_and_it_is_recorded(finance):
    """Nobody becomes a member by looking; the first goes in by a form, and the trail says who."""
    person, browser = finance.officer(member=False)
    assert "not open yet" in text_of(browser.get(ROOT))
    assert browser.post(f"{ROOT}begin/").status_code == 303
    assert "Decided so far" in text_of(browser.get(ROOT))
    assert ("ceff-member", "done", person, ()) in finance.desk.events()


def test_an_officer_who_is_no_member_sees_nothing_and_the_asking_is_recorded(finance):
    """The role alone opens no page but the way to say so."""
    three_queried(finance)
    person, browser = finance.officer(member=False)
    for place in READ:
        answer = browser.get(ROOT + place)
        assert answer.status_code == 403, place
        assert "not a member" in text_of(answer)
    assert browser.get(finance.address("L1")).status_code == 403
    assert browser.post(f"{ROOT}begin/").status_code == 403
    assert ("ceff-enter", "refusal", person, ("not-a-member",)) in finance.desk.events()


def test_every_page_says_why_it_is_seen_and_is_recorded(finance):
    """Each page ends with why its reader can see it, and each that shows lines leaves an entry."""
    three_queried(finance)
    person, browser = finance.officer()
    for place in [*READ, finance.address("L1").removeprefix(ROOT)]:
        answer = browser.get(ROOT + place)
        assert answer.status_code == 200, place
        assert "Why can I see this?" in text_of(answer)
        assert "The law:" in text_of(answer)
    viewed = [one for one in finance.desk.events() if one[0] == "view" and one[2] == person]
    assert len(viewed) == 6  # the upload and the members show no line


def test_the_evidence_stands_side_by_side_and_says_what_differs(finance):
    """Only on the page of the line are records shown; the queue names nobody."""
    line = finance.bills.bill(1, sus={"HRG": "HN22B"})
    finance.bills.validate(actor="first")
    number = people.invented(2)[1].number
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    _, browser = finance.officer()
    shown = text_of(browser.get(finance.address(line)))
    assert "Near hospital record 1" in shown
    assert "HN22B (differs)" in shown
    assert shown.count(spaced) == 3
    for place in READ:
        assert spaced not in text_of(browser.get(ROOT + place))
        assert number not in browser.get(ROOT + place).content.decode()


def test_lines_are_decided_in_bulk_and_each_exception_is_explained(finance):
    """Chosen lines are decided; one that somebody settled meanwhile stays and says why; the ledger balances."""
    three_queried(finance)
    _, browser = finance.officer()
    keys = [finance.key(f"L{n}") for n in (1, 2)]
    form = {"choice": "reject|provider-withdrew", "scope": "chosen", "line": keys[:1]}
    assert "1 line now stands as: Reject" in text_of(browser.post(f"{ROOT}decide/", form))
    form = {"choice": "pay|records-agree", "scope": "chosen", "line": keys}
    shown = text_of(browser.post(f"{ROOT}decide/", form))
    assert "1 line now stands as: Pay" in shown
    assert "INV-1, line L1: the line is rejected; only a queried line is decided again." in shown
    ledger = finance.bills.ledger()["GBP"]
    assert ledger["invoiced"] == ledger["paid"] + ledger["queried"] + ledger["rejected"] == 3 * 570475


def test_a_whole_queue_is_decided(finance):
    """All lines of one provider with one reason, whichever page they stand on; sent twice it changes nothing more."""
    three_queried(finance)
    _, browser = finance.officer()
    form = {
        "choice": "reject|no-answer", "scope": "all", "provider": "RZ1", "reason": "activity-not-found"
    }  # fmt: skip
    assert "3 lines now stand as: Reject" in text_of(browser.post(f"{ROOT}decide/", form))
    assert browser.post(f"{ROOT}decide/", form).status_code == 422
    assert finance.bills.ledger()["GBP"]["rejected"] == 3 * 570475


@pytest.mark.parametrize("choice", ["", "pay|", "pay|because I say so", "pay|no-answer", "query|records-agree"])
def test_a_decision_without_a_listed_reason_is_not_taken(finance, choice):
    """A closed list: free words could name somebody."""
    three_queried(finance)
    _, browser = finance.officer()
    answer = browser.post(f"{ROOT}decide/", {"choice": choice, "scope": "chosen", "line": finance.key("L1")})
    assert answer.status_code == 422
    assert finance.bills.ledger()["GBP"]["queried"] == 3 * 570475


def test_a_large_amount_needs_a_second_member(finance):
    """The first member's yes waits; their second yes is refused; another member's yes pays; the page tells all."""
    line = finance.bills.bill(1, sus=False, **DEAR)
    finance.bills.validate(actor="first")
    _, browser = finance.officer()
    form = {"choice": "pay|records-agree", "scope": "chosen", "line": finance.key(line)}
    assert "1 line waits for a second person" in text_of(browser.post(f"{ROOT}decide/", form))
    again = {**form, "choice": "pay|approved-as-second-person"}
    assert "Nobody approves what they entered" in text_of(browser.post(f"{ROOT}decide/", again))
    _, other = finance.officer()
    assert "1 line now stands as: Pay" in text_of(other.post(f"{ROOT}decide/", again))
    assert finance.bills.ledger()["GBP"]["paid"] == 2852375
    assert "I am the second person" in text_of(other.get(finance.address(line)))


def test_bills_are_taken_in_checked_and_decided_on_pages_alone(finance):
    """Upload, check, decide: a wrong cell is named by file, row and column; nothing stays outside the zone."""
    bills = finance.bills
    bills.bill(1)
    bills.bill(2, Quantity="many")
    person, browser = finance.officer()
    for layout, rows in bills.rows.items():
        folder = bills.send(layout, rows)
        files = [path.open("rb") for path in sorted(folder.iterdir())]
        answer = browser.post(f"{ROOT}upload/", {"files": files})
        assert "What came in" in text_of(answer), text_of(answer)
        if layout == "invoice-lines":
            assert "file 1, row 2, Quantity" in text_of(answer)
        [one.close() for one in files]
    assert not (bills.store / "arriving").exists()
    assert "1 lines were decided" in text_of(browser.post(f"{ROOT}check/"))
    assert bills.decided()["L1"]["verdict"] == "pay"
    assert ("admit", "done", person, ()) in finance.desk.events()


def test_what_is_no_submission_is_not_taken_in(finance):
    """No files, no manifest, a wrong hash, a foreign folder in the name: told at the field, and nothing stays."""
    _, browser = finance.officer()
    stray = io.BytesIO(b"a,b\n1,2\n")
    stray.name = "../../stray.csv"
    for files, said in (([], "Choose the files"), ([stray], "no folder holds a manifest.toml")):
        answer = browser.post(f"{ROOT}upload/", {"files": files})
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert 'href="#files"' in answer.content.decode()
    assert [path.name for path in finance.bills.store.rglob("stray*")] == []


def test_the_months_picture_stands_beside_its_table(finance):
    """The chart is named and has no script; the table has the same sums."""
    three_queried(finance)
    finance.bills.bill(5)
    finance.bills.validate(actor="first")
    _, browser = finance.officer()
    answer = browser.get(f"{ROOT}month/")
    page = answer.content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img"' in page
    assert "June 2025" in text_of(answer)
    assert "£17,114.25" in text_of(answer)
    assert not re.search(r"<script(?! src=)|style=", page.partition("<main")[2].partition("<svg")[0])


def test_the_file_of_decisions_has_five_columns_and_needs_a_fresh_proof(finance):
    """CSV and workbook hold invoice, line, amount, decision, reason; the taking is recorded as an export."""
    three_queried(finance)
    person, browser = finance.officer()
    answer = browser.get(f"{ROOT}decisions/2025-06/csv/")
    rows = list(csv.reader(answer.content.decode().splitlines()))
    assert rows[0] == ["invoice", "line", "amount", "decision", "reason"]
    assert rows[1] == ["INV-1", "L1", "5704.75", "query", "activity"]
    sheet = browser.get(f"{ROOT}decisions/2025-06/xlsx/")
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content))
    assert book.get_sheet_by_index(0).to_python()[1] == ["INV-1", "L1", 5704.75, "query", "activity"]
    assert ("export", "done", person, ()) in finance.desk.events()
    finance.desk.clock.pass_(minutes=6)
    assert browser.get(f"{ROOT}decisions/2025-06/csv/").status_code == 303
    assert browser.get(f"{ROOT}decisions/2025-06/").status_code == 404


def test_letters_are_written_once_a_line_and_name_no_patient(finance):
    """A provider is asked once; the letter is a PDF for everyone; what is open and overdue is shown."""
    three_queried(finance)
    _, browser = finance.officer()
    assert "Provider RZ1: 3 lines" in text_of(browser.get(f"{ROOT}letters/"))
    assert browser.post(f"{ROOT}letters/", {"provider": "RZ1"}).status_code == 303
    shown = text_of(browser.get(f"{ROOT}letters/"))
    assert "Every line we ask about is in a letter" in shown
    number = re.search(r"Q\d+-\d+", shown)[0]
    answer = browser.get(f"{ROOT}letters/{number}/")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert browser.post(f"{ROOT}letters/", {"provider": "RZ1"}).status_code == 422
    assert browser.get(f"{ROOT}letters/Q99-1/").status_code == 404


def test_members_let_in_others_by_name(finance):
    """Only finance officers with an account are offered; who let in whom is recorded."""
    three_queried(finance)
    person, browser = finance.officer()
    other = finance.desk.employ("ceff_officer", "example-icb")
    outsider = finance.desk.employ("gp")
    assert browser.post(f"{ROOT}members/", {"account": outsider.id}).status_code == 422
    assert browser.post(f"{ROOT}members/", {"account": other.id}).status_code == 303
    assert finance.desk.signed_in(other).get(ROOT).status_code == 200
    assert ("ceff-member", "done", person, ()) in finance.desk.events()


def test_beside_a_run_pages_are_shown_and_forms_say_not_now(finance):
    """While another process has the store, nobody waits to read, and who would decide is told to come back."""
    three_queried(finance)
    _, browser = finance.officer()
    key = finance.key("L1")
    with finance.bills.house("first"):
        assert browser.get(ROOT).status_code == 200
        answer = browser.post(f"{ROOT}decide/", {"choice": "reject|no-answer", "scope": "chosen", "line": key})
        assert answer.status_code == 503
        assert "wait until it is done" in text_of(answer)
    assert finance.bills.decided()["L1"]["verdict"] == "query"


def test_when_the_training_lapses_every_page_is_closed(finance):
    """On the day after the training year a member sees nothing."""
    three_queried(finance)
    person = finance.desk.employ("ceff_officer", "example-icb")
    address = finance.address("L1")
    finance.desk.clock.now = finance.desk.clock.now.replace(year=2027, month=4, day=1)
    browser = finance.desk.signed_in(person)
    for place in [ROOT, *(ROOT + place for place in READ), address]:
        assert browser.get(place).status_code == 403, place
