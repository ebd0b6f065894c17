"""The twenty contradictions and gaps of the notices: one test each, both sides read from the registers.

The table they follow is docs/reference/contradictions.md.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caldicott.facts import governance
from caldicott.register.check import check
from caldicott.register.completeness import gaps
from caldicott.register.parse import load
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind, Identifier, Objection, ObjectionExemption, Regime, Role

if TYPE_CHECKING:
    from caldicott.register.model import Instrument, ProcessingActivity, Register

ROOT = Path(__file__).parents[3]
LEEDS, OXFORDSHIRE, DORSET = "leeds-2018", "oxfordshire-2016", "dorset-2018"
LEGACY = (LEEDS, OXFORDSHIRE, DORSET)
CASES = ("complaints", "continuing-healthcare", "individual-funding-requests")


@cache
def register(name: str) -> Register:
    return load(ROOT / "registers" / name)


def activity(name: str, activity_id: str) -> ProcessingActivity:
    found = register(name).activity(activity_id)
    assert found is not None, f"{name} has no activity {activity_id}"
    return found


def instrument(name: str, instrument_id: str) -> Instrument:
    found = register(name).instrument(instrument_id)
    assert found is not None, f"{name} has no instrument {instrument_id}"
    return found


def marked(number: int) -> set[tuple[str, str]]:
    """The activities that say they show the contradiction."""
    return {(name, a.id) for name in LEGACY for a in register(name).activities if number in a.contradicts}


def identifies(found: ProcessingActivity) -> set[Role]:
    """The roles that may see who a person is."""
    return {r.role for r in found.roles or () if r.action == "see" and r.ceiling is DataFormat.IDENTIFIABLE}


def formats_stopped(found: ProcessingActivity, scheme: Objection) -> set[DataFormat]:
    rules = found.objections.rules if found.objections else ()
    return {fmt for rule in rules if rule.scheme is scheme for fmt in rule.covers_formats}


def from_notice(name: str, version: str) -> list[ProcessingActivity]:
    return [a for a in register(name).activities if a.publication and a.publication.notice_version == version]


def test_1_nhs_number_in_commissioning_datasets():
    """Oxfordshire's commissioning datasets carry no identifier; Dorset's may carry the NHS number; both are coded."""
    oxfordshire = activity(OXFORDSHIRE, "sus-commissioning-datasets")
    dorset = activity(DORSET, "sus-commissioning-datasets")
    assert oxfordshire.identifiers_allowed == ()
    assert dorset.identifiers_allowed == (Identifier.NHS_NUMBER,)
    assert oxfordshire.format_in == dorset.format_in == DataFormat.PSEUDONYMISED
    assert marked(1) == {(OXFORDSHIRE, oxfordshire.id), (DORSET, dorset.id)}


def test_2_no_identifiable_data_at_all():
    """The analyst never sees who someone is, yet case officers and the finance enclave of the same body do."""
    for name in (LEEDS, OXFORDSHIRE, DORSET):
        for found in register(name).activities:
            ceilings = [r.ceiling for r in found.roles or () if r.role is Role.COMMISSIONING_ANALYST]
            assert all(ceiling.is_within(DataFormat.PSEUDONYMISED) for ceiling in ceilings), found.id
    assert identifies(activity(LEEDS, "commissioning-planning")) == set()
    assert identifies(activity(LEEDS, "invoice-validation")) == {Role.CEFF_OFFICER}
    assert identifies(activity(DORSET, "invoice-validation")) == {Role.CEFF_OFFICER}
    assert all(identifies(activity(LEEDS, case)) == {Role.CASE_OFFICER} for case in CASES)
    assert Role.COMMISSIONING_ANALYST not in identifies(activity(OXFORDSHIRE, "risk-stratification"))
    assert {name for name, _ in marked(2)} == set(LEGACY)


@pytest.mark.parametrize("name", [OXFORDSHIRE, DORSET])
@pytest.mark.parametrize("case", CASES)
def test_3_consent_as_the_basis_of_case_work(name, case):
    """Explicit consent is held as the basis in data protection law and, apart from it, as what lifts confidence."""
    found = activity(name, case)
    assert [(b.article6, b.article9) for b in found.data_protection_basis or ()] == [("A6-1-a", "A9-2-a")]
    assert found.confidentiality_basis is not None
    assert found.confidentiality_basis.kind is ConfidentialityKind.EXPLICIT_CONSENT
    assert (name, case) in marked(3)


def test_4_how_far_an_objection_reaches():
    """Leeds' and Dorset's objections stop identifiable data; Oxfordshire's codes also data that identify nobody."""
    assert formats_stopped(activity(LEEDS, "commissioning-planning"), Objection.TYPE_1) == {DataFormat.IDENTIFIABLE}
    assert formats_stopped(activity(LEEDS, "commissioning-planning"), Objection.TYPE_2) == {DataFormat.IDENTIFIABLE}
    dorset = activity(DORSET, "sus-commissioning-datasets")
    assert formats_stopped(dorset, Objection.NATIONAL_DATA_OPT_OUT) == {DataFormat.IDENTIFIABLE}
    row_level = {DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED, DataFormat.ANONYMISED}
    assert formats_stopped(activity(OXFORDSHIRE, "sus-commissioning-datasets"), Objection.DEIDENTIFIED) == row_level
    assert formats_stopped(activity(OXFORDSHIRE, "research"), Objection.RESEARCH) == row_level
    assert {name for name, _ in marked(4)} == set(LEGACY)


def test_5_type_2_then_the_national_opt_out():
    """The same right comes through the GP as type 2 in January 2018, through the national service later on."""
    schemes = {
        name: {rule.scheme for a in register(name).activities if a.objections for rule in a.objections.rules}
        for name in LEGACY
    }
    assert Objection.TYPE_2 in schemes[LEEDS] - schemes[DORSET] - schemes[OXFORDSHIRE]
    assert Objection.NATIONAL_DATA_OPT_OUT in schemes[DORSET] - schemes[LEEDS] - schemes[OXFORDSHIRE]
    assert register(LEEDS).controller.notices[0].published < register(DORSET).controller.notices[0].published
    assert {name for name, _ in marked(5)} == {LEEDS, DORSET}


def test_6_who_sees_who_is_at_risk():
    """Leeds and Dorset let the care team see it, Oxfordshire GPs only; everywhere it takes a tie to the practice."""
    audiences = {
        (LEEDS, "risk-stratification"): {Role.GP, Role.CARE_TEAM},
        (LEEDS, "risk-stratification-short"): {Role.GP, Role.CARE_TEAM},
        (OXFORDSHIRE, "risk-stratification"): {Role.GP},
        (DORSET, "risk-stratification"): {Role.GP, Role.CARE_TEAM},
    }
    assert {key: identifies(activity(*key)) for key in audiences} == audiences
    ties = {
        rule.relationship
        for key in audiences
        for rule in activity(*key).roles or ()
        if rule.role in {Role.GP, Role.CARE_TEAM}
    }
    assert ties == {"own_practice", "federation"}
    assert marked(6) == set(audiences)


def test_6_a_federation_sees_only_what_a_guardian_agreed_to():
    """Oxfordshire's federation rule leans on the dated agreement of a practice's Caldicott Guardian."""
    rules = [r for r in activity(OXFORDSHIRE, "risk-stratification").roles or () if r.relationship == "federation"]
    assert [r.requires for r in rules] == [("guardian-agreement-example-practice",)]
    agreement = instrument(OXFORDSHIRE, rules[0].requires[0])
    assert agreement.kind == "guardian_agreement"
    assert agreement.valid_until is not None
    assert not agreement.is_live(agreement.valid_until + timedelta(days=1))


def test_7_described_but_not_in_use():
    """Dorset publishes risk stratification with bases and sources although it does not do it: inactive, no approval."""
    found = activity(DORSET, "risk-stratification")
    assert found.status == "inactive"
    assert found.publication is not None
    assert found.publication.in_notice
    assert found.sources
    assert found.confidentiality_basis is not None
    assert found.confidentiality_basis.instrument is None
    others = [activity(name, "risk-stratification").status for name in (LEEDS, OXFORDSHIRE)]
    assert others == ["active", "active"]
    assert marked(7) == {(DORSET, found.id)}


def test_8_an_approval_that_ran_out_and_was_extended():
    """The notice knows the approval to 30 September 2018; five later extensions carry it to 30 September 2027."""
    approval = instrument(DORSET, "cag-7-07")
    stated = [event for event in approval.history if "notice" in event.source]
    assert [event.valid_until for event in stated] == [date(2018, 9, 30)]
    later = [event.valid_until for event in approval.history if event.valid_until > date(2018, 9, 30)]
    assert later == [date(2020, 9, 30), date(2022, 9, 30), date(2024, 9, 30), date(2025, 9, 30), date(2027, 9, 30)]
    assert approval.is_live(date(2027, 9, 30))
    assert not approval.is_live(date(2027, 10, 1))
    as_the_notice_knew = approval.model_copy(update={"history": tuple(e for e in approval.history if e.recorded)})
    assert as_the_notice_knew.is_live(date(2018, 9, 30))
    assert not as_the_notice_knew.is_live(date(2018, 10, 1))
    assert all(event.source for event in approval.history)
    assert approval.id in activity(DORSET, "invoice-validation").instruments
    assert marked(8) == {(DORSET, "invoice-validation")}


def test_9_wrong_citations():
    """Dorset's wrong citations are kept as they were, and the list of statutes says what to cite instead."""
    found = activity(DORSET, "safeguarding")
    cited = {statute for basis in found.data_protection_basis or () for statute in basis.statutes}
    wrong = {row["citation"]: row["cite_instead"] for row in governance.table("statutes") if row["status"] == "wrong"}
    assert cited == set(wrong)
    assert all(citation in found.quote for citation in cited)
    assert wrong["Care Act 2012"] == "Care Act 2014"
    assert {basis.dpa_schedule1 for basis in found.data_protection_basis or ()} == {(18,)}
    warned = {f.what.split("`")[1] for f in check(register(DORSET), at=date(2018, 6, 1)) if f.code == "wrong-statute"}
    assert warned == cited
    assert marked(9) == {(DORSET, found.id)}


def test_10_the_law_changes_between_the_notices():
    """Oxfordshire and Leeds stand under the Act of 1998, Dorset under that of 2018; Leeds cites the GDPR early."""
    regimes = {name: register(name).controller.regime for name in LEGACY}
    assert regimes == {LEEDS: Regime.DPA1998, OXFORDSHIRE: Regime.DPA1998, DORSET: Regime.GDPR_DPA2018}
    quote = activity(LEEDS, "rights-requests").quote
    assert "2016/679" in quote
    assert "1998" in quote
    assert register(LEEDS).controller.notices[0].published < date(2018, 5, 25)
    assert "1998" in activity(OXFORDSHIRE, "national-fraud-initiative").quote
    assert "2018" in activity(DORSET, "safeguarding").quote
    assert {name for name, _ in marked(10)} == set(LEGACY)


def test_11_a_table_that_is_not_there():
    """The long Leeds notice points to a table of details that it does not hold; every pointer says so."""
    pointing = {
        a.id
        for a in from_notice(LEEDS, LEEDS)
        for document in a.publication.documents
        if "not part of the notice" in document
    }
    assert len(pointing) > 5
    assert "commissioning-planning" in pointing
    assert (LEEDS, "commissioning-planning") in marked(11)
    elsewhere = [a for name in (OXFORDSHIRE, DORSET) for a in register(name).activities if a.publication]
    assert not any("not part of the notice" in d for a in elsewhere for d in a.publication.documents)


def test_12_processors_without_a_function():
    """Oxfordshire names three processors and not what they do; the check says so, and no other register has one."""
    processing = {"processor", "sub_processor"}
    idle = {
        (name, o.id)
        for name in LEGACY
        for o in register(name).organisations
        if processing & set(o.roles) and not o.functions
    }
    assert idle == {
        (OXFORDSHIRE, "oxford-health"),
        (OXFORDSHIRE, "oxford-university-hospitals"),
        (OXFORDSHIRE, "optum"),
    }
    warned = [f for f in check(register(OXFORDSHIRE), at=date(2016, 12, 1)) if f.code == "processor-without-function"]
    assert len(warned) == 3


def test_13_retention_stated_loosely_or_not_at_all():
    """Leeds cites the Code of 2016, Oxfordshire a policy for complaints, Dorset and the short notice nothing."""
    leeds = activity(LEEDS, "complaints").retention
    oxfordshire = activity(OXFORDSHIRE, "complaints").retention
    assert leeds is not None
    assert oxfordshire is not None
    assert "2016" in leeds.minimum
    assert "NHS retention policy" in oxfordshire.minimum
    silent = [*register(DORSET).activities, *from_notice(LEEDS, "leeds-short")]
    assert [a.id for a in silent if a.retention is not None or "retention" not in a.not_stated] == []
    assert "retention" in {gap.field for gap in gaps(activity(DORSET, "complaints"), register(DORSET))}
    assert [a.id for a in register(OXFORDSHIRE).activities if a.retention] == ["complaints"]
    assert {name for name, _ in marked(13)} == set(LEGACY)


def test_14_contacts_are_posts_with_dates():
    """Leeds' fraud contact was a person and is held as a post with a first day; Dorset's contacts are cut off."""
    fraud = [c for c in register(LEEDS).controller.contacts if c.role == "counter_fraud"]
    assert [c.post for c in fraud] == ["Counter fraud manager"]
    assert fraud[0].valid_from == date(2018, 1, 30)
    assert {c.role for c in register(DORSET).controller.contacts} == {"complaints"}
    missing = [f for f in check(register(DORSET), at=date(2018, 6, 1)) if f.code == "missing-contact"]
    assert missing
    assert marked(14) == {(LEEDS, "national-fraud-initiative"), (DORSET, "public-involvement")}


def test_15_lawful_basis_absent():
    """The short notice gives no basis, the long one only for the fraud initiative; the rest is listed as not stated."""
    short = from_notice(LEEDS, "leeds-short")
    assert len(short) == 3
    assert all(a.data_protection_basis is None and "data_protection_basis" in a.not_stated for a in short)
    assert all("data_protection_basis" in {g.field for g in gaps(a, register(LEEDS))} for a in short)
    stated = [a.id for a in from_notice(LEEDS, LEEDS) if "data_protection_basis" not in a.not_stated]
    assert stated == ["national-fraud-initiative"]
    named = {"national-fraud-initiative", "rights-requests"}  # the only uses for which the notice names an Act
    assert {a.id for a in register(LEEDS).activities for b in a.data_protection_basis or () if b.statutes} == named
    unstated = {(LEEDS, a.id) for a in register(LEEDS).activities if a.id != "national-fraud-initiative"}
    assert marked(15) == unstated


def test_16_what_a_notice_says_twice_is_held_once():
    """Trade union membership stands once in Dorset's list, and no entry of any list is there twice."""
    assert activity(DORSET, "staff").special_category.count("trade_union") == 1
    for name in LEGACY:
        for found in register(name).activities:
            for field in ("data_subjects", "personal_data", "special_category", "sources", "measures", "not_stated"):
                entries = getattr(found, field) or ()
                assert len(entries) == len(set(entries)), f"{name} {found.id} {field}"
        words = [a.plain_text for a in register(name).activities]
        assert len(words) == len(set(words))
    assert marked(16) == {(DORSET, "staff"), (LEEDS, "commissioning-planning")}


def test_17_who_takes_the_identity_out():
    """In Leeds the regional office or the sender does it, in Oxfordshire the landing stage of the CSU's tool."""

    def steps(name: str, activity_id: str) -> set[tuple[str, str]]:
        return {
            (flow.from_organisation, flow.from_zone)
            for flow in activity(name, activity_id).flows or ()
            if flow.format is DataFormat.PSEUDONYMISED
        }

    leeds, oxfordshire = steps(LEEDS, "commissioning-planning"), steps(OXFORDSHIRE, "risk-stratification")
    assert leeds == {("necs-dscro", "dscro"), ("health-care-providers", "provider")}
    assert ("scw-csu", "landing-stage") in oxfordshire
    assert leeds & oxfordshire == set()
    assert marked(17) == {(LEEDS, "commissioning-planning"), (OXFORDSHIRE, "risk-stratification")}


def test_18_what_identifies_someone_on_an_invoice():
    """Leeds takes number, name, address and treatment date; Dorset the number only; Oxfordshire does not say."""
    leeds, dorset = activity(LEEDS, "invoice-validation"), activity(DORSET, "invoice-validation")
    assert leeds.identifiers_allowed == (Identifier.NHS_NUMBER, Identifier.NAME, Identifier.ADDRESS)
    assert leeds.inputs_whitelist == ("nhs_number", "name", "address", "treatment_date")
    assert dorset.identifiers_allowed == (Identifier.NHS_NUMBER,)
    assert dorset.inputs_whitelist == ("nhs_number",)
    assert "identifiers_allowed" in activity(OXFORDSHIRE, "invoice-validation").not_stated
    assert marked(18) == {(LEEDS, leeds.id), (DORSET, dorset.id)}


def test_19_the_exception_in_the_public_interest():
    """Leeds lets emergencies and safeguarding override opt-outs; the register holds kinds of the closed list."""

    def kinds(name: str, activity_id: str) -> set[ObjectionExemption]:
        objections = activity(name, activity_id).objections
        return {e.kind for e in objections.exemptions} if objections else set()

    assert kinds(LEEDS, "safeguarding") == {ObjectionExemption.PUBLIC_INTEREST}
    assert kinds(LEEDS, "post-infection-reviews") == {ObjectionExemption.COMMUNICABLE_DISEASE}
    assert kinds(OXFORDSHIRE, "safeguarding") == kinds(DORSET, "safeguarding") == {ObjectionExemption.LEGAL_REQUIREMENT}
    exemptions = [
        e for name in LEGACY for a in register(name).activities if a.objections for e in a.objections.exemptions
    ]
    assert [e for e in exemptions if not e.reference] == []
    assert marked(19) == {(LEEDS, "safeguarding"), (LEEDS, "post-infection-reviews")}


def test_20_no_identifiable_history_but_a_score_that_needs_one():
    """Leeds holds no identifiable history, yet risk stratification reads years of it; only coded data reach the CCG."""
    for activity_id in ("commissioning-planning", "risk-stratification"):
        found = activity(LEEDS, activity_id)
        assert "no_identifiable_history_held" in (found.measures or ())
        to_the_ccg = {f.format for f in found.flows or () if f.to_organisation == register(LEEDS).controller.id}
        assert to_the_ccg == {DataFormat.PSEUDONYMISED}
    history = {"past_attendances", "past_admissions"}
    assert history <= set(activity(OXFORDSHIRE, "risk-stratification").inputs_whitelist or ())
    linked = [f for f in activity(OXFORDSHIRE, "risk-stratification").flows or () if f.from_zone == "landing-stage"]
    assert [f.format for f in linked] == [DataFormat.PSEUDONYMISED]
    assert (LEEDS, "risk-stratification") in marked(20)


def test_the_page_lists_what_the_registers_mark():
    """The reference page has a row for each of the twenty, and names each activity that the registers mark."""
    page = (ROOT / "docs" / "reference" / "contradictions.md").read_text("utf-8")
    rows = {int(found[1]): found[0] for found in re.finditer(r"^\| (\d+) \|.*$", page, re.MULTILINE)}
    assert sorted(rows) == list(range(1, 21))
    absent = [
        (number, activity_id)
        for number in rows
        for _, activity_id in marked(number)
        if f"`{activity_id}`" not in rows[number] and "every activity" not in rows[number]
    ]
    assert absent == []
