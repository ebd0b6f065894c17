"""Practices lie in networks and in places; what is told of one is judged with what is told of the others."""

from __future__ import annotations

import pytest
from tests.spec.indicators.conftest import attendance

import people
from caldicott.analytics.question import question
from caldicott.analytics.reading import read
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts import disclosure as rules
from caldicott.operations.indicators import analyse
from caldicott.operations.protect import judged
from caldicott.stores import ledger
from stage import Stage, example_register

EXACT = rules.rule("hes-before-2018")
CUTTING = Hierarchies(
    {"practice": {"P1": "N1", "P2": "N1", "P3": "N2", "P4": "N2"}},
    {"practice": {"East": ("P1", "P3"), "West": ("P2", "P4")}},
)
PRACTICES = {"P1": 40, "P2": 3, "P3": 50, "P4": 30}


def told(memory, name, counts, hierarchies):
    rows = tuple(Row((value,), line, count) for line, (value, count) in enumerate(counts.items(), 2))
    files = judged([CountTable(name, ("practice",), rows)], EXACT, hierarchies=hierarchies, memory=memory).files
    return dict(line.split(",") for line in files[name].splitlines()[1:])


@pytest.mark.parametrize("coarse", [{"N1": 43, "N2": 80}, {"West": 33, "East": 90}])
def test_the_group_in_which_a_withheld_practice_lies_is_withheld(tmp_path, coarse):
    """33 of the west less 30 of one practice would be the 3 of the other; so with a network."""
    with ledger.held(tmp_path / "memory") as memory:
        assert told(memory, "one", PRACTICES, CUTTING)["P2"] == "*"
        second = told(memory, "two", coarse, CUTTING)
    assert second[next(iter(coarse))] == "*"
    assert second[list(coarse)[1]] == str(coarse[list(coarse)[1]])


def test_networks_and_places_that_cut_across_each_other_are_one_system(tmp_path):
    """Told by network, then by place, then by practice: no practice of three can be worked out."""
    with ledger.held(tmp_path / "memory") as memory:
        networks = told(memory, "one", {"N1": 43, "N2": 80}, CUTTING)
        places = told(memory, "two", {"East": 90, "West": 33}, CUTTING)
        practices = told(memory, "three", PRACTICES, CUTTING)
    assert (networks["N1"], places["West"], practices["P2"]) == ("43", "33", "*")
    # N1 and the west are out: of P2's neighbours in both, neither may be told.
    assert practices["P1"] == practices["P4"] == "*"


@pytest.fixture
def stage(tmp_path):
    """Two practices in one place and another in a second; of one practice only three people attend."""
    register = example_register()
    controller = register.controller
    members = tuple(
        replace_localities(one, ("network-x", "east" if one.ods in {"Z80001", "Z80002"} else "west"))
        for one in controller.member_practices
    )
    stage = Stage(
        tmp_path,
        register.model_copy(update={"controller": controller.model_copy(update={"member_practices": members})}),
    )
    crowd = people.invented(94)[1:]
    practices = ["Z80001"] * 40 + ["Z80002"] * 3 + ["Z80021"] * 50
    stage.send("ncdr-sus-ec", [
        attendance(one, f"e{place}", "2025-06-01", provider="RZ1", minutes=30, practice=practice)
        for place, (one, practice) in enumerate(zip(crowd, practices, strict=True))
    ])  # fmt: skip
    stage.answer(crowd)
    stage.land()
    stage.run()
    return stage


def replace_localities(member, localities):
    return member.model_copy(update={"localities": localities})


PEOPLE = """
id = "mine"
version = 1
title = "Mine"
definition = "People."
citation = "us"
status = "remembered"
figure = "people"
dataset = "sus-ec"
dimensions = ["practice", "network", "place", "sex"]
by = ["practice"]
"""


def test_the_gate_of_a_store_knows_which_practice_lies_in_which_place(stage, monkeypatch):
    """Under the exact rule: people by practice, then by place. 43 of the east less 40 would be the three."""
    monkeypatch.setattr("caldicott.operations.indicators.DEFAULT_RULE", "hes-before-2018")
    monkeypatch.setattr(rules, "rule", lambda _name: EXACT)
    with stage.house() as house:
        by_practice = analyse(house, question(read(PEOPLE, "mine.toml"), ["practice"], []))
        by_place = analyse(house, question(read(PEOPLE, "mine.toml"), ["place"], []))
    practices, places = ({row[0]: row[1] for row in one.answer.rows} for one in (by_practice, by_place))
    assert (practices["Z80001"], practices["Z80002"]) == (40, "*")
    assert places["east"] == "*"


def test_what_is_asked_without_the_dimension_is_judged_with_it_all_the_same(stage, monkeypatch):
    """By practice and by place first, then by sex: the joint system still knows which practice lies where."""
    seen = []
    real = judged

    def watched(tables, rule, *, hierarchies, memory, **more):
        seen.append(hierarchies)
        return real(tables, rule, hierarchies=hierarchies, memory=memory, **more)

    monkeypatch.setattr("caldicott.operations.indicators.judged", watched)
    with stage.house() as house:
        analyse(house, question(read(PEOPLE, "mine.toml"), ["sex"], []))
    assert seen[0].groups["practice"]["east"] == ("Z80001", "Z80002")
    assert seen[0].parents["practice"]["Z80021"] == "network-x"
