"""Who works for the controller, promise by promise: functions, contracts, and nothing beyond either."""

from __future__ import annotations

from datetime import date

import pytest

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.register.check import check
from caldicott.vocabulary.formats import DataFormat
from promises.notices import (
    DAY,
    EXAMPLE,
    LEEDS,
    OXFORDSHIRE,
    activity,
    ask,
    assert_is_noticed,
    codes,
    instrument,
    organisation,
    printed,
    register,
    state,
    with_activity,
    with_instrument,
    with_organisation,
)

CSU = {"role": "processor_staff", "organisation": "example-csu"}
FOR_IT = Request(activity="commissioning-planning", dataset="commissioning-mart", format="pseudonymised", **CSU)


@pytest.mark.keeps("L1-079", "OX-089")
def test_a_processor_is_served_while_its_contract_lives_and_no_day_longer():
    """The support unit has its tables up to the contract's last day; the next day, and without one, it has nothing."""
    contract = instrument(EXAMPLE, "csu-contract")
    assert isinstance(ask(EXAMPLE, FOR_IT), Permit)
    ended = with_instrument(
        EXAMPLE, contract.id, history=(contract.history[0].model_copy(update={"valid_until": DAY[EXAMPLE]}),)
    )
    assert isinstance(decide(FOR_IT, ended, DAY[EXAMPLE]), Permit)
    assert "instrument-lapsed" in codes(decide(FOR_IT, ended, date(2026, 5, 5)))
    assert state("contracts-live", ended, at=date(2026, 5, 5)) == "broken"


@pytest.mark.keeps("L1-079", "OX-089", "OX-101", "OX-097")
def test_a_processor_without_a_contract_is_noticed():
    """Nobody is attached to a use without a live contract that covers it; the old Optum entry is attached to none."""
    assert_is_noticed("contracts-live", with_instrument(EXAMPLE, "csu-contract", parties=("example-icb",)))
    assert_is_noticed("contracts-live", with_instrument(EXAMPLE, "payroll-contract", activities=("staff",)))
    planning = activity(EXAMPLE, "commissioning-planning").roles
    loose = tuple(rule.model_copy(update={"requires": ()}) for rule in planning)
    assert_is_noticed("contracts-live", with_activity(EXAMPLE, "commissioning-planning", roles=loose))
    assert_is_noticed(
        "contracts-live", with_organisation(EXAMPLE, "cabinet-office", roles=("processor",), activities=("staff",))
    )
    optum = organisation(OXFORDSHIRE, "optum")
    assert (optum.sector, optum.activities, optum.functions) == ("private", (), ())
    assert state("contracts-live", OXFORDSHIRE) == "broken"


@pytest.mark.keeps("OX-089", "OX-101")
def test_the_csu_is_bound_by_a_contract_with_its_clauses():
    """In the Oxfordshire register a contract binds the support unit to the service and to the same rules."""
    contract = instrument(OXFORDSHIRE, "scw-csu-contract")
    assert set(contract.parties) == {"oxfordshire-ccg", "scw-csu"}
    assert {one.code for one in contract.conditions} == {"service-only", "same-rules"}
    for one in ("csu-contract", "payroll-contract", "shared-record-contract"):
        assert_is_noticed("contracts-have-clauses", with_instrument(EXAMPLE, one, conditions=()))


@pytest.mark.keeps("OX-097")
def test_private_firms_need_contract_function_and_due_diligence():
    """A firm outside the NHS without one of them breaks the look that asks for it."""
    firms = [one for one in register(EXAMPLE).organisations if "processor" in one.roles and one.sector == "private"]
    assert {one.id for one in firms} == {"example-payroll", "example-shared-record"}
    for one in firms:
        (contract,) = [i for i in register(EXAMPLE).instruments if one.id in i.parties and i.kind == "contract"]
        assert contract.due_diligence_date < contract.valid_from
        assert_is_noticed("contracts-live", with_instrument(EXAMPLE, contract.id, parties=("example-icb",)))
        assert_is_noticed("firms-vouched-for", with_instrument(EXAMPLE, contract.id, parties=("example-icb",)))
        for place in range(2):
            left = tuple(a for number, a in enumerate(one.accreditations) if number != place)
            assert_is_noticed("firms-vouched-for", with_organisation(EXAMPLE, one.id, accreditations=left))
    assert state("firms-vouched-for", OXFORDSHIRE) == "broken"


@pytest.mark.keeps("OX-027")
def test_the_chain_from_the_practice_to_the_csu_stands_on_contracts():
    """Practice, then Graphnet, then the support unit: each step is a flow, under the contract of the sub-processor."""
    chain = [
        (one.from_organisation, one.to_organisation, one.instrument)
        for one in activity(OXFORDSHIRE, "risk-stratification").flows
    ]
    assert ("gp-practices", "graphnet", "graphnet-contract") in chain
    assert ("graphnet", "scw-csu", "graphnet-contract") in chain
    assert organisation(OXFORDSHIRE, "graphnet").roles == ("sub_processor",)
    late = with_instrument(OXFORDSHIRE, "graphnet-contract", valid_from=date(2017, 1, 1))
    feed = Request("processor_staff", "risk-stratification", "gp-observations", "identifiable", action="land")
    assert "instrument-not-yet" in codes(decide(feed, late, DAY[OXFORDSHIRE]))
    assert "instrument-not-yet" not in codes(ask(OXFORDSHIRE, feed))


@pytest.mark.keeps("OX-071")
def test_each_condition_of_an_agreement_names_what_keeps_it():
    """The national agreement forbids finding out who somebody is, hides small numbers, and ends in destruction."""
    agreement = instrument(EXAMPLE, "dars-dsa")
    assert {one.code for one in agreement.conditions} == {"no-reidentification", "small-numbers", "destroy"}
    bare = tuple(one.model_copy(update={"control": " "}) for one in agreement.conditions[:1])
    assert_is_noticed("conditions-have-controls", with_instrument(EXAMPLE, agreement.id, conditions=bare))


@pytest.mark.keeps("OX-088", "OX-091")
def test_the_list_of_processors_has_every_function_and_names_who_has_none():
    """The notice lists who works for us and for what; a processor without a function is reported as a gap."""
    assert_is_noticed("processors-have-functions", with_organisation(EXAMPLE, "example-csu", functions=()))
    for one in ("example-csu", "example-payroll", "example-shared-record"):
        told = printed(EXAMPLE, f"processors#{one}")
        assert [function for function in organisation(EXAMPLE, one).functions if function not in told] == []
    gaps = " ".join(
        f.what for f in check(register(OXFORDSHIRE), at=DAY[OXFORDSHIRE]) if f.code == "processor-without-function"
    )
    assert all(one in gaps for one in ("oxford-health", "oxford-university-hospitals", "optum"))
    assert state("processors-have-functions", OXFORDSHIRE) == "broken"
    assert state("processors-on-the-notice", OXFORDSHIRE) == "kept"


@pytest.mark.keeps("OX-088")
def test_a_processor_that_the_notice_leaves_out_is_noticed(monkeypatch):
    """If the page of processors dropped somebody, the look would see it."""
    assert state("processors-on-the-notice", EXAMPLE) == "kept"
    monkeypatch.setattr("caldicott.operations.verify.controls.notice.page", lambda *_: None)
    assert state("processors-on-the-notice", EXAMPLE) == "broken"


@pytest.mark.keeps("OX-090")
def test_the_csu_has_exactly_the_functions_of_the_notice():
    """Risk stratification, commissioning intelligence, complaints, communications and bills: nothing else is given."""
    csu = organisation(OXFORDSHIRE, "scw-csu")
    assert set(csu.functions) == {
        "risk stratification", "commissioning intelligence analysis", "complaints processing",
        "communications and engagement", "invoice validation",
    }  # fmt: skip
    outside = [one for one in register(OXFORDSHIRE).activities if one.id not in csu.activities]
    assert {"continuing-healthcare", "research", "national-fraud-initiative"} <= {one.id for one in outside}
    for one in outside:
        for use in one.datasets:
            refusal = ask(
                OXFORDSHIRE, Request("processor_staff", one.id, use.dataset, "aggregated", organisation=csu.id)
            )
            assert codes(refusal) & {"role-without-access", "organisation-not-named"}


@pytest.mark.keeps("OX-092")
def test_the_chc_team_reaches_continuing_healthcare_only():
    """The Oxford Health team has a rule for continuing healthcare, for its own cases, and none anywhere else."""
    team = organisation(OXFORDSHIRE, "oxford-health-chc-team")
    assert team.activities == ("continuing-healthcare",)
    named = [one.id for one in register(OXFORDSHIRE).activities for r in one.roles or () if team.id in r.organisations]
    assert named == ["continuing-healthcare"]
    assert_is_noticed(
        "processor-confined", with_organisation(EXAMPLE, "example-csu", activities=("invoice-validation",))
    )


@pytest.mark.keeps("OX-103")
@pytest.mark.parametrize("activity_id", ["risk-stratification", "shared-care-record", "staff", "complaints"])
def test_a_processor_gets_nothing_for_a_purpose_outside_its_contract(activity_id):
    """The support unit is permitted its own tables and refused everything of any other use, in every form."""
    assert isinstance(ask(EXAMPLE, FOR_IT), Permit)
    for use in activity(EXAMPLE, activity_id).datasets:
        for form in DataFormat:
            refusal = ask(EXAMPLE, Request(activity=activity_id, dataset=use.dataset, format=form, **CSU))
            assert codes(refusal) & {"role-without-access", "organisation-not-named"}


@pytest.mark.keeps("OX-090", "OX-092", "OX-103")
def test_a_processor_that_gets_more_is_noticed():
    """A rule that lets a processor into a use it has no function for breaks the look."""
    rule = next(r for r in activity(EXAMPLE, "commissioning-planning").roles if r.role == "processor_staff")
    open_rule = rule.model_copy(
        update={"datasets": ("staff-records",), "ceiling": DataFormat.IDENTIFIABLE, "requires": ()}
    )
    roles = (*activity(EXAMPLE, "staff").roles, open_rule)
    assert_is_noticed("processor-confined", with_activity(EXAMPLE, "staff", roles=roles))


@pytest.mark.keeps("OX-093")
def test_the_science_network_sees_codes_and_counts_only():
    """Oxford AHSN has rules up to coded records; nothing identifiable is ever given to it, anywhere."""
    rules = [
        rule
        for one in register(OXFORDSHIRE).activities
        for rule in one.roles or ()
        if "oxford-ahsn" in rule.organisations
    ]
    assert {rule.ceiling for rule in rules} == {DataFormat.PSEUDONYMISED}
    for one in register(OXFORDSHIRE).activities:
        for use in one.datasets or ():
            request = Request("processor_staff", one.id, use.dataset, "identifiable", organisation="oxford-ahsn")
            assert codes(ask(OXFORDSHIRE, request)) & {"above-ceiling", "role-without-access", "organisation-not-named"}


@pytest.mark.keeps("OX-093")
def test_identities_for_who_is_bound_to_codes_are_noticed(monkeypatch):
    """If a processor whose rules stop at codes got identities, the look would see it."""
    assert state("processor-without-identities", EXAMPLE) == "kept"
    monkeypatch.setattr(DataFormat, "is_within", lambda _self, _ceiling: True)
    monkeypatch.setattr("caldicott.policy.decide.against_identifiers", lambda *_: iter(()))
    assert state("processor-without-identities", EXAMPLE) == "broken"


@pytest.mark.keeps("OX-102")
def test_each_is_looked_at_before_its_contract_begins():
    """Due diligence has a day before the contract's first; one on the day or none at all is noticed and is an error."""
    for day in (None, date(2026, 4, 1)):
        late = with_instrument(EXAMPLE, "csu-contract", due_diligence_date=day)
        assert_is_noticed("due-diligence-first", late)
        faults = {fault.code for fault in check(late, at=DAY[EXAMPLE]) if fault.severity == "error"}
        assert faults & {"no-due-diligence", "late-due-diligence"}


@pytest.mark.keeps_partly("L2-028")
def test_a_dataset_stands_on_the_agreement_that_carries_it():
    """When the council's agreement ends, social care is refused; the protocol of Leeds has its day."""
    landing = Request("dscro_operator", "commissioning-planning", "social-care", "identifiable", action="land")
    agreement = instrument(EXAMPLE, "council-sharing-agreement")
    over = (agreement.history[0].model_copy(update={"valid_until": date(2026, 5, 3)}),)
    assert isinstance(ask(EXAMPLE, landing), Permit)
    refused = decide(landing, with_instrument(EXAMPLE, agreement.id, history=over), DAY[EXAMPLE])
    assert "flow-instrument-lapsed" in codes(refused)
    assert instrument(LEEDS, "interagency-protocol").kind == "protocol"


@pytest.mark.keeps_partly("OX-017", "OX-026")
def test_what_waits_is_named_in_the_register():
    """The Oxford Health team has its rule for assigned cases; the tool for risk is named with its processor."""
    rule = next(r for r in activity(OXFORDSHIRE, "continuing-healthcare").roles if r.role == "processor_staff")
    assert rule.relationship == "assigned_case"
    assert "About Integrated Population Analytics" in activity(OXFORDSHIRE, "risk-stratification").publication.documents
