"""Who brings a model where: research, shadow, approved; and that a practice sees an approved model's scores alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date

import pyarrow.parquet as pq
import pytest

import people
from caldicott import bootstrap
from caldicott.cli.app import main
from caldicott.operations.model_areas import load_areas
from caldicott.operations.model_drift import watch
from caldicott.operations.model_papers import report_of
from caldicott.operations.model_state import approved, lives, set_state
from caldicott.operations.model_train import train
from caldicott.operations.staff import say_without_account, tie
from caldicott.operations.stratify_plan import BY_MODEL
from caldicott.stores.audit_log import read_entries
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from model_ward import CROWD, ward
from risk_ward import copied, listed, looked_up
from stage import RISK, TODAY

GUARDIAN = "caldicott_guardian"


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    stage = ward(tmp_path_factory.mktemp("states"), example_icb)
    with stage.house() as house:
        train(house, activity=RISK)
        say_without_account(house, "guardian")
        say_without_account(replace(house, actor="guardian"), house.actor)
    return stage


@pytest.fixture
def mine(world, tmp_path):
    """The same ward with its model, to be changed by one test."""
    return copied(world, tmp_path)


def name_of(stage) -> str:
    with stage.house() as house:
        return lives(house, RISK)[-1].name


def bring(stage, *states, role=GUARDIAN, actor="guardian"):
    """The model into these states, one after the other, by one person."""
    name = name_of(stage)
    with stage.house() as house:
        other = replace(house, actor=actor)
        return [set_state(other, activity=RISK, name=name, state=one, role=role) for one in states][-1]


def without_rule(stage, action):
    """The register without that kind of rule for the scores."""
    entries = [
        one.model_copy(update={"roles": tuple(rule for rule in one.roles or () if rule.action != action)})
        if one.id == RISK
        else one
        for one in stage.register.activities
    ]
    stage.register = stage.register.model_copy(update={"activities": tuple(entries)})


def test_a_model_begins_in_research_and_no_list_knows_it(world):
    """Trained is not approved: the scores of the run have no value of it."""
    with world.house() as house:
        assert [one.state for one in lives(house, RISK)] == ["research"]
        assert approved(house, RISK) is None
    assert {row[BY_MODEL] for row in world.mart("risk-scores", RISK)} == {None}


def test_approval_needs_the_shadow_first(mine):
    """From research no step leads to approved."""
    with pytest.raises(Refused) as refused:
        bring(mine, "approved")
    assert refused.value.code == "model-step"


def test_whoever_trained_it_does_not_approve_it(mine):
    """Two persons: the one who trains and the one who approves."""
    with pytest.raises(Refused) as refused:
        bring(mine, "shadow", "approved", actor="tester")
    assert refused.value.code == "model-own-approval"


@pytest.mark.parametrize(
    "role", ["gp", "ig_officer", "commissioning_analyst", "system_administrator", "dscro_operator"]
)
def test_only_whom_the_register_names_may_bring_it_anywhere(mine, role):
    """Every other role is refused, and the refusal is in the trail."""
    with pytest.raises(Refused) as refused:
        bring(mine, "shadow", role=role)
    assert refused.value.code == "role-without-access"
    entries = [one for one in read_entries(mine.store / "audit") if one.outcome == "refusal"]
    assert entries[-1].role == role


def test_a_register_without_a_rule_lets_nobody_approve(mine):
    """Default deny: without the rule not even the guardian."""
    without_rule(mine, "approve")
    with pytest.raises(Refused):
        bring(mine, "shadow")


def test_in_shadow_it_is_worked_out_and_shown_to_nobody(mine):
    """Its scores lie in a kind of file that no list and no export reads; the tier is the plain one."""
    before = {row["person_token"]: row["tier"] for row in mine.mart("risk-scores", RISK)}
    bring(mine, "shadow")
    mine.run(RISK)
    rows = mine.mart("risk-scores", RISK)
    with mine.house() as house:
        files = house.store.catalogue.files("risk-shadow", RISK)
        kept = pq.read_table(mine.store / files[0].path, partitioning=None)
    assert {row[BY_MODEL] for row in rows} == {None}
    assert {row["risk-model"] for row in rows} == {None}
    assert {row["person_token"]: row["tier"] for row in rows} == before
    assert len(files) == 1
    assert kept.column_names == ["person_token", "probability"]
    assert kept.num_rows == len(rows)


def test_approved_it_makes_the_tier(mine):
    """Who has the higher chance is never in a lower tier of the same practice; the criteria name the model."""
    bring(mine, "shadow", "approved")
    mine.run(RISK)
    rows = [row for row in mine.mart("risk-scores", RISK) if row["practice"] == "Z80001"]
    rows.sort(key=lambda row: -row[BY_MODEL])
    assert [row["tier"] for row in rows] == sorted(row["tier"] for row in rows)
    assert {row["risk-model"] for row in rows} == {name_of(mine)}
    assert all(row["tier"] == row[f"{BY_MODEL}-tier"] for row in rows)
    with mine.house() as house:
        files = house.store.catalogue.files("risk-criteria", RISK)
        criteria = pq.read_table(mine.store / files[0].path, partitioning=None).to_pylist()
    assert criteria[-1]["version"] == name_of(mine)
    assert criteria[-1]["note"] == "approved on 2026-05-04 by caldicott_guardian"


def test_taken_back_its_scores_are_gone_with_the_next_run(mine):
    """The plain baseline makes the tier again, and no row names the model."""
    bring(mine, "shadow", "approved")
    mine.run(RISK)
    bring(mine, "research")
    mine.run(RISK)
    assert {row["risk-model"] for row in mine.mart("risk-scores", RISK)} == {None}


def test_an_approval_that_no_longer_stands_is_not_used(mine):
    """The guardian's rule or its safety case is gone: the very next run scores without the model."""
    bring(mine, "shadow", "approved")
    lapsed = [
        one.model_copy(update={"history": (one.history[0].model_copy(update={"valid_until": TODAY.replace(day=1)}),)})
        if one.id == "clinical-safety-case-risk-model"
        else one
        for one in mine.register.instruments
    ]
    mine.register = mine.register.model_copy(update={"instruments": tuple(lapsed)})
    mine.run(RISK)
    assert {row[BY_MODEL] for row in mine.mart("risk-scores", RISK)} == {None}


def test_a_changed_file_is_not_used(mine):
    """The model is held against the hash it was judged under."""
    bring(mine, "shadow", "approved")
    path = next((mine.store / "models").rglob("model.json"))
    content = json.loads(path.read_text())
    content["intercept"] += 1
    path.write_text(json.dumps(content))
    with mine.house() as house, pytest.raises(DoesNotHold) as refused:
        approved(house, RISK)
    assert refused.value.code == "model-changed"


def test_training_again_leaves_an_approved_model_approved(mine):
    """The same records give the same model: its state and its papers stay."""
    bring(mine, "shadow", "approved")
    with mine.house() as house:
        again = train(house, activity=RISK)
        assert [one.state for one in lives(house, RISK)] == ["approved"]
    assert again.life.state == "approved"


def test_whoever_trained_it_by_one_door_does_not_approve_it_by_the_other(mine):
    """A login tied to the account of who trained it is that person; a login that is nobody's approves nothing."""
    account = "11111111-1111-4111-8111-111111111111"
    bring(mine, "shadow")
    with mine.house() as house:
        tie(replace(house, actor="guardian"), house.actor, account)
    for actor, code in ((account, "same-person"), ("nobodys-login", "login-unknown")):
        with pytest.raises(Refused) as caught:
            bring(mine, "approved", actor=actor)
        assert caught.value.code == code


def test_the_trail_says_who_did_what(mine):
    """Training and every step are in the trail with the model's hash and the role."""
    bring(mine, "shadow", "approved")
    entries = [one for one in read_entries(mine.store / "audit") if one.event in {"model-train", "model-state"}]
    assert [one.event for one in entries] == ["model-train", "model-state", "model-state"]
    assert [one.actor for one in entries] == ["tester", "guardian", "guardian"]
    assert entries[-1].references[-3:] == ("shadow", "approved", GUARDIAN)
    with mine.house() as house:
        assert lives(house, RISK)[0].sha256 in entries[-1].references


def test_the_figures_are_for_whom_the_register_shows_counts(mine):
    """A GP has no right to counts of all practices; the officer has."""
    with mine.house() as house:
        life, report = report_of(house, activity=RISK, name=None)
        assert report["name"] == life.name
        with pytest.raises(Refused):
            report_of(house, activity=RISK, name=None, role="researcher")


def test_a_model_that_is_not_there_is_named_as_such(mine):
    """The message lists those that are."""
    with mine.house() as house, pytest.raises(WrongUsage) as refused:
        set_state(house, activity=RISK, name="no-such-model", state="shadow", role=GUARDIAN)
    assert refused.value.code == "model-unknown"
    assert name_of(mine) in refused.value.next_step


def test_drift_is_fine_on_the_people_it_was_made_for(mine):
    """Held against its own test year, every spread is the same and the outcomes are told."""
    with mine.house() as house:
        watched = watch(house, activity=RISK, name=lives(house, RISK)[0].name)
    says = {one.name: one for one in watched.signs}
    assert says["psi age"].says == "fine"
    assert 0.7 < (says["observed over expected"].value or 0) < 1.3
    assert watched.outcomes_as_of == "2025-03-31"


@pytest.fixture
def command(mine, monkeypatch, capsys):
    """Run one `caldicott model` command; exit code and what it printed."""
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)
    monkeypatch.setattr(bootstrap.Path, "home", lambda: mine.root / "home")
    for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(*words, actor="guardian"):
        monkeypatch.setenv("CALDICOTT_ACTOR", actor)
        monkeypatch.setattr(
            sys, "argv", ["caldicott", "model", words[0], "example-icb", "--store", str(mine.store), *words[1:]]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().out

    return run


def test_the_commands_lead_from_report_to_approval(command, tmp_path):
    """list, report with its papers, the two steps, drift: each says what it did; a wrong role ends with 3."""
    assert command("state", "--to", "shadow", "--role", "gp")[0] == 3
    code, told = command("report", "--to", str(tmp_path / "papers"))
    assert code == 0
    assert "not clinical evidence" in told
    assert (tmp_path / "papers" / "hazard-log.md").exists()
    assert command("state", "--to", "shadow", "--role", GUARDIAN)[0] == 0
    assert command("state", "--to", "approved", "--role", GUARDIAN)[0] == 0
    code, told = command("list", "--json")
    assert [one["state"] for one in json.loads(told)] == ["approved"]
    code, told = command("drift", "--json")
    assert json.loads(told)["says"] in {"fine", "look", "alarm"}
    assert code == (1 if json.loads(told)["says"] == "alarm" else 0)


def test_the_page_says_what_the_chance_is_made_of(mine):
    """Facts in plain words with their stretch of time, the strongest first; nothing of it while in shadow."""
    bring(mine, "shadow")
    mine.run(RISK)
    first = listed(mine, limit=1).seen.persons[0]
    shadowed = looked_up(mine, [first.token]).persons[0]
    bring(mine, "approved")
    mine.run(RISK)
    first = listed(mine, limit=1).seen.persons[0]
    person = looked_up(mine, [first.token]).persons[0]
    said = [one for one in person.contributions if one.score == BY_MODEL]
    assert not [one for one in shadowed.contributions if one.score == BY_MODEL]
    assert any("emergency admissions in the last 12 months: " in one.group and one.adds > 0 for one in said)
    assert [abs(one.adds) for one in said] == sorted((abs(one.adds) for one in said), reverse=True)
    assert all(one.first_on <= one.last_on == date(2026, 3, 31) for one in said)
    assert person.scores[BY_MODEL] == max(one.scores[BY_MODEL] for one in listed(mine, limit=100).seen.persons)


def test_the_planners_table_is_by_deprivation_and_says_who_is_out(mine, tmp_path):
    """Tier, segment and fifth of deprivation, no place and no person; beside it people out by scheme."""
    areas = tmp_path / "areas.csv"
    areas.write_text("lsoa,imd_decile\n" + "".join(f"E0109900{place},{place + 1}\n" for place in range(10)))
    with mine.house() as house:
        load_areas(house, activity=RISK, file=areas, source="invented")
    mine.run(RISK)
    mine.export("commissioning_analyst", "out", activity=RISK)
    counts = (mine.root / "out" / "risk-scores.csv").read_text().splitlines()
    out = (mine.root / "out" / "opt-outs.csv").read_text().splitlines()
    assert counts[0] == "month,deprivation,tier,segment,persons"
    assert {line.split(",")[1] for line in counts[1:]} <= {
        "1 most deprived",
        "2",
        "3",
        "4",
        "5 least deprived",
        "not known",
    }
    assert out[0] == "month,scheme,persons"
    assert [line.split(",")[1] for line in out[1:]] == ["ndop", "risk", "type1", "type2"]


def test_in_the_month_of_a_new_model_nobody_has_risen_or_fallen(mine):
    """Tiers of the baseline and of the model cannot be compared, so no change is told."""
    stay = people.apc(CROWD[0], "n1", "2026-04-10", Admission_Date="2026-04-10", Admission_Method="21")
    mine.send("ncdr-sus-apc", [stay], name="april", period=("2026-04-01", "2026-04-30"))
    mine.land(mine.inbox / "april")
    bring(mine, "shadow", "approved")
    mine.run(RISK)
    assert {row["month"] for row in mine.mart("risk-scores", RISK)} == {"2026-03", "2026-04"}
    assert {one.scores["tier_before"] for one in listed(mine, limit=100).seen.persons} == {None}
