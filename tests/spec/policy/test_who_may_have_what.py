"""Who may have what, when: the promises of the notices, put to the decision. Written for an IG officer to read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.golden.held_registers import held, names

from caldicott.policy.agreements import against_agreement
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

TODAY = date(2026, 11, 22)
COMMISSIONING = ("commissioning_analyst", "processor_staff", "ig_officer", "public")


@pytest.fixture(scope="module")
def example():
    """The example ICB's register."""
    return held("example-icb") or pytest.skip("the example register cannot be read yet")


@pytest.fixture(scope="module")
def dorset_as_complete():
    """Dorset's register as if its entries were complete, so that what stands behind the gaps can be asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caldicott.policy.compiled.gaps_of", lambda *_: ())
        register = held("dorset-2018") or pytest.skip("the Dorset register cannot be read yet")
        decide(Request("gp", "research", "sus-apc", "aggregated"), register, TODAY)  # compiled while patched
    return register


def permitted(request, register, at=TODAY):
    return isinstance(decide(request, register, at), Permit)


def until_2018(register):
    """The register as it stood when the notice was written: no later extension recorded."""
    approval = register.instrument("cag-7-07")
    known = tuple(event for event in approval.history if event.valid_until <= date(2018, 9, 30))
    shorter = approval.model_copy(update={"history": known})
    instruments = tuple(shorter if one.id == shorter.id else one for one in register.instruments)
    return register.model_copy(update={"instruments": instruments})


def ended(register, instrument_id, last):
    """The register with one document ending on that day."""
    lapsing = register.instrument(instrument_id)
    end = lapsing.history[0].model_copy(update={"valid_until": last})
    shorter = lapsing.model_copy(update={"history": (end,)})
    instruments = tuple(shorter if one.id == shorter.id else one for one in register.instruments)
    return register.model_copy(update={"instruments": instruments})


@pytest.mark.parametrize(("at", "yes"), [(date(2018, 9, 30), True), (date(2018, 10, 1), False)])
def test_invoices_are_checked_until_the_last_day_of_the_approval(dorset_as_complete, at, yes):
    """Dorset's approval runs to the end of September 2018: on 1 October 2018 invoice checking stops by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caldicott.policy.compiled.gaps_of", lambda *_: ())
        register = until_2018(dorset_as_complete)
        entry = register.activity("invoice-validation")
        request = Request("ceff_officer", entry.id, entry.datasets[0].dataset, "identifiable")
        assert permitted(request, register, at) is yes


def test_the_refusal_after_a_lapse_says_all_that_is_needed(dorset_as_complete):
    """Which document, its last day, the first day refused, and what extends it."""
    register = until_2018(dorset_as_complete)
    entry = register.activity("invoice-validation")
    told = explain(
        decide(
            Request("ceff_officer", entry.id, entry.datasets[0].dataset, "identifiable"), register, date(2018, 10, 1)
        )
    )
    for said in ("CAG 7-07", "last day was 2018-09-30", "refuses from 2018-10-01", "Confidentiality Advisory Group"):
        assert said in told


def test_dorset_publishes_risk_stratification_but_does_not_do_it(dorset_as_complete):
    """The notice says that it is not in use: every role is refused, with that reason."""
    for role in Role:
        request = Request(role, "risk-stratification", "sus-apc", "aggregated")
        refusal = decide(request, dorset_as_complete, date(2018, 9, 1))
        assert refusal.reasons[0].code == "activity-inactive"


@pytest.mark.parametrize("name", [name for name in names() if name != "example-icb"])
def test_an_old_notice_with_gaps_permits_nothing(name):
    """The notices of 2016 to 2018 are published as they are; until an entry is completed it enables nothing."""
    register = held(name) or pytest.skip(f"{name} cannot be read yet")
    for entry in register.activities:
        for rule in entry.roles or ():
            for dataset in rule.datasets or tuple(use.dataset for use in entry.datasets or ()):
                request = Request(rule.role, entry.id, dataset, "aggregated", action=rule.action)
                codes = {reason.code for reason in decide(request, register, date(2018, 6, 1)).reasons}
                assert "activity-incomplete" in codes


def test_a_commissioner_never_gets_identifiable_data(example):
    """For no activity, dataset or action does a commissioning role get identifiable records of patients."""
    datasets = {use.dataset for entry in example.activities for use in entry.datasets or ()}
    for entry in example.activities:
        for dataset in sorted(datasets | {"risk-scores", "commissioning-mart"}):
            for action in ("see", "release", "land", "link"):
                for role in ("commissioning_analyst", "processor_staff"):
                    assert not permitted(Request(role, entry.id, dataset, "identifiable", action=action), example)


def test_a_gp_sees_only_the_patients_of_the_own_practice(example):
    """Looking up scores binds to the own practice, row by row; another relationship or body is refused."""
    look = Request("gp", "case-finding", "risk-scores", "identifiable", "Z80007", "own_practice")
    permit = decide(look, example, TODAY)
    assert isinstance(permit, Permit)
    assert (permit.obligations.relationship, permit.obligations.own_organisation) == ("own_practice", "Z80007")
    assert permit.obligations.record_viewing
    for organisation, relationship in (("Z80007", "care"), ("Z80007", "federation"), ("RZ1", None), ("QZZ", None)):
        assert not permitted(
            Request("gp", "case-finding", "risk-scores", "identifiable", organisation, relationship), example
        )


def _seen_by_the_federation(register, at):
    practices = [member.ods for member in register.controller.member_practices]
    ask = [Request("gp", "risk-stratification", "risk-scores", "identifiable", one, "federation") for one in practices]
    return {request.organisation for request in ask if permitted(request, register, at)}


def test_a_federation_loses_exactly_one_practice_when_its_guardians_agreement_lapses(example):
    """Each practice's Caldicott Guardian agrees for that practice alone; the day after a lapse only it is gone."""
    before = _seen_by_the_federation(example, TODAY)
    assert len(before) >= 2
    register = ended(example, "guardian-agreement-z80002", date(2026, 11, 21))
    assert _seen_by_the_federation(register, date(2026, 11, 21)) == before
    assert before - _seen_by_the_federation(register, TODAY) == {"Z80002"}


def test_only_the_domains_role_goes_back_from_a_score_to_a_person(example):
    """A GP may find out whose score it is, for the own practice's patients; planners, staff and the office may not."""
    back = Request("gp", "risk-stratification", "risk-scores", "identifiable", action="reidentify")
    permit = decide(back, example, TODAY)
    assert isinstance(permit, Permit)
    assert permit.obligations.relationship == "own_practice"
    assert permit.obligations.record_viewing
    for role in set(Role) - {Role.GP}:
        for data_format in DataFormat:
            assert not permitted(replace(back, role=role, format=data_format), example)


def test_nobody_goes_back_to_a_person_from_planning(example):
    """The planning marts have pseudonyms, but their domain names nobody who may lift them."""
    for dataset in ("commissioning-mart", "sus-apc", "gp-patients"):
        for role in Role:
            back = Request(role, "commissioning-planning", dataset, "identifiable", action="reidentify")
            codes = [reason.code for reason in decide(back, example, TODAY).reasons]
            assert "reidentify-not-named" in codes


def test_when_the_councils_agreement_ends_social_care_stops_and_the_rest_goes_on(example):
    """Each dataset stands on the document of the flow that brings it."""
    register = ended(example, "council-sharing-agreement", date(2026, 11, 21))
    landing = Request("dscro_operator", "commissioning-planning", "social-care", "identifiable", action="land")
    assert permitted(landing, register, date(2026, 11, 21))
    refusal = decide(landing, register, TODAY)
    (reason,) = refusal.reasons
    assert (reason.code, reason.on) == ("flow-instrument-lapsed", date(2026, 11, 21))
    assert "Example Council" in reason.text
    for dataset in ("sus-apc", "gp-patients", "out-of-hours"):
        assert permitted(replace(landing, dataset=dataset), register)


def test_when_the_practices_agreement_ends_their_records_are_not_joined_any_more(example):
    """Planning itself goes on with the hospitals' records."""
    register = ended(example, "gp-sharing-agreement", date(2026, 11, 21))
    linking = Request("dscro_operator", "commissioning-planning", "gp-medications", "identifiable", action="link")
    assert [reason.code for reason in decide(linking, register, TODAY).reasons] == ["flow-instrument-lapsed"]
    assert permitted(replace(linking, dataset="sus-apc"), register)


def test_nobody_lands_what_is_made_here(example):
    """Marts and scores come out of an activity; a file that claims to be one is not let in."""
    for activity, dataset in (("commissioning-planning", "commissioning-mart"), ("risk-stratification", "risk-scores")):
        landing = Request("dscro_operator", activity, dataset, "identifiable", action="land")
        assert [reason.code for reason in decide(landing, example, TODAY).reasons] == ["dataset-not-incoming"]


def test_the_analyst_hands_on_totals_only(example):
    """To work with rows is one thing, to hand them on another: release has a rule of its own, for totals."""
    rows = Request("commissioning_analyst", "commissioning-planning", "commissioning-mart", "pseudonymised")
    assert permitted(rows, example)
    assert not permitted(replace(rows, action="release"), example)
    assert permitted(replace(rows, action="release", format="aggregated"), example)


# Who sends what by the example's map of flows, and under which agreement.
SENT = {
    "RZ1": ("sus-ec", "dars-dsa"), "RZ2": ("sus-ec", "dars-dsa"), "NZ1": ("sus-op", "dars-dsa"),
    "RZC": ("community", "dars-dsa"), "RZM": ("mental-health", "dars-dsa"), "X26": ("pds", "dars-dsa"),
    "NZO": ("out-of-hours", "local-flows-agreement"), "NZU": ("urgent-care", "local-flows-agreement"),
    "999": ("social-care", "council-sharing-agreement"), "0CX": ("gp-patients", "gp-sharing-agreement"),
    "Z80150": ("gp-patients", "gp-sharing-agreement"),
}  # fmt: skip


def _sent(example, sender, dataset, agreement):
    landing = Request("dscro_operator", "commissioning-planning", dataset, "identifiable", action="land")
    refusal = against_agreement(agreement, landing, example, TODAY, sender=sender)
    return [reason.code for reason in refusal.reasons] if refusal else []


@pytest.mark.parametrize("sender", SENT)
def test_every_sender_of_the_example_may_send_its_own(example, sender):
    """Trusts, council, support unit, national body and member practices send what the map says, under its agreement."""
    dataset, agreement = SENT[sender]
    assert _sent(example, sender, dataset, agreement) == []


@pytest.mark.parametrize("sender", SENT)
def test_nobody_sends_what_the_map_says_comes_from_others(example, sender):
    """A known organisation under a good agreement is not enough: nothing comes by a way that is not on the map."""
    own, _agreement = SENT[sender]
    dataset, agreement = SENT["X26" if own != "pds" else "RZ1"]
    assert _sent(example, sender, dataset, agreement) == ["sender-without-flow"]


@pytest.mark.parametrize("sender", ["RZ9", "Z80151", "X27"])
def test_a_stranger_sends_nothing(example, sender):
    """However good the agreement it names, a sender the register does not know is refused and named."""
    landing = Request("dscro_operator", "commissioning-planning", "sus-apc", "identifiable", action="land")
    told = explain(against_agreement("dars-dsa", landing, example, TODAY, sender=sender))
    assert f"The sender '{sender}' is unknown" in told
    assert "enter the sender among the organisations" in told


def test_an_agreement_is_good_for_its_own_records_only(example):
    """Social care cannot come in under the agreement with the practices, nor for risk stratification under any."""
    landing = Request("dscro_operator", "commissioning-planning", "social-care", "identifiable", action="land")

    def codes(agreement, request):
        refusal = against_agreement(agreement, request, example, TODAY, sender="999")
        return [reason.code for reason in refusal.reasons] if refusal else []

    assert codes("council-sharing-agreement", landing) == []
    assert codes("gp-sharing-agreement", landing) == ["agreement-other-dataset"]
    risk = replace(landing, activity="risk-stratification")
    assert codes("council-sharing-agreement", risk) == ["sender-without-flow", "agreement-other-activity"]


def test_social_care_never_enters_risk_stratification(example):
    """The approval for risk stratification shuts social care records out."""
    landing = Request("dscro_operator", "risk-stratification", "social-care", "identifiable", action="land")
    codes = [reason.code for reason in decide(landing, example, TODAY).reasons]
    assert "dataset-excluded" in codes


def test_nothing_happens_before_the_notice_says_it(example):
    """The example's notice was published on 1 April 2026; the day before, all is refused."""
    request = Request("commissioning_analyst", "commissioning-planning", "commissioning-mart", "aggregated")
    assert permitted(request, example, date(2026, 4, 1))
    codes = [reason.code for reason in decide(request, example, date(2026, 3, 31)).reasons]
    assert "notice-not-published" in codes


def test_what_the_ceff_sees_stays_in_the_ceff(example):
    """Only the officers of the Controlled Environment for Finance see invoices' patients; nobody may release them."""
    for dataset in ("invoice-backing", "invoices", "pds"):
        assert permitted(Request("ceff_officer", "invoice-validation", dataset, "identifiable"), example)
        for role in COMMISSIONING:
            for data_format in DataFormat:
                assert not permitted(Request(role, "invoice-validation", dataset, data_format), example)


def test_direct_care_is_not_stopped_by_an_opt_out(example):
    """Opting out never changes a person's own care: no objection applies, and the exemption is named."""
    permit = decide(Request("gp", "case-finding", "risk-scores", "identifiable"), example, TODAY)
    assert permit.obligations.objections == ()
    assert [one.kind for one in permit.obligations.exemptions] == ["direct_care"]
