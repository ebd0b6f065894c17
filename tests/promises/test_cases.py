"""Case work, promise by promise, as far as register and decision keep it: who may reach the papers of a case at all."""

from __future__ import annotations

import pytest

from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role
from promises.notices import (
    ANALYST,
    DORSET,
    EXAMPLE,
    LEEDS,
    OXFORDSHIRE,
    activity,
    ask,
    assert_is_noticed,
    codes,
    printed,
    register,
    with_activity,
)

CASES = {
    "individual-funding-requests": "funding-request-cases",
    "continuing-healthcare": "continuing-healthcare-cases",
    "complaints": "complaint-cases",
    "safeguarding": "safeguarding-cases",
    "incidents": "incident-cases",
    "post-infection-reviews": "infection-review-cases",
}
OF_CASES = {Role.CASE_OFFICER, Role.CALDICOTT_GUARDIAN}


@pytest.mark.keeps_partly("L1-043", "L1-044", "L1-045", "L1-046", "L1-053", "L1-054")
@pytest.mark.keeps_partly("OX-002", "OX-015", "OX-018", "OX-020", "OX-054")
@pytest.mark.keeps_partly("DO-044", "DO-048", "DO-054", "DO-056", "DO-061", "DO-064")
@pytest.mark.parametrize("activity_id", CASES)
def test_the_papers_of_a_case_are_for_its_officer_and_the_guardian(activity_id):
    """Every other role is refused every form of the papers; the officer is bound to show the case is theirs."""
    for role in Role:
        for form in DataFormat:
            decision = ask(EXAMPLE, Request(role, activity_id, CASES[activity_id], form))
            assert isinstance(decision, Permit) is (role in OF_CASES), (role, form)
    permit = ask(EXAMPLE, Request("case_officer", activity_id, CASES[activity_id], "identifiable"))
    assert permit.obligations.relationship == "assigned_case"
    assert permit.obligations.record_viewing


@pytest.mark.keeps_partly("OX-005")
@pytest.mark.parametrize("activity_id", CASES)
def test_the_papers_of_a_case_serve_no_other_use(activity_id):
    """No other use of the register has the papers, and asking for them under one is refused."""
    for one in register(EXAMPLE).activities:
        if one.id != activity_id:
            refusal = ask(EXAMPLE, Request("case_officer", one.id, CASES[activity_id], "identifiable"))
            assert "dataset-not-in-activity" in codes(refusal)


@pytest.mark.keeps_partly("L1-054")
def test_an_infection_review_opens_without_consent():
    """It rests on the regulations about control of patient information; no objection stops it, and its page says so."""
    use = activity(EXAMPLE, "post-infection-reviews")
    assert use.confidentiality_basis.kind == "s251"
    assert use.objections.rules == ()
    assert "regulation 3" in printed(EXAMPLE, "activities/post-infection-reviews#objecting")


@pytest.mark.keeps_partly("L1-048", "L1-049", "L1-050", "L1-052", "L1-057")
@pytest.mark.parametrize(("activity_id", "words"), [
    ("continuing-healthcare", "specialised care outside our area"),
    ("care-treatment-reviews", "keep a register of people"),
    ("care-treatment-reviews", "Assuring Transformation"), ("complaints", "Member of Parliament"),
    ("individual-funding-requests", "travelling to care"),
])  # fmt: skip
def test_the_kinds_of_case_of_the_leeds_notice_are_in_its_register(activity_id, words):
    """Out of area care, reviews with their register, the national return, members of parliament, travel costs."""
    assert words in activity(LEEDS, activity_id).plain_text


@pytest.mark.keeps_partly("L1-050")
def test_who_objects_is_left_out_of_the_national_return():
    """The Leeds register honours an objection to the Assuring Transformation return, and says what follows."""
    (rule,) = activity(LEEDS, "care-treatment-reviews").objections.rules
    assert "left out of the national record" in rule.consequence


@pytest.mark.keeps_partly("L1-051", "DO-066", "DO-067")
def test_medicines_are_looked_at_in_the_practice_and_counted_outside():
    """Pharmacists see patients of the practice; who plans services gets counts, and costly requests an officer."""
    seen = ask(EXAMPLE, Request("care_team", "medicines-optimisation", "gp-medications", "identifiable"))
    assert seen.obligations.relationship == "own_practice"
    for form in DataFormat:
        counted = ask(EXAMPLE, Request(ANALYST, "medicines-optimisation", "prescribing", form))
        assert isinstance(counted, Permit) is (form == "aggregated")
    costly = [
        rule
        for rule in activity(DORSET, "medicines-optimisation").roles
        if rule.datasets == ("high-cost-drug-requests",)
    ]
    assert [rule.role for rule in costly] == ["case_officer"]


@pytest.mark.keeps_partly("OX-004", "OX-006", "OX-007", "OX-008", "OX-011", "OX-094", "DO-045")
@pytest.mark.parametrize(("name", "words"), [
    (OXFORDSHIRE, "who is involved"), (OXFORDSHIRE, "tell whoever the complaint is about"),
    (OXFORDSHIRE, "respect it if you do not want that"), (OXFORDSHIRE, "tell its story without names"),
    (OXFORDSHIRE, "only with your consent"), (DORSET, "respect it if you do not want that"),
])  # fmt: skip
def test_what_happens_to_a_complaint_is_told(name, words):
    """Who is told, the wish not to be named, stories without names, claims by consent: on the page."""
    assert words in printed(name, "activities/complaints#what-we-do")


@pytest.mark.keeps_partly("OX-105", "OX-108", "OX-109")
def test_researchers_get_nothing_that_identifies_and_the_care_team_invites():
    """A researcher is permitted anonymised records at most; who finds people to invite is the team that treats them."""
    for form in DataFormat:
        decision = ask(EXAMPLE, Request("researcher", "research", "research-records", form))
        assert isinstance(decision, Permit) is (form in {"anonymised", "aggregated"})
    invited = ask(EXAMPLE, Request("care_team", "research", "research-records", "identifiable"))
    assert invited.obligations.relationship == "care"
    assert "is the one that asks" in printed(OXFORDSHIRE, "activities/research#what-we-do")


@pytest.mark.keeps("DO-024")
def test_cases_of_legal_authorities_come_in_by_a_flow_and_are_for_one_role():
    """Legal authorities are a source on the Dorset map; what they send is refused to all but one officer."""
    use = activity(DORSET, "investigations")
    assert ("legal-authorities", "dorset-ccg") in {(one.from_organisation, one.to_organisation) for one in use.flows}
    for role in Role:
        refused = codes(ask(DORSET, Request(role, use.id, "investigation-papers", "identifiable")))
        assert ("role-without-access" in refused) is (role != Role.COUNTER_FRAUD_OFFICER)
    rule = activity(EXAMPLE, "national-fraud-initiative").roles[0]
    opened = (rule.model_copy(update={"role": Role.CASE_OFFICER}),)
    assert_is_noticed("fraud-papers-restricted", with_activity(EXAMPLE, "national-fraud-initiative", roles=opened))
