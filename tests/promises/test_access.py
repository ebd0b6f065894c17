"""Who sees what: no planner ever sees who somebody is, and nothing is given without a rule and a basis in law."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from attack.scanner import Scanner
from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Refusal, Request
from caldicott.vocabulary.terms import Role
from stage import PLANNING, RISK, TODAY

ANALYST = (Role.COMMISSIONING_ANALYST.value, PLANNING)
PLANNERS = [Role.COMMISSIONING_ANALYST, Role.PROCESSOR_STAFF, Role.RESEARCHER, Role.SYSTEM_ADMINISTRATOR]


def _may(register, *asked, on=TODAY, **more):
    return isinstance(decide(Request(*asked, **more), register, on), Permit)


def _changed(register, activity, **changes):
    """The register with one activity's entry changed."""
    entries = [e.model_copy(update=changes) if e.id == activity else e for e in register.activities]
    return register.model_copy(update={"activities": tuple(entries)})


@pytest.mark.keeps("L1-025", "OX-035", "OX-069", "DO-082", "L1-074", "OX-115")
def test_no_value_of_anybody_is_in_anything_a_role_is_given(town):
    """Names, addresses, postcodes, birth dates, NHS numbers: none of anybody's, in any form, in any export or mart."""
    scanner = Scanner([person.values for person in town.everybody])
    leaks = [leak for folder in town.exports.values() for leak in scanner.scan(folder)]
    leaks += scanner.scan(town.stage.store / "marts")
    assert ANALYST in town.exports
    assert sum(path.suffix == ".parquet" for path in town.exports[ANALYST].rglob("*")) >= 4
    assert leaks == []


@pytest.mark.keeps("OX-067", "OX-069", "L1-074", "DO-082", "L1-025")
def test_no_column_of_what_analysts_get_names_a_person(town):
    """No name, address, NHS number, postcode or date of birth; in their place the year of birth and half a postcode."""
    names = {name for path in town.exports[ANALYST].rglob("*.parquet") for name in pq.read_schema(path).names}
    telling = (
        "nhs_number",
        "name",
        "address",
        "birth_date",
        "date_of_birth",
        "phone",
        "email",
        "record_id",
        "identity",
    )
    assert {"person_token", "birth_year", "outward_postcode"} <= names
    assert [name for name in names if name in telling or name == "postcode" or name.endswith("_name")] == []


@pytest.mark.keeps("OX-035", "L1-074", "OX-115")
@pytest.mark.parametrize("role", PLANNERS)
def test_no_planner_may_have_identifiable_records_of_anything(example_icb, role):
    """Asked for every activity and dataset of the register, the answer to a planner is always no."""
    datasets = {use.dataset for entry in example_icb.activities for use in entry.datasets or ()}
    given = [
        (entry.id, dataset)
        for entry in example_icb.activities
        for dataset in datasets
        if _may(example_icb, role, entry.id, dataset, "identifiable")
    ]
    assert given == []


@pytest.mark.keeps("L1-096", "L1-108")
def test_what_no_rule_permits_is_refused(example_icb):
    """A role without a rule, and a dataset, activity, role or format nobody knows, are refused; never the other way."""
    ask = ("commissioning_analyst", PLANNING, "sus-apc", "pseudonymised")
    assert _may(example_icb, *ask)
    for place, word in enumerate(("hr_officer", "staff", "payroll", "identifiable")):
        assert not _may(example_icb, *(word if at == place else asked for at, asked in enumerate(ask)))
    for place in range(4):
        assert not _may(example_icb, *("unheard-of" if at == place else asked for at, asked in enumerate(ask)))
    without = _changed(example_icb, PLANNING, roles=())
    assert not _may(without, *ask)


@pytest.mark.keeps("L1-042", "OX-058")
@pytest.mark.parametrize("missing", ["data_protection_basis", "confidentiality_basis"])
def test_without_a_basis_in_law_nothing_is_given(example_icb, missing):
    """An activity that lacks its basis in data protection or in confidence permits nothing; the refusal names it."""
    bare = _changed(example_icb, "complaints", **{missing: None})
    ask = Request("case_officer", "complaints", "complaint-cases", "identifiable")
    assert isinstance(decide(ask, example_icb, TODAY), Permit)
    refused = decide(ask, bare, TODAY)
    assert isinstance(refused, Refusal)
    assert missing in " ".join(reason.text for reason in refused.reasons)


@pytest.mark.keeps("L1-042")
def test_support_under_section_251_that_ended_gives_nothing(example_icb):
    """On the last day of the approval the practice may look; on the day after nobody may, and the reason names it."""
    last = example_icb.instrument("cag-7-04").valid_until
    ask = ("gp", RISK, "risk-scores", "identifiable")
    # Training and notices are dated too: the approval must be what stops it.
    before, after = (decide(Request(*ask), example_icb, day) for day in (last, last + timedelta(days=1)))
    assert isinstance(before, Permit)
    assert [reason.code for reason in after.reasons] == ["instrument-lapsed"]


@pytest.mark.keeps("L1-042")
def test_each_dataset_stands_on_the_agreement_that_carries_it(example_icb):
    """The council's agreement ended: its records stop on the next day, though everything else goes on."""
    ended = [
        one.model_copy(update={"history": (one.history[0].model_copy(update={"valid_until": TODAY}),)})
        if one.id == "council-sharing-agreement"
        else one
        for one in example_icb.instruments
    ]
    register, after = example_icb.model_copy(update={"instruments": tuple(ended)}), TODAY + timedelta(days=1)
    analyst = ("commissioning_analyst", PLANNING)
    assert _may(register, *analyst, "social-care", "pseudonymised")
    assert not _may(register, *analyst, "social-care", "pseudonymised", on=after)
    assert _may(register, *analyst, "sus-apc", "pseudonymised", on=after)


@pytest.mark.keeps("OX-061")
def test_contacts_of_those_who_take_part_serve_nothing_else(example_icb):
    """Who gave an address to be kept in touch is found by no other activity than the one they chose."""
    given = {
        (role.value, entry.id)
        for role in Role
        for entry in example_icb.activities
        for form in ("identifiable", "pseudonymised", "aggregated")
        if _may(example_icb, role, entry.id, "engagement-contacts", form)
    }
    assert given
    assert {activity for _role, activity in given} == {"public-involvement"}


@pytest.mark.keeps("OX-032")
def test_only_the_landing_office_reaches_what_lands(example_icb):
    """The office that takes in records is an accredited one; planners may not take in, join, or look at what landed."""
    office = example_icb.organisation("example-dscro")
    assert "dscro" in office.roles
    assert office.accreditations
    flows = [flow for entry in example_icb.activities for flow in entry.flows or () if flow.to_zone == "landing"]
    assert {flow.to_organisation for flow in flows} == {"example-dscro"}
    for role in PLANNERS:
        for action in ("land", "link"):
            for form in ("identifiable", "pseudonymised", "aggregated"):
                assert not _may(example_icb, role, PLANNING, "sus-apc", form, action=action)
    assert _may(example_icb, "dscro_operator", PLANNING, "sus-apc", "identifiable", action="land")
    assert not _may(
        example_icb, "dscro_operator", PLANNING, "sus-apc", "identifiable", action="land", organisation="example-csu"
    )


@pytest.mark.keeps("L1-098", "L1-108")
def test_identifiable_records_lie_in_their_zones_only(town):
    """Outside the sealed zones no file of the store holds anything of anybody; and every file lies in a zone."""
    scanner = Scanner([person.values for person in town.everybody])
    assert scanner.scan(town.stage.store) == []
    zones = {path.name for path in town.stage.store.iterdir() if path.is_dir()}
    known = {"audit", "clear", "keys", "ledgers", "marts", "objections", "persons", "quarantine", "repeats", "vault"}
    assert zones <= known
    assert {"clear", "vault", "marts"} <= zones


@pytest.mark.keeps("L1-025", "L1-096", "OX-032", "L1-098")
def test_verify_says_the_same_of_the_store(report):
    """Whoever runs `verify` on the store is told that these hold, with what was counted."""
    looked = ["no-identifier-in-marts", "mart-columns", "role-ceiling", "default-deny", "only-the-landing-office"]
    for control in [*looked, "nothing-outside-the-zones", "plain-files-clean", "exports-clean"]:
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L1-011", "L1-099")
def test_a_request_states_role_and_activity_that_the_register_knows(example_icb):
    """Without a role and a purpose there is no answer but no. Who asks by name is for the sign-in."""
    assert not _may(example_icb, "", PLANNING, "sus-apc", "pseudonymised")
    assert not _may(example_icb, "commissioning_analyst", "", "sus-apc", "pseudonymised")


@pytest.mark.keeps_partly("L1-101")
def test_training_that_ended_ends_access(example_icb):
    """The day after the team's training record ends, analysts are refused; per person it needs the sign-in."""
    ask = ("commissioning_analyst", PLANNING, "sus-apc", "pseudonymised")
    last = example_icb.instrument("training-analysts").valid_until
    assert _may(example_icb, *ask, on=last)
    assert not _may(example_icb, *ask, on=last + timedelta(days=1))
    assert last - date(2026, 4, 1) <= timedelta(days=366)
