"""Who is refused a figure is told which coarser one they can have, in words to ask with, if there is one."""

from __future__ import annotations

import re
import shlex

import pytest
from tests.spec.indicators.conftest import ask

from caldicott.analytics.builder import built
from caldicott.analytics.coarser import coarser
from caldicott.analytics.question import question
from caldicott.operations import indicators
from caldicott.operations.indicators_budget import component
from caldicott.operations.indicators_library import indicator
from caldicott.operations.protect_told import remembered
from caldicott.vocabulary.errors import Refused


def told(stage):
    """How many answers of A&E's people are remembered."""
    with stage.house() as house, remembered(house, component("sus-ec", indicators.PLANNING)) as memory:
        return len(memory.releases())


@pytest.fixture
def strict(monkeypatch):
    """The gate as it is, but that it refuses whatever names any of these values."""
    gate = indicators.judged

    def refusing(*starts):
        def judged(tables, *args, **more):
            values = [value for table in tables for row in table.rows for value in row.values]
            if any(value.startswith(starts) for value in values):
                raise Refused("no", code="not-proved-safe", next_step="ask for something else")
            return gate(tables, *args, **more)

        monkeypatch.setattr(indicators, "judged", judged)

    return refusing


def offered(fault):
    """What the refusal says to ask with, as the words of a command."""
    return shlex.split(re.search(r"`(.*)`", fault.next_step)[1])


def test_the_refusal_names_what_can_be_asked_and_asking_that_is_answered(stage, strict):
    """By practice it cannot be told, by network it can: the words are pasted, and there is the answer."""
    strict("Z80")
    with pytest.raises(Refused) as no:
        ask(stage, "activity-emergency", ["practice", "age_band"], ("sex", "1"))
    assert no.value.code == "not-proved-safe"
    words = offered(no.value)
    assert words == ["--indicator", "activity-emergency", "--by", "network,age_group", "--filter", "sex=1"]
    assert "primary care network and age group" in no.value.next_step
    found = ask(stage, words[1], words[3].split(","), tuple(words[5].split("=")))
    assert found.answer.rows


def test_an_offer_is_neither_told_nor_remembered(stage, strict):
    """The ledger is as long after a refusal with an offer as before it, and grows when it is asked for."""
    strict("Z80")
    before = told(stage)
    with pytest.raises(Refused):
        ask(stage, "activity-emergency", ["practice"])
    assert told(stage) == before
    ask(stage, "activity-emergency", ["network"])
    assert told(stage) == before + 1


def test_what_is_offered_was_proved_and_not_guessed(stage, strict):
    """If the larger groups are refused as well, the next is offered; if all are, none, and it says what is left."""
    with stage.house() as house:
        networks = {name for one in house.register.controller.member_practices for name in one.localities[:1]}
    strict("Z80", *networks, "network unknown")
    with pytest.raises(Refused) as no:
        ask(stage, "activity-emergency", ["practice"])
    assert offered(no.value) == ["--indicator", "activity-emergency", "--by", ""]
    strict("")
    with pytest.raises(Refused) as no:
        ask(stage, "activity-emergency", ["practice"])
    assert "`" not in no.value.next_step
    assert "airlock" in no.value.next_step


def test_where_no_answer_is_left_none_is_offered(stage, strict, monkeypatch):
    """An offer that would then be refused for the budget is none."""
    ask(stage, "activity-emergency", ["provider"])
    monkeypatch.setattr(indicators, "at_most", lambda: 1)
    strict("Z80")
    with pytest.raises(Refused) as no:
        ask(stage, "activity-emergency", ["practice"])
    assert "`" not in no.value.next_step


def test_a_table_of_the_builder_is_offered_by_its_dimensions(stage, strict):
    """It has no name on the command line."""
    strict("Z80")
    with pytest.raises(Refused) as no:
        ask(stage, built("sus-ec", "people"), ["practice"])
    assert offered(no.value) == ["--by", "network"]


@pytest.mark.parametrize(("by", "instead"), [
    (["practice"], [("network",), ()]),
    (["provider"], [("contract",), ()]),
    (["sex"], [()]),
    (["network", "practice"], [("place", "network"), ("place",), ()]),
    (["practice", "age_band", "month"], [("network", "age_group", "quarter"), ("network", "age_group"), ()]),
    ([], []),
])  # fmt: skip
def test_what_is_tried_hangs_on_the_question_alone(by, instead):
    """Each dimension one level up, then fewer of them, at last one figure; at most three, for each is proved."""
    assert coarser(question(indicator("activity-emergency"), by)) == instead
