"""Counts of people: small ones are hidden, others rounded, and outsiders are given nothing else."""

from __future__ import annotations

import csv

import pytest

import people
from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.errors import Refused
from stage import PLANNING, TODAY, Stage, episode

# how many people were met in a month, and what may be said of it.
SHOWN = {"2025-04": (1, "*"), "2025-05": (4, "*"), "2025-06": (7, "*"), "2025-07": (8, "10"), "2025-08": (13, "15")}


@pytest.fixture(scope="module")
def counted(tmp_path_factory, example_icb):
    """Thirteen people, so many of them in hospital each month; and what the public is given."""
    stage = Stage(tmp_path_factory.mktemp("counts"), example_icb)
    crowd = people.invented(14)[1:]
    rows = [
        episode(person, f"{month}-{n}", f"{month}-11")
        for month, (met, _shown) in SHOWN.items()
        for n, person in enumerate(crowd[:met])
    ]
    stage.send("ncdr-sus-apc", rows)
    stage.answer(crowd)
    stage.land()
    stage.run()
    stage.export("public", "public")
    return stage


def _table(folder):
    with (folder / "commissioning-mart.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.keeps("L1-008", "DO-041", "L2-008", "DO-033")
def test_one_to_seven_people_are_never_shown(counted):
    """Hidden where one to seven, rounded to five where more; no exact number leaves."""
    shown = {row["month"]: row["persons"] for row in _table(counted.root / "public")}
    assert shown == {month: said for month, (_met, said) in SHOWN.items()}


@pytest.mark.keeps("L1-008", "OX-096")
def test_a_table_of_counts_has_no_row_of_a_person(counted):
    """No code and no single record: only the month and the two counts."""
    assert set(_table(counted.root / "public")[0]) == {"month", "persons", "contacts"}
    assert not list((counted.root / "public").rglob("*.parquet"))


@pytest.mark.keeps("DO-033", "OX-055", "OX-096")
@pytest.mark.parametrize("role", ["public", "ig_officer", "caldicott_guardian"])
@pytest.mark.parametrize("form", ["pseudonymised", "anonymised", "identifiable"])
def test_single_records_are_refused_where_only_counts_may_be(counted, role, form):
    """Asked for rows instead of counts, the answer is no, and no file is written."""
    with pytest.raises(Refused):
        counted.export(role, f"above-{role}-{form}", wanted=form)
    assert not (counted.root / f"above-{role}-{form}").exists()


@pytest.mark.keeps("OX-055", "OX-096")
@pytest.mark.parametrize(
    "body", ["nhs-england", "cabinet-office", "uk-health-security-agency", "partner-organisations"]
)
def test_other_bodies_are_given_no_single_record(example_icb, body):
    """Whatever role it takes, a body outside gets no row of the joined records, with a code or without."""
    for role in ("public", "commissioning_analyst", "processor_staff", "researcher"):
        for form in ("identifiable", "pseudonymised"):
            ask = Request(role, PLANNING, "commissioning-mart", form, organisation=body)
            assert not isinstance(decide(ask, example_icb, TODAY), Permit)


@pytest.mark.keeps("L2-008", "DO-041")
def test_a_permit_for_counts_names_its_rule(example_icb):
    """Whoever is given counts is bound to the rule that hides the small ones."""
    answer = decide(Request("public", PLANNING, "commissioning-mart", "aggregated"), example_icb, TODAY)
    assert answer.obligations.disclosure_rule == "hes-2018"


@pytest.mark.keeps("L1-008", "L2-008", "OX-055", "OX-096", "DO-033", "DO-041")
def test_verify_says_so_of_counts(report):
    """`verify` tries the rule on every count from nought to thirty and reads the exported tables."""
    for control in ("small-counts-hidden", "outsiders-get-counts", "exports-clean"):
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L1-076")
def test_partners_may_have_counts(example_icb):
    """Partners are given counts under the rule; that the partner's name is written down awaits the ledger."""
    ask = Request("public", PLANNING, "commissioning-mart", "aggregated", organisation="partner-organisations")
    assert isinstance(decide(ask, example_icb, TODAY), Permit)
