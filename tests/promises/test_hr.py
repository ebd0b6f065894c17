"""Records of staff, promise by promise: from whom, for what, and out of reach of everyone who plans services."""

from __future__ import annotations

import pytest

from caldicott.policy.decision import Permit, Request
from caldicott.register.model import DatasetUse
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role
from promises.notices import (
    DORSET,
    EXAMPLE,
    LEEDS,
    activity,
    ask,
    assert_is_noticed,
    codes,
    printed,
    state,
    with_activity,
)


@pytest.mark.keeps("L1-056", "DO-029", "DO-094")
def test_nobody_but_the_staff_team_reaches_a_staff_record():
    """For every role and form but the staff team's, staff records and payroll are refused."""
    for role in Role:
        for dataset in ("staff-records", "payroll"):
            for form in DataFormat:
                decision = ask(EXAMPLE, Request(role, "staff", dataset, form))
                assert isinstance(decision, Permit) is (role == Role.HR_OFFICER)
    for role in set(Role) - {Role.HR_OFFICER}:
        assert "role-without-access" in codes(ask(DORSET, Request(role, "staff", "staff-records", "identifiable")))


@pytest.mark.keeps("L1-056", "DO-029", "DO-094", "DO-095")
def test_staff_records_within_reach_of_others_are_noticed():
    """A rule for an analyst, or staff records used by planning, breaks the look."""
    rules = activity(EXAMPLE, "staff").roles
    opened = (*rules, rules[0].model_copy(update={"role": Role.COMMISSIONING_ANALYST}))
    assert_is_noticed("staff-records-unreachable", with_activity(EXAMPLE, "staff", roles=opened))
    uses = (*activity(EXAMPLE, "commissioning-planning").datasets, DatasetUse(dataset="staff-records", direction="in"))
    assert_is_noticed("staff-records-unreachable", with_activity(EXAMPLE, "commissioning-planning", datasets=uses))
    assert_is_noticed("staff-records-unreachable", with_activity(EXAMPLE, "staff", recipients=()))


@pytest.mark.keeps("DO-029", "DO-094")
def test_employing_people_is_a_use_with_basis_form_and_recipients():
    """Recruiting, paying and pensions are told; contract and legal obligation allow it; payroll and pension receive."""
    use = activity(DORSET, "staff")
    assert "to recruit, pay and pension them" in use.plain_text
    assert {basis.article6 for basis in use.data_protection_basis} == {"A6-1-a", "A6-1-b", "A6-1-c"}
    assert {rule.recipient for rule in use.recipients} == {"payroll-provider", "pension-scheme"}
    assert use.purpose == "hr"
    assert state("staff-records-unreachable", DORSET) == "kept"


@pytest.mark.keeps("DO-017", "DO-020")
@pytest.mark.parametrize("source", ["payroll-provider", "recruitment-agencies"])
def test_what_payroll_and_recruiters_send_is_on_the_map(source):
    """Payments come from the payroll provider, applicants from recruiters: each a source and a flow."""
    use = activity(DORSET, "staff")
    assert source in use.sources
    assert (source, "dorset-ccg") in {(one.from_organisation, one.to_organisation) for one in use.flows}


@pytest.mark.keeps("DO-017", "DO-020")
def test_staff_records_without_a_source_are_noticed():
    """A staff use that does not say whence its records come breaks the look."""
    assert_is_noticed("staff-records-unreachable", with_activity(EXAMPLE, "staff", sources=()))


@pytest.mark.keeps("DO-095")
def test_appraisal_training_absence_and_health_are_told_and_restricted():
    """What employment needs is told; that it includes health is said, and health is for the staff team alone."""
    told = printed(DORSET, "activities/staff#what-we-do")
    assert all(word in told for word in ("appraisal", "training", "absence", "sickness", "fitness to return"))
    use = activity(DORSET, "staff")
    assert "health" in use.special_category
    assert "images" in use.personal_data
    assert {rule.role for rule in use.roles} == {Role.HR_OFFICER}


@pytest.mark.keeps("DO-096")
def test_staff_records_have_exactly_their_sources_and_nobody_lands_them():
    """The person, recruiters, occupational health, and the payroll provider; no delivery is permitted."""
    sources = {"the-person", "recruitment-agencies", "occupational-health", "payroll-provider"}
    assert set(activity(DORSET, "staff").sources) == sources
    told = printed(DORSET, "activities/staff#source")
    assert all(words in told for words in ("Recruitment agencies", "Occupational health", "Payroll provider"))
    for name in (DORSET, EXAMPLE):
        landing = Request("dscro_operator", "staff", "staff-records", "identifiable", action="land")
        assert "role-without-access" in codes(ask(name, landing))


@pytest.mark.keeps_partly("DO-097", "L1-018")
def test_payroll_rests_on_the_contract_and_the_public_gets_totals():
    """The payroll provider receives under Article 6(1)(b); in Leeds the public gets totals of a financial year only."""
    assert "A6-1-b" in {basis.article6 for basis in activity(DORSET, "staff").data_protection_basis}
    public = [rule.ceiling for rule in activity(LEEDS, "staff").roles if rule.role == Role.PUBLIC]
    assert public == [DataFormat.AGGREGATED]
    for form in (DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED, DataFormat.ANONYMISED):
        assert "above-ceiling" in codes(ask(LEEDS, Request("public", "staff", "staff-records", form)))
