"""What the register says, promise by promise: who answers, which uses there are, of whom, whence, in which form."""

from __future__ import annotations

from datetime import date

import pytest

from caldicott.facts import governance
from caldicott.facts.layout import load as load_layout
from caldicott.policy.compiled import MET_BY
from caldicott.policy.decision import Permit, Request
from caldicott.register.check import check
from caldicott.register.model import Accreditation
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ActivityStatus, Relationship
from promises.notices import (
    ANALYST,
    DORSET,
    EXAMPLE,
    LEEDS,
    OF_NOTICE,
    OXFORDSHIRE,
    Catalogue,
    Shelf,
    above,
    activity,
    ask,
    assert_is_noticed,
    codes,
    instrument,
    landed,
    look,
    organisation,
    printed,
    register,
    state,
    with_activity,
    with_controller,
    with_every_activity,
    with_organisation,
)

LEGACY = (LEEDS, OXFORDSHIRE, DORSET)

# promise | activity | words the public reads | the most an analyst may have; `none`: an analyst may have nothing
USES = [
    tuple(part.strip() for part in line.split("|"))
    for line in """
L1-013 | service-statistics           | good and successful               | aggregated
L1-014 | service-statistics           | perform as intended               | aggregated
L1-015 | service-statistics           | what illnesses people will have   | aggregated
L1-016 | service-statistics           | care is of the highest standard   | aggregated
L1-017 | service-statistics           | where improvements could be made  | aggregated
L1-031 | commissioning-planning       | what care people need             | pseudonymised
L1-033 | commissioning-planning       | what is missing                   | pseudonymised
L2-005 | commissioning-planning-short | services are good and give value  | pseudonymised
L2-006 | commissioning-planning-short | which illnesses are coming        | pseudonymised
L2-007 | commissioning-planning-short | will meet future need             | pseudonymised
L2-009 | commissioning-planning-short | care is of the highest standard   | pseudonymised
OX-051 | clinical-audit               | clinical audit                    | pseudonymised
OX-056 | commissioning-planning       | care is of the highest standard   | pseudonymised
OX-074 | commissioning-planning       | to check contracts                | pseudonymised
OX-075 | commissioning-planning       | cost and quality                  | pseudonymised
OX-076 | commissioning-planning       | make statistics for the nhs       | pseudonymised
OX-077 | commissioning-planning       | plan ahead                        | pseudonymised
OX-079 | commissioning-planning       | audit care and accounts           | pseudonymised
DO-025 | commissioning-planning       | so that they can be provided      | pseudonymised
DO-026 | accounts-and-records         | keep accounts and records         | none
DO-028 | research                     | research is one of the purposes   | none
DO-032 | commissioning-planning       | how good and efficient            | pseudonymised
DO-034 | commissioning-planning       | which illnesses are coming        | pseudonymised
DO-035 | commissioning-planning       | care is of the highest standard   | pseudonymised
""".strip().splitlines()
]


@pytest.mark.keeps("L1-013", "L1-014", "L1-015", "L1-016", "L1-017", "L1-031", "L1-033")
@pytest.mark.keeps("L2-005", "L2-006", "L2-007", "L2-009")
@pytest.mark.keeps("OX-051", "OX-056", "OX-074", "OX-075", "OX-076", "OX-077", "OX-079")
@pytest.mark.keeps("DO-025", "DO-026", "DO-028", "DO-032", "DO-034", "DO-035")
@pytest.mark.parametrize(("promise", "activity_id", "words", "ceiling"), USES)
def test_a_promised_use_is_in_its_register_and_gives_nobody_more_than_its_form(promise, activity_id, words, ceiling):
    """The use is there in the public's words, with a purpose; who plans services gets nothing above its form."""
    name = OF_NOTICE[promise[:2]]
    use = activity(name, activity_id)
    assert words in use.plain_text.casefold()
    assert use.purpose in governance.column("purposes", "code")
    most = None if ceiling == "none" else DataFormat(ceiling)
    for one in use.datasets or ():
        for form in above(most):
            refusal = ask(name, Request(ANALYST, use.id, one.dataset, form))
            assert codes(refusal) & {"above-ceiling", "role-without-access"}, (one.dataset, form)


def test_the_table_of_uses_has_each_promise_that_its_test_is_marked_with():
    """No promise is claimed by the mark without a line of the table, and none twice."""
    marked = test_a_promised_use_is_in_its_register_and_gives_nobody_more_than_its_form.pytestmark
    claimed = sorted(one for mark in marked if mark.name == "keeps" for one in mark.args)
    assert sorted(promise for promise, *_ in USES) == claimed


@pytest.mark.keeps("L2-005", "L2-006", "L2-007", "L2-009", "DO-025", "DO-026", "DO-028", "DO-032", "DO-034", "DO-035")
@pytest.mark.keeps("OX-056", "OX-074", "OX-075", "OX-076", "OX-077", "L1-015", "L1-016", "L1-017", "L1-033")
@pytest.mark.parametrize(("promise", "activity_id", "_words", "_ceiling"), USES)
def test_a_use_without_basis_or_recipients_says_so_and_permits_nothing(promise, activity_id, _words, _ceiling):
    """Basis and recipients are stated; where the old notice states none, that is said and nothing is given."""
    name = OF_NOTICE[promise[:2]]
    use = activity(name, activity_id)
    for field in ("data_protection_basis", "recipients"):
        assert getattr(use, field) or field in use.not_stated
    for rule in use.roles or ():
        for one in use.datasets or ():
            decision = ask(name, Request(rule.role, use.id, one.dataset, rule.ceiling, action=rule.action))
            assert isinstance(decision, Permit) is (not use.not_stated)


@pytest.mark.keeps("L1-013", "L1-014", "L1-015", "L1-016", "L1-017", "L1-031", "L1-033", "OX-051", "OX-079")
def test_giving_more_than_a_ceiling_is_noticed(monkeypatch):
    """If a request above a ceiling were permitted once, anywhere, the look at the ceilings would see it."""
    assert state("purposes-have-ceilings", EXAMPLE) == "kept"
    monkeypatch.setattr(DataFormat, "is_within", lambda _self, _ceiling: True)
    assert state("purposes-have-ceilings", EXAMPLE) == "broken"


@pytest.mark.keeps("L1-031")
def test_an_analyst_gets_coded_records_for_planning():
    """Planning is a use the analyst can choose: coded records are permitted, identities are not."""
    coded, named = (
        Request(ANALYST, "commissioning-planning", "sus-apc", form) for form in ("pseudonymised", "identifiable")
    )
    assert isinstance(ask(EXAMPLE, coded), Permit)
    assert "above-ceiling" in codes(ask(EXAMPLE, named))


@pytest.mark.keeps_partly("L1-032", "L1-034", "L2-003")
@pytest.mark.parametrize(("activity_id", "words"), [
    ("commissioning-planning", "where and why they wait"), ("commissioning-planning", "health gets better"),
    ("service-statistics", "check how good and successful"),
])  # fmt: skip
def test_uses_whose_figures_wait_are_in_the_register(activity_id, words):
    """Delays, improvement and performance are uses of the Leeds register, in the public's words."""
    assert words in activity(LEEDS, activity_id).plain_text


@pytest.mark.keeps("L1-001")
def test_one_commissioner_answers_for_its_member_practices():
    """One controller that buys services, with its practices; where those who provide care are entered each."""
    held = register(EXAMPLE)
    assert held.controller.kind == "icb"
    assert len(held.controller.member_practices) == 150
    assert {"example-acute-east", "example-acute-west", "example-community"} <= {one.id for one in held.organisations}
    assert_is_noticed("one-controller-named", with_controller(EXAMPLE, member_practices=()))
    assert_is_noticed("one-controller-named", with_controller(EXAMPLE, kind="trust"))


@pytest.mark.keeps("L1-005")
def test_several_controllers_can_answer_together():
    """A partnership can name each of its members, and the look names them too."""
    joint = with_controller(EXAMPLE, joint_with=("example-acute-east", "example-council"))
    seen = look("one-controller-named", joint)
    assert seen.state == "kept"
    assert "jointly with example-acute-east, example-council" in seen.seen
    assert register(LEEDS).controller.name in printed(LEEDS, "index#who-we-are")


@pytest.mark.keeps("L1-002", "DO-001")
def test_nothing_is_held_without_a_purpose():
    """A dataset in the store, or named by an agreement, that no use needs is noticed."""
    assert state("every-dataset-has-a-purpose", EXAMPLE) == "kept"
    stray = Shelf(Catalogue(landed=(landed("RZ1", "cctv-recordings"),)))
    assert state("every-dataset-has-a-purpose", EXAMPLE, shelf=stray) == "broken"
    assert_is_noticed("every-dataset-has-a-purpose", with_every_activity(EXAMPLE, purpose=None))
    assert state("every-dataset-has-a-purpose", DORSET) == "kept"


@pytest.mark.keeps("L1-035")
def test_planning_sees_all_nine_areas_of_care():
    """Hospital, out of hours, urgent, community, mental health, general practice, social care: none is missing."""
    assert state("catalogue-covers-nine-areas", LEEDS) == "kept"
    uses = activity(EXAMPLE, "commissioning-planning").datasets or ()
    assert len(set(governance.service_areas().values())) == 9
    for lost in (
        "sus-apc",
        "sus-op",
        "sus-ec",
        "out-of-hours",
        "urgent-care",
        "community",
        "mental-health",
        "social-care",
    ):
        left = tuple(one for one in uses if one.dataset != lost)
        assert_is_noticed(
            "catalogue-covers-nine-areas", with_activity(EXAMPLE, "commissioning-planning", datasets=left)
        )


@pytest.mark.keeps("L1-041")
def test_identifiable_uses_are_a_closed_list_with_both_bases():
    """Each use of what identifies people has both bases and is counted in the notice; no other use gives identities."""
    assert_is_noticed("identifiable-uses-listed", with_activity(EXAMPLE, "complaints", confidentiality_basis=None))
    assert_is_noticed("identifiable-uses-listed", with_activity(EXAMPLE, "complaints", data_protection_basis=()))
    leak = with_activity(EXAMPLE, "complaints", format_in=DataFormat.ANONYMISED)
    assert_is_noticed("identifiable-uses-listed", leak)
    assert "In 19 of our 19 uses" in printed(EXAMPLE, "types-of-information#says-who-you-are")


@pytest.mark.keeps("L1-061")
def test_support_under_section_251_ends_by_itself():
    """On the approval's last day the work is permitted, on the next it is refused, with the approval named."""
    request = Request("dscro_operator", "risk-stratification", "sus-apc", "identifiable", action="land")
    assert isinstance(ask(EXAMPLE, request, on=date(2027, 3, 31)), Permit)
    approval = instrument(EXAMPLE, "cag-7-04")
    assert approval.reference
    assert approval.conditions
    late = ask(EXAMPLE, request, on=date(2027, 10, 1))
    assert approval.reference in {reason.document for reason in late.reasons if reason.code == "instrument-lapsed"}


@pytest.mark.keeps("L1-103")
def test_one_guardian_whom_the_notice_names_decides_alone():
    """One guardian is in post; the notice prints the post; nobody else decides in the guardian's place."""
    contacts = register(EXAMPLE).controller.contacts
    guardian = next(one for one in contacts if one.role == "caldicott_guardian")
    assert guardian.post in printed(EXAMPLE, "contacts")
    assert guardian.reach in printed(EXAMPLE, "contacts")
    assert_is_noticed("posts-held", with_controller(EXAMPLE, contacts=tuple(c for c in contacts if c is not guardian)))
    assert_is_noticed("posts-held", with_controller(EXAMPLE, contacts=(*contacts, guardian)))
    decide_it = {"activity": "complaints", "dataset": "complaint-cases", "format": "identifiable", "action": "decide"}
    assert isinstance(ask(EXAMPLE, Request("caldicott_guardian", **decide_it)), Permit)
    assert codes(ask(EXAMPLE, Request("case_officer", **decide_it))) == {"role-without-access"}


@pytest.mark.keeps("L1-103")
def test_somebody_else_deciding_is_noticed(monkeypatch):
    """If any other role could decide what is kept for the guardian, the look would see it."""
    assert state("guardian-alone-decides", EXAMPLE) == "kept"
    monkeypatch.setitem(MET_BY, "decide", frozenset({"see"}))
    assert state("guardian-alone-decides", EXAMPLE) == "broken"


@pytest.mark.keeps("L1-104")
def test_the_registration_with_the_commissioner_is_live():
    """The registration has its number and end; once it has run out the check warns and the look is broken."""
    control = "registered-with-the-commissioner"
    assert state(control, EXAMPLE) == "kept"
    assert state(control, EXAMPLE, at=date(2027, 7, 1)) == "broken"
    assert_is_noticed(control, with_organisation(EXAMPLE, "example-icb", accreditations=()))
    warned = {fault.code: fault for fault in check(register(EXAMPLE), at=date(2027, 7, 1))}
    assert warned["accreditation-lapsed"].severity == "warning"
    assert "accreditation-lapsed" not in {fault.code for fault in check(register(EXAMPLE), at=date(2027, 6, 30))}
    assert isinstance(organisation(LEEDS, "leeds-ccgs").accreditations[1], Accreditation)


@pytest.mark.keeps_partly("L1-131")
def test_the_data_protection_officer_is_one_post_that_the_notice_names():
    """One officer answers about data; the notice prints the post and how to reach it."""
    (officer,) = [one for one in register(EXAMPLE).controller.contacts if one.role == "dpo"]
    assert officer.post in printed(EXAMPLE, "contacts#ours")
    assert officer.reach in printed(EXAMPLE, "contacts#ours")


@pytest.mark.keeps("OX-047")
def test_sources_say_whether_they_are_of_the_nhs():
    """Those who give care are inside the NHS or outside; each says which."""
    assert_is_noticed("sectors-told", with_organisation(EXAMPLE, "example-independent-hospital", sector=None))
    assert {one.sector for one in register(OXFORDSHIRE).organisations} >= {"nhs", "private"}


@pytest.mark.keeps("OX-048")
def test_primary_and_secondary_care_are_named_as_sources():
    """The Oxfordshire register names all four kinds of primary care and both of secondary."""
    primary = {"gp-practices", "dental-practices", "community-pharmacies", "optometrists"}
    assert primary | {"hospitals", "clinics"} <= set(activity(OXFORDSHIRE, "commissioning-planning").sources or ())
    assert_is_noticed("sources-told", with_activity(EXAMPLE, "commissioning-planning", sources=()))


@pytest.mark.keeps_partly("OX-050")
def test_an_outbreak_is_told_without_asking_for_objections():
    """The review of an infection rests on the law about diseases that spread: no objection is applied."""
    permit = ask(EXAMPLE, Request("case_officer", "post-infection-reviews", "infection-review-cases", "identifiable"))
    assert isinstance(permit, Permit)
    assert permit.obligations.objections == ()
    assert "warn of outbreaks" in activity(OXFORDSHIRE, "commissioning-planning").plain_text


@pytest.mark.keeps("OX-052")
def test_risk_profiling_is_the_risk_stratification_activity_with_its_objections():
    """One activity profiles risk, and the objections of the notice stop it."""
    (profiling,) = [one for one in register(OXFORDSHIRE).activities if one.purpose == "risk_stratification"]
    assert {rule.scheme for rule in profiling.objections.rules} == {"type1", "risk"}
    assert profiling.id == "risk-stratification"
    refusal = ask(OXFORDSHIRE, Request(ANALYST, profiling.id, "risk-scores", "identifiable"))
    assert "above-ceiling" in codes(refusal)


@pytest.mark.keeps("OX-053")
def test_case_management_is_for_those_who_give_the_care():
    """Only the care team has a rule, for people in its care; who plans services has none. So with care today."""
    use = activity(OXFORDSHIRE, "case-management")
    assert [(rule.role, rule.relationship) for rule in use.roles] == [("care_team", Relationship.CARE)]
    for name, one, dataset in ((OXFORDSHIRE, use.id, "care-record"), (EXAMPLE, "case-finding", "gp-patients")):
        for form in DataFormat:
            assert "role-without-access" in codes(ask(name, Request(ANALYST, one, dataset, form)))
    assert isinstance(ask(EXAMPLE, Request("care_team", "case-finding", "gp-patients", "identifiable")), Permit)


@pytest.mark.keeps("OX-065")
def test_what_providers_must_submit_is_a_flow_to_the_national_body():
    """Hospitals and community services to NHS Digital is on the map; a dataset that no flow carries is noticed."""
    flows = activity(OXFORDSHIRE, "sus-commissioning-datasets").flows
    mandatory = next(one for one in flows if one.id == "providers-to-nhs-digital")
    assert (mandatory.from_organisation, mandatory.to_organisation) == (
        "hospitals-and-community-services",
        "nhs-digital",
    )
    assert "must tell NHS Digital" in activity(OXFORDSHIRE, "sus-commissioning-datasets").plain_text
    assert_is_noticed("flows-told", with_activity(EXAMPLE, "commissioning-planning", flows=()))
    carried = tuple(f for f in activity(EXAMPLE, "commissioning-planning").flows if "social-care" not in f.datasets)
    assert_is_noticed("flows-told", with_activity(EXAMPLE, "commissioning-planning", flows=carried))


@pytest.mark.keeps("OX-070")
@pytest.mark.parametrize("layout", ["ncdr-sus-apc", "ncdr-sus-op", "ncdr-sus-ec"])
def test_hospital_datasets_tell_age_group_ethnicity_and_coded_care(layout):
    """Each hospital layout has birth date for the age, ethnic category, sex, diagnosis and a day of care."""
    names = {column.canonical for column in load_layout(layout).columns}
    assert {"birth_date", "ethnic_category", "sex", "diagnosis_1"} <= names
    assert load_layout(layout).occurred
    assert state("commissioning-datasets-known", OXFORDSHIRE) == "kept"


@pytest.mark.keeps("DO-080")
def test_planning_names_the_three_hospital_datasets():
    """Inpatient, outpatient and emergency care: one of them missing is noticed."""
    assert state("commissioning-datasets-known", DORSET) == "kept"
    uses = activity(EXAMPLE, "commissioning-planning").datasets
    for lost in ("sus-apc", "sus-op", "sus-ec"):
        left = tuple(one for one in uses if one.dataset != lost)
        assert_is_noticed(
            "commissioning-datasets-known", with_activity(EXAMPLE, "commissioning-planning", datasets=left)
        )


@pytest.mark.keeps("DO-081", "DO-085")
def test_the_dorset_register_names_its_national_and_local_datasets():
    """Community, mental health, young people, maternity, and six local datasets with their source, in codes."""
    use = activity(DORSET, "sus-commissioning-datasets")
    names = {one.dataset for one in use.datasets}
    local = {"radiology", "physiotherapy", "audiology", "talking-therapies", "district-nursing", "podiatry"}
    assert local | {"community", "mental-health", "children-and-young-people", "maternity"} <= names
    assert names <= governance.column("datasets", "id")
    flow = next(one for one in use.flows if one.id == "local-providers-to-ccg")
    assert set(flow.datasets) == local
    assert (flow.from_organisation, flow.format) == ("hospitals-and-community-services", "pseudonymised")


@pytest.mark.keeps("DO-087")
def test_hospital_records_come_by_the_national_body_and_from_nobody_else():
    """The map has both ends and the form of each step, and a delivery for it from anybody is refused."""
    use = activity(DORSET, "sus-commissioning-datasets")
    chain = [(one.from_organisation, one.to_organisation, one.format) for one in use.flows]
    assert ("nhs-digital", "dscro", "identifiable") in chain
    assert ("dscro", "dorset-ccg", "pseudonymised") in chain
    assert use.sources == ("nhs-digital", "scw-csu")
    landing = Request("dscro_operator", use.id, "sus-apc", "identifiable", action="land")
    assert "role-without-access" in codes(ask(DORSET, landing))
    assert state("only-listed-senders", DORSET) == "kept"


SOURCES = {
    "complaints": {"the-person", "primary-care", "secondary-care", "community-care"},
    "continuing-healthcare": {
        "the-person", "family-members", "legal-representative", "primary-care", "secondary-care", "local-authority",
        "community-care",
    },
    "safeguarding": {"primary-care", "secondary-care", "community-care", "members-of-the-public", "members-of-staff"},
    "invoice-validation": {"primary-care", "secondary-care", "commissioned-services", "nhs-digital", "scw-csu"},
}  # fmt: skip


@pytest.mark.keeps("DO-046", "DO-052", "DO-057", "DO-076")
@pytest.mark.parametrize("activity_id", SOURCES)
def test_a_use_lists_exactly_its_sources_and_lets_nobody_else_land(activity_id):
    """The sources are those of the notice, printed on its page; no landing for it is permitted from anybody."""
    use = activity(DORSET, activity_id)
    assert set(use.sources) == SOURCES[activity_id]
    told = printed(DORSET, f"activities/{activity_id}#source").strip().splitlines()
    assert len(set(told)) == len(SOURCES[activity_id]) + 1  # the line that says what follows, then each source
    for one in use.datasets:
        request = Request("dscro_operator", activity_id, one.dataset, "identifiable", action="land")
        assert "role-without-access" in codes(ask(DORSET, request))


@pytest.mark.keeps("DO-046", "DO-052", "DO-057", "DO-076", "DO-087")
def test_a_sender_that_the_register_does_not_list_is_noticed(monkeypatch):
    """A submission in the store from somebody else, or a door that would open to one, breaks the look."""
    assert state("only-listed-senders", EXAMPLE) == "kept"
    strange = Shelf(Catalogue(landed=(landed("XX9", "sus-apc"),)))
    assert state("only-listed-senders", EXAMPLE, shelf=strange) == "broken"
    assert_is_noticed("sources-told", with_activity(EXAMPLE, "complaints", sources=()))
    monkeypatch.setattr("caldicott.policy.agreements._against_sender", lambda *_: iter(()))
    monkeypatch.setattr("caldicott.policy.agreements._against_other_flows", lambda *_: ())
    assert state("only-listed-senders", EXAMPLE) == "broken"


@pytest.mark.keeps("DO-071")
def test_what_is_not_in_use_cannot_be_run_or_fed():
    """Dorset does not stratify risk: every request and feed is refused for that reason, and the page says it."""
    use = activity(DORSET, "risk-stratification")
    assert use.status == "inactive"
    for role, action in (("gp", "see"), (ANALYST, "see"), ("dscro_operator", "land")):
        request = Request(role, use.id, "risk-scores" if action == "see" else "sus-apc", "aggregated", action=action)
        assert "activity-inactive" in codes(ask(DORSET, request))
    assert state("not-in-use-refused", DORSET) == "kept"
    assert "Not done now" in printed(DORSET, "activities/risk-stratification#what-we-do")
    assert "does not use it at present" in printed(DORSET, "activities/risk-stratification#what-we-do")


@pytest.mark.keeps("DO-071")
def test_running_what_is_not_in_use_is_noticed(monkeypatch):
    """Were the status ignored, the look at what rests would see it."""
    resting = with_activity(EXAMPLE, "risk-stratification", status=ActivityStatus.INACTIVE)
    assert state("not-in-use-refused", resting) == "kept"
    monkeypatch.setattr("caldicott.policy.decide.against_activity", lambda *_: iter(()))
    assert state("not-in-use-refused", resting) == "broken"


@pytest.mark.keeps("DO-002", "DO-036")
def test_each_use_names_its_kinds_of_data():
    """The classes of the Dorset notice are kinds of its register: identity, family, goods, money, work, pictures."""
    kinds = {kind for one in register(DORSET).activities for kind in one.personal_data or ()}
    assert {"identity", "contact", "family_and_lifestyle", "goods_and_services", "finance"} <= kinds
    assert {"employment", "education", "images"} <= kinds
    told = printed(EXAMPLE, "types-of-information#kinds")
    assert "Who you are" in told
    assert "How to reach you" in told
    assert_is_noticed("people-and-kinds-told", with_activity(EXAMPLE, "staff", personal_data=()))


@pytest.mark.keeps("DO-030")
def test_each_use_names_whom_it_is_about():
    """The eight groups of the Dorset notice are in its register, and a use about nobody is noticed."""
    subjects = {one for use in register(DORSET).activities for one in use.data_subjects or ()}
    assert {"patients", "members_of_the_public", "staff", "suppliers", "survey_respondents"} <= subjects
    assert {"business_contacts", "professional_experts", "offenders_and_suspected_offenders"} <= subjects
    assert_is_noticed("people-and-kinds-told", with_activity(EXAMPLE, "research", data_subjects=()))


@pytest.mark.keeps_partly("DO-003", "DO-004", "DO-005", "DO-014")
@pytest.mark.parametrize(
    ("activity_id", "kind", "words"),
    [
        ("public-contact", "family_and_lifestyle", "family"),
        ("staff", "education", "school"),
        ("cctv", "images", "pictures"),
        ("public-contact", "use_of_services", "the care you were given"),
    ],
)
def test_a_kind_of_data_is_told_on_the_page_of_its_use(activity_id, kind, words):
    """The kind is in the Dorset register, and the page of the use tells of it."""
    assert kind in activity(DORSET, activity_id).personal_data
    assert words in printed(DORSET, f"activities/{activity_id}#records").casefold()


@pytest.mark.keeps("DO-015", "DO-018", "DO-019")
def test_what_comes_from_people_and_from_social_media_is_on_the_map():
    """Telephone, e-mail, letter, surveys, website and social media are sources, and each end of a flow is stated."""
    use = activity(DORSET, "public-contact")
    channels = {"the-person", "telephone", "e-mail", "letter", "surveys", "website", "social-media"}
    assert set(use.sources) == channels
    ends = {(one.from_organisation, one.to_organisation) for one in use.flows}
    assert {("the-person", "dorset-ccg"), ("social-media", "dorset-ccg")} <= ends
    health = activity(DORSET, "sus-commissioning-datasets").flows
    assert "hospitals-and-community-services" in {one.from_organisation for one in health}
    assert state("flows-told", DORSET) == "broken"
    assert_is_noticed("flows-told", with_activity(EXAMPLE, "complaints", flows=()))
    assert_is_noticed("sources-told", with_activity(EXAMPLE, "public-involvement", sources=()))


@pytest.mark.keeps("DO-022")
def test_what_internal_audit_finds_is_for_one_role():
    """Internal audit is a source with its flow, and every role but the counter fraud officer is refused its papers."""
    use = activity(DORSET, "investigations")
    assert ("internal-audit", "dorset-ccg") in {(one.from_organisation, one.to_organisation) for one in use.flows}
    assert [rule.role for rule in use.roles] == ["counter_fraud_officer"]
    for role in (ANALYST, "public", "case_officer", "hr_officer", "system_administrator"):
        refusal = ask(DORSET, Request(role, use.id, "investigation-papers", "identifiable"))
        assert "role-without-access" in codes(refusal)


@pytest.mark.keeps_partly("DO-027")
def test_promoting_services_is_a_use_of_the_register():
    """The Dorset register says that contact details are used to promote services."""
    assert "to promote our services" in activity(DORSET, "public-contact").plain_text
