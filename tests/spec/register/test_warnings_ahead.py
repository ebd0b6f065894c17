"""Before anything lapses, whoever has to act is told: what, by when, and what stops if nothing is done."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest

from caldicott.policy.ahead import warnings_ahead
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.register import parse
from caldicott.register.ahead import deadlines
from caldicott.register.model import InstrumentEvent
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import InstrumentKind

S251_ENDS = date(2027, 9, 30)
TRAINED_UNTIL = date(2027, 3, 31)
ACTIONS = ("see", "land", "link", "release", "decide", "edit", "approve")


@pytest.fixture(scope="module")
def register():
    return parse.load(parse.resolve("example-icb", parse.bundled_roots()))


def _extended(register, *kinds, until=date(2030, 1, 1)):
    """The register with every document of these kinds extended, so that others lapse alone."""
    event = InstrumentEvent(valid_until=until, event="extended")
    made = tuple(
        one.model_copy(update={"history": (*one.history, event)}) if one.kind in kinds else one
        for one in register.instruments
    )
    return register.model_copy(update={"instruments": made})


def _documents(register, at):
    return {one.deadline.id: one for one in warnings_ahead(register, at) if one.deadline.kind == "document"}


@pytest.mark.parametrize(
    ("days_before", "threshold"),
    [(91, None), (90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (1, 7), (0, 7), (-1, None)],
)
def test_the_threshold_reached_is_told(register, days_before, threshold):
    """At 90, 30 and 7 days the warning tightens; on the last day it still stands; once lapsed it is no warning."""
    one = _documents(register, S251_ENDS - timedelta(days=days_before)).get("cag-7-04")
    assert (one.threshold, one.days_left) == (threshold, days_before) if threshold else one is None


def test_who_must_do_what_by_when(register):
    """The approval is the guardian's to extend, the training the data protection officer's; each with the day."""
    (approval,) = [one for one in deadlines(register, date(2027, 9, 1)) if one.id == "cag-7-04"]
    assert approval.next_step == (
        "Caldicott Guardian, the Chief Nurse: obtain an amendment approved on the advice of the Confidentiality "
        "Advisory Group and record it in the history of `cag-7-04`, by 2027-09-30"
    )
    (training,) = [one for one in deadlines(register, date(2027, 3, 1)) if one.id == "training-dscro"]
    assert (training.asked, training.last_day) == ("Data Protection Officer", TRAINED_UNTIL)


def test_kinds_of_deadline(register):
    """Approvals, contracts, agreements, guardian agreements, training, and reviews of flows and activities."""
    warned = {register.instrument(one).kind for one in _documents(register, date(2029, 3, 1))}
    assert warned >= {
        InstrumentKind.CONTRACT,
        InstrumentKind.AGREEMENT,
        InstrumentKind.DARS_DSA,
        InstrumentKind.GUARDIAN_AGREEMENT,
        InstrumentKind.DPIA,
        InstrumentKind.ETHICS,
    }
    reviews = {(one.kind, one.id) for one in deadlines(register, date(2027, 3, 1)) if one.kind.endswith("-review")}
    assert ("flow-review", "commissioning-planning/national-to-dscro") in reviews
    assert ("activity-review", "commissioning-planning") in reviews


def test_what_stops_is_told_in_a_sentence(register):
    """Whoever reads the warning learns which work stops on which day."""
    trained = _extended(register, InstrumentKind.TRAINING)
    warned = _documents(trained, date(2027, 9, 23))
    assert str(warned["cag-7-04"]) == (
        "CAG 7-04(a)/2013, risk stratification (cag-7-04), last day 2027-09-30, 7 days left. From 2027-10-01 this "
        "refuses: risk-stratification. Caldicott Guardian, the Chief Nurse: obtain an amendment approved on the advice "
        "of the Confidentiality Advisory Group and record it in the history of `cag-7-04`, by 2027-09-30."
    )
    assert [stop.activity for stop in warned["cag-7-07"].stops] == ["invoice-validation"]


def test_a_training_record_stops_only_its_role(register):
    """Where others may go on, the activity stops in part, and the warning says for whom."""
    (stop,) = [
        stop
        for stop in _documents(register, date(2027, 3, 24))["training-dscro"].stops
        if stop.activity == "commissioning-planning"
    ]
    assert (stop.on, stop.is_whole, stop.roles) == (date(2027, 4, 1), False, ("dscro_operator",))
    assert "sus-apc" in stop.datasets


def test_one_guardian_agreement_stops_one_practice_only(register):
    """When one practice's guardian no longer agrees, the federation loses that practice and no other."""
    history = (InstrumentEvent(valid_until=S251_ENDS, event="shortened"),)
    made = tuple(
        one.model_copy(update={"history": history}) if one.id == "guardian-agreement-z80002" else one
        for one in _extended(register, InstrumentKind.S251_APPROVAL, InstrumentKind.TRAINING).instruments
    )
    one = _documents(register.model_copy(update={"instruments": made}), date(2027, 9, 23))["guardian-agreement-z80002"]
    assert [(stop.activity, stop.is_whole, stop.roles) for stop in one.stops] == [
        ("risk-stratification", False, ("gp",))
    ]


def test_a_review_stops_nothing(register):
    """A late review is told, and said to stop nothing by itself: the decision does not look at it."""
    late = [one for one in warnings_ahead(register, date(2027, 3, 30)) if one.deadline.kind == "flow-review"]
    assert late
    assert all(one.stops == () and "Nothing stops by itself" in str(one) for one in late)


def test_an_activity_that_ends_is_told(register):
    """The end that the register itself sets to an activity is a lapse like any other."""
    entry = register.activity("complaints")
    ending = entry.model_copy(update={"effective_to": date(2026, 12, 31)})
    others = tuple(ending if one is entry else one for one in register.activities)
    (one,) = warnings_ahead(register.model_copy(update={"activities": others}), date(2026, 12, 1))
    assert (one.deadline.kind, one.threshold) == ("activity-end", 30)
    assert [(stop.activity, stop.on, stop.is_whole) for stop in one.stops] == [("complaints", date(2027, 1, 1), True)]


# --- what is told equals what the decision says on the day ---------------------------------------


def _every_question(register):
    """Every role, action, dataset and format of every activity, and every organisation: not only what rules name."""
    organisations = (None, *sorted({one for a in register.activities for r in a.roles for one in r.organisations}))
    for activity in register.activities:
        roles = sorted({rule.role for rule in activity.roles})
        datasets = sorted({use.dataset for use in activity.datasets})
        practices = ("Z80001", "Z80002", "Z80003") if activity.id == "risk-stratification" else ()
        for role, dataset, form, action in product(roles, datasets, DataFormat, ACTIONS):
            for organisation in (*organisations[:1], *_of(activity, role), *practices):
                yield Request(role, activity.id, dataset, form, organisation=organisation, action=action)


def _of(activity, role):
    return sorted({one for rule in activity.roles if rule.role == role for one in rule.organisations})


def _permitted(register, at):
    return {one for one in _every_question(register) if isinstance(decide(one, register, at), Permit)}


LAST_DAYS = [
    # the last day, and the documents extended before it so that something is left to stop
    (TRAINED_UNTIL, ()),
    (S251_ENDS, (InstrumentKind.TRAINING,)),
    (date(2029, 3, 31), (InstrumentKind.TRAINING, InstrumentKind.S251_APPROVAL)),
]


@pytest.mark.parametrize(("last", "extended"), LAST_DAYS, ids=[str(one[0]) for one in LAST_DAYS])
def test_what_is_told_is_what_the_decision_does_on_that_day(register, last, extended):
    """Thirty days ahead, the activities named are exactly those of which the decision permits less on that day."""
    extended = _extended(register, *extended)
    told = {
        (stop.activity, stop.on): stop.is_whole
        for one in warnings_ahead(extended, last - timedelta(days=30))
        for stop in one.stops
    }
    before, after = _permitted(extended, last), _permitted(extended, last + timedelta(days=1))
    fewer = {one.activity for one in before - after}
    left = {one.activity for one in after}
    assert fewer
    assert told == {(activity, last + timedelta(days=1)): activity not in left for activity in fewer}


# --- where it is shown ---------------------------------------------------------------------------


def test_the_check_warns_with_line_and_next_step(register_copy):
    """`register check` names the line of the end, what leans on it, who does what by when; and still holds."""
    line = register_copy.change(
        "instruments.toml", "valid_until = 2027-09-30", "valid_until = 2026-12-20", after="cag-7-04"
    )
    ((place, severity, said),) = register_copy.told("instrument-lapses-soon")
    assert (place, severity) == (f"instruments.toml:{line}", "warning")
    assert (
        "`cag-7-04` lapses in 28 days, on 2026-12-20 (warning at 30 days); what leans on it: risk-stratification"
        in said
    )
    assert "Next: Caldicott Guardian, the Chief Nurse: obtain an amendment" in said


def test_the_check_warns_before_a_review_is_due(register_copy):
    """A flow's day of review is told ahead, at its line."""
    file = "activities/commissioning-planning.toml"
    line = register_copy.change(file, "review_due = 2027-03-31", "review_due = 2026-11-29")
    ((place, _, said),) = register_copy.told("review-due-soon")
    assert place == f"{file}:{line}"
    assert "is to be reviewed in 7 days, on 2026-11-29 (warning at 7 days)" in said
    assert "Data Protection Officer: review the flow" in said


def test_the_days_of_warning_are_the_controllers_own(register_copy):
    """Who wants to know a year ahead sets so, and who sets none is not warned."""
    register_copy.change(
        "controller.toml", "flow_review_warning_days = [90, 30, 7]", "flow_review_warning_days = [365]"
    )
    register = parse.load(register_copy.folder)
    assert {one.threshold for one in deadlines(register, date(2026, 11, 22))} == {365}
    register_copy.change("controller.toml", "[365]", "[]")
    assert deadlines(parse.load(register_copy.folder), date(2027, 3, 30)) == ()


def test_status_tells_what_is_due_soon(house, capsys):
    """`status` and its JSON have what ends before long, with what stops; reviews are counted by their day."""
    from caldicott.cli.reports import print_status

    house.today = date(2027, 3, 24)
    document = house.status()
    ends = {one["id"]: one for one in document["due_soon"] if one["kind"] == "document"}
    assert set(ends) == {f"training-{who}" for who in ("dscro", "analysts", "ceff", "case-officers", "corporate")}
    assert (ends["training-ceff"]["days_left"], ends["training-ceff"]["threshold"]) == (7, 7)
    assert [(stop["activity"], stop["on"]) for stop in ends["training-ceff"]["stops"]] == [
        ("invoice-validation", "2027-04-01")
    ]
    print_status(document)
    said = capsys.readouterr().out
    assert "Due soon: Yearly information governance training of staff of the regional office" in said
    assert "reviews of flows and activities by 2027-03-31" in said


def test_status_is_silent_when_nothing_ends(house):
    """On an ordinary day nothing is due soon."""
    assert house.status()["due_soon"] == []
