"""What in law allows each use, promise by promise: bases, statutes, approvals that end, consent that is not asked."""

from __future__ import annotations

from datetime import date

import pytest

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.register.check import check
from caldicott.register.model import ConfidentialityBasis, DataProtectionBasis
from caldicott.vocabulary.terms import ActivityStatus, InstrumentKind
from promises.notices import (
    DAY,
    DORSET,
    EXAMPLE,
    LEEDS,
    OXFORDSHIRE,
    activity,
    ask,
    assert_is_noticed,
    codes,
    instrument,
    printed,
    register,
    state,
    with_activity,
    with_instrument,
)


@pytest.mark.keeps("L1-092", "L1-093")
@pytest.mark.parametrize("missing", [
    {"data_protection_basis": ()},
    {"confidentiality_basis": None},
    {"data_protection_basis": (DataProtectionBasis(article6="A6-1-e", statutes=("Care Act 2014",)),)},
], ids=["no basis", "no confidence", "no Article 9"])  # fmt: skip
def test_a_use_without_its_bases_is_neither_whole_nor_permitted(missing):
    """Without a basis of Article 6, of Article 9 or of confidence the register does not hold and nothing is given."""
    bare = with_activity(EXAMPLE, "complaints", **missing)
    request = Request("case_officer", "complaints", "complaint-cases", "identifiable")
    assert isinstance(ask(EXAMPLE, request), Permit)
    assert "activity-incomplete" in codes(decide(request, bare, DAY[EXAMPLE]))
    assert "gap" in {fault.code for fault in check(bare, at=DAY[EXAMPLE]) if fault.severity == "error"}
    assert_is_noticed("bases-complete", bare)


@pytest.mark.keeps("OX-064", "DO-088")
@pytest.mark.parametrize("name", [OXFORDSHIRE, DORSET, EXAMPLE])
def test_planning_rests_on_a_public_task(name):
    """What plans services rests on Article 6(1)(e), a task in the public interest or of official authority."""
    planning = [one for one in register(name).activities if one.purpose == "commissioning.planning"]
    assert planning
    assert {basis.article6 for one in planning for basis in one.data_protection_basis} == {"A6-1-e"}
    assert_is_noticed("bases-complete", with_activity(EXAMPLE, "commissioning-planning", data_protection_basis=None))


@pytest.mark.keeps("OX-021", "DO-063")
@pytest.mark.parametrize(("activity_id", "dataset", "exemption"), [
    ("safeguarding", "safeguarding-cases", "legal_requirement"),
    ("post-infection-reviews", "infection-review-cases", "communicable_disease"),
])  # fmt: skip
def test_where_the_law_overrides_no_consent_is_asked_and_no_objection_stops(activity_id, dataset, exemption):
    """The officer is permitted without a consent, no objection is applied, and the page says by which law."""
    permit = ask(EXAMPLE, Request("case_officer", activity_id, dataset, "identifiable"))
    assert isinstance(permit, Permit)
    assert permit.obligations.objections == ()
    assert [one.kind for one in permit.obligations.exemptions] == [exemption]
    assert permit.obligations.exemptions[0].reference in printed(EXAMPLE, f"activities/{activity_id}#objecting")
    kinds = {instrument(EXAMPLE, need).kind for need in activity(EXAMPLE, activity_id).instruments}
    assert InstrumentKind.CONSENT not in kinds


@pytest.mark.keeps("OX-021", "DO-063")
def test_asking_consent_or_objection_where_the_law_overrides_is_noticed():
    """A safeguarding use that rests on consent, or that an objection stops, breaks the look."""
    consent = ConfidentialityBasis(kind="explicit_consent", reference="asked")
    assert_is_noticed("law-lifts-objection", with_activity(EXAMPLE, "safeguarding", confidentiality_basis=consent))
    rules = activity(EXAMPLE, "research").objections.rules
    lifted = activity(EXAMPLE, "safeguarding").objections
    rule = rules[0].model_copy(update={"datasets": ()})
    stopped = lifted.model_copy(update={"rules": (rule,)})
    changed = with_activity(EXAMPLE, "safeguarding", objections=stopped)
    assert_is_noticed("law-lifts-objection", changed)


@pytest.mark.keeps("OX-021", "DO-063")
def test_the_old_notices_name_the_law_that_overrides():
    """Oxfordshire rests safeguarding on statute; Dorset its infection reviews on a code and section 251."""
    assert activity(OXFORDSHIRE, "safeguarding").confidentiality_basis.kind == "statute"
    assert activity(OXFORDSHIRE, "safeguarding").objections.rules == ()
    review = activity(DORSET, "post-infection-reviews")
    cited = {statute for basis in review.data_protection_basis for statute in basis.statutes}
    assert "National Health Service Act 2006" in cited
    assert any(statute.startswith("Health and Social Care Act 2008: Code of Practice") for statute in cited)
    assert review.confidentiality_basis.kind == "s251"
    assert review.objections.rules == ()


@pytest.mark.keeps("OX-043")
def test_risk_stratification_cites_its_approval_and_stops_with_it():
    """The Oxfordshire register names CAG 7-04(a)/2013 with its conditions; after its end every feed is refused."""
    approval = instrument(OXFORDSHIRE, "cag-7-04")
    assert approval.reference == "CAG 7-04(a)/2013"
    assert {one.code for one in approval.conditions} == {"assurance-statement", "registered-supplier", "notice-current"}
    feed = Request("processor_staff", "risk-stratification", "sus-apc", "identifiable", action="land")
    live, late = ask(OXFORDSHIRE, feed), ask(OXFORDSHIRE, feed, on=date(2022, 10, 1))
    assert "instrument-lapsed" not in codes(live)
    assert "instrument-lapsed" in codes(late)
    assert approval.reference in {reason.document for reason in late.reasons}


@pytest.mark.keeps("DO-077")
def test_bills_stop_being_checked_when_the_approval_was_not_renewed():
    """Held to what the Dorset notice says, the last day is 30 September 2018: the next day nothing is given."""
    as_told = tuple(one for one in instrument(DORSET, "cag-7-07").history if one.valid_until <= date(2018, 9, 30))
    request = Request("ceff_officer", "invoice-validation", "invoice-backing", "identifiable")
    for name, day in ((DORSET, date(2018, 9, 30)), (EXAMPLE, date(2018, 9, 30))):
        held = with_instrument(name, "cag-7-07", history=as_told)
        assert "instrument-lapsed" in codes(decide(request, held, date(2018, 10, 1)))
        assert ("CAG" in str(decide(request, held, day).reasons)) is False
    assert "30 September 2018" in activity(DORSET, "invoice-validation").plain_text


@pytest.mark.keeps("DO-077", "OX-043")
def test_work_that_goes_on_after_an_approval_is_noticed(monkeypatch):
    """An approval without an end, or an end that nobody heeds, breaks the look at section 251."""
    assert_is_noticed("section-251-dated", with_instrument(EXAMPLE, "cag-7-07", history=()))
    monkeypatch.setattr("caldicott.policy.standing.against_instruments", lambda *_: iter(()))
    monkeypatch.setattr("caldicott.policy.access.against_instruments", lambda *_: iter(()))
    assert state("section-251-dated", EXAMPLE) == "broken"


@pytest.mark.keeps("DO-072")
def test_risk_stratification_cannot_become_active_without_an_approval():
    """Dorset names section 251 but no approval: set active, every request is refused for that."""
    woken = with_activity(DORSET, "risk-stratification", status=ActivityStatus.ACTIVE)
    for role in ("gp", "commissioning_analyst"):
        refusal = decide(Request(role, "risk-stratification", "risk-scores", "aggregated"), woken, DAY[DORSET])
        assert "support-without-instrument" in codes(refusal)
    assert state("section-251-dated", woken, at=DAY[DORSET]) == "broken"


@pytest.mark.keeps("DO-100")
def test_an_approval_says_who_for_what_on_which_terms_and_until_when():
    """Each approval has the parties, the uses it is for, its reference, its conditions and its dated decisions."""
    for name in ("cag-7-04", "cag-7-07"):
        approval = instrument(EXAMPLE, name)
        assert {"nhs-england", "example-icb"} <= set(approval.parties)
        assert approval.activities
        assert approval.conditions
        assert all(step.event and step.source for step in approval.history)
        (use,) = [activity(EXAMPLE, one) for one in approval.activities]
        assert "regulation 5" in use.confidentiality_basis.reference
    assert_is_noticed("approvals-say-all", with_instrument(EXAMPLE, "cag-7-04", parties=()))
    assert_is_noticed("approvals-say-all", with_instrument(EXAMPLE, "cag-7-04", evidence=()))
    assert_is_noticed("section-251-dated", with_instrument(EXAMPLE, "cag-7-04", activities=()))
    assert_is_noticed("section-251-dated", with_instrument(EXAMPLE, "cag-7-04", reference=""))


@pytest.mark.keeps("DO-101")
@pytest.mark.parametrize("purpose", ["hr", "fraud.nfi", "engagement", "registers", None])
def test_an_approval_for_what_is_no_medical_purpose_is_noticed(purpose):
    """Section 251 serves medical purposes; an approval that stands under anything else breaks the look."""
    assert_is_noticed("approvals-for-medical-purposes", with_activity(EXAMPLE, "risk-stratification", purpose=purpose))


@pytest.mark.keeps("DO-031")
def test_records_of_offences_need_a_condition_and_a_policy_document():
    """Where offences are used a condition of schedule 1 and a policy document stand behind it, or it is noticed."""
    use = activity(EXAMPLE, "national-fraud-initiative")
    bare = tuple(one.model_copy(update={"dpa_schedule1": ()}) for one in use.data_protection_basis)
    assert_is_noticed("offences-have-condition", with_activity(EXAMPLE, use.id, data_protection_basis=bare))
    silent = use.publication.model_copy(update={"documents": ()})
    assert_is_noticed("offences-have-condition", with_activity(EXAMPLE, use.id, publication=silent))
    health = activity(EXAMPLE, "incidents").data_protection_basis[0].model_copy(update={"dpa_schedule1": ()})
    assert_is_noticed(
        "special-category-has-condition", with_activity(EXAMPLE, "incidents", data_protection_basis=(health,))
    )
    assert activity(DORSET, "investigations").criminal_offence
    assert state("offences-have-condition", DORSET) == "broken"


@pytest.mark.keeps("DO-043", "DO-078", "DO-098")
def test_the_law_that_requires_a_use_is_printed_on_its_page():
    """Each statute of each use stands on its page, however many there are; a use without one is noticed."""
    cited = 0
    for one in register(EXAMPLE).activities:
        statutes = {statute for basis in one.data_protection_basis for statute in basis.statutes}
        told = printed(EXAMPLE, f"activities/{one.id}#law")
        assert [statute for statute in statutes if statute not in told] == []
        cited += len(statutes)
    assert cited > 30
    assert_is_noticed("statute-behind-each", with_activity(EXAMPLE, "complaints", data_protection_basis=()))


@pytest.mark.keeps("DO-078")
def test_a_basis_may_cite_several_laws():
    """Checking bills rests on the NHS Act 2006 and the Health and Social Care Act 2012, in Dorset and today."""
    for name in (DORSET, EXAMPLE):
        bases = activity(name, "invoice-validation").data_protection_basis
        cited = {statute for basis in bases for statute in basis.statutes}
        assert {"National Health Service Act 2006", "Health and Social Care Act 2012"} <= cited


@pytest.mark.keeps("DO-098")
def test_employment_rests_on_legal_obligation_with_its_statutes():
    """Pension, safety and employment law oblige the employer: Article 6(1)(c), with the Acts by name."""
    assert "A6-1-c" in {basis.article6 for basis in activity(DORSET, "staff").data_protection_basis}
    (obliged,) = [one for one in activity(EXAMPLE, "staff").data_protection_basis if one.article6 == "A6-1-c"]
    assert {"Pensions Act 2008", "Health and Safety at Work etc. Act 1974"} <= set(obliged.statutes)


@pytest.mark.keeps("DO-058")
def test_a_statute_that_does_not_exist_is_named_with_the_one_to_cite():
    """`Care Act 2012` and `Amendment 85` are found wrong, and the right citations are said."""
    wrong = {
        fault.what: fault.next_step
        for fault in check(register(DORSET), at=DAY[DORSET])
        if fault.code == "wrong-statute"
    }
    told = " ".join(wrong.values())
    assert any("Care Act 2012" in what for what in wrong)
    assert "cite `Care Act 2014`" in told
    assert "cite `Data Protection Act 2018, schedule 1, paragraph 18`" in told
    assert state("statutes-known", DORSET) == "broken"
    assert state("statutes-known", EXAMPLE) == "kept"


@pytest.mark.keeps_partly("OX-003", "DO-047", "OX-016", "DO-055", "OX-019", "DO-053")
@pytest.mark.parametrize("activity_id", ["complaints", "individual-funding-requests", "continuing-healthcare"])
def test_case_work_that_relies_on_consent_says_so(activity_id):
    """Complaints, funding requests and continuing healthcare rest on explicit consent in both old notices and today."""
    for name in (OXFORDSHIRE, DORSET, EXAMPLE):
        assert activity(name, activity_id).confidentiality_basis.kind == "explicit_consent"


@pytest.mark.keeps_partly("OX-104")
def test_a_national_return_rests_on_section_251():
    """The return about people with a learning disability rests on section 251; without the approval it is refused."""
    use = activity(LEEDS, "care-treatment-reviews")
    assert use.confidentiality_basis.kind == "s251"
    refusal = ask(LEEDS, Request("case_officer", use.id, "assuring-transformation", "identifiable"))
    assert "support-without-instrument" in codes(refusal)


@pytest.mark.keeps_partly("DO-069")
def test_medicines_have_two_bases():
    """The law on medicines for advice to practices, and consent for a costly medicine asked for one person."""
    bases = activity(DORSET, "medicines-optimisation").data_protection_basis
    assert [basis.article6 for basis in bases] == ["A6-1-c", "A6-1-a"]
    assert "Misuse of Drugs Act 1971" in bases[0].statutes


@pytest.mark.keeps_partly("OX-060")
def test_contact_rests_on_consent():
    """People are kept in touch with because they agreed."""
    assert_is_noticed("contact-by-consent", with_activity(
        EXAMPLE, "public-involvement", confidentiality_basis=ConfidentialityBasis(kind="none", reference="x"),
        data_protection_basis=(DataProtectionBasis(article6="A6-1-e"),),
    ))  # fmt: skip
