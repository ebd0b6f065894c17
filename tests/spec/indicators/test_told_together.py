"""What is told of the same people is judged together, whichever dataset it was asked of."""

from __future__ import annotations

import pytest
from tests.spec.indicators.conftest import attendance

import people
from caldicott.analytics import tables
from caldicott.analytics.question import question
from caldicott.analytics.reading import read
from caldicott.operations import indicators, protect_told
from caldicott.operations.indicators import analyse
from caldicott.operations.indicators_budget import component
from caldicott.operations.indicators_library import indicator
from caldicott.operations.protect_told import remembered
from caldicott.stores import ledger
from stage import PLANNING

OWN = """
id = "mine"
version = 1
title = "Mine"
definition = "People."
citation = "us"
status = "remembered"
figure = "people"
dataset = "{dataset}"
{more}
dimensions = ["provider", "practice", "network", "sex"]
by = ["practice"]
"""
RATE = 'denominator = {dataset = "sus-apc"}\nper = 100\ncounts = "people"'


def own(dataset, more="", figure="people"):
    return read(OWN.format(dataset=dataset, more=more).replace('"people"', f'"{figure}"', 1), "mine.toml")


def entries(stage, dataset):
    with stage.house() as house, ledger.held_in(house.store, component(dataset, PLANNING), today=stage.today) as kept:
        return [one.request for one in kept.releases()]


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("activity-emergency", ("sus-ec",)), ("acsc-admissions", ("sus-apc", "gp-patients")),
        ("condition-prevalence", ("gp-patients",)), ("falls-pathway", ("community", "sus-ec")),
    ],
)  # fmt: skip
def test_of_whose_people_an_indicator_tells(name, together):
    """A share of registered people tells of both; GP records are of the registered; a link is of both it joins."""
    assert tables.populations(question(indicator(name), None, [])) == together


def test_records_of_one_kind_are_of_the_same_people_however_they_are_asked_for():
    """Observations asked for without saying whose they are share the memory of the registered all the same."""
    assert tables.populations(question(own("gp-observations"), ["practice"], [])) == ("gp-patients",)


@pytest.mark.parametrize(
    ("by", "only", "several"),
    [
        (["practice", "sex"], [], ()), (["provider", "sex"], [], ("provider",)),
        (["provider", "sex"], [("provider", "RZ1")], ()),
    ],
)  # fmt: skip
def test_the_gate_knows_where_one_person_is_counted_more_than_once(stage, by, only, several):
    """A person has one practice, and may have come to two providers; of one provider each is counted once."""
    asked = question(own("sus-ec"), by, only)
    with stage.house() as house:
        analyse(house, asked)
    with stage.house() as house, ledger.held_in(house.store, component("sus-ec", PLANNING), today=stage.today) as kept:
        assert {one.several for release in kept.releases() for one in release.tables} == {several}


def test_the_gate_knows_which_tables_are_of_the_same_records():
    """Everybody of the two is the same; those who left within four hours, and everybody at another door, are others."""
    asked = [question(indicator(name), ["practice"], []) for name in ("ae-four-hours", "ae-time-in-department")]
    others = [question(indicator("activity-emergency"), ["practice"], [])]
    of = {
        (each.indicator.id, name): one.of
        for each in asked + others
        for name, one in tables.tables(each, dict.fromkeys((tables.WHOLE, tables.BANDS), ()))
    }
    whole = of["ae-four-hours", tables.WHOLE]
    assert whole == of["ae-time-in-department", tables.WHOLE]
    assert whole not in {of["ae-four-hours", tables.PART], of["activity-emergency", tables.WHOLE]}
    assert {one.partition(":")[0] for one in of.values()} == {"sus-ec"}


def test_what_tells_of_two_is_remembered_with_both(stage):
    """People in hospital as a share of those at A&E: later questions of either are judged with it."""
    with stage.house() as house:
        analyse(house, question(own("sus-ec", RATE, "rate"), ["practice"], []))
    assert entries(stage, "sus-ec") == entries(stage, "sus-apc") != []
    with stage.house() as house, remembered(house, component("sus-apc", PLANNING)) as memory:
        assert next(one.name for release in memory.releases() for one in release.tables).startswith("mine-")


def test_an_answer_that_was_cut_off_is_remembered_with_both_when_asked_again(stage, monkeypatch):
    """Killed between the two memories nobody had the answer; asked again it is the stored one, and both know it."""
    asked = question(own("sus-ec", RATE, "rate"), ["practice"], [])

    def killed(_self, _release):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(protect_told.Memory, "everywhere", killed)
        with pytest.raises(KeyboardInterrupt), stage.house() as house:
            analyse(house, asked)
    assert entries(stage, "sus-apc") == []
    with stage.house() as house:
        analyse(house, asked)
        analyse(house, asked)
    assert len(entries(stage, "sus-ec")) == len(entries(stage, "sus-apc")) == 1


def test_practices_of_no_network_and_those_told_as_such_are_the_same_people(stage):
    """Three of a practice in no network are withheld; so is `network unknown`, which would be these and no others."""
    crowd = people.invented(121)[:30]
    rows = [
        attendance(one, f"x{n}", "2025-08-01", provider="RZ3", minutes=60, practice=f"V8199{7 if n < 3 else 8}")
        for n, one in enumerate(crowd)
    ]
    stage.send("ncdr-sus-ec", rows)
    stage.land()
    stage.run()
    with stage.house() as house:
        by_practice = analyse(house, question(own("sus-ec"), ["practice"], []))
        by_network = analyse(house, question(own("sus-ec"), ["network"], []))
        both = analyse(house, question(own("sus-ec"), ["practice", "network"], []))
    told = {row[0]: row[1] for row in by_practice.answer.rows}
    assert told["V81997"] == "*"
    assert "network unknown" in {row[0] for row in by_network.answer.rows}
    assert {row[1] for row in both.answer.rows if row[0].startswith("V")} == {"network unknown"}


def test_the_gate_is_told_who_is_in_no_network(stage, monkeypatch):
    """Values of an earlier table count: what is asked now need not name the practice again."""
    seen = []
    real = indicators.judged

    def watched(asked, rule, **more):
        seen.append(more["joined"])
        return real(asked, rule, **more)

    monkeypatch.setattr(indicators, "judged", watched)
    register = stage.register
    members = tuple(one for one in register.controller.member_practices if one.ods != "Z80021")
    controller = register.controller.model_copy(update={"member_practices": members})
    stage.register = register.model_copy(update={"controller": controller})
    with stage.house() as house:
        analyse(house, question(own("sus-ec"), ["practice"], []))
        analyse(house, question(own("sus-ec"), ["network"], []))
    assert seen[1].parents["practice"]["Z80021"] == "network unknown"
