"""Each way to break a register is told by its code, its file, its line and a next step."""

from __future__ import annotations

import pytest

A, C, I, O = "activities/planning.toml", "controller.toml", "instruments.toml", "organisations.toml"  # noqa: E741

# what is broken: file, old text, new text, code, severity, a word of the next step
WRITTEN = [
    (A, "purpose =", "purpose = = ", "not-toml", "TOML"),
    (A, "purpose =", "porpuse =", "unknown-key", "did you mean `purpose`?"),
    (A, 'ceiling = "pseudonymised"', 'ceiling = "pseudonimised"', "unknown-word", "did you mean `pseudonymised`?"),
    (A, 'use = "secondary"', 'use = "other"', "unknown-word", "primary, secondary"),
    (A, "version = 1", 'version = "one"', "wrong-type", "whole number"),
    (A, 'statutes = ["Care Act 2014"]', 'statutes = "Care Act 2014"', "wrong-type", "list"),
    (A, 'article6 = "A6-1-e"', 'article6 = "6(1)(e)"', "wrong-shape", "A6-1-e"),
    (A, 'id = "planning"', 'id = "planing"', "file-name-is-not-id", "rename"),
    (A, "epoch = 1", "epoch = 0", "wrong-value", "correct"),
    (I, 'id = "agreement"', 'id = "approval"', "duplicate-id", "own"),
    (O, 'id = "firm"', 'id = "source"', "duplicate-id", "own"),
    (C, 'kind = "icb"', 'kind = "ICB"', "unknown-word", "icb"),
]
SAID = [
    (A, 'purpose = "commissioning.planning"\n', 'purpose = "comissioning"\n', "unknown-purpose", "commissioning"),
    (A, '"Care Act 2014"', '"Care Act 2012"', "wrong-statute", "cite `Care Act 2014`"),
    (A, '"Care Act 2014"', '"Data Protection Act 2018, Amendment 85"', "wrong-statute", "schedule 1, paragraph 18"),
    (A, '"Care Act 2014"', '"Care Akt 2014"', "unknown-statute", "did you mean `Care Act 2014`?"),
    (A, 'instruments = ["approval"]', 'instruments = ["aproval"]', "unknown-instrument", "did you mean `approval`?"),
    (A, '"agreement"\nreview', '"agrement"\nreview', "unknown-instrument", "did you mean `agreement`?"),
    (A, 'instrument = "approval"', 'instrument = "agreement"', "s251-without-approval", "s251_approval"),
    (A, 'instrument = "agreement"\nreview', 'instrument = "approval2"\nreview', "unknown-instrument", "approval"),
    (A, 'dataset = "sus-apc"', 'dataset = "sus-acp"', "unknown-dataset", "did you mean `sus-apc`?"),
    (A, 'dataset = "sus-apc"', 'dataset = "social-care"', "dataset-excluded", "remove the dataset"),
    (A, 'datasets = ["sus-apc"]\n\n[[obj', 'datasets = ["sus-op"]\n\n[[obj', "dataset-not-of-activity", "[[datasets]]"),
    (A, 'recipient = "small"', 'recipient = "smal"', "unknown-organisation", "did you mean `small`?"),
    (
        A,
        'from_organisation = "source"',
        'from_organisation = "sauce"',
        "unknown-organisation",
        "did you mean `source`?",
    ),
    (A, 'ceiling = "pseudonymised"', 'ceiling = "identifiable"', "ceiling-above-format-in", "lower the ceiling"),
    (
        A,
        "identifiers_allowed = []",
        'identifiers_allowed = ["name"]',
        "identifiers-without-use",
        "identifiers_allowed = []",
    ),
    (A, 'covers_formats = ["pseudonymised"]', "covers_formats = []", "objection-stops-nothing", "list the formats"),
    (A, 'reference = "An approval"', 'reference = " "', "exemption-without-reference", "name the law"),
    (A, 'kind = "cag_waiver"', 'kind = "cag_waiver"', None, ""),
    (I, 'objections_waived = ["ndop"]', "objections_waived = []", "waiver-not-approved", "objections_waived"),
    (
        I,
        'activities = ["planning", "scores"]',
        'activities = ["scores"]',
        "instrument-not-for-activity",
        "add `planning`",
    ),
    (I, 'activities = ["planning", "scores"]', 'activities = ["planing", "scores"]', "unknown-activity", "`planning`"),
    (I, "due_diligence_date = 2019-12-01\n", "", "no-due-diligence", "before valid_from"),
    (
        I,
        "due_diligence_date = 2019-12-01",
        "due_diligence_date = 2020-02-01",
        "late-due-diligence",
        "before valid_from",
    ),
    (
        A,
        'retention_class = "Clinical audit"',
        'retention_class = "Clinical audits"',
        "unknown-retention-class",
        "did you mean `Clinical audit`?",
    ),
    (A, "effective_from = 2026-04-01", "effective_from = 2026-03-31", "ahead-of-notice", "2026-04-01 or later"),
    (A, 'notice_version = "1"', 'notice_version = "2"', "unknown-notice", "use one of: 1"),
    (A, "in_notice = true", "in_notice = false", "withheld-without-reason", "withheld_reason"),
    (A, 'letter = "P"', 'letter = "S"', "domain-letter-shared", "another letter"),
    (A, "automated_decision", "effective_to = 2026-03-01\nautomated_decision", "ends-before-start", "dates"),
    (O, 'functions = ["Keeps the tables"]\n', "", "processor-without-function", "functions"),
    (C, 'role = "siro"', 'role = "regulator"', "missing-contact", 'role = "siro"'),
    (C, 'post = "Post"', 'post = "Post"\nvalid_to = 2026-11-21', "missing-contact", 'role = "dpo"'),
    (
        C,
        '[[member_practices]]\nods = "Z80001"\nvalid_from = 2026-04-01\n',
        "",
        "no-member-practices",
        "member_practices.toml",
    ),
    (C, '[[notices]]\nversion = "1"\npublished = 2026-04-01\n', "", "no-notice", "[[notices]]"),
]
# What is missing, or clashes with another file, cannot be placed at the line that was broken.
PLACED_ELSEWHERE = {
    "missing-contact",
    "no-member-practices",
    "no-due-diligence",
    "processor-without-function",
    "withheld-without-reason",
}
WARNED = [
    (I, "valid_until = 2029-01-01", "valid_until = 2026-11-21", "instrument-lapsed", "1 day ago"),
    (
        I,
        "valid_until = 2029-01-01",
        "valid_until = 2026-11-23",
        "instrument-lapses-soon",
        "in 1 day, on 2026-11-23 (warning at 7",
    ),
    (I, "valid_until = 2029-01-01", "valid_until = 2026-12-22", "instrument-lapses-soon", "(warning at 30 days)"),
    (I, "valid_until = 2029-01-01", "valid_until = 2027-02-20", "instrument-lapses-soon", "(warning at 90 days)"),
    (
        I,
        "valid_from = 2020-01-01\ndatasets",
        "valid_from = 2026-12-01\ndatasets",
        "instrument-not-yet-live",
        "2026-12-01",
    ),
    (A, "review_due = 2027-04-01", "review_due = 2026-11-21", "review-overdue", "2026-11-21"),
    (A, "review_due = 2027-04-01\n\n[[roles", "review_due = 2026-11-21\n\n[[roles", "review-overdue", "flow `in`"),
]
GAPS = [
    (f"{key} =", f"# {key} =", key)
    for key in (
        "effective_from",
        "purpose",
        "use",
        "data_subjects",
        "personal_data",
        "format_in",
        "identifiers_allowed",
        "sources",
        "automated_decision",
        "measures",
        "review_due",
        "recipients",
        "statutes",
        "dpa_schedule1",
        "article6",
    )
]
TABLES = [
    "data_protection_basis",
    "confidentiality_basis",
    "datasets",
    "flows",
    "roles",
    "retention",
    "rights",
    "publication",
]
CONDITIONAL = ["pseudonym_domain", "disclosure_control"]


def _without_table(content, table):
    blocks = content.split("\n\n")
    return "\n\n".join(block for block in blocks if not block.lstrip("[").startswith((f"{table}]", f"{table}.")))


def test_the_small_register_holds(small):
    """The register that every test breaks has no fault by itself."""
    assert small.faults_of(small.SMALL) == ()


@pytest.mark.parametrize("case", WRITTEN, ids=str)
def test_a_fault_in_how_it_is_written_has_its_place(small, case):
    """Syntax, keys, words, types, names: one error, at the line where it stands, with what to do."""
    file, old, new, code, next_step = case
    contents, line = small.broken(file, old, new)
    (fault,) = small.faults_of(contents)
    assert (fault.code, fault.severity, fault.file) == (code, "error", f"small/{file}")
    assert fault.line == line
    assert next_step in fault.next_step


@pytest.mark.parametrize("case", SAID, ids=str)
def test_a_fault_in_what_it_says_is_found(small, case):
    """Each build check fires on the one thing it is for, and says what to do."""
    file, old, new, code, next_step = case
    contents, line = small.broken(file, old, new)
    found = {fault.code: fault for fault in small.faults_of(contents)}
    if code is None:
        assert found == {}
        return
    assert code in found
    assert found[code].severity == "error"
    assert next_step in found[code].next_step
    if found[code].file == f"small/{file}" and code not in PLACED_ELSEWHERE:
        assert line <= found[code].line <= line + max(old.count("\n"), new.count("\n"))


@pytest.mark.parametrize("case", WARNED, ids=str)
def test_a_date_that_passed_or_comes_is_a_warning(small, case):
    """Lapsed and soon lapsing documents and overdue reviews are told with their days, and stop nothing here."""
    file, old, new, code, word = case
    contents, _ = small.broken(file, old, new)
    warnings = [fault for fault in small.faults_of(contents) if fault.severity == "warning"]
    assert [fault.code for fault in warnings] == [code]
    assert word in warnings[0].what


@pytest.mark.parametrize(("old", "new", "key"), GAPS, ids=lambda one: str(one)[:24])
def test_what_is_not_said_is_a_gap(small, old, new, key):
    """Each required key that is absent is an error in a strict register and a gap in a lenient one."""
    contents, _ = small.broken(A, old, new)
    strict = [fault for fault in small.faults_of(contents) if fault.code == "gap"]
    assert {fault.severity for fault in strict} == {"error"}
    assert any(key in fault.next_step for fault in strict)
    assert {fault.severity for fault in small.faults_of(small.lenient(contents))} == {"gap"}


@pytest.mark.parametrize("table", [*TABLES, *CONDITIONAL, "objections"])
def test_a_table_that_is_not_there_is_a_gap(small, table):
    """Each required table, those required by a condition included, is a gap when absent."""
    contents = {**small.SMALL, A: _without_table(small.SMALL[A], table)}
    found = [fault for fault in small.faults_of(contents) if fault.code == "gap"]
    assert any(f"`{table}`" in fault.next_step for fault in found)


@pytest.mark.parametrize("purpose", ["risk_stratification", "invoice_validation"])
def test_two_purposes_need_a_whitelist_of_fields(small, purpose):
    """Risk stratification and invoice validation list the fields they take in."""
    contents, _ = small.broken(A, '"commissioning.planning"', f'"{purpose}"')
    assert ["inputs_whitelist" in fault.next_step for fault in small.faults_of(contents)] == [True]


def test_two_activities_that_differ_by_objections_share_no_domain(small):
    """Else comparing the two would name the people who objected."""
    contents = {
        **small.SMALL,
        "activities/scores.toml": small.SMALL[A]
        .replace('id = "planning"', 'id = "scores"')
        .replace('"type1"', '"risk"'),
    }
    assert [fault.code for fault in small.faults_of(contents)] == ["domain-shared"]


def test_a_dataset_does_not_come_in_with_and_without_objections(small):
    """One domain never holds the same dataset twice, once with the objectors and once without."""
    twice = '[[datasets]]\ndataset = "sus-apc"\ndirection = "in"\nobjections_applied_at_source = ["type1"]\n\n[[flows]]'
    contents, _ = small.broken(A, "[[flows]]", twice)
    assert [fault.code for fault in small.faults_of(contents)] == ["domain-shared"]


def test_a_flow_carries_only_what_its_instrument_covers(small):
    """A dataset outside the agreement's list is a fault of the flow."""
    contents, _ = small.broken(I, 'reference = "An agreement"', 'reference = "An agreement"\ndatasets_in = ["sus-op"]')
    assert {fault.code for fault in small.faults_of(contents)} == {"flow-beyond-instrument"}


@pytest.mark.parametrize("name", ["controller.toml", "organisations.toml", "instruments.toml"])
def test_a_missing_file_is_named(small, name):
    """A folder that lacks a file says which."""
    contents = {other: text for other, text in small.SMALL.items() if other != name}
    (fault,) = small.faults_of(contents)
    assert (fault.code, fault.file) == ("missing-file", f"small/{name}")


def test_a_misspelt_file_is_not_passed_over(small):
    """A file that no register has is an error, so that nothing is silently left out."""
    faults = small.faults_of({**small.SMALL, "instrument.toml": ""})
    assert [(fault.code, fault.next_step) for fault in faults] == [("unknown-file", "rename it to instruments.toml")]


def test_every_fault_is_told_at_once(small):
    """Two broken files are both told in one run."""
    contents, _ = small.broken(A, "purpose =", "porpuse =")
    contents["instruments.toml"] = contents["instruments.toml"].replace("valid_from = 2020-01-01", "", 1)
    assert {fault.code for fault in small.faults_of(contents)} == {"unknown-key", "missing-key"}


def test_an_old_notice_with_gaps_still_holds(small):
    """A lenient register with gaps and wrong citations has no error: exit 0."""
    contents, _ = small.broken(A, '"Care Act 2014"', '"Care Act 2012"')
    contents[A] = contents[A].replace("[retention]", "[retention]").replace("measures =", "# measures =")
    severities = {fault.severity for fault in small.faults_of(small.lenient(contents))}
    assert severities == {"gap", "warning"}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("We plan.", "", "plain_text"),
        (
            'instrument = "approval"\n\n[[datasets',
            'reference = "an approval"\n\n[[datasets',
            "confidentiality_basis.instrument",
        ),
        ('kind = "s251"\ninstrument = "approval"', 'kind = "statute"', "confidentiality_basis.reference"),
        ('article9 = "A9-2-h"', "special = 1", ""),
    ],
)
def test_the_finer_gaps(small, old, new, field):
    """Text nobody can read, section 251 without its approval, a basis of confidence without a reference."""
    contents, _ = small.broken(A, old, new)
    faults = small.faults_of(contents)
    if not field:
        assert [fault.code for fault in faults] == ["unknown-key"]
        return
    assert field in {word.strip("`") for fault in faults if fault.code == "gap" for word in fault.next_step.split()}


def test_special_categories_need_article_9(small):
    """Health data without a basis of Article 9 is a gap."""
    contents, _ = small.broken(A, 'article9 = "A9-2-h"\n', "")
    contents[A] = contents[A].replace("recipients = []", 'recipients = []\nspecial_category = ["health"]')
    assert any("Article 9" in fault.what for fault in small.faults_of(contents))


def test_criminal_offence_needs_a_condition(small):
    """Criminal offence data without a condition of schedule 1 is a gap."""
    contents, _ = small.broken(A, "dpa_schedule1 = [2]\n", "")
    contents[A] = contents[A].replace("recipients = []", "recipients = []\ncriminal_offence = true")
    assert any("criminal offence" in fault.what for fault in small.faults_of(contents))


def test_an_instrument_ends_after_it_starts(small):
    """A document that ends before it starts is a fault of its dates."""
    contents, _ = small.broken(I, "valid_from = 2020-01-01\ndatasets", "valid_from = 2030-01-01\ndatasets")
    assert "ends-before-start" in {fault.code for fault in small.faults_of(contents)}
