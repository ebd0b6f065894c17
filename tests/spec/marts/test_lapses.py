"""A lapsed document stops the work by itself: land, run and export each refuse from the day after its last."""

from __future__ import annotations

from datetime import date

import pytest

import people
from caldicott.vocabulary.errors import Refused
from stage import PLANNING, RISK, Stage, episode

CROWD = people.invented(3)[1:]


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    """A store with marts of both activities."""
    stage = Stage(tmp_path_factory.mktemp("lapses"), example_icb)
    stage.send("ncdr-sus-apc", [episode(person, f"r{i}") for i, person in enumerate(CROWD)])
    stage.answer(CROWD)
    stage.land()
    stage.run()
    stage.run(RISK)
    return stage


@pytest.fixture
def on(world):
    """The same store on another day."""

    def travel(day):
        world.today = day
        return world

    start = world.today
    yield travel
    world.today = start


@pytest.mark.parametrize(("day", "activity", "document"), [
    (date(2027, 4, 1), PLANNING, "training"),
    (date(2029, 4, 1), PLANNING, "DARS-EXAMPLE-0001"),
    (date(2027, 10, 1), RISK, "CAG 7-04"),
    (date(2029, 4, 1), RISK, "gp-sharing-agreement"),
])  # fmt: skip
def test_a_run_stops(on, day, activity, document):
    """The run is refused, the refusal names the document and a next step, and the marts stay as they were."""
    stage = on(day)
    files = stage.files()
    with pytest.raises(Refused) as refusal:
        stage.run(activity)
    assert document in refusal.value.what
    assert refusal.value.next_step
    assert stage.files() == files


@pytest.mark.parametrize(("day", "document"), [(date(2027, 4, 1), "training"), (date(2029, 4, 1), "DARS-EXAMPLE-0001")])
def test_an_export_stops(on, day, document):
    """What was made while the document held is not given out after it."""
    with pytest.raises(Refused) as refusal:
        on(day).export("commissioning_analyst", "lapsed")
    assert document in refusal.value.what
    assert not (on(day).root / "lapsed").exists()


def test_the_lapse_of_one_activity_s_approval_leaves_the_other_running(on):
    """When section 251 support ends on 30 September 2027, risk stratification stops on its own account."""
    stage = on(date(2027, 3, 31))
    assert stage.run(RISK).refused == ""
    assert stage.run(PLANNING).refused == ""


def test_status_says_what_may_not_run(world, on):
    """An activity that waits for a run and may not have it is listed with the reason."""
    stage = on(date(2029, 4, 1))
    fresh = Stage(stage.root / "fresh", stage.register)
    fresh.send("ncdr-sus-apc", [episode(CROWD[0], "r")])
    fresh.land()
    fresh.today = date(2029, 4, 1)
    states = {entry["activity"]: entry["state"] for entry in fresh.status()["due"]}
    assert states == {PLANNING: "refused: instrument-lapsed", RISK: "refused: instrument-lapsed"}
