"""The bundled registers, as they are read from disk."""

from __future__ import annotations

from datetime import date

import pytest

from caldicott.register import parse, show
from caldicott.register.check import check_folder
from caldicott.register.completeness import gaps
from caldicott.register.model import Register
from caldicott.vocabulary.formats import DataFormat

ROOTS = parse.bundled_roots()
EXAMPLE = parse.resolve("example-icb", ROOTS)
BUNDLED = sorted({folder.name for root in ROOTS for folder in root.iterdir() if folder.is_dir()})
ACTIVITIES = {
    "commissioning-planning",
    "risk-stratification",
    "case-finding",
    "invoice-validation",
    "complaints",
    "individual-funding-requests",
    "continuing-healthcare",
    "safeguarding",
    "national-fraud-initiative",
    "research",
    "public-involvement",
    "incidents",
    "post-infection-reviews",
    "medicines-optimisation",
    "shared-care-record",
    "staff",
}
LOOKS_AT_PEOPLE = {"commissioning_analyst", "public", "ig_officer"}


@pytest.fixture(scope="module")
def example():
    return parse.load(EXAMPLE)


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_register_holds(name):
    """No bundled register has an error on the day; an old notice may have gaps."""
    register, faults = check_folder(parse.resolve(name, ROOTS), at=date(2026, 11, 22))
    assert [str(fault) for fault in faults if fault.severity == "error"] == []
    assert register is not None


def test_the_example_has_no_fault_of_any_kind():
    """The example is strict: no error, no gap, and on this day no warning."""
    register, faults = check_folder(EXAMPLE, at=date(2026, 11, 22))
    assert faults == ()
    assert register.controller.strict


def test_the_example_warns_before_its_approvals_lapse():
    """Thirty days before the end of the two section 251 approvals the check says so."""
    _, faults = check_folder(EXAMPLE, at=date(2027, 8, 31))
    soon = {fault.what.split("`")[1] for fault in faults if fault.code == "instrument-lapses-soon"}
    assert soon == {"cag-7-04", "cag-7-07"}


def test_the_example_has_every_activity(example):
    """Every activity that outside checks name, active and without a gap."""
    active = {entry.id for entry in example.activities if entry.status == "active" and not gaps(entry, example)}
    assert active >= ACTIVITIES | {"rights-requests", "registers-of-interests", "freedom-of-information"}


def test_the_example_has_all_its_practices(example):
    """One hundred and fifty practices, ten to a network."""
    practices = example.controller.member_practices
    assert [practice.ods for practice in practices] == [f"Z8{number:04d}" for number in range(1, 151)]
    assert {practice.localities for practice in practices} == {(f"network-{number:02d}",) for number in range(1, 16)}


@pytest.mark.parametrize("activity_id", sorted(ACTIVITIES))
def test_no_planner_sees_who_anyone_is(example, activity_id):
    """Analysts, the public and officers of information never get identifiable data of patients."""
    activity = example.activity(activity_id)
    seen = [rule.ceiling for rule in activity.roles if rule.role in LOOKS_AT_PEOPLE]
    assert DataFormat.IDENTIFIABLE not in seen


def test_social_care_is_not_in_risk_stratification(example):
    """CAG 7-04 leaves social care out, and so does the activity."""
    used = {use.dataset for use in example.activity("risk-stratification").datasets}
    assert "social-care" not in used
    assert "social-care" in example.instrument("cag-7-04").datasets_excluded


def test_each_pseudonymised_activity_has_a_letter_of_its_own(example):
    """Planning and risk are two domains with two letters."""
    domains = {entry.id: entry.pseudonym_domain for entry in example.activities if entry.pseudonym_domain}
    assert {key: (one.name, one.letter) for key, one in domains.items()} == {
        "commissioning-planning": ("commissioning", "C"),
        "risk-stratification": ("risk", "R"),
    }


def test_the_example_end_date_says_that_it_is_one(example):
    """The unknown end of CAG 7-04 is marked, so that nobody takes it for the real one."""
    last = example.instrument("cag-7-04").history[-1]
    assert "EXAMPLE VALUE" in last.source


@pytest.mark.parametrize("name", BUNDLED)
def test_a_register_survives_being_written_out(name):
    """Dumped and read again, a register is the same."""
    register = parse.load(parse.resolve(name, ROOTS))
    assert Register.model_validate(register.model_dump()) == register
    assert Register.model_validate_json(register.model_dump_json()) == register


@pytest.mark.parametrize("activity_id", sorted(ACTIVITIES))
def test_what_the_public_reads_is_easy(example, activity_id):
    """Short sentences of short words: about the reading level of a twelve-year-old (Flesch-Kincaid grade below 8)."""
    assert _grade(example.activity(activity_id).plain_text) < 8


def test_show_lists_every_activity_with_its_rules(example):
    """A person sees each activity, its law, its roles and its objections."""
    text = show.render(example)
    for activity in example.activities:
        assert f"{activity.id}  [active]" in text
    assert "commissioning_analyst see up to pseudonymised" in text
    assert "objections: type1, deidentified, ndop, type2" in text


def test_show_lists_the_gaps_of_an_old_notice():
    """What an old notice does not say is shown where it is missing."""
    register = parse.load(parse.resolve("dorset-2018", ROOTS))
    record = show.as_record(register)
    assert any(one["gaps"] for one in record["activities"])
    assert "gap: retention: how long records are kept is not given" in show.render(register)


def _grade(text):
    sentences = max(1, sum(text.count(mark) for mark in ".?!:"))
    words = [word for word in text.split() if any(letter.isalpha() for letter in word)]
    return 0.39 * len(words) / sentences + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def _syllables(word):
    letters = "".join(one for one in word.lower() if one.isalpha())
    groups = sum(
        one in "aeiouy" and (index == 0 or letters[index - 1] not in "aeiouy") for index, one in enumerate(letters)
    )
    return max(1, groups - (letters.endswith("e") and not letters.endswith("le")))
