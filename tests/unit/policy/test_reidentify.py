"""Back from pseudonym to person: the domain says who, the rules say where."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from tests.unit.policy.small_register import AT, small, small_with, small_words

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.register.model import Register
from caldicott.vocabulary.terms import Relationship

BACK = Request("gp", "risk-scores", "scores", "identifiable", "Z80001", "own_practice", action="reidentify")


def but(request, **changes):
    return dataclasses.replace(request, **changes)


def codes(request, register=None, at=AT):
    decision = decide(request, register or small(), at)
    return [] if isinstance(decision, Permit) else [reason.code for reason in decision.reasons]


def test_the_role_of_the_domain_may_reidentify_in_its_own_practice():
    """Permitted, for the one practice, with the viewing recorded, and the domain named as the reason."""
    permit = decide(BACK, small(), AT)
    assert permit.reasons[0].code == "domain-rule"
    assert permit.obligations.relationship is Relationship.OWN_PRACTICE
    assert permit.obligations.own_organisation == "Z80001"
    assert permit.obligations.record_viewing
    assert explain(permit).startswith("Permitted on 2026-11-22: gp of Z80001 may reidentify people in scores")


def test_what_is_not_stated_is_to_be_shown():
    """Without organisation and relationship, each row's own practice must be shown."""
    obligations = decide(but(BACK, organisation=None, relationship=None), small(), AT).obligations
    assert (obligations.relationship, obligations.own_organisation) == (Relationship.OWN_PRACTICE, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"relationship": "federation"}, ["relationship-differs"]),
        ({"organisation": "RZ1"}, ["organisation-not-named"]),
        ({"organisation": "Z80004"}, ["practice-not-member"]),
        ({"format": "pseudonymised"}, ["reidentify-needs-identifiable"]),
        ({"format": "aggregated"}, ["reidentify-needs-identifiable"]),
        ({"identifiers": frozenset({"name"})}, ["identifiers-not-allowed"]),
        ({"dataset": "sus-apc"}, ["role-without-access"]),
        ({"dataset": "case-files"}, ["dataset-not-in-activity", "role-without-access"]),
        ({"role": "dscro_operator"}, ["reidentify-not-named"]),
        ({"role": "care_team"}, ["reidentify-not-named"]),
    ],
)
def test_everything_else_as_usual(changes, expected):
    """Organisations, formats, identifiers and datasets are asked about as for seeing."""
    assert codes(but(BACK, **changes)) == expected


def test_to_see_identifiable_data_is_not_to_reidentify():
    """A domain that names nobody lets nobody back, though the GP still sees scores in the clear."""
    register = small_with("activities.risk-scores.pseudonym_domain.reidentify_roles", [])
    refusal = decide(BACK, register, AT)
    assert [reason.code for reason in refusal.reasons] == ["reidentify-not-named"]
    assert refusal.next_step.startswith("Nobody may")
    assert codes(but(BACK, action="see"), register) == []


def test_a_domain_that_names_a_role_with_groups_only_gives_it_nothing():
    """The analyst is named, but a total has no pseudonym to go back from."""
    asked = but(BACK, role="commissioning_analyst", organisation=None, relationship=None)
    assert codes(asked) == ["role-without-access"]


def test_seeing_pseudonyms_is_enough_to_go_back_from_them():
    """A role that sees rows with pseudonyms, and is named, may reidentify; the rows themselves stay closed to it."""
    words = small_words()
    words["activities"][1]["roles"][0].update(role="ceff_officer", ceiling="pseudonymised")
    words["activities"][1]["pseudonym_domain"].update(
        reidentify_roles=["ceff_officer"], reidentify_relationship="assigned_case"
    )
    register = Register.model_validate(words)
    asked = Request("ceff_officer", "risk-scores", "scores", "identifiable", action="reidentify")
    assert codes(asked, register) == []
    assert codes(but(asked, organisation="RZ1"), register) == ["organisation-not-named"]
    assert codes(but(asked, relationship="own_practice"), register) == ["relationship-differs"]
    assert codes(but(asked, action="see"), register) == ["above-ceiling"]


def test_the_documents_of_the_rule_hold_for_going_back_too():
    """Training that a rule requires to see is required to reidentify."""
    register = small_with("activities.risk-scores.roles.1.requires", ["training"])
    assert codes(BACK, register, date(2027, 3, 31)) == []
    assert codes(BACK, register, date(2027, 4, 1)) == ["instrument-lapsed"]


def test_an_activity_without_pseudonyms_has_nothing_to_reidentify():
    """The refusal says so rather than that a rule is missing."""
    asked = Request("case_officer", "complaints", "case-files", "identifiable", action="reidentify")
    assert codes(asked) == ["reidentify-without-domain"]
    assert codes(but(asked, role="public")) == ["reidentify-without-domain"]
