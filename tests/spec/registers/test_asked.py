"""What the old notices answer when they are asked today: refusals with a reason, a day and a way out."""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caldicott.policy.decide import decide
from caldicott.policy.decision import Refusal, Request
from caldicott.register.parse import load
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from caldicott.register.model import Register

REGISTERS = Path(__file__).parents[3] / "registers"
IN_FORCE = {"leeds-2018": date(2018, 2, 1), "oxfordshire-2016": date(2016, 12, 1), "dorset-2018": date(2018, 7, 1)}
INVOICES = Request(role="ceff_officer", activity="invoice-validation", dataset="invoice-backing", format="identifiable")


@cache
def register(name: str) -> Register:
    return load(REGISTERS / name)


def codes(name: str, request: Request, at: date) -> set[str]:
    """The reasons of a refusal on that day."""
    answer = decide(request, register(name), at)
    assert isinstance(answer, Refusal)
    assert answer.next_step
    return {reason.code for reason in answer.reasons}


@pytest.mark.parametrize("name", IN_FORCE)
def test_an_old_notice_permits_nothing(name):
    """A legacy register is published and not run: every role is refused everything, and told why."""
    for activity in register(name).activities:
        for role, used, fmt in product(Role, activity.datasets or (), DataFormat):
            request = Request(role=role, activity=activity.id, dataset=used.dataset, format=fmt)
            assert "activity-incomplete" in codes(name, request, IN_FORCE[name])


@pytest.mark.parametrize("name", IN_FORCE)
def test_nothing_but_the_gaps_stands_in_the_way(name):
    """On a day of its notice, what refuses the finance officer is what the notice leaves out and nothing else."""
    assert codes(name, INVOICES, IN_FORCE[name]) == {"activity-incomplete"}


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2018, 5, 24), {"activity-incomplete", "activity-not-yet", "notice-not-published"}),
        (date(2018, 5, 25), {"activity-incomplete"}),
        (date(2018, 9, 30), {"activity-incomplete"}),
        (date(2018, 10, 1), {"activity-incomplete"}),
        (date(2022, 6, 30), {"activity-incomplete"}),
        (date(2022, 7, 1), {"activity-incomplete", "controller-ended"}),
        (date(2027, 9, 30), {"activity-incomplete", "controller-ended"}),
        (date(2027, 10, 1), {"activity-incomplete", "controller-ended", "instrument-lapsed"}),
    ],
)
def test_dorset_invoices_through_the_years(on, expected):
    """The approval was extended after the notice's date; the CCG ended in 2022; the approval ends in 2027."""
    assert codes("dorset-2018", INVOICES, on) == expected


def test_the_approval_as_the_notice_knew_it_lapses_the_day_after():
    """With no more than the notice states, checking invoices is refused from 1 October 2018."""
    held = register("dorset-2018")
    approval = held.instrument("cag-7-07")
    assert approval is not None
    known = approval.model_copy(update={"history": tuple(event for event in approval.history if event.recorded)})
    others = tuple(one for one in held.instruments if one.id != approval.id)
    then = held.model_copy(update={"instruments": (*others, known)})
    for on, lapsed in ((date(2018, 9, 30), False), (date(2018, 10, 1), True)):
        answer = decide(INVOICES, then, on)
        assert isinstance(answer, Refusal)
        assert ("instrument-lapsed" in {reason.code for reason in answer.reasons}) is lapsed


def test_dorset_risk_stratification_is_not_in_use():
    """Published and inactive: refused for that, before anything else."""
    request = Request(role="gp", activity="risk-stratification", dataset="risk-scores", format="identifiable")
    answer = decide(request, register("dorset-2018"), IN_FORCE["dorset-2018"])
    assert isinstance(answer, Refusal)
    assert answer.reasons[0].code == "activity-inactive"


def test_the_analyst_is_refused_the_person():
    """Leeds' analyst may have coded records; asked for identifiable ones, the ceiling stands in the way too."""
    request = Request(
        role="commissioning_analyst", activity="commissioning-planning", dataset="sus-apc", format="identifiable"
    )
    assert "above-ceiling" in codes("leeds-2018", request, IN_FORCE["leeds-2018"])


def test_only_oxfordshire_shuts_out_the_care_team():
    """The care team has a rule for risk scores in Leeds and none in Oxfordshire."""
    request = Request(
        role="care_team",
        activity="risk-stratification",
        dataset="risk-scores",
        format="identifiable",
        relationship="own_practice",
    )
    assert "role-without-access" in codes("oxfordshire-2016", request, IN_FORCE["oxfordshire-2016"])
    assert "role-without-access" not in codes("leeds-2018", request, IN_FORCE["leeds-2018"])
