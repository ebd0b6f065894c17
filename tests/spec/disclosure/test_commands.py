"""`caldicott sql`, `airlock` and `extract` as somebody types them: exit codes, words, files."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import people
from caldicott import bootstrap
from caldicott.cli.app import app
from caldicott.operations.staff import say_without_account
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from stage import NOON, PLANNING, TODAY, Stage, episode

ANALYST = "commissioning_analyst"


@pytest.fixture
def store(tmp_path, example_icb, monkeypatch):
    """A store with a mart of thirty people, on the day of the other tests."""
    stage = Stage(tmp_path, example_icb)
    crowd = people.invented(31)[1:]
    stage.send("ncdr-sus-apc", [episode(person, f"r{n}") for n, person in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run()
    with stage.house() as house:
        for login in ("ann", "ben", "cora"):
            say_without_account(house, login)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)
    monkeypatch.setattr(bootstrap, "now", lambda: NOON)
    return stage


def _said(store, *words, actor="ann"):
    ended = CliRunner().invoke(app, [*words], env={"CALDICOTT_ACTOR": actor}, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_from_a_statement_to_a_file(store):
    """A question, its result asked for, approved by two logins, taken out: the file has what the gate lets go."""
    question = store.root / "q.sql"
    question.write_text("SELECT 'June' AS month, count(DISTINCT person_token) AS count FROM sus_apc")
    asked = ("--activity", PLANNING, "--role", ANALYST)
    base = ("example-icb", "--store", str(store.store))
    said = _said(store, "sql", *base, *asked, "--file", str(question), "--as", "june", "--seconds", "1")
    assert "30" not in said.replace("100,000", "")
    assert "month, count" in said
    made = json.loads(_said(
        store, "airlock", "request", *base, *asked, "--table", "june", "--context", "A paper", "--json"
    ))  # fmt: skip
    assert made["state"] == "waiting"
    check = ("airlock", "review", *base, "--id", made["id"])
    seen = _said(store, *check, "--role", "ig_officer", actor="ben")
    assert "June,30" in seen
    for role, actor in (("ig_officer", "ben"), ("caldicott_guardian", "cora")):
        _said(store, *check, "--role", role, "--verdict", "approve", "--comment", "Looked", actor=actor)
    _said(store, "airlock", "release", *base, "--role", ANALYST, "--id", made["id"], "--to", str(store.root / "out"))
    assert (store.root / "out" / "june.csv").read_text() == "month,count\nJune,30\n"


def test_rows_are_not_shown_where_no_screen_is(store):
    """`--look` into a pipe or a file is refused."""
    words = [
        "sql",
        "example-icb",
        "--store",
        str(store.store),
        "--activity",
        PLANNING,
        "--role",
        ANALYST,
        "--look",
        "x",
    ]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, Refused)


def test_a_statement_or_a_look_but_not_both(store):
    """Neither, or a file that is not there: a sentence."""
    words = ["sql", "example-icb", "--store", str(store.store), "--activity", PLANNING, "--role", ANALYST]
    assert isinstance(CliRunner().invoke(app, words).exception, WrongUsage)
    missing = [*words, "--file", str(store.root / "none.sql")]
    assert isinstance(CliRunner().invoke(app, missing).exception, DoesNotHold)


def test_an_extract_says_what_was_done(tmp_path):
    """`--json` is the report; the folder has extract, report and the record of the intruder test."""
    table = tmp_path / "people.csv"
    lines = [f"{20 + n % 3},{'FM'[n % 2]},{'AB'[n % 5 == 0]}" for n in range(200)]
    table.write_text("\n".join(["age,sex,state", *lines]) + "\n")
    words = ["extract", str(table), "--quasi", "age,sex", "--sensitive", "state", "--to", str(tmp_path / "o"), "--json"]
    ended = CliRunner().invoke(app, words, catch_exceptions=False)
    assert ended.exit_code == 0
    assert json.loads(ended.output)["reached"]["k"] >= 5
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "extract.csv",
        "intruder-test.md",
        "report.json",
    ]
