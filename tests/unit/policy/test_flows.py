"""What comes in, and the documents of the flows that carry it."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.policy.small_register import AT, flow, small, small_with

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain

LANDING = Request("dscro_operator", "planning", "walk-in", "identifiable", action="land")
ANALYST = Request("commissioning_analyst", "planning", "mart", "pseudonymised")


def codes(request, register=None, at=AT):
    decision = decide(request, register or small(), at)
    return [] if isinstance(decision, Permit) else [reason.code for reason in decision.reasons]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (date(2026, 12, 31), []),
        (date(2027, 1, 1), []),
        (date(2027, 6, 30), []),
        (date(2027, 7, 1), ["flow-instrument-lapsed", "flow-instrument-lapsed"]),
    ],
)
def test_one_flow_whose_document_holds_is_enough(at, expected):
    """Two flows carry it, under two documents that overlap; it is refused when the last of them has lapsed."""
    assert codes(LANDING, at=at) == expected


def test_a_flow_without_a_document_neither_helps_nor_hinders():
    """The courier's flow names no document: alone it leaves the dataset free, beside lapsed ones it saves nothing."""
    register = small_with("activities.planning.flows", [flow("by-courier", "walk-in")])
    assert codes(LANDING, register, date(2027, 7, 1)) == []
    assert codes(LANDING, at=date(2027, 7, 1)) != []


def test_a_dataset_that_no_flow_carries_stands_on_the_activity_alone():
    """Nothing changes for it, whatever happens to the documents of other datasets."""
    register = small_with("activities.planning.flows", [flow("other", "sus-apc", instrument="walk-in-old")])
    assert codes(LANDING, register, date(2027, 7, 1)) == []


def test_what_goes_out_stands_on_its_flow_too():
    """The mart goes to partners under an agreement; without it nobody sees the mart any more."""
    assert codes(ANALYST, small_with("instruments.training.history", []), date(2028, 6, 30)) == []
    assert codes(ANALYST, small_with("instruments.training.history", []), date(2028, 7, 1)) == [
        "flow-instrument-lapsed"
    ]


@pytest.mark.parametrize(
    ("path", "value", "at", "code"),
    [
        ("instruments.mart-out.valid_from", date(2026, 11, 23), AT, "flow-instrument-not-yet"),
        ("activities.planning.flows.4.instrument", "lost", AT, "flow-instrument-unknown"),
    ],
)
def test_a_document_not_begun_or_not_held_refuses_too(path, value, at, code):
    """A flow's document that the register does not hold cannot hold anything up."""
    assert codes(ANALYST, small_with(path, value), at) == [code]


def test_the_refusal_names_the_document_its_day_and_what_renews_it():
    """Which flow's document, its last day, the first day refused, and the next step."""
    refusal = decide(LANDING, small(), date(2027, 7, 1))
    assert [(reason.document, reason.on) for reason in refusal.reasons] == [
        ("Document walk-in-old", date(2026, 12, 31)),
        ("Document walk-in-new", date(2027, 6, 30)),
    ]
    told = explain(refusal)
    assert "The flow that carries walk-in stands on a document that does not hold." in told
    assert "last day was 2027-06-30, so it refuses from 2027-07-01" in told
    assert "record it in the history of walk-in-old" in told


def test_what_the_whole_activity_depends_on_is_not_named_twice():
    """The agreement behind both the activity and the flow lapses once."""
    landing = Request("dscro_operator", "planning", "sus-apc", "identifiable", action="land")
    assert codes(landing, at=date(2029, 4, 1)) == ["instrument-lapsed"]


@pytest.mark.parametrize(("at", "document"), [(AT, "walk-in-old"), (date(2027, 1, 1), "walk-in-new")])
def test_a_permit_names_the_document_its_dataset_stands_on_that_day(at, document):
    """The first flow of the map whose document holds."""
    named = [reason.document for reason in decide(LANDING, small(), at).reasons]
    assert named == ["activity planning", "Document dsa", f"Document {document}", "notice 1"]


@pytest.mark.parametrize("action", ["land", "link"])
def test_only_what_comes_in_is_landed_or_linked(action):
    """The mart is made here: nobody lands it, though the rule for landing names no dataset."""
    register = small_with("activities.planning.roles.0.action", action)
    asked = Request("dscro_operator", "planning", "mart", "identifiable", action=action)
    refusal = decide(asked, register, AT)
    assert [reason.code for reason in refusal.reasons] == ["dataset-not-incoming"]
    assert refusal.next_step == "Name a dataset that comes in: sus-apc, walk-in."
    assert codes(Request("dscro_operator", "planning", "sus-apc", "identifiable", action=action), register) == []


def test_a_dataset_of_no_use_here_is_not_said_to_go_out():
    """One reason is enough for a dataset that the activity does not use at all."""
    asked = Request("dscro_operator", "planning", "case-files", "identifiable", action="land")
    assert codes(asked) == ["dataset-not-in-activity", "role-without-access"]
