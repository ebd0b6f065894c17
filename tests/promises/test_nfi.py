"""The National Fraud Initiative, promise by promise: by which law, to whom, and that no objection stops it."""

from __future__ import annotations

import pytest

from caldicott.policy.decision import Permit, Request
from caldicott.register.model import RecipientRule
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role
from promises.notices import (
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
    state,
    with_activity,
    with_controller,
)

NFI = "national-fraud-initiative"
EVERY = (LEEDS, OXFORDSHIRE, DORSET, EXAMPLE)


@pytest.mark.keeps("L1-080", "DO-093")
@pytest.mark.parametrize("name", EVERY)
def test_the_initiative_rests_on_part_6_of_the_act_and_goes_to_the_cabinet_office(name):
    """The use names the Local Audit and Accountability Act 2014, Part 6, and the Cabinet Office as who receives."""
    use = activity(name, NFI)
    assert "Local Audit and Accountability Act 2014" in use.data_protection_basis[0].statutes
    assert "Part 6" in use.confidentiality_basis.reference
    assert "cabinet-office" in {rule.recipient for rule in use.recipients}
    assert "Cabinet Office" in printed(name, f"activities/{NFI}#who-receives-it")
    assert state("fraud-bodies-only-for-fraud", name) == "kept"


@pytest.mark.keeps("L1-080", "OX-081", "DO-090", "DO-093")
def test_a_fraud_body_that_receives_elsewhere_is_noticed():
    """Bodies that look for fraud receive for that alone; without the Act or the recipient it is noticed as well."""
    stray = RecipientRule(recipient="cabinet-office", format=DataFormat.IDENTIFIABLE)
    recipients = (*activity(EXAMPLE, "staff").recipients, stray)
    assert_is_noticed("fraud-bodies-only-for-fraud", with_activity(EXAMPLE, "staff", recipients=recipients))
    assert_is_noticed("fraud-bodies-only-for-fraud", with_activity(EXAMPLE, NFI, recipients=()))
    assert_is_noticed("fraud-bodies-only-for-fraud", with_activity(EXAMPLE, NFI, data_protection_basis=()))


@pytest.mark.keeps("OX-081", "DO-090")
@pytest.mark.parametrize("name", [OXFORDSHIRE, DORSET])
def test_bodies_that_audit_public_funds_receive_for_fraud_only(name):
    """The recipient named in the notice is a recipient of the fraud use and of no other."""
    body = "bodies-auditing-or-administering-public-funds"
    receives = [one.id for one in register(name).activities for rule in one.recipients or () if rule.recipient == body]
    assert receives == [NFI]


@pytest.mark.keeps("OX-085", "DO-091")
@pytest.mark.parametrize("name", EVERY)
def test_the_initiative_cannot_be_objected_to_and_asks_no_consent(name):
    """The law requires it: the exemption says so, no objection is a rule of it, and no consent is its basis."""
    use = activity(name, NFI)
    assert [one.kind for one in use.objections.exemptions] == ["legal_requirement"]
    assert use.objections.rules == ()
    assert use.confidentiality_basis.kind == "statute"


@pytest.mark.keeps("OX-085", "DO-091")
def test_a_permit_for_the_initiative_applies_no_objection():
    """The officer may release the list and is not bound to look up any objection; the right to object does not hold."""
    permit = ask(EXAMPLE, Request("counter_fraud_officer", NFI, "nfi-payroll", "identifiable", action="release"))
    assert isinstance(permit, Permit)
    assert permit.obligations.objections == ()
    (right,) = [one for one in activity(EXAMPLE, NFI).rights if one.right == "objection"]
    assert right.applies == "no"
    lifted = activity(EXAMPLE, NFI).objections
    rule = activity(EXAMPLE, "commissioning-planning").objections.rules[0]
    everywhere = rule.model_copy(update={"datasets": (), "covers_formats": tuple(DataFormat)})
    stops = lifted.model_copy(update={"rules": (everywhere,)})
    bare = lifted.model_copy(update={"exemptions": (lifted.exemptions[0].model_copy(update={"reference": ""}),)})
    assert_is_noticed("law-lifts-objection", with_activity(EXAMPLE, NFI, objections=bare))
    assert_is_noticed("law-lifts-objection", with_activity(EXAMPLE, NFI, objections=stops))


@pytest.mark.keeps("L1-088", "OX-087")
def test_a_post_answers_about_data_matching_and_the_notice_prints_it():
    """Leeds and Oxfordshire name how to get in touch, and so does the notice of today; without it, it is noticed."""
    for name in (LEEDS, OXFORDSHIRE, EXAMPLE):
        (contact,) = [one for one in register(name).controller.contacts if one.role == "counter_fraud"]
        assert contact.reach.rstrip(".") in printed(name, "contacts")
        assert state("fraud-contact-held", name) == "kept"
    assert "Counter fraud manager" in printed(LEEDS, "contacts")
    assert "e-mail, post or telephone" in printed(OXFORDSHIRE, "contacts")
    contacts = register(EXAMPLE).controller.contacts
    nobody = with_controller(EXAMPLE, contacts=tuple(one for one in contacts if one.role != "counter_fraud"))
    assert_is_noticed("fraud-contact-held", nobody)
    assert state("fraud-contact-held", DORSET) == "broken"


@pytest.mark.keeps("L1-088", "OX-087")
def test_a_post_that_the_page_of_contacts_leaves_out_is_noticed(monkeypatch):
    """If a post or its way of reaching were not printed, the look would see it."""
    assert state("posts-on-the-notice", EXAMPLE) == "kept"
    monkeypatch.setattr("caldicott.operations.verify.controls.notice.page", lambda *_: None)
    assert state("posts-on-the-notice", EXAMPLE) == "broken"


@pytest.mark.keeps("DO-023")
def test_what_counter_fraud_finds_comes_in_by_a_flow_and_is_for_one_role():
    """Counter fraud is a source on the map, and its papers are refused to every role but one."""
    use = activity(DORSET, "investigations")
    assert ("counter-fraud", "dorset-ccg") in {(one.from_organisation, one.to_organisation) for one in use.flows}
    for role in set(Role) - {Role.COUNTER_FRAUD_OFFICER}:
        for form in DataFormat:
            refused = ask(DORSET, Request(role, use.id, "investigation-papers", form))
            assert "role-without-access" in codes(refused)
    rules = activity(EXAMPLE, NFI).roles
    opened = tuple(rule.model_copy(update={"role": Role.COMMISSIONING_ANALYST}) for rule in rules)
    assert_is_noticed("fraud-papers-restricted", with_activity(EXAMPLE, NFI, roles=opened))


@pytest.mark.keeps("DO-093")
def test_matches_come_from_the_cabinet_office():
    """The list of matches is a flow from the Cabinet Office to the commissioner in the Dorset register."""
    flow = next(one for one in activity(DORSET, NFI).flows if one.id == "matches-to-ccg")
    assert (flow.from_organisation, flow.to_organisation, flow.datasets) == (
        "cabinet-office",
        "dorset-ccg",
        ("nfi-matches",),
    )
    assert activity(DORSET, NFI).sources == ("cabinet-office",)


@pytest.mark.keeps_partly("L1-081", "L1-083", "L1-084", "OX-083", "DO-092")
def test_the_notice_says_that_a_match_proves_nothing():
    """Every two years, and nobody is taken to have done wrong before a person has looked."""
    assert "Every two years" in printed(LEEDS, f"activities/{NFI}#what-we-do")
    for name, words in (
        (LEEDS, "A match proves nothing"),
        (OXFORDSHIRE, "nothing is assumed before"),
        (DORSET, "nothing is assumed before"),
    ):
        assert words in printed(name, f"activities/{NFI}#what-we-do")
    assert activity(EXAMPLE, NFI).automated_decision == "none"


@pytest.mark.keeps_partly("L1-082", "L1-085", "L1-086", "OX-082", "OX-084")
def test_only_the_officer_may_release_the_lists():
    """The two lists of the exercise are released by the counter fraud officer alone, to nobody by another role."""
    for role in Role:
        for dataset in ("nfi-payroll", "nfi-creditors"):
            decision = ask(EXAMPLE, Request(role, NFI, dataset, "identifiable", action="release"))
            assert isinstance(decision, Permit) is (role == Role.COUNTER_FRAUD_OFFICER)
