"""The command line is a contract: names, exit codes, one JSON document, one paragraph and never a traceback.

Commands run in this process, by the program's own entry point, on a day of the
test's choosing; a few run as programs of their own.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import people
from caldicott import bootstrap
from stage import PLANNING, TODAY, episode

CROWD = people.invented(4)[1:]
COMMANDS = ("demo", "synth", "register", "explain", "land", "run", "export", "audit", "status")
SUBMISSION_KEYS = {"id", "dataset", "rows", "admitted", "quarantined", "excluded", "excluded_by", "quarantined_by"}


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capsys, home):
    """Runs a command as `caldicott` does."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Answer(ended.value.code or 0, said.out, said.err)

    return command


@pytest.fixture
def inbox(tmp_path):
    """One hospital submission with a row held back, and the national answer."""
    folder = tmp_path / "inbox"
    rows = [episode(person, f"r{i}") for i, person in enumerate(CROWD)]
    people.submission(folder, "ncdr-sus-apc", [*rows, episode(CROWD[0], "x", NHS_Number="1")], name="hospital")
    people.answer(folder, CROWD[:2], name="answer")
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A store with that landed and run, and the home its key is in; made once, copied for each test."""
    made = {}

    def make(cli, inbox, home):
        if not made:
            folder = tmp_path_factory.mktemp("template") / "store"
            assert cli("land", "example-icb", "--from", inbox, "--store", folder).code == 0
            assert cli("run", "example-icb", "--store", folder, "--activity", PLANNING).code == 0
            made.update(store=folder, home=shutil.copytree(home, folder.parent / "home"))
        return made["store"], made["home"]

    return make


@pytest.fixture
def store(tmp_path, cli, inbox, home, template):
    """A store of the test's own with that landed and run."""
    made, its_home = template(cli, inbox, home)
    shutil.copytree(its_home, home, dirs_exist_ok=True)
    return shutil.copytree(made, tmp_path / "store")


def test_the_commands_of_the_contract_are_there(cli):
    """Other programs call them by these names."""
    for name in COMMANDS:
        assert cli(name, "--help").code == 0


def test_status_gives_each_submission_its_account(cli, store):
    """The promised keys, as one JSON document, and the numbers of this store."""
    document = cli("status", "--store", store, "--json").document
    hospital = next(entry for entry in document["submissions"] if entry["id"] == "hospital")
    assert set(hospital) >= SUBMISSION_KEYS
    assert {key: hospital[key] for key in SUBMISSION_KEYS} == {
        "id": "hospital", "dataset": "sus-apc", "rows": 4, "admitted": 2, "quarantined": 1, "excluded": 1,
        "excluded_by": {"ndop": 1}, "quarantined_by": {"nhs_number_not_ten_digits": 1},
    }  # fmt: skip
    assert document["balanced"]


def test_every_json_answer_is_one_document(cli, store, inbox, tmp_path):
    """Each command with --json prints one JSON document and nothing beside it, on standard output."""
    commands = [
        ("land", "example-icb", "--from", inbox, "--store", store),
        ("run", "example-icb", "--store", store),
        ("status", "--store", store),
        ("export", "example-icb", "--store", store, "--activity", PLANNING, "--role", "public", "--to", tmp_path / "o"),
        ("audit", "verify", "--store", store),
        ("audit", "show", "--store", store),
        ("register", "check", "example-icb"),
        ("register", "show", "example-icb"),
        ("register", "diff", "example-icb", "leeds-2018"),
    ]
    for words in commands:
        answer = cli(*words, "--json")
        assert isinstance(answer.document, dict), words
        assert answer.code == 0, words


def test_a_fault_with_json_is_one_document_too(cli, store, tmp_path):
    """A program that reads JSON is told of refusals and faults in JSON, with the exit code of the contract."""
    cases = [
        (
            3,
            (
                "export",
                "example-icb",
                "--store",
                store,
                "--activity",
                PLANNING,
                "--role",
                "patient",
                "--to",
                tmp_path / "o",
            ),
        ),
        (1, ("status", "--store", tmp_path / "nowhere")),
        (2, ("land", "example-icb", "--from", tmp_path / "nowhere", "--store", store)),
        (2, ("export", "example-icb", "--store", store)),
    ]
    for code, words in cases:
        answer = cli(*words, "--json")
        assert answer.code == code, words
        assert set(answer.document) >= {"error", "what", "next_step", "exit_code"}
        assert answer.document["exit_code"] == code


def test_landing_a_refused_submission_says_so_in_json(cli, tmp_path):
    """The refused one is listed with its reason beside those that landed; the exit code is the gravest."""
    folder = tmp_path / "inbox"
    people.submission(folder, "ncdr-sus-apc", [episode(CROWD[0], "a")], name="good")
    people.submission(folder, "ncdr-sus-apc", [episode(CROWD[0], "a")], name="bad", agreement="handshake")
    answer = cli("land", "example-icb", "--from", folder, "--store", tmp_path / "store", "--json")
    found = {entry["place"]: entry.get("error") for entry in answer.document["submissions"]}
    assert (answer.code, found) == (3, {"good": None, "bad": "unknown-agreement"})


def _not_a_store(tmp_path, _store):
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "letter.txt").write_text("a letter")
    return folder


def _a_file(tmp_path, _store):
    path = tmp_path / "file"
    path.write_text("")
    return path


def _corrupted(_tmp_path, store):
    for path in store.glob("clear/*/*.parquet"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    return store


def _missing(_tmp_path, store):
    for path in store.glob("clear/*/*.parquet"):
        path.unlink()
    return store


def _catalogue_gone_bad(_tmp_path, store):
    (store / "catalogue.sqlite").write_bytes(b"not a database" * 100)
    for aside in store.glob("catalogue.sqlite-*"):
        aside.unlink()
    return store


def _key_gone(_tmp_path, store):
    for path in Path(os.environ["XDG_CONFIG_HOME"]).rglob("*"):
        if path.is_file():
            path.unlink()
    return store


def _key_changed(_tmp_path, store):
    for path in Path(os.environ["XDG_CONFIG_HOME"]).rglob("*"):
        if path.is_file():
            path.write_text("A" * 43 + "=\n")
    return store


def _data_key_bad(_tmp_path, store):
    for path in (store / "keys").glob("*.json"):
        path.write_text("{")
    return store


BROKEN = {
    "not a store": (_not_a_store, {1}), "a file": (_a_file, {1}), "an edited record file": (_corrupted, {1}),
    "a record file missing": (_missing, {1}), "a catalogue that is none": (_catalogue_gone_bad, {4}),
    "the key gone": (_key_gone, {1}), "another key": (_key_changed, {1}),
    "wrapped keys unreadable": (_data_key_bad, {1, 4}),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_whatever_is_wrong_with_a_store_is_told_in_one_paragraph(cli, tmp_path, store, fault):
    """Exit code 1 or 4, what is wrong, the next step; no traceback and no row."""
    break_it, codes = BROKEN[fault]
    answer = cli("run", "example-icb", "--store", break_it(tmp_path, store), "--activity", PLANNING)
    assert answer.code in codes
    assert "Next:" in answer.err
    assert not any(person.number in answer.err + answer.out for person in CROWD)


def test_a_store_in_use_is_not_opened_twice(cli, store):
    """The second process is told to wait; nothing is changed."""
    import fcntl

    with (store / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = cli("status", "--store", store)
    assert answer.code == 4
    assert "another process" in answer.err
    assert cli("status", "--store", store).code == 0


def test_landing_into_what_is_not_a_store_is_refused(cli, tmp_path, inbox):
    """A folder with other things in it, or a file, is never made a store."""
    for target in (_not_a_store(tmp_path, None), _a_file(tmp_path, None)):
        assert cli("land", "example-icb", "--from", inbox, "--store", target).code == 1
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["letter.txt"]


def test_a_folder_without_a_manifest_is_refused(cli, tmp_path):
    """No manifest, no landing."""
    folder = tmp_path / "empty"
    folder.mkdir()
    answer = cli("land", "example-icb", "--from", folder, "--store", tmp_path / "store")
    assert answer.code == 1
    assert "manifest" in answer.err


def test_wrong_usage_is_exit_code_2(cli, store):
    """Unknown commands, options, activities, engines and days: told, with what to do."""
    for words in (
        ("gossip",), ("run",), ("run", "example-icb", "--store", store, "--activity", "gossip"),
        ("run", "example-icb", "--store", store, "--engine", "abacus"), ("status", "--store", store, "--gossip"),
        ("explain", "example-icb", "--role", "public", "--activity", PLANNING, "--dataset", "commissioning-mart",
         "--format", "aggregated", "--on", "tomorrow"),
    ):  # fmt: skip
        answer = cli(*words)
        assert answer.code == 2, words
        assert "Next:" in answer.err, words


def test_refusals_are_exit_code_3_and_say_why(cli, store, tmp_path):
    """The refusal is printed with its reason and the next step."""
    answer = cli(
        "export",
        "example-icb",
        "--store",
        store,
        "--activity",
        PLANNING,
        "--role",
        "hr_officer",
        "--to",
        tmp_path / "o",
    )
    assert answer.code == 3
    assert "Refused on 2026-05-04" in answer.err
    assert "Next:" in answer.err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("role", ["commissioning_analyst", "processor_staff", "public", "patient", "gp", "hr_officer"])
@pytest.mark.parametrize("form", ["pseudonymised", "aggregated"])
def test_what_explain_answers_is_what_export_obeys(cli, store, tmp_path, role, form):
    """The same question put as a question and as a deed has the same answer."""
    asked = cli(
        "explain",
        "example-icb",
        "--role",
        role,
        "--activity",
        PLANNING,
        "--dataset",
        "commissioning-mart",
        "--format",
        form,
    )
    done = cli(
        "export", "example-icb", "--store", store, "--activity", PLANNING, "--role", role, "--format", form,
        "--to", tmp_path / "o",
    )  # fmt: skip
    assert asked.code == done.code
    assert asked.code in {0, 3}


def test_landing_twice_by_command_changes_nothing(cli, store, inbox):
    """The second landing says that all was here already."""
    before = cli("status", "--store", store, "--json").document["submissions"]
    answer = cli("land", "example-icb", "--from", inbox, "--store", store, "--json")
    assert {entry["already"] for entry in answer.document["submissions"]} == {True}
    assert cli("status", "--store", store, "--json").document["submissions"] == before


def test_status_balances_or_fails(cli, store, monkeypatch):
    """If rows were unaccounted for, status would say so with exit code 1."""
    assert cli("status", "--store", store).code == 0
    module = importlib.import_module("caldicott.operations.status")
    real = module._submission
    monkeypatch.setattr(module, "_submission", lambda *a: {**real(*a), "balanced": False})
    assert cli("status", "--store", store).code == 1


@pytest.mark.parametrize(("words", "code"), [
    (("version",), 0), (("explain", "example-icb", "--role", "patient", "--activity", PLANNING, "--dataset", "sus-apc",
                         "--format", "identifiable", "--on", "2026-05-04"), 3),
    (("status", "--store", "/nonexistent/store"), 1), (("gossip",), 2),
])  # fmt: skip
def test_the_program_itself_ends_with_the_codes_of_the_contract(words, code, home):
    """Run as a program of its own, as other programs run it."""
    program = Path(sys.executable).with_name("caldicott")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code
    assert "Traceback" not in done.stderr + done.stdout
