"""Public counts with noise: out of the register's budget, which never comes back; who looks learns of nobody."""

from __future__ import annotations

import builtins
import csv
import importlib
import io
import json
import math
import statistics
from dataclasses import replace

import pytest

from caldicott.analytics.question import question
from caldicott.analytics.reading import read
from caldicott.operations import indicators_noise
from caldicott.operations.indicators_noise import COUNTS, RECEIPT, audience, noise, with_noise
from caldicott.register.diff import diff
from caldicott.stores import ledger
from caldicott.vocabulary.errors import Refused, WrongUsage
from stage import PLANNING

PEOPLE = """
id = "attending"
version = 1
title = "People who attend"
definition = "People."
citation = "us"
status = "remembered"
figure = "people"
dataset = "sus-ec"
dimensions = ["provider", "practice", "network", "sex", "age_group", "month"]
by = ["sex"]
"""


def with_budget(stage, epsilon):
    """The same store under a register that names a budget."""
    entry = stage.register.activity(PLANNING)
    control = entry.disclosure_control.model_copy(update={"public_epsilon": epsilon})
    changed = entry.model_copy(update={"disclosure_control": control})
    activities = tuple(changed if one.id == PLANNING else one for one in stage.register.activities)
    return replace(stage, register=stage.register.model_copy(update={"activities": activities}))


@pytest.fixture
def told(stage, monkeypatch):
    """Asks under a budget of 1.0; the noise of these tests is one person more in every group."""
    monkeypatch.setattr(indicators_noise, "noise", lambda counts, _epsilon: [count + 1 for count in counts])

    def ask(*by, epsilon=0.5, budget=1.0, role="commissioning_analyst", filters=(), text=PEOPLE, to=None):
        with with_budget(stage, budget).house() as house:
            asked = question(read(text, "attending.toml"), by, filters)
            return with_noise(house, asked, epsilon=epsilon, activity=PLANNING, role=role, to=to)

    return ask


def counts(found):
    rows = list(csv.reader(io.StringIO(found.files[COUNTS])))[1:]
    return {tuple(row[:-1]): int(row[-1]) for row in rows}


def test_every_group_of_the_register_is_told_and_none_that_only_rows_have(told, stage):
    """A practice where nobody attended has a count like the others; which groups there are tells of no row."""
    found = counts(told("practice"))
    assert set(found) == {(one.ods,) for one in stage.register.controller.member_practices}
    assert found["Z80021",] == 61
    assert min(found.values()) == 1


def test_the_budget_goes_down_and_the_same_table_costs_nothing(told):
    """Two halves of the budget; the first asked again is the stored bytes; a third table is refused for good."""
    first = told("practice")
    assert (first.spent, first.budget) == (0.5, 1.0)
    assert told("practice").files == first.files
    assert told("sex").spent == 1.0
    with pytest.raises(Refused) as refused:
        told("network", epsilon=0.001)
    assert refused.value.code == "noise-budget-spent"
    assert told("practice").files == first.files


def test_small_parts_of_the_budget_add_up_exactly(told):
    """Ten tenths are the whole budget and no more: budgets are added in millionths."""
    for number in range(10):
        told("sex", epsilon=0.1 + number / 1_000_000, budget=1.000045)
    with pytest.raises(Refused):
        told("practice", epsilon=0.000001, budget=1.000045)


def test_without_a_budget_in_the_register_nothing_is_told(told):
    """Nobody decided on a budget: refused, and the ledger of noise stays empty."""
    with pytest.raises(Refused) as refused:
        told("practice", budget=None)
    assert refused.value.code == "noise-no-budget"


@pytest.mark.parametrize("role", ["public", "researcher", "processor_staff"])
def test_who_may_not_release_is_refused(told, stage, role):
    """To see counts is not to publish them; the refusal is in the trail."""
    with pytest.raises(Refused):
        told("practice", role=role)
    assert any(one.outcome.value == "refusal" for one in stage.entries())


@pytest.mark.parametrize(("by", "change"), [
    (("provider",), {}), (("month",), {}), ((), {}), (("sex",), {"filters": [("practice", "Z80001")]}),
    (("sex",), {"text": PEOPLE.replace('"people"', '"events"')}), (("sex",), {"epsilon": 0}),
    (("sex",), {"epsilon": float("inf")}), (("sex",), {"epsilon": float("nan")}),
])  # fmt: skip
def test_what_one_person_could_change_by_more_than_one_is_not_told(told, by, change):
    """Events, months and providers: one person may be in several. No noise is made for them."""
    with pytest.raises(WrongUsage):
        told(*by, **change)


def test_it_is_in_the_trail_and_on_the_disk_with_its_receipt(told, stage, tmp_path):
    """How much was spent, by whom, with the certificate; and never a true count."""
    found = told("sex", to=tmp_path / "out")
    entry = next(one for one in stage.entries() if one.event == "noise")
    assert {"epsilon:0.5", found.certificate, "attending@1"} <= set(entry.references)
    assert json.loads((tmp_path / "out" / RECEIPT).read_text())["epsilon"] == 0.5
    with stage.house() as house, ledger.held_in(house.store, audience(PLANNING), today=stage.today) as memory:
        kept = memory.releases()
    assert [one.tables for one in kept] == [()]


def test_an_export_still_leaves_beside_it(told, stage):
    """The gate reads every ledger of the store; that of noise does not stop it."""
    told("sex")
    stage.export("public", "out")
    assert (stage.root / "out" / "commissioning-mart.csv").exists()


def test_a_larger_budget_is_a_change_that_widens(stage):
    """What the public reads about changes of the register says so."""
    before, after = stage.register, with_budget(stage, 2.0).register
    found = [one for one in diff(before, after) if one.kind == "noise"]
    assert [one.effect for one in found] == ["widens"]
    assert [one.effect for one in diff(after, before) if one.kind == "noise"] == ["narrows"]


def test_without_opendp_it_is_a_sentence(monkeypatch):
    """It names what to install."""
    real = importlib.import_module

    def missing(name, *rest):
        if name.startswith("opendp"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert builtins.__import__ is not missing
    with pytest.raises(WrongUsage) as told_:
        noise([1], 0.5)
    assert told_.value.code == "opendp-missing"
    assert "caldicott[dp]" in told_.value.next_step


def test_the_noise_is_as_large_as_epsilon_says():
    """Discrete Laplace by OpenDP: the mean deviation of that law, centred on the truth, whole numbers."""
    pytest.importorskip("opendp")
    for epsilon in (0.2, 1.0):
        drawn = noise([100] * 20_000, epsilon)
        deviation = statistics.mean(abs(one - 100) for one in drawn)
        ratio = math.exp(-epsilon)
        assert deviation == pytest.approx(2 * ratio / (1 - ratio**2), rel=0.06)
        assert abs(statistics.mean(drawn) - 100) < 0.2 / epsilon


def test_one_person_more_changes_how_likely_each_answer_is_by_no_more_than_epsilon_says():
    """Two worlds, n and n + 1 people: no answer that is seen often is more than e to the epsilon as likely in one."""
    pytest.importorskip("opendp")
    epsilon, times = 1.0, 60_000
    worlds = [noise([count] * times, epsilon) for count in (10, 11)]
    for value in range(8, 14):
        here, there = (world.count(value) / times for world in worlds)
        assert max(here / there, there / here) < 2.718281828 * 1.15
