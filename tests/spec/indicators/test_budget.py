"""What may still be told is seen before it is asked, and at its end nothing new is told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from caldicott.analytics.question import question
from caldicott.operations import indicators
from caldicott.operations.indicators import analyse
from caldicott.operations.indicators_budget import budgets
from caldicott.operations.indicators_files import contents
from caldicott.operations.indicators_library import indicator
from caldicott.vocabulary.errors import Refused
from stage import PLANNING


def ask(stage, *by, name="ae-four-hours"):
    with stage.house() as house:
        return analyse(house, question(indicator(name), by, []))


def left(stage, *datasets):
    with stage.house() as house:
        return {one.dataset: (one.told, one.left) for one in budgets(house, PLANNING, datasets)}


def test_each_new_answer_counts_once(stage):
    """Asked again the stored answer costs nothing; of people who were not asked about all is left."""
    assert left(stage) == {}
    ask(stage, "provider")
    ask(stage, "provider")
    ask(stage, "sex")
    assert left(stage) == {"sus-ec": (2, 198)}
    assert left(stage, "gp-observations") == {"gp-patients": (0, 200)}


def test_at_its_end_only_what_was_told_is_told(stage, monkeypatch):
    """The refusal says why and what to do, and is recorded; the stored answer is still given, byte for byte."""
    first = ask(stage, "provider")
    monkeypatch.setattr(indicators, "at_most", lambda: 1)
    with pytest.raises(Refused) as refused:
        ask(stage, "sex")
    assert refused.value.code == "budget-spent"
    assert "airlock" in refused.value.next_step
    assert contents(ask(stage, "provider"), "csv") == contents(first, "csv")
    assert [one.reasons for one in stage.entries() if one.outcome.value == "failed"] == [("budget-spent",)]


def test_the_command_names_what_is_left(stage, monkeypatch):
    """`caldicott indicator budget --json`: told and left, of whose people."""
    from caldicott import bootstrap
    from caldicott.cli.indicator import app

    ask(stage, "provider")
    monkeypatch.setattr(bootstrap, "load_register", lambda _name: stage.register)
    monkeypatch.setattr(bootstrap, "open_house", lambda _register, _store: stage.house())
    ended = CliRunner().invoke(app, ["budget", "example-icb", "--store", str(stage.store), "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.output) == {
        "activity": PLANNING, "budgets": [{"dataset": "sus-ec", "told": 1, "at_most": 200, "left": 199}],
    }  # fmt: skip
