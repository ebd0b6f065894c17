"""A practice and its patients at risk: each rule is switched off once, and `verify` says that it is broken."""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import people
import risk_ward as ward
from caldicott.operations import practice_list, reidentify_rights, stratify, stratify_rolls
from caldicott.operations import reidentify as looking
from caldicott.operations.reidentify import PURPOSES
from caldicott.operations.stratify_plan import BY_MODEL, RISK_SCORES
from caldicott.operations.verify import evidence as evidence_room
from caldicott.operations.verify.control import State
from caldicott.operations.verify.controls import all_controls, practice
from caldicott.operations.verify.evidence import Evidence
from caldicott.operations.verify.verifying import look_at
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.stores.models import keep_lives
from caldicott.vocabulary.errors import Refused
from caldicott.vocabulary.terms import Role
from stage import RISK, TODAY

MINE, THEIRS = "Z80001", "Z80002"


@pytest.fixture(scope="module")
def scored(tmp_path_factory, example_icb):
    """Three practices with scores; tests that change it take a copy."""
    return ward.scored(tmp_path_factory.mktemp("ward"), example_icb)


@pytest.fixture
def own(scored, tmp_path):
    """A ward of the test's own."""
    return ward.copied(scored, tmp_path / "ward")


def seen(stage, control):
    """What `verify` finds."""
    with stage.house() as house:
        found = look_at(all_controls()[control], Evidence(house))
    return found.state


def files(stage, kind):
    with stage.house() as house:
        return {f.part.rpartition("/")[2]: stage.store / f.path for f in house.store.catalogue.files(kind)}


@pytest.mark.keeps("L1-022")
def test_which_code_is_whose_lies_sealed_a_practice_a_file(own, monkeypatch):
    """A roll holds its own practice's people and no key opens it by accident; rolls with everybody are noticed."""
    assert seen(own, "roll-a-practice") is State.KEPT
    content = files(own, "risk-roll")[MINE].read_bytes()
    assert not any(one.number.encode() in content or one.family.encode() in content for one in ward.CROWD)
    monkeypatch.setattr(stratify_rolls, "by_practice", lambda rows: [(MINE, rows), (THEIRS, rows)])
    own.run(RISK)
    assert seen(own, "roll-a-practice") is State.BROKEN


@pytest.mark.keeps("L1-022")
def test_an_open_roll_is_noticed(own):
    """A roll that anybody can read is a broken promise."""
    pq.write_table(
        pa.table({"person_token": ["C0123456789ABCDEFX"], "practice": [MINE]}), files(own, "risk-roll")[MINE]
    )
    assert seen(own, "roll-a-practice") is State.BROKEN


@pytest.mark.keeps("L2-022", "OX-025")
def test_scores_go_to_the_list_of_the_own_practice_alone(own, monkeypatch):
    """A practice sees exactly its people with a score, by NHS number, objectors left out; shared lists are noticed."""
    assert seen(own, "list-a-practice") is State.KEPT
    objecting = {one.number for one in (ward.RISK_OBJECTOR, ward.TYPE1_OBJECTOR, ward.NATIONAL_OBJECTOR)}
    mine = {one.number for one in ward.CROWD[:8]} - objecting
    assert set(ward.tokens_by_number(own)) == mine
    everybody = stratify.by_practice
    monkeypatch.setattr(stratify, "by_practice", lambda rows: [(name, rows) for name, _own in everybody(rows)])
    own.run(RISK)
    assert seen(own, "list-a-practice") is State.BROKEN


@pytest.mark.keeps("OX-025")
def test_somebody_left_off_their_list_is_noticed(own):
    """Who has a score and is not on the practice's list would be missed by their practice."""
    path = files(own, "risk-list")[MINE]
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    assert seen(own, "list-a-practice") is State.BROKEN


@pytest.mark.keeps("L1-021", "L1-027", "L2-023", "OX-039")
@pytest.mark.parametrize("role", [role.value for role in Role if role not in {Role.GP, Role.CARE_TEAM}])
def test_no_other_role_turns_a_code_into_a_person(own, role):
    """Everybody but the practice's clinical staff is refused, and the refusal is in the trail."""
    token = ward.tokens_by_number(own)[ward.FRAIL.number]
    with pytest.raises(Refused):
        ward.looked_up(own, [token], replace(ward.GP, role=role))
    refusals = [e for e in own.entries() if e.outcome == "refusal" and e.role == role]
    assert refusals


@pytest.mark.keeps("L1-021", "L1-027", "L2-023", "OX-039")
def test_another_practice_turns_no_code_into_a_person(own):
    """A GP of another practice is refused a patient of this one, and it is in the trail."""
    token = ward.tokens_by_number(own)[ward.FRAIL.number]
    with pytest.raises(Refused):
        ward.looked_up(own, [token], replace(ward.GP, organisation=THEIRS, user="dr-two"))
    assert any(e.outcome == "refusal" and e.event == "reidentify" and e.actor == "dr-two" for e in own.entries())


@pytest.mark.keeps("L1-021", "L1-027", "L2-023", "OX-039")
@pytest.mark.parametrize("blind", [{"organisation": MINE}, {"role": "gp"}], ids=["to the practice", "to the role"])
def test_an_answer_blind_to_who_asks_is_noticed(own, monkeypatch, blind):
    """Where the answer did not depend on the practice or on the role that asks, `verify` says so."""
    assert seen(own, "code-back-to-own-practice") is State.KEPT
    monkeypatch.setattr(evidence_room, "decide", lambda asked, *by: decide(replace(asked, **blind), *by))
    assert seen(own, "code-back-to-own-practice") is State.BROKEN


@pytest.mark.keeps("L1-021", "OX-038")
def test_every_viewing_is_of_the_own_patients(own, monkeypatch):
    """A viewing is permitted, with its purpose, of one's own; not asking whose it is is noticed."""
    assert seen(own, "viewings-are-own") is State.NOT_APPLICABLE
    ward.listed(own)
    ward.listed(own, ward.FEDERATION, THEIRS)
    assert seen(own, "viewings-are-own") is State.KEPT
    monkeypatch.setattr(practice_list, "require_of", lambda *_asked: None)
    ward.listed(own, ward.GP, THEIRS)
    assert seen(own, "viewings-are-own") is State.BROKEN


@pytest.mark.keeps("L1-021", "OX-038")
def test_a_viewing_without_a_decision_is_noticed(own, monkeypatch):
    """Who looks without having been permitted first leaves a trail that `verify` calls broken."""
    monkeypatch.setattr(
        reidentify_rights, "ask", lambda house, asked: [decide(one, house.register, house.today) for one in asked]
    )
    ward.listed(own)
    assert seen(own, "viewings-are-own") is State.BROKEN


@pytest.mark.keeps("L1-021", "OX-038")
def test_a_viewing_without_a_purpose_is_noticed(own, monkeypatch):
    """Curiosity is no purpose of the list."""
    assert "curiosity" not in PURPOSES
    monkeypatch.setattr(looking, "require_purpose", lambda _purpose: None)
    token = ward.tokens_by_number(own)[ward.FRAIL.number]
    ward.looked_up(own, [token], purpose="curiosity")
    assert seen(own, "viewings-are-own") is State.BROKEN


@pytest.mark.keeps("OX-038")
def test_who_moved_is_seen_by_the_new_practice_alone(own):
    """The practice before loses the patient, the one after gains them; a list that keeps them is noticed."""
    token = ward.tokens_by_number(own)[ward.FRAIL.number]
    before = files(own, "risk-list")[MINE].read_bytes()
    moved = ward.registered(ward.FRAIL, THEIRS, DateOfRegistration="2026-03-20")
    own.land(own.send("emis-patients", [moved], name="moved", update="net-change", extracted="2026-05-02T06:00:00"))
    own.run(RISK)
    assert seen(own, "moved-is-gone") is State.KEPT
    assert token not in ward.tokens_by_number(own).values()
    with pytest.raises(Refused):
        ward.looked_up(own, [token])
    there = replace(ward.GP, organisation=THEIRS, user="dr-two")
    assert ward.looked_up(own, [token], there).persons[0].nhs_number == ward.FRAIL.number
    files(own, "risk-list")[MINE].write_bytes(before)
    assert seen(own, "moved-is-gone") is State.BROKEN


@pytest.mark.keeps("OX-040")
def test_a_group_sees_a_practice_while_its_guardian_agrees(own, monkeypatch):
    """One agreement that ended takes that practice's patients out, and no other's; a blind eye to ends is noticed."""
    assert seen(own, "guardians-agree") is State.KEPT
    ended = [
        one.model_copy(update={"history": (one.history[0].model_copy(update={"valid_until": one.valid_from}),)})
        if one.id == "guardian-agreement-z80002" else one
        for one in own.register.instruments
    ]  # fmt: skip
    own.register = own.register.model_copy(update={"instruments": tuple(ended)})
    assert seen(own, "guardians-agree") is State.KEPT
    assert len(ward.listed(own, ward.FEDERATION, MINE).seen.persons) > 0
    with pytest.raises(Refused):
        ward.listed(own, ward.FEDERATION, THEIRS)

    def always(request, register, _on):
        ask = replace(request, organisation=MINE) if request.organisation == THEIRS else request
        return decide(ask, register, TODAY)

    monkeypatch.setattr(evidence_room, "decide", always)
    assert seen(own, "guardians-agree") is State.BROKEN


@pytest.mark.keeps("OX-033")
def test_a_practice_is_shown_no_model_that_was_not_approved(own):
    """Chances by a model nobody approved are noticed; by an approved one they are in order."""
    assert seen(own, "only-approved-models") is State.KEPT
    path = files(own, "risk-list")[MINE]
    rows = pq.read_table(path, partitioning=None)
    for name, values in ((BY_MODEL, pa.array([0.2] * len(rows))), ("risk-model", pa.array(["sneaky"] * len(rows)))):
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    pq.write_table(rows, path)
    assert seen(own, "only-approved-models") is State.BROKEN
    approved = [{"name": "sneaky", "said": [{"state": "approved"}]}]
    with own.house() as house, house.store.catalogue.transaction():
        keep_lives(house.store, RISK, approved)
    assert seen(own, "only-approved-models") is State.KEPT


@pytest.mark.keeps("OX-033")
def test_scores_of_single_people_leave_by_no_table(example_icb):
    """No role of a practice may have the rows of scores released as a file: they are seen on the screen."""
    for form in ("identifiable", "pseudonymised"):
        asked = Request("gp", RISK, RISK_SCORES, form, organisation=MINE, action="release")
        assert not isinstance(decide(asked, example_icb, TODAY), Permit)


@pytest.mark.keeps("OX-045")
def test_a_practice_lists_its_patients_with_long_term_conditions(own, monkeypatch):
    """Those whom hospitals coded with a condition are found by the list's filter; a filter that is off is noticed."""
    assert seen(own, "conditions-listed") is State.KEPT
    found = ward.listed(own, filters=(("conditions-from", "1"),))
    assert ward.TWICE.number in {one.nhs_number for one in found.seen.persons}
    assert ward.WELL.number not in {one.nhs_number for one in found.seen.persons}
    monkeypatch.setattr(practice, "filtered", lambda rows, _query: rows)
    assert seen(own, "conditions-listed") is State.BROKEN


@pytest.mark.parametrize(
    "control", ["roll-a-practice", "list-a-practice", "moved-is-gone", "only-approved-models", "conditions-listed"]
)
def test_a_store_without_scores_is_not_called_kept(tmp_path, example_icb, control):
    """Where there is nothing to look at, nothing is claimed."""
    assert seen(ward.Stage(tmp_path, example_icb), control) is State.NOT_APPLICABLE


def test_what_the_controls_say_names_nobody(own):
    """Findings are for everybody: no token, number or name stands in them."""
    ward.listed(own)
    tokens = ward.tokens_by_number(own)
    with own.house() as house:
        told = json.dumps([look_at(one, Evidence(house)).seen for one in practice.CONTROLS])
    assert not any(word in told for word in (*tokens, *tokens.values(), *(one.family for one in people.invented(14))))
