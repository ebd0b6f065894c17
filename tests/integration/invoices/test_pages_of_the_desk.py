"""What a member sees and decides on the pages: only what was asked, recorded, and never approved by who entered it."""

from dataclasses import replace
from datetime import date

import pytest

from caldicott.operations.invoices import desk as pages
from caldicott.operations.invoices.purge import purge
from caldicott.operations.invoices.settle import settle_lines, settle_queue
from caldicott.operations.invoices.zone import add_member, enter
from caldicott.stores.ceff import Ceff
from caldicott.vocabulary.errors import Refused, WrongUsage

DEAR = {"Quantity": "5", "Line_Amount": "28523.75"}


def members(desk, *names):
    with desk.house("first") as house:
        for name in names:
            add_member(enter(house, ["invoices"]), name)


def officer(house):
    return replace(house, role="ceff_officer")


def key(desk, line):
    row = desk.decided()[line]
    return row["submission"], row["file_row"]


def test_the_queue_counts_by_provider_and_reason_and_pages_by_key(desk, monkeypatch):
    """Every queried line stands in the queue once a reason; the next page begins after the last line's key."""
    for place in range(1, 6):
        desk.bill(place, sus=False)
    desk.bill(7)
    desk.validate()
    monkeypatch.setattr(pages, "PAGE_LINES", 2)
    with desk.house() as house:
        state = pages.overview(officer(house))
        assert [(row["provider"], row["reason"], row["lines"]) for row in state.queue] == [
            ("RZ1", "activity-not-found", 5)
        ]
        seen, after = [], ()
        while True:
            page = pages.queue(officer(house), provider="RZ1", reason="activity-not-found", after=after)
            seen += [row["line"] for row in page.lines]
            after = page.after
            if not after:
                break
        assert pages.queue(officer(house), provider="RZ2").lines == ()
    assert seen == [f"L{n}" for n in range(1, 6)]


def test_a_line_shows_the_records_side_by_side_with_what_differs(desk):
    """Bill, backing, tracing and the near hospital record, each as it landed; what differs is named."""
    line = desk.bill(1, sus={"HRG": "HN22B", "End_Date": "2025-05-14"})
    desk.bill(2)
    desk.validate()
    where = key(desk, line)
    with desk.house() as house:
        page = pages.line(officer(house), submission=where[0], file_row=where[1])
    assert [one.title for one in page.records] == [
        "The bill", "What the provider sent", "National tracing", "Near hospital record 1"
    ]  # fmt: skip
    bill, backing, trace, near = page.records
    assert "identity" not in bill.says
    assert backing.says["identity"] == trace.says["identity"] == near.says["identity"]
    assert near.differs == {"hrg", "ended_on"}
    assert backing.differs == trace.differs == frozenset()
    assert str(backing.says["identity"]) not in repr(page) + str(page)
    viewed = [one for one in desk.entries() if one.event == "view"]
    assert viewed[-1].counts == {"lines": 1, "persons": 1}
    assert viewed[-1].references == (where[0], f"row-{where[1]}")


def test_a_paid_line_opens_no_record(desk):
    """Nothing speaks against it, so nobody needs to look at who it is about."""
    line = desk.bill(1)
    desk.validate()
    where = key(desk, line)
    with desk.house() as house:
        page = pages.line(officer(house), submission=where[0], file_row=where[1])
    assert page.records == ()
    assert page.may == {}
    assert [one for one in desk.entries() if one.event == "view"][-1].counts["persons"] == 0


def test_after_the_purge_the_page_has_nothing_to_open(desk):
    """The evidence is places, not values: when the landing copy is destroyed, the page says so and shows nobody."""
    line = desk.bill(1, sus=False)
    desk.validate()
    where = key(desk, line)
    with desk.house() as house:
        settle_lines(officer(house), [where], verdict="reject", because="provider-withdrew")
    later = desk.on(date(2026, 9, 1))
    with later.house() as house:
        assert purge(house).submissions
        page = pages.line(officer(house), submission=where[0], file_row=where[1])
    assert page.is_purged
    assert page.records == ()


def test_bulk_decisions_name_each_line_that_stays_and_why(desk):
    """Of three lines one is settled already: the others are decided, and the one is named with its reason."""
    for place in range(1, 4):
        desk.bill(place, sus=False)
    desk.validate()
    members(desk, "second")
    keys = [key(desk, f"L{n}") for n in range(1, 4)]
    with desk.house("second") as house:
        settle_lines(officer(house), keys[:1], verdict="reject", because="provider-withdrew")
        done = settle_lines(officer(house), keys, verdict="pay", because="records-agree")
    assert (done.lines, done.awaiting) == (2, 0)
    assert [(one.line, one.code) for one in done.kept] == [("L1", "line-settled")]
    assert done.ledger["GBP"] == desk.ledger()["GBP"]
    assert desk.ledger()["GBP"]["paid"] == 2 * 570475


def test_who_had_it_checked_may_reject_but_not_pay(desk):
    """Nobody approves what they entered: each such line is an exception, told by name."""
    line = desk.bill(1, sus=False)
    desk.validate(actor="first")
    where = key(desk, line)
    with desk.house("first") as house:
        done = settle_lines(officer(house), [where], verdict="pay", because="records-agree")
    assert (done.lines, [one.code for one in done.kept]) == (0, ["same-person"])
    assert desk.decided()[line]["verdict"] == "query"


def test_a_large_queried_amount_needs_two_members_who_did_not_enter_it(desk):
    """The first member's word is kept and pays nothing; the same member's second word is refused; another's pays."""
    line = desk.bill(1, sus=False, **DEAR)
    desk.validate(actor="first")
    members(desk, "second", "third")
    where = key(desk, line)
    with desk.house("second") as house:
        done = settle_lines(officer(house), [where], verdict="pay", because="records-agree")
        assert (done.lines, done.awaiting) == (0, 1)
        again = settle_lines(officer(house), [where], verdict="pay", because="approved-as-second-person")
        assert [one.code for one in again.kept] == ["same-person"]
    assert desk.ledger()["GBP"]["paid"] == 0
    with desk.house("third") as house:
        done = settle_lines(officer(house), [where], verdict="pay", because="approved-as-second-person")
        assert done.lines == 1
        past = pages.line(officer(house), submission=where[0], file_row=where[1]).past
    assert [(one["verdict"], one["by"], one["because"]) for one in past] == [
        ("query", None, None), ("query", "second", "records-agree"), ("pay", "third", "approved-as-second-person"),
    ]  # fmt: skip
    assert desk.ledger()["GBP"]["paid"] == 2852375


def test_a_whole_queue_is_decided_at_once(desk):
    """All lines of one provider and one reason, and no other line."""
    for place in range(1, 4):
        desk.bill(place, sus=False)
    other = desk.bill(5, backing={"NHS_Number_Trace_Status": "02"})
    desk.validate()
    with desk.house() as house:
        done = settle_queue(
            officer(house), provider="RZ1", reason="activity-not-found", verdict="reject", because="no-answer"
        )
    assert done.lines == 3
    assert desk.decided()[other]["verdict"] == "query"


def test_a_decision_by_hand_says_why(desk):
    """Without a listed reason nothing is decided; words of one's own are not taken, for they could name somebody."""
    line = desk.bill(1, sus=False)
    desk.validate()
    where = key(desk, line)
    for because in ("", "she never came", "no-answer"):
        with desk.house() as house, pytest.raises(WrongUsage):
            settle_lines(officer(house), [where], verdict="pay", because=because)


def test_another_role_or_a_stranger_sees_and_decides_nothing(desk):
    """The page asks by the role of who reads: being a member's namesake in another role opens nothing."""
    line = desk.bill(1, sus=False)
    desk.validate(actor="first")
    where = key(desk, line)
    for name, role in (("first", "ig_officer"), ("first", "dscro_operator"), ("stranger", "ceff_officer")):
        with desk.house(name) as house:
            reader = replace(house, role=role)
            for work in (
                lambda reader=reader: pages.overview(reader),
                lambda reader=reader: pages.queue(reader),
                lambda reader=reader: pages.line(reader, submission=where[0], file_row=where[1]),
                lambda reader=reader: pages.month(reader),
                lambda reader=reader: settle_lines(reader, [where], verdict="reject", because="no-answer"),
            ):
                with pytest.raises(Refused):
                    work()
    with desk.house() as house:
        assert Ceff(house.store).members() == ("first",)


def test_the_months_sums_are_those_of_the_report(desk):
    """What the page of the month says is what may leave: the coarser reasons, to the penny."""
    desk.bill(1)
    desk.bill(2, sus=False)
    desk.validate()
    with desk.house() as house:
        found = pages.month(officer(house))
    assert found.month == "2025-06"
    assert [(row["decision"], row["reason"], row["lines"], row["pence"]) for row in found.rows] == [
        ("pay", "none", 1, 570475), ("query", "activity", 1, 570475),
    ]  # fmt: skip


def test_an_amount_is_shown_in_its_own_currency(desk):
    """Euros are never shown as pounds, not in the queue and not on the line's page."""
    line = desk.bill(1, Currency="EUR")
    desk.validate()
    where = key(desk, line)
    with desk.house() as house:
        assert pages.queue(officer(house)).lines[0]["amount"] == "5,704.75 EUR"
        assert pages.overview(officer(house)).queue[0]["amount"] == "5,704.75 EUR"
        assert pages.line(officer(house), submission=where[0], file_row=where[1]).line["amount"] == "5,704.75 EUR"
