"""The four formats, and which columns say who somebody is."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import people
from caldicott.facts import layout as layouts
from caldicott.operations.verify.control import State
from caldicott.policy.columns import column_classes
from caldicott.policy.decide import decide
from caldicott.policy.decision import Request
from caldicott.register.model import Flow
from caldicott.vocabulary.formats import DataFormat
from stage import TODAY, Stage, episode

FIVE = {"nhs_number", "name", "address", "postcode", "birth_date"}
LEVELS = ["identifiable", "pseudonymised", "anonymised", "aggregated"]


@pytest.mark.keeps("L1-007", "DO-040")
def test_there_are_four_formats_and_no_fifth():
    """Each tells less than the one before; anonymised is not the same as aggregated."""
    assert [form.value for form in sorted(DataFormat, key=lambda form: -form.tells)] == LEVELS
    assert len({form.tells for form in DataFormat}) == 4
    assert not DataFormat.ANONYMISED.is_within(DataFormat.AGGREGATED)


@pytest.mark.keeps("L1-007", "DO-040")
def test_an_unknown_format_is_refused(example_icb, tmp_path):
    """In the register, in a request, and in a delivery."""
    flow = {"id": "f", "from_organisation": "a", "to_organisation": "b"}
    with pytest.raises(ValidationError):
        Flow(**flow, format="half-hidden")
    refused = decide(Request("gp", "case-finding", "gp-patients", "half-hidden"), example_icb, TODAY)
    assert "unknown-format" in {reason.code for reason in refused.reasons}
    stage = Stage(tmp_path, example_icb)
    place = stage.send("ncdr-sus-apc", [episode(people.invented(2)[1], "r")])
    manifest = place / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('"identifiable"', '"half-hidden"'))
    assert stage.land(place)[0].fault is not None


@pytest.mark.keeps("L1-007")
def test_every_flow_and_rule_has_exactly_one_format(example_icb):
    """No activity takes in, gives or permits anything without saying in which format."""
    for entry in example_icb.activities:
        assert entry.format_in in set(DataFormat)
        assert all(flow.format in set(DataFormat) for flow in entry.flows or ())
        assert all(rule.ceiling in set(DataFormat) for rule in entry.roles or ())


@pytest.mark.keeps("DO-038", "L1-012")
def test_the_five_identifiers_are_tagged_wherever_they_occur():
    """NHS number, name, address, postcode and birth date, by whatever name a sender calls them, are known for it."""
    seen = {column.column_class.value for name in layouts.known() for column in layouts.load(name).columns}
    assert seen >= FIVE
    for name in layouts.known():
        for column in layouts.load(name).columns:
            if "nhs_number" in column.canonical and "status" not in column.canonical:
                assert column.column_class.value in {"nhs_number", "superseded_nhs_number"}, (
                    f"{name}.{column.canonical}"
                )


@pytest.mark.keeps("DO-038")
def test_none_of_the_five_is_in_a_pseudonymised_answer():
    """Whatever else is asked for, a pseudonymised, anonymised or grouped answer has none of them."""
    for form in LEVELS[1:]:
        assert not FIVE & column_classes(DataFormat(form), ())


@pytest.mark.keeps("L1-012")
def test_an_untagged_column_with_numbers_does_not_get_in(tmp_path, example_icb):
    """A column the layout does not know refuses the delivery; a number in a known free column holds the row back."""
    stage, (_nobody, one, other) = Stage(tmp_path, example_icb), people.invented(3)
    place = stage.send("ncdr-sus-apc", [episode(one, "r")])
    path = place / "ncdr-sus-apc.csv"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([f"{first},Extra", *(f"{line},{other.number}" for line in rest)]) + "\n")
    from attack.canaries import rewrite_manifest

    rewrite_manifest(place, path)
    assert stage.land(place)[0].fault.code == "unknown_column"
    landed = stage.land(stage.send("ncdr-sus-apc", [episode(one, other.number)]))[0]
    assert landed.quarantined_by == {"identifier_in_free_column": 1}


@pytest.mark.keeps("DO-039")
def test_a_pseudonymised_mart_has_a_code_for_each_person_and_no_identity(town):
    """Its form is checked, not believed: a code column with codes of the purpose in it, and none of the five."""
    for path in (town.stage.store / "marts").rglob("sus-apc/**/*.parquet"):
        table = pq.read_table(path, partitioning=None)
        assert not {"nhs_number", "postcode", "birth_date", "patient_name"} & set(table.column_names)
        assert all(len(code) == 18 for code in table["person_token"].to_pylist() if code is not None)


@pytest.mark.keeps("DO-039")
def test_a_wrong_label_is_refused(tmp_path, example_icb):
    """Records with NHS numbers cannot be labelled pseudonymised, anonymised or aggregated."""
    stage = Stage(tmp_path, example_icb)
    for form in LEVELS[1:]:
        place = stage.send("ncdr-sus-apc", [episode(people.invented(2)[1], "r")])
        manifest = place / "manifest.toml"
        manifest.write_text(manifest.read_text().replace('"identifiable"', f'"{form}"'))
        assert stage.land(place)[0].fault.code == "format-other-than-layout"


@pytest.mark.keeps("DO-011")
def test_health_and_the_like_needs_a_condition_of_article_9(example_icb):
    """With the condition struck out the activity permits nothing, and the refusal names the gap."""
    entry = example_icb.activity("individual-funding-requests")
    assert "health" in entry.special_category
    bare = tuple(basis.model_copy(update={"article9": None}) for basis in entry.data_protection_basis)
    entries = [
        e.model_copy(update={"data_protection_basis": bare}) if e is entry else e for e in example_icb.activities
    ]
    ask = Request("case_officer", entry.id, "funding-request-cases", "identifiable")
    refused = decide(ask, example_icb.model_copy(update={"activities": tuple(entries)}), TODAY)
    assert "activity-incomplete" in {reason.code for reason in refused.reasons}
    assert decide(ask, example_icb, TODAY).reasons[0].code == "role-rule"


@pytest.mark.keeps("L1-007", "L1-012", "DO-011", "DO-038", "DO-039", "DO-040")
def test_verify_says_so_of_formats(report):
    """`verify` reads every layout, every flow and every mart."""
    for control in ("one-format-each", "columns-classed", "special-category-has-condition", "mart-columns",
                    "every-row-has-a-place", "basis-before-identifiable"):  # fmt: skip
        assert report.findings[control].state is State.KEPT, report.findings[control].seen
