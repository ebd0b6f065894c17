"""`caldicott indicator` and `caldicott.analyst`, as somebody uses them: exit codes, files, no traceback."""

from __future__ import annotations

import json
import re
import sys

import pytest
from tests.spec.indicators.conftest import *  # noqa: F403  the store that is counted by hand
from typer.testing import CliRunner

from caldicott import analyst, bootstrap
from caldicott.cli.indicator import app
from caldicott.vocabulary.errors import CaldicottError, Refused, WrongUsage


@pytest.fixture
def called(stage, monkeypatch):
    """The command on a copy of the store, on the day of the stage, with the stage's home."""
    monkeypatch.setenv("HOME", str(stage.root / "home"))
    monkeypatch.setattr(bootstrap, "today", lambda: stage.today)
    for name in ("XDG_CONFIG_HOME", "CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)

    def run(*words):
        return CliRunner().invoke(app, [*words])

    return run


def test_the_answer_is_written_as_three_files_and_one_document(called, stage, tmp_path):
    """--to writes CSV, XLSX and JSON; --json prints the same document."""
    where = ("example-icb", "--store", str(stage.store), "--indicator", "ae-four-hours", "--by", "provider,sex")
    found = called("run", *where, "--filter", "network=network-01", "--to", str(tmp_path / "out"), "--json")
    assert found.exit_code == 0, found.output
    printed = json.loads(found.output)
    assert printed == json.loads((tmp_path / "out" / "ae-four-hours.json").read_text())
    assert printed["filters"] == {"network": "network-01"}
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".json", ".xlsx"]
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_a_person_reads_a_table_with_its_rule(called, stage):
    """The marker, the rounding and the rule stand below the table."""
    found = called("run", "example-icb", "--store", str(stage.store), "--indicator", "ae-four-hours")
    assert "RZ1" in found.output
    assert "rounded to 5; * stands for what is withheld (rule hes-2018)" in found.output


def test_list_and_show_need_no_store(called):
    """What there is, and what one is: definition, source, whether it was checked."""
    listed = json.loads(called("list", "--json").output)["indicators"]
    assert "falls-pathway" in {one["id"] for one in listed}
    shown = called("show", "--indicator", "readmission-30-days").output
    assert "within 30 days" in shown
    assert "remembered" in shown


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("--indicator", "ae-four-ours"), WrongUsage, "nearest is ae-four-hours"),
        (("--indicator", "ae-four-hours", "--by", "postcode"), WrongUsage, "use one of"),
        (("--indicator", "ae-four-hours", "--filter", "provider"), WrongUsage, "NAME=VALUE|name and a value"),
        (("--indicator", "ae-four-hours", "--folder", "/nowhere"), WrongUsage, "no such folder"),
        (("--indicator", "ae-four-hours", "--role", "gp"), Refused, "."),
        (("--indicator", "ae-four-hours", "--activity", "research"), CaldicottError, "."),
    ],
)
def test_what_is_asked_wrongly_ends_in_one_sentence(called, stage, words, error, says):
    """Each fault is one of ours, with its exit code: never a traceback of the program."""
    found = called("run", "example-icb", "--store", str(stage.store), *words)
    assert isinstance(found.exception, error)
    assert re.search(says, str(found.exception))


def test_python_gets_the_same_as_arrow_with_nulls_for_what_is_withheld(called, stage):
    """The desk asks the same question through the same gate; a marker is a null, and a column says so."""
    with analyst.open("example-icb", store=stage.store) as desk:
        found = desk.indicator("ae-four-hours", by=["provider"]).table
        counted = analyst.table(desk, "sus-ec", measure="events", by=["provider"])
    assert found.column("provider").to_pylist() == ["RZ1", "RZ2", "RZ9"]
    assert found.column("part").to_pylist() == [50, 30, None]
    assert found.column("withheld").to_pylist() == [False, False, True]
    assert counted.column("events").to_pylist() == [60, 60, None]


def test_without_pandas_the_desk_says_so(called, stage, monkeypatch):
    """Arrow is always there; pandas is not asked for until somebody wants it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with analyst.open("example-icb", store=stage.store) as desk:
        found = desk.table("sus-ec", measure="people")
        with pytest.raises(WrongUsage, match="pandas is not installed"):
            found.frame()


@pytest.mark.parametrize(("dataset", "measure"), [("sus-xx", "people"), ("community", "cost")])
def test_the_table_builder_names_what_it_has(called, stage, dataset, measure):
    with analyst.open("example-icb", store=stage.store) as desk, pytest.raises(WrongUsage, match="one of"):
        desk.table(dataset, measure=measure)
