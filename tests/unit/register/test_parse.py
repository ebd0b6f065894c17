"""Reading a folder: the register comes back whole, or every fault does."""

from __future__ import annotations

from pathlib import Path

import pytest

from caldicott.register import parse
from caldicott.register.faults import RegisterDoesNotHold
from caldicott.register.schema import as_text
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage


@pytest.fixture
def folder(tmp_path, small):
    """The small register on disk."""
    root = tmp_path / "registers" / "small"
    for name, content in small.SMALL.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def test_a_folder_that_holds_is_loaded_whole(folder):
    """Every file's entries are in the register, practices among them."""
    register = parse.load(folder)
    assert [entry.id for entry in register.activities] == ["planning", "scores"]
    assert [entry.id for entry in register.instruments] == ["approval", "agreement", "contract"]
    assert register.activity("planning").pseudonym_domain.letter == "P"


def test_practices_may_stand_in_a_file_of_their_own(folder):
    """A long list of practices need not crowd the controller's file; both lists count."""
    (folder / "member_practices.toml").write_text('[[member_practices]]\nods = "Z80002"\nvalid_from = 2026-04-01\n')
    assert [practice.ods for practice in parse.load(folder).controller.member_practices] == ["Z80001", "Z80002"]


def test_the_error_names_every_fault_and_its_place(folder):
    """One error, exit code 1, with each fault as file:line and a next step."""
    (folder / "controller.toml").write_text("id = ")
    planning = folder / "activities" / "planning.toml"
    planning.write_text(planning.read_text().replace("epoch = 1", "epok = 1"))
    with pytest.raises(RegisterDoesNotHold) as raised:
        parse.load(folder)
    error = raised.value
    assert isinstance(error, DoesNotHold)
    assert error.exit_code == 1
    assert {fault.code for fault in error.faults} == {"not-toml", "unknown-key", "missing-key"}
    for fault in error.faults:
        assert f"{fault.file}:{fault.line}" in str(error)
        assert fault.next_step in str(error)


def test_a_file_that_is_not_utf8_is_a_fault_with_its_line(folder):
    """A file saved in another encoding is told by line, not by a traceback."""
    (folder / "organisations.toml").write_bytes(b"# one\n# caf\xe9\n")
    register, faults = parse.read(folder)
    assert register is None
    assert [(fault.code, fault.line) for fault in faults][:1] == [("not-utf8", 2)]


@pytest.mark.parametrize("change", ["content", "name", "file"])
def test_the_digest_changes_with_anything_in_the_folder(folder, change):
    """A text, a name or a further file: the digest tells registers apart."""
    before = parse.load(folder).digest
    planning = folder / "activities" / "planning.toml"
    if change == "content":
        planning.write_text(planning.read_text() + "# a comment\n")
    elif change == "name":
        text = planning.read_text().replace('id = "planning"', 'id = "planned"')
        planning.unlink()
        (folder / "activities" / "planned.toml").write_text(text)
    else:
        (folder / "member_practices.toml").write_text("")
    assert parse.load(folder).digest != before


def test_the_digest_is_the_same_wherever_the_folder_lies(folder, tmp_path):
    """The digest is of names and contents, not of the place or the time."""
    moved = folder.rename(tmp_path / "moved")
    again = parse.load(moved).digest
    assert again == parse.load(moved).digest
    assert len(again) == 64


def test_a_register_is_found_by_path_or_by_id(folder):
    """A folder wins; else the id of a bundled register."""
    roots = (folder.parent,)
    assert parse.resolve("small", roots) == folder
    assert parse.resolve(str(folder), ()) == folder


def test_an_unknown_register_lists_the_known_ones(folder):
    """The error of usage, exit code 2, with the nearest id and all ids."""
    with pytest.raises(WrongUsage) as raised:
        parse.resolve("smal", (folder.parent,))
    assert raised.value.exit_code == 2
    assert "did you mean `small`?" in raised.value.next_step


def test_an_empty_folder_is_said_to_lack_its_files(tmp_path):
    """A folder that exists but is no register is read, and the missing files are told."""
    register, faults = parse.read(parse.resolve(str(tmp_path), ()))
    assert register is None
    assert {fault.code for fault in faults} == {"missing-file"}


def test_the_published_schema_is_current():
    """docs/reference/register.schema.json is what the model says today."""
    repository = Path(__file__).parents[3]
    assert (repository / "docs/reference/register.schema.json").read_text(encoding="utf-8") == as_text()


def test_the_schema_is_a_json_schema_with_every_part():
    """An editor can find each part of a register by its name."""
    text = as_text()
    assert '"$schema": "https://json-schema.org/draft/2020-12/schema"' in text
    for part in ("ProcessingActivity", "Instrument", "Controller", "Organisation"):
        assert f'"{part}"' in text
