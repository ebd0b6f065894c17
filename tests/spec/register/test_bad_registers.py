"""A register that is wrong is told so: each fault by its line, with what to do; none is published in silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from caldicott.register.check import check_folder

PLAN, RISK, CARE = (
    f"activities/{name}.toml" for name in ("commissioning-planning", "risk-stratification", "continuing-healthcare")
)
CONTROLLER, PARTIES, DOCUMENTS = "controller.toml", "organisations.toml", "instruments.toml"


@dataclass(frozen=True)
class Case:
    """One thing made wrong in a register that holds."""

    kind: str
    file: str
    old: str
    new: str
    code: str
    step: str
    """Words of the next step."""
    after: str = ""
    """Words before it, where the old words stand more than once."""
    offset: int | None = 0
    """Lines from the change to the place told; None where that is another file or none."""


BROKEN = [
    Case(
        "a statute cited wrongly",
        PLAN,
        '"National Health Service Act 2006"',
        '"Care Act 2012"',
        code="wrong-statute",
        step="cite `Care Act 2014`",
    ),
    Case(
        "a statute that does not exist",
        PLAN,
        '"National Health Service Act 2006"',
        '"Health Service Law 2006"',
        code="unknown-statute",
        step="add what it names",
    ),
    Case(
        "a basis unknown to law", PLAN, 'article6 = "A6-1-e"', 'article6 = "A6-1-k"', code="wrong-shape", step="A6-1-e"
    ),
    Case(
        "a basis closed to a public authority",
        PLAN,
        'article6 = "A6-1-e"',
        'article6 = "A6-1-f"',
        code="basis-not-in-law",
        step="A6-1-e",
    ),
    Case(
        "a condition unknown to law",
        PLAN,
        "dpa_schedule1 = [2]",
        "dpa_schedule1 = [99]",
        code="basis-not-in-law",
        step="paragraphs 1 to 37",
    ),
    Case(
        "a condition of another article",
        PLAN,
        "dpa_schedule1 = [2]",
        "dpa_schedule1 = [18]",
        code="basis-not-in-law",
        step="one of its own conditions (2)",
    ),
    Case(
        "a processor without contract",
        DOCUMENTS,
        'parties = ["example-icb", "example-csu"]',
        'parties = ["example-icb"]',
        code="processor-without-contract",
        step="add it to the parties of a contract",
        offset=None,
    ),
    Case(
        "a processor whose contract covers less than it does",
        DOCUMENTS,
        '"commissioning-planning", ',
        "",
        code="processor-without-contract",
        step="contract that lists them",
        after="csu-contract",
        offset=None,
    ),
    Case(
        "a flow by the file without document",
        PLAN,
        'instrument = "dars-dsa"\n',
        "",
        code="flow-without-instrument",
        step="in `instrument`",
        after="east-to-dscro",
        offset=-9,
    ),
    Case(
        "a flow to a processor without document",
        "activities/staff.toml",
        'instrument = "payroll-contract"\n',
        "",
        code="flow-without-instrument",
        step="in `instrument`",
        after="icb-to-payroll",
        offset=-9,
    ),
    Case(
        "a flow from nobody known",
        PLAN,
        'from_organisation = "example-acute-east"',
        'from_organisation = "example-acute-eats"',
        code="unknown-organisation",
        step="did you mean `example-acute-east`",
    ),
    Case(
        "two flows with one id",
        PLAN,
        'id = "west-to-dscro"',
        'id = "east-to-dscro"',
        code="duplicate-flow",
        step="an id of its own",
    ),
    Case(
        "a recipient without flow",
        PLAN,
        'recipient = "example-csu"',
        'recipient = "cabinet-office"',
        code="recipient-without-flow",
        step="add the flow to [[flows]]",
    ),
    Case(
        "a recipient that gets more than its flow brings",
        PLAN,
        'format = "aggregated"',
        'format = "pseudonymised"',
        code="recipient-without-flow",
        step="add the flow to [[flows]]",
        after='"partner-organisations"\nformat',
        offset=-1,
    ),
    Case(
        "kept shorter than the records code says",
        CARE,
        'minimum = "8 years"',
        'minimum = "2 years"',
        code="retention-below-class",
        step="the term of the class",
    ),
    Case(
        "two terms for one class of record",
        "activities/medicines-optimisation.toml",
        'minimum = "8 years',
        'minimum = "12 years',
        code="retention-contradicts",
        step="one term in both",
    ),
    Case(
        "an objection to what is never held",
        PLAN,
        'covers_formats = ["identifiable", "pseudonymised"]',
        'covers_formats = ["anonymised"]',
        code="objection-misses",
        step="a format that it holds",
        after='scheme = "type1"',
    ),
    Case(
        "a pseudonym domain shared",
        RISK,
        'name = "risk"',
        'name = "commissioning"',
        code="domain-shared",
        step="a domain of its own",
        after="pseudonym_domain",
    ),
    Case(
        "more shown than comes in",
        PLAN,
        'format_in = "identifiable"',
        'format_in = "pseudonymised"',
        code="ceiling-above-format-in",
        step="lower the ceiling",
        offset=None,
    ),
    Case(
        "a dataset that the approval excludes",
        RISK,
        'dataset = "mental-health"',
        'dataset = "social-care"',
        code="dataset-excluded",
        step="remove the dataset",
    ),
    Case(
        "section 251 without approval",
        RISK,
        'instrument = "cag-7-04"',
        'instrument = "dars-dsa"',
        code="s251-without-approval",
        step="s251_approval",
        after="confidentiality_basis",
    ),
    Case(
        "a notice version that does not exist",
        PLAN,
        'notice_version = "2026-1"',
        'notice_version = "2026-7"',
        code="unknown-notice",
        step="use one of: 2026-1",
        after="publication",
    ),
    Case(
        "a rule ahead of its notice",
        PLAN,
        "effective_from = 2026-04-01",
        "effective_from = 2026-03-01",
        code="ahead-of-notice",
        step="2026-04-01 or later",
    ),
    Case(
        "two notices with one version",
        CONTROLLER,
        "[[contacts]]",
        '[[notices]]\nversion = "2026-1"\npublished = 2026-05-01\n\n[[contacts]]',
        code="notice-version-twice",
        step="a version of its own",
        offset=1,
    ),
    Case(
        "a version that cannot be an address",
        CONTROLLER,
        'version = "2026-1"',
        'version = "../2026"',
        code="notice-version-unusable",
        step="letters, digits",
    ),
    Case(
        "an end before the start",
        PLAN,
        "review_due = 2027-04-01",
        "review_due = 2027-04-01\neffective_to = 2026-01-01",
        code="ends-before-start",
        step="correct one of the dates",
        offset=1,
    ),
]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.kind)
def test_each_kind_of_fault_is_named_with_its_line_and_what_to_do(register_copy, case):
    """One thing wrong in a register that holds: it no longer holds, and the check says where and what to do."""
    line = register_copy.change(case.file, case.old, case.new, after=case.after)
    register, faults = check_folder(register_copy.folder, at=date(2026, 11, 22))
    assert register is None, "a register with this fault must not be published or enforced"
    found = [one for one in faults if one.code == case.code]
    assert [one.severity for one in found] == ["error"] * max(1, len(found))
    assert case.step in found[0].next_step
    if case.offset is not None:
        places = [f"{Path(one.file).relative_to(register_copy.folder).as_posix()}:{one.line}" for one in found]
        assert f"{case.file}:{line + case.offset}" in places


def test_the_register_that_is_broken_here_holds(register_copy):
    """What the tests above break has no fault before it is broken."""
    assert register_copy.faults() == ()


def test_a_processor_without_contract_is_told_at_its_own_line(register_copy):
    """The place is the organisation's, and the activities that lack a contract are named."""
    register_copy.change(DOCUMENTS, '"commissioning-planning", ', "", after="csu-contract")
    lines = (register_copy.folder / PARTIES).read_text(encoding="utf-8").splitlines()
    ((place, _, said),) = register_copy.told("processor-without-contract")
    line = lines.index('id = "example-csu"') + 1
    assert place == f"{PARTIES}:{line}"
    assert "`example-csu` has no contract for commissioning-planning" in said


def test_a_lapsed_contract_is_told_on_the_day_after(register_copy):
    """A contract that ran out binds nobody: a warning from the day after its last."""
    register_copy.change(DOCUMENTS, "valid_until = 2029-03-31", "valid_until = 2026-11-21", after="csu-contract")
    told = register_copy.told("processor-contract-lapsed")
    assert [(place.split(":")[0], severity) for place, severity, _ in told] == [(PARTIES, "warning")]
    assert register_copy.told("processor-contract-lapsed", at=date(2026, 11, 21)) == []


def test_counts_for_the_public_need_no_document(register_copy):
    """A flow of counts tells of nobody; the same flow with rows about people would need one."""
    register_copy.change(PLAN, 'id = "icb-to-public"', 'id = "icb-to-everybody"')
    assert register_copy.told("flow-without-instrument") == []
    register_copy.change(PLAN, 'format = "aggregated"', 'format = "anonymised"', after="icb-to-everybody")
    ((_, severity, said),) = register_copy.told("flow-without-instrument")
    assert severity == "error"
    assert "the flow `icb-to-everybody` names no document, and records of this activity are sent by the file" in said


def test_a_letter_rests_on_what_lifts_the_duty_of_confidence(register_copy):
    """A complaint comes with the person's agreement and needs no other document; without any basis it would."""
    file = "activities/complaints.toml"
    assert register_copy.told("flow-without-instrument") == []
    text = (register_copy.folder / file).read_text(encoding="utf-8")
    start = text.index("[confidentiality_basis]")
    end = text.index("\n\n", start)
    (register_copy.folder / file).write_text(text[:start] + text[end + 2 :], encoding="utf-8")
    told = register_copy.told("flow-without-instrument")
    assert told
    assert all("lifts the duty of confidence" in said for _, _, said in told)


def test_a_notice_of_the_future_is_told(register_copy):
    """An activity set active for a notice that is still to come is refused until then, and the check says so."""
    register_copy.change(CONTROLLER, "published = 2026-04-01", "published = 2027-01-01")
    register_copy.change(PLAN, "effective_from = 2026-04-01", "effective_from = 2027-01-01")
    told = [said for _, _, said in register_copy.told("notice-to-come") if PLAN in said]
    assert len(told) == 1
    assert "the notice that tells of it, `2026-1`, comes on 2027-01-01 only" in told[0]
    assert [severity for _, severity, _ in register_copy.told("notice-to-come", at=date(2027, 1, 1))] == []


@pytest.mark.parametrize("regime", ["gdpr_dpa2018", "uk_gdpr_dpa2018"])
def test_a_basis_of_2025_is_not_claimed_before(register_copy, regime):
    """Recognised legitimate interests came into the law in 2025; an older register cannot rest on them."""
    line = register_copy.change(PLAN, 'article6 = "A6-1-e"', 'article6 = "A6-1-ea"')
    assert register_copy.told("basis-not-in-law") == []
    register_copy.change(CONTROLLER, "uk_gdpr_dpa2018_duaa2025", regime)
    assert [place for place, _, _ in register_copy.told("basis-not-in-law")] == [f"{PLAN}:{line}"]


def test_every_fault_is_told_in_one_go(register_copy):
    """Whoever puts it right is told everything at once, not one thing after the other."""
    register_copy.change(PLAN, '"National Health Service Act 2006"', '"Care Act 2012"')
    register_copy.change(CARE, 'minimum = "8 years"', 'minimum = "2 years"')
    register_copy.change(PLAN, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    codes = {fault.code for fault in register_copy.faults() if fault.severity == "error"}
    assert codes >= {"wrong-statute", "retention-below-class", "recipient-without-flow"}


@pytest.mark.parametrize("command_words", [("register", "check"), ("publish",)])
def test_no_command_takes_a_broken_register(register_copy, command, command_words, tmp_path):
    """`register check` names the fault; `publish` does not publish it. Both end with 1."""
    line = register_copy.change(PLAN, '"National Health Service Act 2006"', '"Care Act 2012"')
    words = [
        *command_words,
        register_copy.folder,
        *(["--to", tmp_path / "out"] if command_words == ("publish",) else []),
    ]
    answer = command(*words)
    assert answer.code == 1, answer.err
    assert f"{PLAN}:{line}" in answer.out + answer.err
    assert not (tmp_path / "out").exists()
