"""Scores after the approval has ended, and codes that are guessed: ten thousand at once, and one by one.

Every verb for every role, place and lapse is crossed in attack/commands.
"""

from __future__ import annotations

import json
import sys
import tomllib
from datetime import timedelta

import pytest

from caldicott import bootstrap
from caldicott.audit.entry import Outcome
from caldicott.cli.app import main
from caldicott.operations.reidentify import FOREIGN_MOST, reidentify
from caldicott.operations.reidentify_throttle import enter
from caldicott.register import parse
from caldicott.vocabulary.errors import Refused
from risk_ward import GP, Reader, copied, looked_up, scored, tokens_by_number
from stage import RISK

EXAMPLE = parse.resolve("example-icb", parse.bundled_roots())
DOCUMENTS = {
    one["id"]: one for one in tomllib.loads((EXAMPLE / "instruments.toml").read_text(encoding="utf-8"))["instrument"]
}
LAPSE_ON = max(step["valid_until"] for step in DOCUMENTS["cag-7-04"]["history"]) + timedelta(days=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("verbs"), example_icb)


@pytest.fixture
def run(store, monkeypatch, capsys):
    """Run one command on a day; its exit code, and what it printed."""
    monkeypatch.setattr(bootstrap.Path, "home", lambda: store.root / "home")
    for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(day, *words):
        monkeypatch.setattr(bootstrap, "today", lambda: day)
        monkeypatch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run


def test_after_the_approval_has_ended_nothing_is_scored(run, store, tmp_path):
    """The run itself is refused, and the scores stay as they were."""
    ward = copied(store, tmp_path)
    before = {name: one for name, one in ward.files().items() if name.startswith("marts")}
    code, said = run(LAPSE_ON, "run", "example-icb", "--store", tmp_path / "store", "--activity", RISK)
    assert (code, "cag-7-04" in said) == (3, True)
    assert before
    assert {name: one for name, one in ward.files().items() if name.startswith("marts")} == before


def test_ten_thousand_codes_at_once_are_refused_recorded_and_told(store, tmp_path):
    """By the command line's own verb: nobody is shown, one alert, and the reader sees nothing more that day."""
    ward = copied(store, tmp_path)
    mine = [*tokens_by_number(ward).values()]
    guessed = [f"R{place:017d}" for place in range(10_000 - len(mine))]
    with pytest.raises(Refused) as found:
        looked_up(ward, [*mine, *guessed], Reader("gp", "Z80001", "dr-many"))
    assert found.value.code == "enumeration"
    alert, refusal = ward.entries()[-2:]
    assert (alert.event, alert.actor, alert.counts["tokens"]) == ("alert", "dr-many", 10_000)
    assert (refusal.event, refusal.outcome) == ("reidentify", Outcome.REFUSAL)
    with pytest.raises(Refused):
        looked_up(ward, mine[:1], Reader("gp", "Z80001", "dr-many"))
    assert looked_up(ward, mine[:1], GP).persons


def test_codes_tried_one_by_one_are_refused_and_each_is_recorded(store, tmp_path):
    """However slowly: after twenty the reader is stopped for the day; every one of them stands in the trail."""
    ward = copied(store, tmp_path)
    slow = Reader("gp", "Z80001", "dr-slow")
    tries = 100
    codes = []
    with ward.house() as house:
        for place in range(tries):
            with pytest.raises(Refused) as found:
                reidentify(house, reader=slow, activity=RISK, tokens=[f"R{place:017d}"], purpose="direct-care")
            codes.append(found.value.code)
    assert codes == ["not-own-practice"] * FOREIGN_MOST + ["enumeration"] * (tries - FOREIGN_MOST)
    mine = [one for one in ward.entries() if one.actor == "dr-slow"]
    with ward.house() as house:
        enter(house)
    mine = [one for one in ward.entries() if one.actor == "dr-slow"]
    assert sum(one.counts.get("turned away", 1) for one in mine if one.event == "reidentify") == tries
    assert sum(one.event == "alert" for one in mine) == 1
    assert json.loads(json.dumps(mine[-1].as_record()))["reasons"] == ["enumeration"]
