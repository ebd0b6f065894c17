"""What is done with people's records changes only with a version of the notice that says so."""

from __future__ import annotations

import json

import pytest

PLANNING = "activities/commissioning-planning.toml"
CODE = "change-without-version"
NOTICE_2 = (
    '[[notices]]\nversion = "2026-2"\npublished = 2026-09-01\ntitle = "How we use your information"\n\n[[contacts]]'
)


def _with_version_2(copy):
    copy.change("controller.toml", "[[contacts]]", NOTICE_2)


@pytest.fixture
def published(register_copy):
    """The example register, with its first version published."""
    register_copy.publish("2026-1")
    return register_copy


CHANGES = [
    # what changes: file, old words, new words, and the field that is named
    (PLANNING, 'ceiling = "pseudonymised"', 'ceiling = "identifiable"', "roles"),
    (PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"', "recipients"),
    (PLANNING, 'scheme = "type1"', 'scheme = "research"', "objections"),
    (PLANNING, 'minimum = "the term of the data sharing agreement"', 'minimum = "30 years"', "retention"),
    (PLANNING, 'frequency = "monthly"', 'frequency = "daily"', "flows"),
    (PLANNING, "dpa_schedule1 = [2]", "dpa_schedule1 = [3]", "data_protection_basis"),
    (PLANNING, "effective_from = 2026-04-01", "effective_from = 2026-04-02", "effective_from"),
    (PLANNING, "in_notice = true", 'in_notice = false\nwithheld_reason = "an example"', "publication"),
    ("instruments.toml", 'datasets_excluded = ["social-care"]', "datasets_excluded = []", "datasets_excluded"),
    ("organisations.toml", "functions = [", 'functions = ["Writes to people", ', "works for the controller"),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), CHANGES, ids=[one[3] for one in CHANGES])
def test_a_change_without_a_new_version_is_named(published, file, old, new, named):
    """A rule that is not in the published notice stops the register, at the line of the change."""
    line = published.change(file, old, new)
    ((place, severity, said),) = published.told(CODE)
    assert (place.split(":")[0], severity) == (file, "error")
    assert line - 3 <= int(place.split(":")[1]) <= line
    assert named in said
    assert "add a version dated 2026-04-01 or later to [[notices]]" in said


def test_nothing_changed_nothing_named(published):
    """The register that was published holds against its own publication."""
    assert [fault for fault in published.faults() if fault.severity == "error"] == []
    assert published.told(CODE) == []


def test_a_change_that_a_later_version_tells_holds(published):
    """With a new version that says it, and from that version's day on, the change is in order."""
    _with_version_2(published)
    published.change(PLANNING, 'notice_version = "2026-1"', 'notice_version = "2026-2"')
    published.change(PLANNING, "effective_from = 2026-04-01", "effective_from = 2026-09-01")
    published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    assert published.told(CODE) == []
    assert published.told("ahead-of-notice") == []


def test_a_change_cannot_begin_before_the_version_that_tells_it(published):
    """The new version is named, but the entry holds from before its day: refused, with the day to write."""
    _with_version_2(published)
    published.change(PLANNING, 'notice_version = "2026-1"', 'notice_version = "2026-2"')
    published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    ((place, severity, said),) = published.told("ahead-of-notice")
    assert (place.split(":")[0], severity) == (PLANNING, "error")
    assert "set effective_from to 2026-09-01 or later" in said


def test_a_later_version_that_the_entry_does_not_name_is_no_excuse(published):
    """That some later version exists does not cover an entry which still leans on the old one."""
    _with_version_2(published)
    published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    ((_, _, said),) = published.told(CODE)
    assert "the register has `2026-2`: name it in notice_version of `commissioning-planning`" in said


def test_a_version_already_published_cannot_tell_a_new_change(published):
    """Once the second version is published too, a further change needs a third."""
    _with_version_2(published)
    published.publish("2026-2")
    published.change(PLANNING, 'notice_version = "2026-1"', 'notice_version = "2026-2"')
    published.change(PLANNING, "effective_from = 2026-04-01", "effective_from = 2026-09-01")
    published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    assert [said.split("`")[1] for _, _, said in published.told(CODE)] == ["effective_from", "recipients"]


def test_a_new_activity_needs_a_new_version(published):
    """An activity that was not in the notice cannot claim to be."""
    text = (published.folder / "activities/complaints.toml").read_text(encoding="utf-8")
    new = text.replace('id = "complaints"', 'id = "complaints-by-phone"', 1)
    (published.folder / "activities/complaints-by-phone.toml").write_text(new, encoding="utf-8")
    ((place, _, said),) = published.told(CODE)
    assert place.startswith("activities/complaints-by-phone.toml:")
    assert "is not in version 2026-1 of the notice" in said


def test_an_activity_that_is_gone_is_named(published):
    """What the public reads must not vanish from the register behind it."""
    (published.folder / "activities/freedom-of-information.toml").unlink()
    for file in ("instruments.toml", "organisations.toml"):
        text = (published.folder / file).read_text(encoding="utf-8")
        (published.folder / file).write_text(text.replace('    "freedom-of-information",\n', ""), encoding="utf-8")
    assert [said for _, _, said in published.told(CODE) if "`freedom-of-information` stands in version 2026-1" in said]


def test_other_words_only_are_a_warning(published):
    """A clearer sentence changes nobody's record, but the published page still reads otherwise."""
    line = published.change(PLANNING, "We plan and pay for health care", "We plan and buy health care")
    ((place, severity, said),) = published.told("wording-without-version")
    assert (place, severity) == (f"{PLANNING}:{line - 1}", "warning")
    assert "`plain_text` reads differently" in said
    assert published.told(CODE) == []


def test_house_matters_need_no_version(published):
    """A review that was done, or an approval extended, changes no rule of the notice."""
    published.change(PLANNING, "review_due = 2027-04-01", "review_due = 2028-04-01")
    published.change(PLANNING, "review_due = 2027-03-31", "review_due = 2028-03-31")
    published.change("instruments.toml", "valid_until = 2029-03-31", "valid_until = 2030-03-31")
    assert published.told(CODE) == []


def test_a_published_day_cannot_be_moved(published):
    """Moving the day of an old version would let rules hold earlier than anyone could read of them."""
    line = published.change("controller.toml", "published = 2026-04-01", "published = 2026-03-01")
    ((place, severity, said),) = published.told("notice-moved")
    assert (place, severity) == (f"controller.toml:{line}", "error")
    assert "write 2026-04-01 again" in said


def test_an_old_version_is_not_forgotten(published):
    """Old versions stay among the notices."""
    published.change("controller.toml", 'version = "2026-1"', 'version = "2026-1b"')
    assert [severity for _, severity, _ in published.told("notice-forgotten")] == ["error"]


def test_the_command_compares_with_what_was_published(published, command):
    """`register check --published` ends with 1 and the place; without a change it ends with 0."""
    words = ("register", "check", published.folder, "--published", published.published, "--json")
    assert command(*words).code == 0
    line = published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    answer = command(*words)
    assert answer.code == 1
    (fault,) = [one for one in json.loads(answer.out)["faults"] if one["code"] == CODE]
    assert (fault["file"].endswith(PLANNING), fault["line"]) == (True, line)


def test_a_folder_without_versions_is_said(published, command, tmp_path):
    """A wrong folder must not look like a register without changes."""
    answer = command("register", "check", published.folder, "--published", tmp_path / "elsewhere")
    assert answer.code == 1
    assert "no version of the notice is kept there (no-version-kept)" in answer.err


def test_anyone_can_ask_what_changed_between_two_versions(published, command):
    """`register diff` takes published versions by folder or by file, and a register folder beside them."""
    _with_version_2(published)
    published.change(PLANNING, 'recipient = "example-csu"', 'recipient = "cabinet-office"')
    published.publish("2026-2")
    first, second = (published.published / "versions" / version for version in ("2026-1", "2026-2"))
    by_folder = command("register", "diff", first, second)
    by_file = command("register", "diff", first / "register.json", second / "register.json")
    with_folder = command("register", "diff", first, published.folder)
    assert by_folder.out == by_file.out == with_folder.out
    assert "now receives information with a code" in by_folder.out
    assert by_folder.code == 0
