"""Laws of the decision that hold for every request, whatever the register says."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.unit.policy.small_register import small, small_with, small_words

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.register.model import Register
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier, Relationship, Role

REGISTER = small()
ACTIONS = ("see", "land", "link", "release", "decide", "edit", "approve", "reidentify")
DATASETS = ("sus-apc", "walk-in", "mart", "scores", "social-care", "case-files", "care-record")
ORGANISATIONS = (None, "QZZ", "example-dscro", "RZ1", "Z80001", "z80002", "Z80003", "Z80004")
RULES = [(entry, rule) for entry in REGISTER.activities for rule in entry.roles]

days = st.dates(date(2026, 3, 1), date(2029, 6, 1))
identifier_sets = st.frozensets(st.sampled_from([*Identifier]), max_size=2)


@st.composite
def requests(draw, identifiers=identifier_sets):
    """Requests of known words, half of them aimed at a rule so that permits are not rare."""
    entry, rule = draw(st.sampled_from(RULES))
    aimed = draw(st.booleans())
    uses = rule.datasets or tuple(use.dataset for use in entry.datasets)
    return Request(
        role=rule.role if aimed else draw(st.sampled_from([*Role])),
        activity=entry.id,
        dataset=draw(st.sampled_from(uses if aimed else DATASETS)),
        format=draw(st.sampled_from([*DataFormat])),
        organisation=draw(st.sampled_from(ORGANISATIONS)),
        relationship=draw(st.sampled_from([None, rule.relationship, *Relationship])),
        identifiers=draw(identifiers),
        action=rule.action if aimed else draw(st.sampled_from(ACTIONS)),
    )


unknown_words = st.text(min_size=1, max_size=12).filter(lambda word: "-" not in word).map(lambda word: f"?{word}")


def permitted(request, register, at):
    return isinstance(decide(request, register, at), Permit)


@given(
    requests(),
    days,
    unknown_words,
    st.sampled_from(["role", "activity", "dataset", "format", "organisation", "relationship", "action"]),
)
def test_a_request_with_an_unknown_word_is_always_refused(request, at, word, place):
    """Whatever else it says, and whatever the word."""
    refusal = decide(replace(request, **{place: word}), REGISTER, at)
    assert f"unknown-{place}" in [reason.code for reason in refusal.reasons]


@given(requests(), days, unknown_words)
def test_an_unknown_identifier_is_always_refused(request, at, word):
    """The same for a set of words."""
    assert not permitted(replace(request, identifiers=request.identifiers | {word}), REGISTER, at)


@given(requests(), days)
def test_the_same_question_has_the_same_answer(request, at):
    """Asked twice, and asked of an equal register that was never asked before."""
    assert decide(request, REGISTER, at) == decide(request, REGISTER, at) == decide(request, small(), at)


@given(requests(), days, st.integers(0, len(RULES) - 1))
def test_taking_a_role_rule_away_never_opens_a_door(request, at, number):
    """Whatever is refused stays refused with one role rule fewer, where no entry had a gap to begin with.

    (With gaps the law would be false: a rule can itself be what makes an entry incomplete.)
    """
    words = small_words()
    places = [(entry, index) for entry in words["activities"] for index in range(len(entry["roles"]))]
    entry, index = places[number]
    del entry["roles"][index]
    fewer = Register.model_validate(words)
    assert permitted(request, REGISTER, at) or not permitted(request, fewer, at)


@given(requests(), days, st.integers(0, len(REGISTER.activities[0].flows) - 1))
def test_a_flow_without_a_document_never_closes_a_door(request, at, number):
    """What is permitted stays permitted when a flow forgets its document: only documents hold anything up."""
    register = small_with(f"activities.planning.flows.{number}.instrument", None)
    assert permitted(request, register, at) or not permitted(request, REGISTER, at)


@given(requests(), days)
def test_nobody_reidentifies_whom_the_domain_does_not_name(request, at):
    """Whatever a role may see, going back to a person needs the domain's word for it, and names the relationship."""
    decision = decide(replace(request, action="reidentify"), REGISTER, at)
    if isinstance(decision, Permit):
        domain = REGISTER.activity(request.activity).pseudonym_domain
        assert request.role in domain.reidentify_roles
        assert decision.obligations.relationship == domain.reidentify_relationship
        assert request.relationship in (None, domain.reidentify_relationship)
        assert request.format == "identifiable"
        assert decision.obligations.record_viewing


@given(requests(), days, st.integers(0, len(REGISTER.instruments) - 1))
def test_taking_a_document_away_never_opens_a_door(request, at, number):
    """A document that is gone cannot permit anything, and what it excluded is not admitted by its absence."""
    words = small_words()
    del words["instruments"][number]
    assert permitted(request, REGISTER, at) or not permitted(request, Register.model_validate(words), at)


@given(requests(identifiers=st.just(frozenset())), days)
def test_whoever_may_have_more_telling_data_may_have_less_telling_data(request, at):
    """Without identifiers asked for, permits go down the ladder of formats without a break.

    (With identifiers the law would be false: they come with identifiable data only. So does reidentification.)
    """
    assume(request.action != "reidentify")
    answers = [
        permitted(replace(request, format=one), REGISTER, at) for one in sorted(DataFormat, key=lambda one: one.tells)
    ]
    assert answers == sorted(answers, reverse=True)


@given(requests(), days)
def test_stating_less_never_closes_a_door(request, at):
    """A request permitted with its organisation and relationship stated is permitted without them.

    What is left unsaid becomes an obligation for every row.
    """
    if permitted(request, REGISTER, at):
        unsaid = decide(replace(request, organisation=None, relationship=None), REGISTER, at)
        assert isinstance(unsaid, Permit)
        assert unsaid.obligations.own_organisation is None


@given(requests(), days)
def test_a_permit_never_lets_through_an_identifier_that_is_not_allowed(request, at):
    """Outside identifiable data there is none; inside, only those of the activity."""
    decision = decide(request, REGISTER, at)
    if isinstance(decision, Permit):
        allowed = set(decision.obligations.identifiers_allowed)
        assert allowed <= set(REGISTER.activity(request.activity).identifiers_allowed)
        assert request.format == "identifiable" or not allowed
        assert Identifier.NAME in allowed or "name" not in decision.obligations.column_classes


@given(requests(), days)
def test_every_permit_ends_with_the_first_document_that_ends(request, at):
    """The day after the earliest of their last days it is refused, or rests on other documents."""
    decision = decide(request, REGISTER, at)
    if isinstance(decision, Permit):
        ends = [reason.on for reason in decision.reasons if reason.code == "instrument-live" and reason.on]
        if ends:
            later = decide(request, REGISTER, min(ends) + timedelta(days=1))
            assert not isinstance(later, Permit) or later.reasons != decision.reasons


@given(requests(), days)
def test_every_refusal_has_reasons_a_next_step_and_somebody_to_ask(request, at):
    """Nobody is left with a bare no."""
    decision = decide(request, REGISTER, at)
    if not isinstance(decision, Permit):
        assert decision.reasons
        assert decision.next_step
        assert decision.ask
        assert all(reason.text for reason in decision.reasons)
