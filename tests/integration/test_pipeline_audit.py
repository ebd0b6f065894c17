"""Every decision and every act is in the audit trail, with the register it was made by and no word of anybody's row."""

from __future__ import annotations

import pytest

import people
from caldicott.audit.entry import Outcome
from caldicott.stores.audit_log import verify
from caldicott.vocabulary.errors import Refused
from stage import PLANNING, RISK, Stage, episode

CROWD = people.invented(4)[1:]


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    """Landings, one of them refused, runs, exports and refused exports."""
    stage = Stage(tmp_path_factory.mktemp("audit"), example_icb)
    stage.send("ncdr-sus-apc", [episode(person, f"r{i}") for i, person in enumerate(CROWD)], name="good")
    stage.send("ncdr-sus-apc", [episode(CROWD[0], "x")], name="purpose", purposes=(PLANNING, "advertising"))
    stage.send("ncdr-sus-apc", [episode(CROWD[0], "x")], name="agreement", agreement="handshake")
    stage.send("ncdr-sus-apc", [episode(CROWD[0], "x")], name="count", declared=7)
    stage.answer(CROWD, name="answer")
    stage.land()
    stage.run()
    stage.run(RISK)
    stage.export("commissioning_analyst", "out")
    for role in ("hr_officer", "patient"):
        with pytest.raises(Refused):
            stage.export(role, "none")
    return stage


def _outcomes(stage, **wanted):
    return [e.outcome for e in stage.entries() if all(getattr(e, name) == value for name, value in wanted.items())]


def test_permits_and_refusals_are_both_there(world):
    """Each question put to the register has its answer in the trail, yes and no alike."""
    assert Outcome.PERMIT in _outcomes(world, event="decision", dataset="sus-apc", activity=PLANNING)
    assert Outcome.PERMIT in _outcomes(world, event="decision", role="commissioning_analyst")
    assert set(_outcomes(world, event="decision", role="hr_officer")) == {Outcome.REFUSAL}
    assert set(_outcomes(world, event="decision", role="patient")) == {Outcome.REFUSAL}
    reasons = {reason for entry in world.entries() if entry.outcome == Outcome.REFUSAL for reason in entry.reasons}
    assert {"unknown-activity", "unknown-agreement"} <= reasons


def test_acts_are_there_with_their_counts(world):
    """What landed, ran and left is there once each, with how many rows; what failed is there with why."""
    done = [(e.event, e.activity, dict(e.counts)) for e in world.entries() if e.outcome == Outcome.DONE]
    assert [event for event, *_rest in done] == ["admit", "admit", "admit", "run", "run", "export"]
    assert [counts["rows"] for event, _activity, counts in done if event == "admit"] == [3, 3, 0]
    failed = [(entry.event, entry.reasons) for entry in world.entries() if entry.outcome == Outcome.FAILED]
    assert failed == [("admit", ("rows-differ",))]


def test_each_entry_names_register_actor_and_controller(world):
    """By which version of the register, by whom, for whom."""
    assert {entry.register_digest for entry in world.entries()} == {world.register.digest}
    assert {entry.actor for entry in world.entries()} == {"tester"}
    assert {entry.organisation for entry in world.entries()} == {"example-icb"}


def test_no_act_comes_before_its_permit(world):
    """Before each act stands the answer that allowed it."""
    permitted = set()
    for entry in world.entries():
        if entry.outcome == Outcome.PERMIT:
            permitted.add(entry.activity)
        if entry.outcome == Outcome.DONE:
            assert entry.activity in permitted


def test_no_value_of_a_row_is_in_the_trail_or_the_catalogue(world):
    """Search the files themselves: no number, name, birth date or postcode of anybody."""
    told = [value.encode() for p in CROWD for value in (p.number, p.family, p.given, p.postcode, p.born)]
    open_files = [*(world.store / "audit").rglob("*"), *world.store.glob("catalogue.sqlite*")]
    for path in open_files:
        if path.is_file():
            content = path.read_bytes()
            assert not [value for value in told if value in content]


def test_no_value_of_a_row_lies_open_anywhere_in_the_store(world):
    """Clear rows, quarantine, person index and vault are sealed: not one number or name can be read from the disk."""
    told = [value.encode() for p in CROWD for value in (p.number, p.family, p.postcode, p.born)]
    for name, content in world.files().items():
        assert not [name for value in told if value in content]


def test_the_trail_verifies(world):
    """Nothing in it was edited, removed or put in another order."""
    assert verify(world.store / "audit").ok
