"""What a person and a program are told."""

from __future__ import annotations

import json
from datetime import date

from tests.unit.policy.small_register import AT, small

from caldicott.policy.decide import decide
from caldicott.policy.decision import Request
from caldicott.policy.explain import as_record, explain

GP = Request("gp", "risk-scores", "scores", "identifiable", "Z80001", "own_practice")
ANALYST = Request("commissioning_analyst", "planning", "mart", "pseudonymised")


def test_a_permit_is_told_with_its_duties():
    """Who, what, why, then one line a duty, all in words."""
    told = explain(decide(GP, small(), AT))
    assert told.startswith("Permitted on 2026-11-22: gp of Z80001 may see scores as identifiable for risk-scores.\n")
    assert "- Leave out whoever objected: risk stratification." in told
    assert "- Identifiers: NHS number, postcode, birth date." in told
    assert "- Show for every row that the person is a patient of the practice that asks, Z80001 (own_practice)." in told
    assert "- Record each viewing of a person." in told


def test_the_duties_of_a_total_include_the_disclosure_rule():
    """Totals go out by the rule of the register."""
    total = Request("public", "planning", "mart", "aggregated", action="release")
    assert "- Hide small numbers by the rule hes-2018." in explain(decide(total, small(), AT))


def test_exemptions_are_told_with_their_reference():
    """Where no objection stops a use, the reader learns by which exemption."""
    case = Request("case_officer", "complaints", "case-files", "identifiable")
    told = explain(decide(case, small(), AT))
    assert "- Objections: none stops this.\n- Exempt from objections: direct care (invented)." in told


def test_a_refusal_is_one_paragraph_with_a_next_step_and_a_post():
    """No traceback, no list: a paragraph a person can act on."""
    told = explain(decide(GP, small(), date(2027, 10, 1)))
    assert "\n" not in told
    assert "its last day was 2027-09-30" in told
    assert "Next: Obtain" in told
    assert told.endswith("Ask: Caldicott Guardian.")


def test_unknown_words_are_not_echoed_around():
    """A number typed in the wrong place stays out of the text and of the record."""
    decision = decide(
        Request("gp", "9990000018", "scores", "identifiable", identifiers=frozenset({"9990000026"})), small(), AT
    )
    assert "999000" not in explain(decision) + json.dumps(as_record(decision))


def test_the_record_of_a_permit_is_plain_json():
    """A program reads the obligations without knowing our classes."""
    record = json.loads(json.dumps(as_record(decide(ANALYST, small(), AT))))
    assert record["decision"] == "permit"
    assert record["obligations"]["domain"]["name"] == "planning"
    assert record["obligations"]["retention"]["minimum"] == "8 years"
    assert record["obligations"]["objections"][0]["scheme"] == "type1"
    assert record["request"]["role"] == "commissioning_analyst"
    assert record["register_digest"] == "small"


def test_columns_are_told_in_words_and_recorded_exactly():
    """The person hears groups; the program gets every class."""
    permit = decide(ANALYST, small(), AT)
    assert "- Columns: about care and services; sex, ethnicity and the like; age band and birth year" in explain(permit)
    classes = as_record(permit)["obligations"]["column_classes"]
    assert classes == sorted(permit.obligations.column_classes)
    assert {"age_band", "birth_year", "outward_postcode", "token"} <= set(classes)


def test_pseudonyms_are_told_of_only_where_there_are_any():
    """A total has no pseudonym; the record keeps the activity's domain."""
    assert "- Pseudonyms: of the domain planning and of no other." in explain(decide(ANALYST, small(), AT))
    total = decide(Request("public", "planning", "mart", "aggregated", action="release"), small(), AT)
    assert "Pseudonyms" not in explain(total)
    assert as_record(total)["obligations"]["domain"]["name"] == "planning"


def test_no_sentence_is_a_list_of_datasets():
    """A rule over many datasets is told as a rule over this one."""
    told = explain(decide(ANALYST, small(), AT))
    assert "- The activity planning lets the role commissioning_analyst see this dataset, up to pseudonymised." in told
    assert max(len(line) for line in told.splitlines()) < 300


def test_the_record_of_a_refusal_has_reasons_next_step_and_post():
    """The same words as for the person, in fields."""
    record = as_record(decide(GP, small(), date(2027, 10, 1)))
    assert record["decision"] == "refusal"
    assert record["reasons"][0]["code"] == "instrument-lapsed"
    assert record["reasons"][0]["on"] == "2027-09-30"
    assert record["next_step"].startswith("Obtain")
    assert record["ask"] == "Caldicott Guardian"
