"""Every rule of the decision, one at a time: what is refused, in which words, and what a permit binds to."""

from __future__ import annotations

import dataclasses
import gc
from datetime import date

import pytest
from tests.unit.policy.small_register import AT, small, small_with, small_words

from caldicott.policy.compiled import _COMPILED, compiled
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Refusal, Request
from caldicott.register.model import Register
from caldicott.vocabulary.terms import Identifier, Relationship

ANALYST = Request("commissioning_analyst", "planning", "mart", "pseudonymised")
GP = Request("gp", "risk-scores", "scores", "identifiable")


def but(request, **changes):
    return dataclasses.replace(request, **changes)


def codes(request, register=None, at=AT):
    decision = decide(request, register or small(), at)
    return [] if isinstance(decision, Permit) else [reason.code for reason in decision.reasons]


def test_what_the_register_says_is_permitted():
    """A request that a role rule covers, while every document holds, is permitted."""
    assert codes(ANALYST) == []


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ({"role": "chef"}, "unknown-role"),
        ({"activity": "marketing"}, "unknown-activity"),
        ({"dataset": "loyalty-cards"}, "unknown-dataset"),
        ({"format": "raw"}, "unknown-format"),
        ({"organisation": "ZZZ99"}, "unknown-organisation"),
        ({"relationship": "cousin"}, "unknown-relationship"),
        ({"identifiers": frozenset({"shoe_size"})}, "unknown-identifier"),
        ({"action": "copy"}, "unknown-action"),
    ],
)
def test_an_unknown_word_is_refused_and_the_known_ones_listed(word, code):
    """Whatever the register has no word for is refused, said to be unknown, and the valid words are given."""
    refusal = decide(but(ANALYST, **word), small(), AT)
    assert [reason.code for reason in refusal.reasons] == [code]
    assert refusal.next_step.startswith(f"For the {code.removeprefix('unknown-')} use one of: ")


def test_all_unknown_words_are_named_at_once():
    """A person who got two words wrong learns both in one go."""
    asked = but(ANALYST, role="chef", dataset="loyalty-cards")
    assert codes(asked) == ["unknown-role", "unknown-dataset"]
    step = decide(asked, small(), AT).next_step
    assert "For the role use one of: public" in step
    assert "For the dataset use one of: care-record" in step


def test_a_word_that_could_be_a_number_of_a_person_is_not_repeated():
    """An NHS number typed into the wrong place does not come back in the refusal."""
    refusal = decide(but(ANALYST, dataset="9990000018"), small(), AT)
    assert "9990000018" not in "".join(reason.text for reason in refusal.reasons) + refusal.next_step


@pytest.mark.parametrize(
    ("path", "value", "at", "code"),
    [
        ("controller.valid_from", date(2026, 11, 23), AT, "controller-not-yet"),
        ("controller.valid_to", date(2026, 11, 21), AT, "controller-ended"),
        ("activities.planning.status", "draft", AT, "activity-draft"),
        ("activities.planning.status", "retired", AT, "activity-retired"),
        ("activities.planning.effective_from", date(2026, 11, 23), AT, "activity-not-yet"),
        ("activities.planning.effective_to", date(2026, 11, 21), AT, "activity-ended"),
        ("controller.notices", [{"version": "1", "published": date(2026, 11, 23)}], AT, "notice-not-published"),
        ("activities.planning.instruments", ["dsa", "lost"], AT, "instrument-unknown"),
        ("instruments.dsa.valid_from", date(2026, 11, 23), AT, "instrument-not-yet"),
        ("instruments.dsa.history", [{"valid_until": date(2026, 11, 21), "event": "e"}], AT, "instrument-lapsed"),
        ("instruments.training.history", [{"valid_until": date(2026, 11, 21), "event": "e"}], AT, "instrument-lapsed"),
        ("activities.planning.confidentiality_basis", {"kind": "s251"}, AT, "support-without-instrument"),
    ],
)
def test_whatever_does_not_hold_on_the_day_refuses(path, value, at, code):
    """Each single thing that does not hold on the day is enough to refuse, and is named."""
    assert code in codes(ANALYST, small_with(path, value), at)


def test_an_inactive_activity_is_published_but_not_in_use():
    """Inactive means: the notice says it, the platform does not do it."""
    refusal = decide(Request("gp", "old-scores", "scores", "aggregated"), small(), AT)
    assert "published but not in use" in refusal.reasons[0].text


def test_a_version_of_the_notice_that_is_not_out_yet_holds_back_its_activity_only():
    """An activity named by a later version waits for it; the others go on."""
    words = small_words()
    words["controller"]["notices"].append({"version": "2", "published": date(2027, 1, 1)})
    words["activities"][0]["publication"]["notice_version"] = "2"
    register = Register.model_validate(words)
    assert codes(ANALYST, register) == ["notice-not-published"]
    assert codes(GP, register) == []


def test_an_incomplete_entry_permits_nothing_and_names_its_gaps():
    """Lenient to import, strict to run: the missing fields stand in the refusal."""
    register = small_with("activities.planning.retention", None)
    refusal = decide(ANALYST, register, AT)
    assert refusal.reasons[0].code == "activity-incomplete"
    assert "retention" in refusal.reasons[0].text


@pytest.mark.parametrize(("at", "expected"), [(date(2027, 9, 30), []), (date(2027, 10, 1), ["instrument-lapsed"])])
def test_the_last_day_still_holds_and_the_next_refuses(at, expected):
    """An approval holds on its last day and refuses from the day after."""
    assert codes(but(GP, organisation="Z80001", relationship="own_practice"), at=at) == expected


def test_a_lapse_names_the_document_its_last_day_what_extends_it_and_whom_to_ask():
    """The refusal is complete: rule, document, date, next step, post."""
    refusal = decide(GP, small(), date(2027, 10, 1))
    assert refusal.reasons[0].document == "Document cag-risk"
    assert refusal.reasons[0].on == date(2027, 9, 30)
    assert "Confidentiality Advisory Group" in refusal.next_step
    assert "cag-risk" in refusal.next_step
    assert refusal.ask == "Caldicott Guardian"


def test_a_dataset_outside_the_activity_is_refused():
    """Data collected for one activity is not there for another."""
    assert "dataset-not-in-activity" in codes(but(ANALYST, dataset="case-files"))


def test_a_dataset_that_the_approval_excludes_is_refused():
    """The approval shuts social care out, even though the entry lists it."""
    landing = Request("dscro_operator", "risk-scores", "social-care", "identifiable", action="land")
    assert codes(landing) == ["dataset-excluded"]
    assert codes(but(landing, dataset="sus-apc")) == []


def test_a_role_without_a_rule_gets_nothing():
    """Nothing matching means no."""
    assert codes(but(ANALYST, role="researcher")) == ["role-without-access"]


def test_a_format_above_the_ceiling_is_refused_and_the_ceiling_named():
    """The refusal says what the role may have instead."""
    refusal = decide(but(ANALYST, format="identifiable"), small(), AT)
    assert [reason.code for reason in refusal.reasons] == ["above-ceiling"]
    assert "pseudonymised at most" in refusal.reasons[0].text


@pytest.mark.parametrize(
    ("asked", "rule", "permitted"),
    [
        ("see", "decide", True),
        ("see", "edit", True),
        ("see", "approve", True),
        ("see", "release", True),
        ("see", "land", False),
        ("release", "see", False),
        ("release", "release", True),
        ("release", "approve", False),
        ("release", "decide", False),
        ("land", "see", False),
        ("link", "land", False),
        ("edit", "see", False),
    ],
)
def test_which_action_meets_which_rule(asked, rule, permitted):
    """Who may decide may see; who may see may not land, link, edit, decide or release."""
    register = small_with("activities.complaints.roles.0.action", rule)
    request = Request("case_officer", "complaints", "case-files", "identifiable", action=asked)
    assert (codes(request, register) == []) is permitted


def test_identifiers_only_as_the_activity_allows_by_name():
    """A name is refused where only number, postcode and birth date are allowed."""
    assert codes(but(GP, identifiers=frozenset({"name"}))) == ["identifiers-not-allowed"]
    assert codes(but(GP, identifiers=frozenset({"nhs_number"}))) == []


def test_identifiers_only_with_identifiable_data():
    """Whoever asks for pseudonymised data cannot ask for numbers with it."""
    assert codes(but(ANALYST, identifiers=frozenset({"nhs_number"}))) == ["identifiers-need-identifiable"]


@pytest.mark.parametrize(
    ("organisation", "expected"),
    [
        (None, []),
        ("QZZ", []),
        ("example-icb", []),
        ("RZ1", ["organisation-not-named"]),
        ("Z80001", ["organisation-not-named"]),
    ],
)
def test_a_rule_that_names_no_organisation_means_the_controller(organisation, expected):
    """By register id or by ODS code; nobody else."""
    assert codes(but(ANALYST, organisation=organisation)) == expected


@pytest.mark.parametrize(
    ("organisation", "expected"),
    [
        ("Z80001", []),
        ("z80003", []),
        ("RZ1", []),
        ("QZZ", ["organisation-not-named"]),
        ("Z80004", ["practice-not-member"]),
    ],
)
def test_a_rule_may_name_all_member_practices_at_once(organisation, expected):
    """`member-practices` stands for each practice while its membership holds."""
    assert codes(Request("care_team", "shared-record", "care-record", "identifiable", organisation)) == expected


@pytest.mark.parametrize(
    ("organisation", "at", "expected"),
    [
        ("Z80001", AT, []),
        ("Z80004", date(2026, 9, 30), []),
        ("Z80004", date(2026, 10, 1), ["practice-not-member"]),
        ("RZ1", AT, ["organisation-not-named"]),
    ],
)
def test_own_practice_means_a_practice_that_is_a_member_on_the_day(organisation, at, expected):
    """A practice that has left the controller sees nothing through it any more."""
    assert codes(but(GP, organisation=organisation, relationship="own_practice"), at=at) == expected


@pytest.mark.parametrize(
    ("organisation", "at", "expected"),
    [
        ("Z80001", AT, []),
        ("Z80002", date(2026, 12, 31), []),
        ("Z80002", date(2027, 1, 1), ["instrument-lapsed"]),
        ("Z80003", AT, ["guardian-not-agreed"]),
        ("RZ1", AT, ["organisation-not-named"]),
    ],
)
def test_a_federation_sees_a_practice_only_while_its_guardian_agrees(organisation, at, expected):
    """One agreement that lapses costs one practice and no other."""
    assert codes(but(GP, organisation=organisation, relationship="federation"), at=at) == expected


def test_a_federation_without_any_agreement_left_sees_nothing():
    """Not naming a practice is no way round the agreements."""
    assert codes(but(GP, relationship="federation"), at=AT) == []
    words = small_words()
    words["instruments"] = [one for one in words["instruments"] if one["kind"] != "guardian_agreement"]
    assert codes(but(GP, relationship="federation"), Register.model_validate(words)) == ["no-practice"]


def test_one_rule_a_practice_works_like_one_rule_for_all():
    """A register may write the federation practice by practice; the lapse is still named for the one it hits."""
    words = small_words()
    roles = words["activities"][1]["roles"]
    del roles[2]
    for ods in ("z80001", "z80002"):
        more = {"organisations": [ods], "requires": [f"guardian-{ods}"]}
        roles.append({**roles[1], "relationship": "federation", **more})
    register = Register.model_validate(words)
    after = date(2027, 1, 1)
    ask = but(GP, relationship="federation")
    assert codes(but(ask, organisation="Z80001"), register, after) == []
    assert codes(but(ask, organisation="Z80002"), register, after) == ["instrument-lapsed"]
    assert "organisation-not-named" in codes(but(ask, organisation="Z80003"), register, after)


def test_another_relationship_than_the_required_one_is_refused():
    """A GP cannot reach a practice's patients by having a case."""
    assert codes(but(GP, relationship="assigned_case")) == ["relationship-differs"]


def test_a_relationship_not_stated_becomes_an_obligation():
    """The permit then says it must be shown for every row."""
    permit = decide(GP, small(), AT)
    assert permit.obligations.relationship is Relationship.OWN_PRACTICE
    assert permit.obligations.own_organisation is None


def test_the_practice_asked_for_is_the_only_one():
    """The permit binds the rows to the practice, whichever way its code was written."""
    for word in ("Z80001", "z80001"):
        assert decide(but(GP, organisation=word), small(), AT).obligations.own_organisation == "Z80001"


def test_of_several_rules_the_least_telling_sufficient_one_decides():
    """Whoever asks for a total is judged by the rule for totals, and the reason names it."""
    permit = decide(but(ANALYST, format="aggregated"), small(), AT)
    assert "up to aggregated" in permit.reasons[0].text
    assert "up to pseudonymised" in decide(ANALYST, small(), AT).reasons[0].text


def test_a_permit_names_its_rule_documents_and_notice():
    """Reasons are complete for a yes too."""
    permit = decide(ANALYST, small(), AT)
    named = [(reason.code, reason.document) for reason in permit.reasons]
    assert named == [
        ("role-rule", "activity planning"),
        ("instrument-live", "Document dsa"),
        ("instrument-live", "Document training"),
        ("instrument-live", "Document mart-out"),
        ("notice-published", "notice 1"),
    ]


def test_objections_are_those_that_reach_the_format_and_the_dataset():
    """The national opt-out does not reach pseudonymised data here; type 1 reaches the mart only."""
    assert [rule.scheme for rule in decide(ANALYST, small(), AT).obligations.objections] == ["type1"]
    landing = Request("dscro_operator", "planning", "sus-apc", "identifiable", action="land")
    assert [rule.scheme for rule in decide(landing, small(), AT).obligations.objections] == ["ndop"]


def test_the_other_obligations_come_from_the_activity():
    """Domain, disclosure rule, retention, identifiers, viewing: as the entry says."""
    seen = decide(GP, small(), AT).obligations
    assert seen.identifiers_allowed == (Identifier.NHS_NUMBER, Identifier.POSTCODE, Identifier.DOB)
    assert seen.record_viewing
    assert seen.domain.name == "risk"
    assert seen.retention.minimum == "8 years"
    assert seen.disclosure_rule is None
    total = decide(but(ANALYST, format="aggregated"), small(), AT).obligations
    assert total.disclosure_rule == "hes-2018"
    assert total.identifiers_allowed == ()
    assert not total.record_viewing


def test_nobody_views_a_person_when_rows_are_landed():
    """Landing is automatic; there is no viewing to record."""
    landing = Request("dscro_operator", "planning", "sus-apc", "identifiable", action="land")
    assert not decide(landing, small(), AT).obligations.record_viewing


def test_fewer_identifiers_asked_are_fewer_allowed():
    """The permit allows no more than was asked for."""
    permit = decide(but(GP, identifiers=frozenset({"dob"})), small(), AT)
    assert permit.obligations.identifiers_allowed == (Identifier.DOB,)
    assert "nhs_number" not in permit.obligations.column_classes


def test_a_register_without_posts_sends_to_the_controller():
    """There is always somebody to ask."""
    register = small_with("controller.contacts", [])
    refusal = decide(but(ANALYST, role="gp"), register, AT)
    assert isinstance(refusal, Refusal)
    assert refusal.ask == "NHS Example ICB"


def test_a_post_that_begins_later_is_not_asked():
    """Whom to ask is dated like everything else."""
    register = small_with("controller.contacts.0.valid_from", date(2027, 1, 1))
    assert decide(but(ANALYST, role="gp"), register, AT).ask == "Caldicott Guardian"


def test_the_decision_records_the_register_it_was_made_by():
    """The audit trail can show under which version somebody was let in."""
    assert decide(ANALYST, small(), AT).register_digest == "small"


def test_a_register_that_is_gone_is_forgotten():
    """The compiled form lives no longer than its register, and never answers for another one."""
    kept = len(_COMPILED)
    register = small()
    assert codes(ANALYST, register) == []
    assert compiled(register) is compiled(register)
    assert len(_COMPILED) == kept + 1
    del register
    gc.collect()
    assert len(_COMPILED) <= kept
