"""Risk scores: whose score it is, only the person's own practice may know. Scores and screens are awaited."""

from __future__ import annotations

import pytest

from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.terms import Role
from stage import RISK, TODAY

CARERS = {"gp", "care_team"}


def _sees(register, role, activity, form, **more):
    return isinstance(decide(Request(role, activity, "risk-scores", form, **more), register, TODAY), Permit)


@pytest.mark.keeps("L1-064", "DO-070")
@pytest.mark.parametrize("role", [role.value for role in Role if role.value not in CARERS])
@pytest.mark.parametrize("form", ["identifiable", "pseudonymised"])
def test_nobody_but_the_practice_sees_who_scores_high(example_icb, role, form):
    """Planners, processors and officers who ask for names, numbers or single codes are refused, everywhere."""
    assert not any(_sees(example_icb, role, entry.id, form) for entry in example_icb.activities)


@pytest.mark.keeps("L1-064", "DO-070")
@pytest.mark.parametrize("identifier", ["nhs_number", "name"])
def test_an_analyst_asking_for_names_of_high_scores_is_refused(example_icb, identifier):
    """Counts yes, names no."""
    assert _sees(example_icb, "commissioning_analyst", RISK, "aggregated")
    assert not _sees(example_icb, "commissioning_analyst", RISK, "identifiable", identifiers=frozenset({identifier}))


@pytest.mark.keeps("L2-019", "DO-070")
def test_scores_with_names_are_for_the_persons_own_practice(example_icb):
    """Every permit to see whose score it is obliges to show that the person is registered there."""
    for activity in (RISK, "case-finding"):
        answer = decide(Request("gp", activity, "risk-scores", "identifiable"), example_icb, TODAY)
        assert answer.obligations.relationship in {"own_practice", "federation"}
        assert answer.obligations.record_viewing
    recipients = [one for one in example_icb.activity(RISK).recipients if one.format == "identifiable"]
    assert {one.recipient for one in recipients} == {"member-practices", "example-federation"}


@pytest.mark.keeps("L2-019", "DO-070")
@pytest.mark.parametrize("body", ["example-icb", "example-csu", "example-acute-east", "example-council"])
def test_a_body_that_is_no_practice_gets_no_name(example_icb, body):
    """Also in the role of a GP, an organisation that is no member practice is refused."""
    for activity in (RISK, "case-finding"):
        assert not _sees(example_icb, "gp", activity, "identifiable", organisation=body)


@pytest.mark.keeps("L1-064", "L2-019", "DO-070")
def test_verify_says_so_of_scores(report):
    """`verify` asks for every role."""
    for control in ("scores-name-nobody", "own-practice-only", "role-ceiling"):
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps("OX-040")
def test_one_missing_agreement_takes_only_that_practice_out(example_icb):
    """Of three practices in the group, the one whose Guardian's agreement ended is refused; the other two are not."""
    ended = [
        one.model_copy(update={"history": (one.history[0].model_copy(update={"valid_until": one.valid_from}),)})
        if one.id == "guardian-agreement-z80002"
        else one
        for one in example_icb.instruments
    ]
    register = example_icb.model_copy(update={"instruments": tuple(ended)})
    seen = {
        practice: _sees(register, "gp", RISK, "identifiable", organisation=practice, relationship="federation")
        for practice in ("Z80001", "Z80002", "Z80003")
    }
    assert seen == {"Z80001": True, "Z80002": False, "Z80003": True}


@pytest.mark.keeps("L2-023", "OX-039")
@pytest.mark.parametrize("role", ["hr_officer", "case_officer", "system_administrator", "ig_officer"])
def test_only_clinical_roles_see_scores_of_people(example_icb, role):
    """Other roles are refused; which person of a practice asks is for the sign-in and the screen."""
    assert not _sees(example_icb, role, RISK, "identifiable")


@pytest.mark.keeps_partly("OX-036")
def test_what_scores_would_be_worked_out_from_names_nobody(town):
    """The records for risk stratification have codes in place of identities."""
    rows = town.stage.mart("gp-patients", RISK)
    assert rows
    assert not {"nhs_number", "birth_date", "postcode", "family_name", "given_name"} & set(rows[0])


@pytest.mark.keeps_partly("L1-047", "L2-016")
def test_the_shared_record_is_for_those_who_care(example_icb):
    """Care roles may, with the relationship of care to be shown; planners and finance may not."""
    for role in ("gp", "care_team"):
        answer = decide(Request(role, "shared-care-record", "care-record", "identifiable"), example_icb, TODAY)
        assert answer.obligations.relationship != "none"
    for role in ("commissioning_analyst", "ceff_officer", "processor_staff"):
        ask = Request(role, "shared-care-record", "care-record", "identifiable")
        assert not isinstance(decide(ask, example_icb, TODAY), Permit)


@pytest.mark.keeps("L1-069", "DO-075")
def test_bills_are_looked_at_for_bills_only(example_icb):
    """What stands behind an invoice is given to the controlled environment for finance, and for no other purpose."""
    given = {
        (role.value, entry.id)
        for role in Role
        for entry in example_icb.activities
        for form in ("identifiable", "pseudonymised")
        if isinstance(decide(Request(role, entry.id, "invoice-backing", form), example_icb, TODAY), Permit)
    }
    assert given == {("ceff_officer", "invoice-validation")}
