"""What is taken in: for a purpose, under an agreement, in the format it says; checked row by row; seen by nobody."""

from __future__ import annotations

import re

import pytest

import people
from attack.scanner import Scanner
from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from stage import PLANNING, TODAY, Stage, episode

CROWD = people.invented(4)[1:]


@pytest.fixture
def stage(tmp_path, example_icb):
    return Stage(tmp_path, example_icb)


def _edited(place, pattern, replacement):
    path = place / "manifest.toml"
    written, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1
    path.write_text(written)
    return place


def _hospital(stage, **manifest):
    return stage.send("ncdr-sus-apc", [episode(person, f"r{n}") for n, person in enumerate(CROWD)], **manifest)


@pytest.mark.keeps("L1-094")
@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [(r"purposes = .*\n", ""), (r"purposes = .*", "purposes = []"), (PLANNING, "curiosity"), (r"agreement = .*\n", "")],
)
def test_without_purpose_or_agreement_nothing_is_taken_in(stage, pattern, replacement):
    """A delivery that names no purpose, an unknown one, or no agreement is refused before its rows are read."""
    (landed,) = stage.land(_edited(_hospital(stage), pattern, replacement))
    assert landed.fault is not None
    assert stage.status()["submissions"] == []
    assert stage.files() == {}


@pytest.mark.keeps("L1-094")
def test_a_folder_without_a_manifest_is_not_a_delivery(stage):
    """Files alone are not taken in."""
    place = _hospital(stage)
    (place / "manifest.toml").unlink()
    with pytest.raises(Exception, match="manifest"):
        stage.land(place)
    assert stage.files() == {}


@pytest.mark.keeps("OX-029")
def test_hospital_records_for_scores_only_under_a_live_agreement(stage):
    """Taken in for risk stratification under the national agreement while it holds; not on the day after its end."""
    agreement = stage.register.instrument("dars-dsa")
    ask = Request("dscro_operator", "risk-stratification", "sus-apc", "identifiable", action="land")
    assert isinstance(decide(ask, stage.register, TODAY), Permit)
    stage.today = agreement.valid_until.replace(year=agreement.valid_until.year + 1)
    (landed,) = stage.land(_hospital(stage))
    assert landed.fault is not None
    assert landed.fault.exit_code == 3
    assert stage.files() == {}


@pytest.mark.keeps("OX-029")
def test_hospital_records_under_another_agreement_are_refused(stage):
    """The agreement with practices does not cover hospital records."""
    (landed,) = stage.land(_hospital(stage, agreement="gp-sharing-agreement"))
    assert landed.fault.code == "agreement-other-dataset"


@pytest.mark.keeps("L1-020", "OX-049")
def test_records_with_identities_cannot_come_in_as_pseudonymised(stage):
    """A delivery that says it has no identities, in a layout with NHS numbers, is refused whole."""
    place = _edited(_hospital(stage), 'format = "identifiable"', 'format = "pseudonymised"')
    (landed,) = stage.land(place)
    assert landed.fault.code == "format-other-than-layout"
    assert stage.files() == {}


@pytest.mark.keeps("L1-020", "L1-012")
def test_a_number_where_none_belongs_is_held_back(stage):
    """A row with somebody's NHS number in a free column does not get through, and the reason is counted."""
    stage.land(stage.send("ncdr-sus-apc", [
        episode(CROWD[0], "sound"), episode(CROWD[1], f"see {CROWD[2].number}"),
    ], name="leak"))  # fmt: skip
    account = stage.account("leak")
    assert (account["admitted"], account["quarantined_by"]) == (1, {"identifier_in_free_column": 1})


@pytest.mark.keeps("OX-034")
def test_nobody_looks_between_landing_and_marts(town):
    """From delivery to mart only two commands ran; who runs them may look at none of the records that landed."""
    register = town.stage.register
    datasets = {use.dataset for entry in register.activities for use in entry.datasets or ()}
    looking = [
        (entry.id, dataset)
        for entry in register.activities
        for dataset in datasets
        for form in ("identifiable", "pseudonymised", "anonymised", "aggregated")
        if isinstance(decide(Request("dscro_operator", entry.id, dataset, form), register, TODAY), Permit)
    ]
    assert looking == []
    assert {entry.event for entry in town.stage.entries()} == {"decision", "admit", "run", "gate", "export"}
    assert Scanner([one.values for one in town.everybody]).scan(town.stage.store / "marts") == []


@pytest.mark.keeps("L1-077")
def test_identities_reach_the_commissioner_only_for_a_use_with_its_own_basis(example_icb):
    """Every flow of identifiable records to the commissioner itself belongs to a use that has a basis to know who."""
    flows = [
        (entry, flow)
        for entry in example_icb.activities
        for flow in entry.flows or ()
        if flow.to_organisation == "example-icb" and flow.format == "identifiable"
    ]
    national = {entry.id for entry, flow in flows if flow.from_organisation == "nhs-england"}
    assert flows
    assert national == {"invoice-validation"}  # inside the closed area for bills, and nowhere else
    # Who asks to be helped gives their own papers; everybody else needs consent, support or a law.
    assert {entry.id for entry, _flow in flows if entry.confidentiality_basis is None} == set()
    assert PLANNING not in {entry.id for entry, _flow in flows}


@pytest.mark.keeps("L1-120", "OX-049")
def test_every_source_and_its_format_is_in_the_register(example_icb):
    """Where every dataset comes from is listed with its format; what the national body gives goes to one office."""
    planning = example_icb.activity(PLANNING)
    carried = {name: flow for flow in planning.flows for name in flow.datasets}
    incoming = {use.dataset for use in planning.datasets if use.direction == "in"}
    assert incoming <= set(carried)
    bodies = {body.id for body in example_icb.organisations}
    assert {flow.from_organisation for flow in planning.flows} <= bodies
    national = [flow for flow in planning.flows if flow.from_organisation == "nhs-england"]
    assert national
    assert {flow.to_organisation for flow in national} == {"example-dscro"}
    assert all(carried[name].format in {"identifiable", "pseudonymised"} for name in incoming)


@pytest.mark.keeps("OX-073")
def test_from_practices_the_commissioner_has_codes_only(town):
    """GP records reach analysts with codes; to see them as identifiable is refused to every planning role."""
    rows = town.stage.mart("gp-patients")
    assert rows
    assert not {"nhs_number", "postcode", "birth_date"} & set(rows[0])
    for dataset in ("gp-patients", "gp-observations", "gp-medications", "gp-appointments"):
        for role in ("commissioning_analyst", "processor_staff"):
            ask = Request(role, PLANNING, dataset, "identifiable")
            assert not isinstance(decide(ask, town.stage.register, TODAY), Permit)


@pytest.mark.keeps("L1-020", "L1-077", "L1-094", "L1-120", "OX-029", "OX-034", "OX-049", "OX-073")
def test_verify_says_so_of_what_landed(report):
    """`verify` asks again for every submission whether it was allowed, and counts its rows on the disk."""
    looked = ["manifest-or-nothing", "format-as-declared", "sources-listed", "every-row-has-a-place", "numbers-checked"]
    for control in [*looked, "operator-cannot-look", "expiry-denies", "basis-before-identifiable", "one-format-each"]:
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L1-036", "L1-073", "L1-075")
def test_each_joining_is_in_the_trail_under_the_landing_office_role(town):
    """The trail has every run with its role and its code domain; which organisation acted is for the sign-in."""
    runs = [entry for entry in town.stage.entries() if entry.event == "run"]
    assert [entry.role for entry in runs] == ["dscro_operator", "dscro_operator"]
    assert {entry.references[1] for entry in runs} == {"commissioning", "risk"}


@pytest.mark.keeps_partly("OX-031")
def test_a_number_that_fails_its_check_is_never_joined(town):
    """The row is held back with its reason and is in no mart; the list for the sender is for the tracing part."""
    assert town.stage.account("hospital")["quarantined_by"] == {"nhs_number_check_digit": 1}
    assert 99 not in town.met("sus-apc")
