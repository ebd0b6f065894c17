"""A store with people whose attendances are counted by hand, made once and never changed by a test."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

import people
from caldicott.analytics.question import question
from caldicott.operations.indicators import analyse
from caldicott.operations.indicators_library import indicator
from stage import Stage, example_register

TWENTY_FOUR = range(24)


def attendance(person, record, on, *, provider, minutes, category="1", **changes):
    """A row of emergency care."""
    row = people.row("ncdr-sus-ec", person, record, on)
    named = {
        "provider": provider, "minutes_in_department": str(minutes), "attendance_category": category,
        "arrived_on": on, "departed_on": on, "sex": "1", "cost": "100.00", "department_type": "01", **changes,
    }  # fmt: skip
    return row | {_column("ncdr-sus-ec", name): value for name, value in named.items()}


def stay(person, record, admitted, discharged, *, method="21", alive="1", last="1", **changes):
    """A row of admitted patient care that ends a stay."""
    named = {
        "admitted_on": admitted, "discharged_on": discharged, "episode_started_on": admitted,
        "episode_ended_on": discharged, "admission_method": method, "discharge_method": alive,
        "last_episode_in_spell": last, "practice": "Z80001", "sex": "2", **changes,
    }  # fmt: skip
    row = people.apc(person, record, admitted)
    return row | {_column("ncdr-sus-apc", name): value for name, value in named.items()}


def ask(stage, name, by=None, *filters, **more):
    """What an analyst is told who asks for the indicator by these, of those."""
    with stage.house() as house:
        found = indicator(name) if isinstance(name, str) else name
        return analyse(house, question(found, by, filters), **more)


def _column(layout, canonical):
    from caldicott.facts.layout import load

    return next(column.name for column in load(layout).columns if column.canonical == canonical)


@pytest.fixture(scope="session")
def counted(tmp_path_factory):
    """120 people attend: RZ1 has 60, of whom 48 leave within four hours; RZ2 has 60, of whom 30 do.

    Everybody at RZ1 also stays in hospital in June; 24 of them come back as an emergency ten days after they left.
    One more person attends at RZ9, where nobody else does.
    """
    stage = Stage(tmp_path_factory.mktemp("counted"), example_register())
    everybody = people.invented(121)
    attendances = [
        attendance(
            one, f"e{place}", "2025-06-01", provider="RZ1" if place < 60 else "RZ2", minutes=_minutes(place),
            practice="Z80001" if place % 2 else "Z80021",
        )
        for place, one in enumerate(everybody[:120])
    ]  # fmt: skip
    attendances.append(attendance(everybody[120], "e120", "2025-06-01", provider="RZ9", minutes=50, practice="Z80001"))
    stays = [
        stay(one, f"a{place}", "2025-06-02", "2025-06-05", method="11") for place, one in enumerate(everybody[:60])
    ]
    stays += [stay(everybody[place], f"b{place}", "2025-06-15", "2025-06-20") for place in TWENTY_FOUR]
    stage.send("ncdr-sus-ec", attendances)
    stage.send("ncdr-sus-apc", stays)
    stage.answer(everybody)
    stage.land()
    stage.run()
    return stage


def _minutes(place):
    within = place % 5 != 0 if place < 60 else place % 2 == 0
    return 240 if within else 241


@pytest.fixture
def stage(counted, tmp_path):
    """A copy of it for one test."""
    shutil.copytree(counted.root, tmp_path / "copy")
    return replace(counted, root=tmp_path / "copy")
