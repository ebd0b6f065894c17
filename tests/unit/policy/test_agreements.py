"""Who may send what under which agreement."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.policy.small_register import AT, instrument, small, small_with, small_words

from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Request
from caldicott.policy.explain import as_record, explain
from caldicott.register.model import Register

LANDING = Request("dscro_operator", "planning", "walk-in", "identifiable", action="land")


def refused(agreement="walk-in-old", *, register=None, at=AT, sender="RZ1", request=LANDING):
    refusal = against_agreement(agreement, request, register or small(), at, sender=sender)
    return [reason.code for reason in refusal.reasons] if refusal else []


def with_agreement(**more):
    words = small_words()
    words["instruments"].append(instrument("sent-under", "agreement", date(2027, 3, 31), **more))
    return Register.model_validate(words)


def test_a_known_sender_under_an_agreement_that_covers_it_is_let_in():
    """No refusal at all."""
    assert refused() == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"activities": ["planning"], "datasets_in": ["walk-in"]}, []),
        ({"activities": ["risk-scores"]}, ["agreement-other-activity"]),
        ({"datasets_in": ["sus-apc"]}, ["agreement-other-dataset"]),
        ({"datasets_excluded": ["walk-in"]}, ["agreement-excludes"]),
        ({"valid_from": date(2026, 11, 23)}, ["agreement-not-begun"]),
        ({"history": [{"valid_until": date(2026, 11, 21), "event": "signed"}]}, ["agreement-lapsed"]),
    ],
)
def test_the_agreement_must_cover_what_is_sent(more, expected):
    """Activity, dataset and day; an agreement that names no activity or dataset means every one."""
    assert refused("sent-under", register=with_agreement(**more)) == expected


@pytest.mark.parametrize(("at", "expected"), [(date(2027, 3, 31), []), (date(2027, 4, 1), ["agreement-lapsed"])])
def test_the_last_day_of_the_agreement_still_holds(at, expected):
    """As with every document: refused from the day after the last."""
    assert refused("sent-under", register=with_agreement(), at=at) == expected


def test_a_lapse_names_the_agreement_and_its_last_day():
    """The refusal says which document and which day, what to do and whom to ask."""
    refusal = against_agreement("sent-under", LANDING, with_agreement(), date(2027, 4, 1), sender="RZ1")
    (reason,) = refusal.reasons
    assert (reason.document, reason.on) == ("Document sent-under", date(2027, 3, 31))
    assert "ended on 2027-03-31" in reason.text
    assert refusal.next_step
    assert refusal.ask == "Data Protection Officer (dpo@icb.example)"


def test_an_agreement_the_register_does_not_have_is_unknown():
    """Said to be unknown, by name; the rest of the request is still told."""
    refusal = against_agreement("handshake", LANDING, small(), AT, sender="RZ1")
    assert [reason.code for reason in refusal.reasons] == ["unknown-agreement"]
    assert "'handshake' is unknown" in refusal.reasons[0].text
    assert explain(refusal).startswith("Refused on 2026-11-22: dscro_operator may not land walk-in")
    assert as_record(refusal)["request"]["dataset"] == "walk-in"


@pytest.mark.parametrize(
    ("sender", "at", "expected"),
    [
        ("RZ1", AT, []),
        ("0ZZ", AT, ["sender-without-flow"]),
        ("QZZ", AT, ["sender-without-flow"]),
        ("Z80001", AT, ["sender-without-flow"]),
        ("Z80004", date(2026, 9, 30), ["sender-without-flow"]),
        ("Z80004", date(2026, 10, 1), ["sender-not-member"]),
        ("ZZ9", AT, ["unknown-sender"]),
        ("example-trust", AT, ["unknown-sender"]),
        ("z80001", AT, ["unknown-sender"]),
        ("", AT, ["unknown-sender"]),
        (None, AT, ["unknown-sender"]),
    ],
)
def test_the_sender_must_be_known_by_its_ods_code(sender, at, expected):
    """Known by its ODS code, a member on that day if it is a practice, and the source of a flow of these records."""
    assert refused(sender=sender, at=at) == expected


def test_organisations_without_an_ods_code_let_no_nameless_sender_in():
    """Two things not stated are not the same thing."""
    assert refused(register=small_with("organisations.2.ods", None), sender=None) == ["unknown-sender"]


def test_an_unknown_sender_is_named_and_the_ways_out_are_listed():
    """Correct the manifest, enter the sender, or send it back."""
    refusal = against_agreement("walk-in-old", LANDING, small(), AT, sender="ZZ9")
    assert refusal.reasons[0].text.startswith("The sender 'ZZ9' is unknown")
    for said in ("corrected manifest", "enter the sender among the organisations", "send the submission back"):
        assert said in refusal.next_step


def test_a_sender_that_could_be_somebodys_number_is_not_repeated():
    """Whatever stands in the manifest, no number of a person comes back."""
    refusal = against_agreement("9990000026", LANDING, small(), AT, sender="9990000018")
    assert "999000" not in explain(refusal)


def test_sender_and_agreement_are_both_named_at_once():
    """The sender puts both right in one go."""
    assert refused("handshake", sender="ZZ9") == ["unknown-sender", "unknown-agreement"]
