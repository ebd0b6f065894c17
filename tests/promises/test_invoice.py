"""Bills: before paying, it is ours and the amount is right; who is meant is seen in a locked area alone."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

import people
from attack.scanner import Scanner
from caldicott.operations.invoices.desk import line, overview
from caldicott.operations.invoices.report import report as tell
from caldicott.operations.verify.control import State
from caldicott.operations.verify.controls.ceff import CONTROLS
from caldicott.operations.verify.evidence import Evidence
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.errors import Refused
from caldicott.vocabulary.terms import Role
from integration.invoices.desk import Desk

BILLS = "invoice-validation"


@pytest.fixture(scope="module")
def bills(tmp_path_factory, example_icb):
    """Bills of four kinds: right, not ours, at another price, without backing; checked and told."""
    folder = tmp_path_factory.mktemp("bills")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        desk = Desk(folder, example_icb)
        desk.bill(1)
        desk.bill(2, Commissioner_Code="QYY")
        desk.bill(3, Unit_Price="5704.76", Line_Amount="5704.76")
        desk.bill(4, backing=False)
        desk.bill(5, trace={"GP_Practice_Code": "Y90001", "Postcode": "ZY1 1AA"})
        desk.validate()
        with desk.house() as house:
            tell(house, to=folder / "out")
        yield desk


def found(desk):
    with desk.house() as house:
        evidence = Evidence(house)
        return {one.id: one.look(evidence) for one in CONTROLS}


@pytest.mark.keeps("L1-065")
def test_without_backing_no_line_is_paid(bills):
    """A line whose backing did not come is asked about, and waits."""
    assert (bills.decided()["L4"]["verdict"], bills.decided()["L4"]["reasons"]) == ("query", ["no-backing"])


@pytest.mark.keeps("L1-067")
def test_backing_with_a_column_beyond_the_list_is_refused_whole(bills):
    """Clinical free text refuses the delivery; nothing of it stays."""
    row = {"Invoice_Number": "INV-9", "Line_ID": "L9", "Provider_Code": "RZ1", "Clinical_Notes": "private"}
    landed = bills.land(bills.send("invoice-backing", [row]))
    assert landed[0].fault is not None
    assert landed[0].fault.code == "unknown_column"


@pytest.mark.keeps("L1-068", "DO-075", "OX-095")
def test_who_is_no_member_of_the_area_sees_nothing(bills):
    """An officer of the same role who was not let in, and the ledger's staff, are turned away; it is recorded."""
    for name, role in (("stranger", "ceff_officer"), ("first", "processor_staff")):
        with bills.house(name) as house, pytest.raises(Refused):
            overview(replace(house, role=role))
    assert any("not-a-member" in one.reasons for one in bills.entries())


@pytest.mark.keeps("L1-069", "L1-068", "DO-075", "OX-095")
def test_what_leaves_is_the_decision_alone(bills):
    """Five columns; no number, birth date or postcode of anybody in any file that left."""
    out = bills.root / "out"
    with (out / "decisions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert set(rows[0]) == {"invoice", "line", "amount", "decision", "reason"}
    known = [
        {"number": person.number, "born": person.born, "postcode": person.postcode} for person in people.invented(6)
    ]
    assert Scanner(known).scan(out) == []


@pytest.mark.keeps("L1-069")
@pytest.mark.parametrize("role", [role for role in Role if role != Role.CEFF_OFFICER])
def test_no_other_role_and_no_other_purpose_opens_bills(example_icb, role):
    """Asked for every activity, the answer about bills and their backing is no."""
    given = [
        (entry.id, dataset)
        for entry in example_icb.activities
        for dataset in ("invoices", "invoice-backing")
        for form in ("identifiable", "pseudonymised", "aggregated")
        if isinstance(decide(Request(role.value, entry.id, dataset, form), example_icb, Desk.today), Permit)
    ]
    assert given == []


@pytest.mark.keeps("DO-073")
def test_bills_for_another_boards_people_are_not_paid(bills):
    """One addressed to another board, one for another board's patient: both go back."""
    decided = bills.decided()
    assert (decided["L2"]["verdict"], decided["L2"]["reasons"]) == ("reject", ["billed-to-another"])
    assert decided["L5"]["verdict"] == "reject"
    assert decided["L5"]["redirect_to"] == "QYY"


@pytest.mark.keeps("DO-074")
def test_a_penny_too_much_is_asked_about(bills):
    """The amount is compared to the penny; only the right one is paid."""
    decided = bills.decided()
    assert decided["L1"]["verdict"] == "pay"
    assert (decided["L3"]["verdict"], decided["L3"]["reasons"]) == ("query", ["price-differs"])


def test_the_line_is_seen_by_a_member_and_verify_finds_every_control_kept(bills):
    """On this store each look has something to look at, and holds."""
    row = bills.decided()["L3"]
    with bills.house() as house:
        line(replace(house, role="ceff_officer"), submission=row["submission"], file_row=row["file_row"])
    assert {name: one.state for name, one in found(bills).items()} == dict.fromkeys(
        (one.id for one in CONTROLS), State.KEPT
    )
