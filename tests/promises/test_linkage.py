"""Joining records: by code, from a list in the register, by the landing office alone."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from promises.town import build
from stage import PLANNING, TODAY, Stage, example_register


@pytest.mark.keeps("L1-037")
def test_hospital_and_practice_rows_of_a_person_carry_one_code(town):
    """An inpatient row and a GP row of the same person meet under one code, and no identity is needed for it."""
    hospital, practice = town.codes("sus-apc"), town.codes("gp-patients")
    both = set(hospital) & set(practice)
    assert len(both) > 10
    assert all(hospital[person] == practice[person] for person in both)


@pytest.mark.keeps("OX-114", "DO-086")
def test_joined_records_hold_the_code_and_nothing_else_to_join_on(town):
    """The joined mart has the purpose's code, the service area and counts; no number, though the feeds carry it."""
    files = list((town.stage.store / "marts" / PLANNING).rglob("commissioning-mart/**/*.parquet"))
    assert files
    for path in files:
        assert set(pq.read_schema(path).names) == {"person_token", "service_area", "contacts", "cost"}


@pytest.mark.keeps("OX-114", "DO-086")
@pytest.mark.parametrize("identifier", ["nhs_number", "postcode", "dob", "name"])
def test_a_join_on_an_identifier_is_refused(example_icb, identifier):
    """Asked to join on a number, a postcode, a birth date or a name, the answer is no; on the code it is yes."""
    ask = Request("dscro_operator", PLANNING, "sus-apc", "pseudonymised", action="link")
    by = Request("dscro_operator", PLANNING, "sus-apc", "pseudonymised", action="link", identifiers={identifier})
    assert isinstance(decide(ask, example_icb, TODAY), Permit)
    refused = decide(by, example_icb, TODAY)
    assert "identifiers-need-identifiable" in {reason.code for reason in refused.reasons}


@pytest.mark.keeps("L1-040", "DO-084", "OX-112")
def test_what_the_register_does_not_list_as_joined_is_not_joined(tmp_path):
    """With the join of hospital and GP struck out of the register, community and hospital are joined and GP is not."""
    register = example_register()
    planning = register.activity(PLANNING)
    struck = tuple(pair for pair in planning.linkage if "community" not in (pair.left, pair.right))
    assert len(struck) < len(planning.linkage)
    entries = [e.model_copy(update={"linkage": struck}) if e.id == PLANNING else e for e in register.activities]
    before = build(Stage(tmp_path / "before", register), count=12)
    after = build(Stage(tmp_path / "after", register.model_copy(update={"activities": tuple(entries)})), count=12)
    assert _areas(before) == {"inpatient", "community-nursing"}
    assert _areas(after) == {"inpatient"}
    assert after.stage.mart("community")


def _areas(town):
    return {row["service_area"] for row in town.stage.mart("commissioning-mart")}


@pytest.mark.keeps("OX-112")
def test_the_join_of_gp_and_hospital_records_is_listed(example_icb):
    """Inpatient, outpatient and emergency records with GP records: the register says so, at the landing office."""
    pairs = example_icb.activity(PLANNING).linkage
    names = {name for pair in pairs for name in (pair.left, pair.right)}
    assert {"sus-apc", "sus-op", "sus-ec", "gp-observations", "gp-medications", "gp-appointments"} <= names
    assert {(pair.zone, pair.organisation) for pair in pairs} == {("safe-haven", "example-dscro")}


@pytest.mark.keeps("L1-040")
def test_codes_of_two_purposes_cannot_be_joined(town):
    """Joining the planning list with the risk list on their codes gives not one row."""
    planning = {row["person_token"] for row in town.stage.mart("sus-apc")}
    risk = {row["person_token"] for row in town.stage.mart("sus-apc", "risk-stratification")}
    assert planning
    assert risk
    assert planning & risk == set()


@pytest.mark.keeps("L1-037", "L1-040", "OX-112", "OX-114", "DO-084", "DO-086")
def test_verify_says_so_of_what_was_joined(report):
    """`verify` reads the joined mart and the register's list."""
    for control in ("linkage-registered", "gp-with-hospital-listed", "no-number-in-a-join", "join-on-code-only"):
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L1-029", "L1-071")
@pytest.mark.parametrize("role", ["commissioning_analyst", "processor_staff", "researcher"])
def test_no_planner_may_bring_in_or_join_records(example_icb, role):
    """Nobody but the landing office has the right; joins by analysts over marts are not built."""
    for action in ("land", "link"):
        ask = Request(role, PLANNING, "sus-apc", "identifiable", action=action)
        assert not isinstance(decide(ask, example_icb, TODAY), Permit)
