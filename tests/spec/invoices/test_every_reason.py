# ruff: noqa: E501  the table of cases reads better in whole rows
"""The checks of a bill, one row a reason: what is changed in a bill that is right, and the decision it then gets."""

import pytest

import people

OTHER = people.number(500)
CASES = [
    # what the officer reads, changes to the invoice line, to backing, hospital record, trace; decision and reason
    ("right in every way", {}, {}, {}, {}, "pay", None),
    ("no backing came", {}, False, {}, {}, "query", "no-backing"),
    ("the backing's number fails its check digit", {}, {"NHS_Number": "9000000001"}, {}, {}, "query", "backing-held-back"),
    ("the backing says the number is not verified", {}, {"NHS_Number_Trace_Status": "02"}, {}, {}, "query", "number-not-verified"),
    ("tracing does not know the number", {}, {}, {}, False, "query", "number-not-traced"),
    ("care began before birth", {}, {"Date_of_Birth": "2025-05-11"}, {}, {}, "query", "before-birth"),
    ("care began after death", {}, {}, {}, {"Date_of_Death": "2025-05-09"}, "query", "after-death"),
    ("care began on the day of death", {}, {}, {}, {"Date_of_Death": "2025-05-10"}, "pay", None),
    ("registered with another board's practice", {}, {}, {}, {"GP_Practice_Code": "Y90001"}, "reject", "not-ours"),
    ("registered with us from the day after", {}, {}, {}, {"Registered_From": "2025-05-11", "Postcode": "ZY1 1AA"}, "reject", "not-ours"),
    ("registered with us from that day", {}, {}, {}, {"Registered_From": "2025-05-10", "Postcode": "ZY1 1AA"}, "pay", None),
    ("registered nowhere, lives with us", {}, {}, {}, {"GP_Practice_Code": "", "Postcode": "ZZ1 1AA"}, "pay", None),
    ("registered nowhere, lives elsewhere", {}, {}, {}, {"GP_Practice_Code": "", "Postcode": "ZY1 1AA"}, "reject", "not-ours"),
    ("no practice, no home, treated with us", {}, {"Postcode": ""}, {}, {"GP_Practice_Code": "", "Postcode": ""}, "pay", None),
    ("detained, the responsible board fixed elsewhere", {}, {"Responsibility_Rule": "detained", "Fixed_Commissioner": "QYY"}, {}, {}, "reject", "not-ours"),
    ("aftercare, fixed with us, though registered elsewhere", {}, {"Responsibility_Rule": "section-117", "Fixed_Commissioner": "QZZ"}, {}, {"GP_Practice_Code": "Y90001"}, "pay", None),
    ("detained, but nobody says where", {}, {"Responsibility_Rule": "detained"}, {}, {}, "query", "commissioner-not-established"),
    ("placed by another board", {}, {"Responsibility_Rule": "chc-placed", "Fixed_Commissioner": "QYY"}, {}, {}, "reject", "not-ours"),
    ("a looked-after child of another board", {}, {"Responsibility_Rule": "looked-after", "Fixed_Commissioner": "QYY"}, {}, {}, "reject", "not-ours"),
    ("an overseas visitor treated with us", {}, {"Responsibility_Rule": "overseas"}, {}, {"GP_Practice_Code": "Y90001"}, "pay", None),
    ("a special rule nobody knows", {}, {"Responsibility_Rule": "because"}, {}, {}, "query", "commissioner-not-established"),
    ("bought nationally", {}, {"Responsibility_Rule": "specialised"}, {}, {}, "reject", "nationally-commissioned"),
    ("addressed to another board", {"Commissioner_Code": "QYY"}, {}, {}, {}, "reject", "billed-to-another"),
    ("addressed to the group that we succeeded", {"Commissioner_Code": "99A"}, {}, {}, {}, "pay", None),
    ("not in the hospital records", {}, {}, False, {}, "query", "activity-not-found"),
    ("another HRG in the records", {}, {}, {"HRG": "AA22C"}, {}, "query", "activity-differs"),
    ("another last day in the records", {}, {}, {"End_Date": "2025-05-12"}, {}, "query", "activity-differs"),
    ("another spell in the records", {}, {}, {"Local_Spell_ID": "SP99"}, {}, "query", "activity-differs"),
    ("another person in the records", {}, {}, {"NHS_Number": OTHER}, {}, "query", "activity-differs"),
    ("a penny too much", {"Unit_Price": "5704.76", "Line_Amount": "5704.76"}, {}, {}, {}, "query", "price-differs"),
    ("a penny too little", {"Unit_Price": "5704.74", "Line_Amount": "5704.74"}, {}, {}, {}, "query", "price-differs"),
    ("a unit of care without a price", {}, {"HRG": "ZZ98Z"}, {"HRG": "ZZ98Z"}, {}, "query", "price-missing"),
    ("a top-up of another trust", {}, {"Top_Up": "spinal"}, {}, {}, "query", "top-up-not-due"),
    ("a best practice of other care", {}, {"Best_Practice": "bp-hip"}, {}, {}, "query", "best-practice-not-due"),
    ("in on the last day", {"Received_Date": "2025-11-12"}, {}, {}, {}, "pay", None),
    ("in a day too late", {"Received_Date": "2025-11-13"}, {}, {}, {}, "reject", "late"),
    ("the sum is wrong", {"Unit_Price": "5704.00"}, {}, {}, {}, "query", "arithmetic"),
    ("no quantity", {"Quantity": "0", "Line_Amount": "0.00"}, {}, {}, {}, "query", "quantity-not-positive"),
    ("a negative quantity", {"Quantity": "-1", "Line_Amount": "-5704.75"}, {}, {}, {}, "query", "quantity-not-positive"),
    ("VAT at its rate", {"VAT_Percent": "20", "VAT_Amount": "1140.95"}, {}, {}, {}, "pay", None),
    ("VAT that is not its rate", {"VAT_Percent": "20", "VAT_Amount": "1140.94"}, {}, {}, {}, "query", "vat"),
    ("a rate that does not exist", {"VAT_Percent": "17.5", "VAT_Amount": "998.33"}, {}, {}, {}, "query", "vat"),
    ("the total is right", {"Invoice_Total": "5704.75"}, {}, {}, {}, "pay", None),
    ("the total is wrong", {"Invoice_Total": "5704.76"}, {}, {}, {}, "query", "total-differs"),
    ("care outside the period", {"Period_From": "2025-05-14"}, {}, {}, {}, "query", "period"),
    ("a period that ends before it begins", {"Period_From": "2025-05-31", "Period_To": "2025-05-01"}, {}, {}, {}, "query", "period"),
    ("in euros", {"Currency": "EUR"}, {}, {}, {}, "query", "currency"),
    ("neither invoice nor credit", {"Line_Type": "reminder"}, {}, {}, {}, "query", "line-type"),
]  # fmt: skip


def test_each_thing_that_can_be_wrong_gets_its_decision_and_its_reason(desk):
    """Each bill differs from one that is right in the one way named, and gets exactly the reason for that way."""
    lines = [
        desk.bill(place, backing=backing, sus=sus, trace=trace, **invoice)
        for place, (_, invoice, backing, sus, trace, _, _) in enumerate(CASES)
    ]
    desk.validate()
    decided = desk.decided()
    found = {
        case[0]: (decided[line]["verdict"], decided[line]["reasons"]) for case, line in zip(CASES, lines, strict=True)
    }
    assert found == {case[0]: (case[5], [case[6]] if case[6] else []) for case in CASES}


@pytest.mark.parametrize(
    ("provider", "kind", "hrg", "reason"),
    [("RZ1", "OPFUP", "WF01A", "covered-by-block"), ("RZ2", "AE1", "VB11Z", "covered-by-low-volume")],
)
def test_what_a_contract_pays_for_is_not_paid_again(desk, provider, kind, hrg, reason):
    """A bill for care that a block contract or the low-volume payment covers is rejected, right as it may be."""
    care = {"Point_of_Delivery": kind, "HRG": hrg, "End_Date": "2025-05-10"}
    line = desk.bill(1, Provider_Code=provider, backing=care, sus=care)
    rows = desk.rows.pop("invoice-backing")
    desk.land(desk.send("invoice-backing", rows, sender=provider))
    desk.validate()
    assert desk.decided()[line]["verdict"] == "reject"
    assert reason in desk.decided()[line]["reasons"]


def test_backing_counts_only_from_the_provider_that_bills(desk):
    """What another provider sends as backing is not believed; the line is queried."""
    line = desk.bill(1)
    rows = desk.rows.pop("invoice-backing")
    desk.land(desk.send("invoice-backing", rows, sender="RZ2"))
    desk.validate()
    assert desk.decided()[line]["reasons"] == ["backing-other-sender"]


def test_two_persons_behind_one_line_are_asked_about(desk):
    """Two backing rows for one line are never resolved by a guess."""
    line = desk.bill(1)
    desk.put("invoice-backing", {**desk.rows["invoice-backing"][0], "NHS_Number": OTHER})
    desk.validate()
    assert desk.decided()[line]["reasons"] == ["backing-ambiguous"]


def test_the_same_line_and_the_same_activity_are_paid_once(desk):
    """A line sent twice and an activity billed on a second invoice are rejected; the first of each is paid."""
    first = desk.bill(1)
    twice = {**desk.rows["invoice-lines"][0], "Received_Date": "2025-06-10"}
    again = {
        **desk.rows["invoice-lines"][0],
        "Invoice_Number": "INV-B",
        "Line_ID": "L-B",
        "Received_Date": "2025-06-11",
    }
    desk.rows["invoice-lines"] += [twice, again]
    desk.put("invoice-backing", {**desk.rows["invoice-backing"][0], "Invoice_Number": "INV-B", "Line_ID": "L-B"})
    desk.validate()
    every = [(row["line"], row["verdict"], row["reasons"]) for row in desk.all_decisions()]
    assert every == [
        (first, "pay", []), (first, "reject", ["duplicate-invoice"]), ("L-B", "reject", ["duplicate-activity"]),
    ]  # fmt: skip


def test_what_was_paid_last_month_is_not_paid_this_month(desk):
    """Duplicates are found against everything decided before, not only within one landing."""
    first = desk.bill(1)
    line, backing = desk.rows["invoice-lines"][0], desk.rows["invoice-backing"][0]
    desk.validate()
    desk.rows = {
        "invoice-lines": [{**line, "Invoice_Number": "INV-LATER", "Line_ID": "LL"}, line],
        "invoice-backing": [{**backing, "Invoice_Number": "INV-LATER", "Line_ID": "LL"}],
    }
    desk.validate()
    later = desk.all_decisions()[1:]
    assert desk.all_decisions()[0]["line"] == first
    assert [(row["verdict"], row["reasons"]) for row in later] == [
        ("reject", ["duplicate-activity"]), ("reject", ["duplicate-invoice"]),
    ]  # fmt: skip


def test_care_that_needs_an_approval_names_a_case_that_is_in_force(desk):
    """Approvals are known by case number only: in force, of another provider's care, ended, or none."""
    care = {"Point_of_Delivery": "IFR", "HRG": "IFRX1", "End_Date": "2025-05-10"}
    bill = {"Provider_Code": "NZ1", "Unit_Price": "4380.00", "Line_Amount": "4380.00"}
    cases = {
        "IFR-0001": [],
        "CHC-0001": ["approval-not-in-force"],
        "": ["approval-missing"],
        "IFR-9": ["approval-missing"],
    }
    lines = {
        desk.bill(place, Case_Number=case, backing=care, sus=False, **bill): found
        for place, (case, found) in enumerate(cases.items())
    }
    rows = desk.rows.pop("invoice-backing")
    desk.land(desk.send("invoice-backing", rows, sender="NZ1"))
    desk.validate()
    assert {line: desk.decided()[line]["reasons"] for line in lines} == lines


def test_near_matches_are_ranked_and_say_only_what_differs(desk):
    """Of several records that are nearly the one billed the nearest comes first, by what differs, never by value."""
    line = desk.bill(1, sus={"HRG": "AA22C", "End_Date": "2025-05-12"})
    record = desk.rows["invoice-sus-apc"][0]
    desk.put("invoice-sus-apc", {**record, "Generated_Record_ID": "RX", "HRG": "FD01A", "End_Date": "2025-05-14"})
    desk.validate()
    assert desk.decided()[line]["near_differs"] == "end | end+hrg"
