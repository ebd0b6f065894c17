# ruff: noqa: E501  rows of invented bills read better whole
"""The desk's work from landing to purge: seeded faults, second person, replies, credit notes, certificates."""

import csv
from collections import Counter, defaultdict
from datetime import date

import pytest

import people
from caldicott.operations.invoices.checks import OUTSIDE
from caldicott.operations.invoices.purge import purge
from caldicott.operations.invoices.report import report
from caldicott.operations.invoices.settle import explain, settle
from caldicott.operations.invoices.zone import add_member, enter
from caldicott.operations.land import land as land_outside
from caldicott.synth.invent import invent
from caldicott.synth.invoice_faults import FAULTS
from caldicott.vocabulary.errors import DoesNotHold, Refused
from integration.invoices.desk import PRICE

DEAR = {"Quantity": "5", "Line_Amount": "28523.75"}


def accounts(ledger, currency="GBP"):
    return {name: pence for name, pence in ledger[currency].items() if pence}


def test_every_seeded_fault_is_found_and_no_clean_line_is_asked_about(desk, tmp_path):
    """Of invented invoices each line gets the decision that the generator's truth states, kind by kind."""
    invent(tmp_path / "made", people=600, seed=3, only=["pds"], invoice_lines=700)
    landed = desk.land(tmp_path / "made" / "ceff")
    assert [one.fault for one in landed if one.fault] == []
    desk.validate()
    decided = {row["file_row"]: row for row in desk.all_decisions()}
    found, wrong = Counter(), defaultdict(list)
    with (tmp_path / "made" / "truth" / "invoice_lines.csv").open() as stream:
        for truth in csv.DictReader(stream):
            row = decided.get(int(truth["row"]))
            got = ("held", []) if row is None else (row["verdict"], row["reasons"])
            reasons = got[1] or ["none" if row else truth["reason"]]
            is_right = got[0] == truth["decision"] and truth["reason"] in reasons
            found[truth["fault"]] += is_right
            if not is_right:
                wrong[truth["fault"]].append(got)
    assert dict(wrong) == {}
    assert set(found) == {"", *FAULTS}


def test_what_may_leave_is_five_columns(desk, tmp_path):
    """Invoice, line, amount, decision and reason code leave, in pounds and pence, and nothing else."""
    desk.bill(1)
    desk.bill(2, sus=False)
    desk.validate()
    with desk.house() as house:
        told = report(house, to=tmp_path / "out")
    lines = (tmp_path / "out" / "decisions.csv").read_text().splitlines()
    assert lines == [
        '"invoice","line","amount","decision","reason"',
        f'"INV-1","L1","{PRICE}","pay","none"',
        f'"INV-2","L2","{PRICE}","query","activity"',
    ]
    assert tuple(next(csv.reader(lines))) == OUTSIDE
    assert accounts(told.ledger) == {"invoiced": 1140950, "paid": 570475, "queried": 570475}


def test_a_large_amount_waits_for_a_second_person_who_did_not_enter_it(desk):
    """From the house's limit a line is queried until a member who neither landed nor checked it approves."""
    line = desk.bill(1, **DEAR)
    desk.validate(actor="first")
    assert desk.decided()[line]["reasons"] == ["awaiting-second-person"]
    with desk.house("first") as house:
        add_member(enter(house, ["invoices"]), "second")
        with pytest.raises(Refused) as refused:
            settle(house, invoice="INV-1", verdict="pay", because="approved-as-second-person")
        assert refused.value.code == "same-person"
    with desk.house("second") as house:
        assert accounts(settle(house, invoice="INV-1", verdict="pay", because="approved-as-second-person").ledger) == {
            "invoiced": 2852375,
            "paid": 2852375,
        }


def test_who_landed_an_invoice_does_not_approve_it_though_another_checked_it(desk):
    """Entering is landing too: the lander and the checker are both out, a third may approve."""
    desk.bill(1, **DEAR)
    desk.land(actor="lander")
    with desk.house("lander") as house:
        for name in ("checker", "third"):
            add_member(enter(house, ["invoices"]), name)
    desk.validate(actor="checker")
    for name in ("lander", "checker"):
        with desk.house(name) as house, pytest.raises(Refused):
            settle(house, invoice="INV-1", verdict="pay", because="approved-as-second-person")
    with desk.house("third") as house:
        assert settle(house, invoice="INV-1", verdict="pay", because="approved-as-second-person").lines == 1


def test_who_is_no_member_sees_nothing_and_the_refusal_is_recorded(desk):
    """The officer's role is not enough: the zone has members, and the trail shows who was turned away."""
    desk.bill(1)
    desk.validate(actor="first")
    with desk.house("stranger") as house:
        for work in (lambda: report(house), lambda: explain(house, invoice="INV-1"), lambda: purge(house)):
            with pytest.raises(Refused) as refused:
                work()
            assert refused.value.code == "not-a-member"
    assert [one.actor for one in desk.entries() if "not-a-member" in one.reasons] == ["stranger"] * 3


def test_when_the_approval_or_the_training_lapses_the_zone_is_closed(desk):
    """On the day after the training year nobody works in the zone, member or not."""
    desk.bill(1)
    desk.validate()
    later = desk.on(date(2027, 4, 1))
    with later.house() as house, pytest.raises(Refused) as refused:
        report(house)
    assert "lapsed" in refused.value.code


def test_a_reply_opens_a_query_again_and_pays_it(desk):
    """Backing that comes later settles the query when it is looked at again; what is settled is not touched."""
    line, paid = desk.bill(1, backing={"NHS_Number_Trace_Status": "02"}), desk.bill(2)
    reply = {**desk.rows["invoice-backing"][0], "NHS_Number_Trace_Status": "01"}
    desk.validate()
    assert desk.decided()[line]["verdict"] == "query"
    desk.land(desk.send("invoice-backing", [reply]))
    assert desk.validate().lines == 0
    assert desk.validate(again=True).lines == 1
    assert (desk.decided()[line]["verdict"], desk.decided()[paid]["verdict"]) == ("pay", "pay")
    assert accounts(desk.ledger()) == {"invoiced": 1140950, "paid": 1140950}
    assert desk.validate(again=True).lines == 0


def test_a_credit_note_takes_back_what_it_names_and_never_more(desk):
    """Credits reduce paid, queried and rejected lines alike; one that names nothing, or too much, waits."""
    paid, queried = desk.bill(1), desk.bill(2, Unit_Price="5714.75", Line_Amount="5714.75")
    desk.validate()

    def note(number, invoice, line, pounds):
        credit = {"Invoice_Number": f"CN-{number}", "Line_ID": f"C{number}", "Line_Type": "credit",
                  "Line_Amount": pounds, "Unit_Price": pounds, "Credits_Invoice": invoice, "Credits_Line": line}  # fmt: skip
        desk.put("invoice-lines", {**same, **credit})

    same = {"Provider_Code": "RZ1", "Commissioner_Code": "QZZ", "Invoice_Date": "2025-07-01",
            "Received_Date": "2025-07-02", "Period_From": "2025-05-01", "Period_To": "2025-05-31", "Quantity": "1", "Currency": "GBP"}  # fmt: skip
    note(1, "INV-2", queried, "-10.00")
    note(2, "INV-1", paid, "-5704.75")
    note(3, "INV-1", paid, "-0.01")
    note(4, "INV-99", "L99", "-1.00")
    done = desk.validate(again=True)
    assert done.credits == 2
    assert accounts(desk.ledger()) == {"invoiced": 1141950, "queried": 570475, "credited": 571475}
    # What is left of the queried line is now the price that is due.
    assert desk.validate(again=True).credits == 0
    assert desk.decided()[queried]["verdict"] == "pay"
    assert accounts(desk.ledger()) == {"invoiced": 1141950, "paid": 570475, "credited": 571475}


def test_settled_lines_stay_settled(desk):
    """Paid and rejected are final: another decision is refused, with what to do instead."""
    line = desk.bill(1)
    desk.validate(actor="first")
    with desk.house("first") as house:
        add_member(enter(house, ["invoices"]), "second")
    with desk.house("second") as house, pytest.raises(DoesNotHold) as refused:
        settle(house, invoice="INV-1", line=line, verdict="reject", because="provider-withdrew")
    assert refused.value.code == "line-settled"


def test_a_line_is_explained_in_plain_words(desk):
    """A member reads why, and how the amount was reached: unit price, days over, factor."""
    line = desk.bill(1, backing={"End_Date": "2025-06-25"}, sus={"End_Date": "2025-06-25"}, Period_To="2025-06-30",
                     Received_Date="2025-07-01")  # fmt: skip
    desk.validate()
    with desk.house() as house:
        (told,) = explain(house, invoice="INV-1", line=line)
    assert told["why"] == [
        "The amount billed is not the price that the tables give.",
        (
            "The unit price is £5,457.00, plus 4 days over the trim point at £219.35, "
            "times the provider's market forces factor 1.0454: £6,621.98."
        ),
    ]
    assert told["expected"] == "£6,621.98"


def test_an_invoice_that_names_a_patient_goes_back_whole_and_is_an_incident(desk):
    """A row with an NHS number is held back, the invoice's other lines are rejected, the trail counts the incident."""
    fine, other = desk.bill(1, Invoice_Number="INV-X"), desk.bill(2)
    leak = {**desk.rows["invoice-lines"][0], "Line_ID": "LX", "Case_Number": people.number(7)}
    desk.put("invoice-lines", leak)
    landed = desk.land()
    assert [one.incidents for one in landed if one.dataset == "invoices"] == [1]
    assert [one.held for one in landed if one.dataset == "invoices"] == [
        ("file 1, row 3, Case_Number: identifier_in_free_column",)
    ]
    desk.validate()
    decided = desk.decided()
    assert (decided[fine]["verdict"], decided[fine]["reasons"]) == ("reject", ["patient-data-on-invoice"])
    assert decided[other]["verdict"] == "pay"
    assert any(one.counts.get("incident patient-data-on-invoice") == 1 for one in desk.entries())


def test_persons_who_opted_out_nationally_are_checked_like_others(desk):
    """The register waives the national opt-out here: no objection is among what the officer must apply."""
    from caldicott.policy.decide import decide
    from caldicott.policy.decision import Request

    asked = Request("ceff_officer", "invoice-validation", "invoice-backing", "identifiable", action="see")
    permit = decide(asked, desk.register, desk.today)
    assert permit.obligations.objections == ()
    assert [one.kind for one in permit.obligations.exemptions] == ["cag_waiver"]


def test_the_landing_copy_goes_after_its_period_with_a_certificate(desk):
    """Ninety days after the last decision copies are destroyed; the ledger stays; duplicates are still found."""
    desk.bill(1)
    line, backing = desk.rows["invoice-lines"][0], desk.rows["invoice-backing"][0]
    desk.validate()
    with desk.on(date(2026, 8, 2)).house() as house:
        early = purge(house)
    assert (early.certificates, len(early.kept)) == ([], 4)
    later = desk.on(date(2026, 8, 3))
    with later.house() as house:
        done = purge(house)
        assert done.submissions == 4
        assert {one["dataset"] for one in done.certificates} == {"invoices", "invoice-backing", "sus-apc", "pds"}
        assert purge(house).certificates == []
    assert not list((desk.store / "ceff" / "clear").rglob("*.parquet"))
    assert accounts(later.ledger()) == {"invoiced": 570475, "paid": 570475}
    later.rows = {
        "invoice-lines": [{**line, "Invoice_Number": "INV-B"}],
        "invoice-backing": [{**backing, "Invoice_Number": "INV-B"}],
    }
    later.validate()
    assert "duplicate-activity" in later.all_decisions()[-1]["reasons"]


def test_nothing_is_purged_while_a_line_is_queried(desk):
    """A query keeps its evidence, however old."""
    desk.bill(1, sus=False)
    desk.validate()
    with desk.on(date(2027, 3, 1)).house() as house:
        done = purge(house)
    assert (done.submissions, set(done.kept.values())) == (0, {"lines are queried"})


def test_the_zone_takes_only_its_own_and_the_main_door_takes_nothing_of_it(desk):
    """Another purpose, another layout or the landing office's own door: refused, and nothing stays."""
    desk.bill(1)
    place = desk.send(
        "invoice-lines", desk.rows["invoice-lines"], purposes=["invoice-validation", "commissioning-planning"]
    )
    other = desk.send("ncdr-sus-apc", [people.apc(people.invented(1)[0], "R1")], agreement="dars-dsa")
    assert [one.fault.code for one in desk.land(place, other)] == ["not-for-the-zone"] * 2
    mine = desk.send("invoice-lines", desk.rows["invoice-lines"])
    with desk.house() as house:
        (outside,) = land_outside(house, mine)
    assert outside.fault.exit_code == 3
    assert not list((desk.store / "ceff").rglob("*.parquet"))
    assert not (desk.store / "clear").exists()


def test_landing_the_same_again_changes_nothing(desk):
    """A submission that landed is there already; with other content under the same id it is refused."""
    desk.bill(1)
    place = desk.send("invoice-lines", desk.rows["invoice-lines"])
    assert [one.already for one in desk.land(place, place)] == [False, True]
    changed = desk.send("invoice-lines", [{**desk.rows["invoice-lines"][0], "Line_ID": "LZ"}], id=place.name)
    assert desk.land(changed)[0].fault.code == "submission-differs"


def test_a_queried_line_that_is_credited_whole_is_closed(desk):
    """Nothing is left to ask about: the line is closed, and no longer keeps the landing copies."""
    line = desk.bill(1, sus=False)
    bill = desk.rows["invoice-lines"][0]
    desk.validate()
    desk.put("invoice-lines", {**bill, "Invoice_Number": "CN-1", "Line_ID": "C1", "Line_Type": "credit",
                               "Credits_Invoice": "INV-1", "Credits_Line": line})  # fmt: skip
    assert desk.validate().credits == 1
    assert desk.decided()[line]["verdict"] == "credit"
    assert accounts(desk.ledger()) == {"invoiced": 570475, "credited": 570475}
    with desk.on(date(2026, 9, 1)).house() as house:
        assert purge(house).submissions == 4


def test_an_invoice_that_was_sent_back_may_come_again_without_the_patient(desk):
    """Only the sending that named a patient is rejected; the corrected invoice under the same number is checked."""
    line = desk.bill(1)
    row = desk.rows["invoice-lines"][0]
    desk.put("invoice-lines", {**row, "Line_ID": "LX", "Case_Number": people.number(7)})
    desk.validate()
    assert desk.decided()[line]["reasons"] == ["patient-data-on-invoice"]
    desk.put("invoice-lines", row)
    desk.validate()
    assert desk.decided()[line]["verdict"] == "pay"


def test_the_rest_of_the_house_works_beside_the_zone(desk):
    """Status adds up, and the main run passes over what landed in the zone."""
    from caldicott.operations.run import run
    from caldicott.operations.status import status

    desk.bill(1)
    desk.validate()
    with desk.house() as house:
        assert status(house)["balanced"]
        assert [one.rows for one in run(house) if one.activity == "invoice-validation"] in ([], [{}])
