"""What a risk model may learn from: what was known on the day, of whom nobody objects, in facts the register lists."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import people
from caldicott.engines.duckdb import model_features
from caldicott.engines.duckdb.model_features import ModelTables
from caldicott.operations.model_areas import load_areas
from caldicott.operations.model_marts import as_of, ground
from caldicott.operations.model_train import train, year
from caldicott.stratification.model.features import allowed, known
from caldicott.vocabulary.errors import DoesNotHold, Refused
from model_ward import CROWD, DEAD, DEAD_AFTER_ADMISSION, OBJECTOR, TEST_DAY, ward
from risk_ward import code_of, copied
from stage import RISK, Stage, with_settings

DAY = date.fromisoformat(TEST_DAY)
EMERGENCIES = next(one for one in known() if one.name == "emergency-admissions-12-months")


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    return ward(tmp_path_factory.mktemp("learning"), example_icb)


@pytest.fixture
def mine(world, tmp_path):
    """The same ward, to be changed by one test."""
    return copied(world, tmp_path)


def tokens_of(stage: Stage, features=(EMERGENCIES,)) -> set[str]:
    """Tokens of everybody who has a row of features on the test day."""
    with stage.house() as house:
        return set(year(house, ground(house, RISK), DAY, features, months=12).tokens.to_pylist())


def with_entry(stage: Stage, **changes) -> None:
    """The activity of the register with something changed."""
    entries = [one.model_copy(update=changes) if one.id == RISK else one for one in stage.register.activities]
    stage.register = stage.register.model_copy(update={"activities": tuple(entries)})


def test_who_objects_today_is_in_no_training_set(mine):
    """An objection that came after the run takes the person out of what a model learns from, without a new run."""
    before = tokens_of(mine)
    mine.send("emis-objections", [people.objection(OBJECTOR, "r1", code_of("risk"), "2026-04-20")], name="refusal")
    mine.land(mine.inbox / "refusal")
    after = tokens_of(mine)
    assert len(before) == len(CROWD)
    assert len(before - after) == 1
    assert after < before


def test_without_a_national_answer_nobody_is_learned_from(mine):
    """When it is not known who has opted out, everybody is out, and nothing is trained."""
    mine.today = date(2026, 6, 30)
    with mine.house() as house, pytest.raises(DoesNotHold) as refused:
        train(house, activity=RISK)
    assert refused.value.code == "too-few-to-train"


def test_a_lapsed_approval_stops_the_training(mine):
    """Training asks the register as a run does."""
    mine.today = date(2031, 1, 1)
    with mine.house() as house, pytest.raises(Refused):
        train(house, activity=RISK)


def test_a_feature_from_after_the_day_refuses_the_training(mine):
    """The canary: a feature that looks twelve months ahead is named, and nothing is kept."""
    canary = replace(EMERGENCIES, name="canary", ends_months_ago=-12)
    with mine.house() as house:
        with pytest.raises(DoesNotHold) as refused:
            train(house, activity=RISK, features=[*known(), canary])
        assert refused.value.code == "feature-after-index"
        assert "canary" in refused.value.what
        assert house.store.catalogue.files("risk-model") == ()


def test_the_newest_day_that_counted_is_looked_at_too(mine, monkeypatch, tmp_path):
    """A window that lies by its own words, and is let through, is caught by the day of what it counted."""
    canary = replace(EMERGENCIES, name="canary", ends_months_ago=-12)
    monkeypatch.setattr(model_features, "require_before_the_day", lambda _features: None)
    with mine.house() as house:
        stands_on = ground(house, RISK)
        tables = ModelTables(as_of(stands_on, DAY, all_known=True).marts)
        tables.meet(stands_on.remaining)
        with pytest.raises(DoesNotHold) as refused:
            tables.make([canary], tmp_path)
    assert refused.value.code == "feature-after-index"


def test_a_month_that_came_in_late_was_not_known(world, example_icb, tmp_path):
    """What a sender extracted long after the day counts for no score as of that day, though it happened before."""
    stage = Stage(tmp_path, example_icb)
    person = CROWD[0]
    stage.send("emis-patients", [people.patient(person, "r", "2026-03-01")], name="lists")
    rows = {
        name: [people.apc(person, name, on, Admission_Date=on, Discharge_Date=on, Admission_Method="21")]
        for name, on in (("soon", "2025-01-10"), ("late", "2025-02-10"))
    }
    stage.send(
        "ncdr-sus-apc", rows["soon"], name="soon", period=("2025-01-01", "2025-01-31"), extracted="2025-02-20T06:00:00"
    )
    stage.send(
        "ncdr-sus-apc", rows["late"], name="late", period=("2025-02-01", "2025-02-28"), extracted="2025-06-20T06:00:00"
    )
    stage.answer([person], name="answer")
    stage.land()
    stage.run(RISK)
    with stage.house() as house:
        found = year(house, ground(house, RISK), DAY, [EMERGENCIES], months=0)
    assert found.cohort.columns[EMERGENCIES.name].tolist() == [1.0]
    assert (found.months_not_known, found.months_assumed) == (1, 0)


def test_years_in_one_delivery_are_said_to_be_assumed(world):
    """When each month of a back-load would have come in is not known; the account counts those months."""
    with world.house() as house:
        found = as_of(ground(house, RISK), DAY)
    assert found.months_assumed == 36
    assert found.months_not_known == 0


def test_only_facts_that_the_register_lists_are_used(mine):
    """Take a word out of the register's list, and the features made of it are gone; take all out, and all are."""
    whitelist = next(one for one in mine.register.activities if one.id == RISK).inputs_whitelist
    assert "age" in {one.name for one in allowed(known(), frozenset(whitelist))}
    assert "age" not in {one.name for one in allowed(known(), frozenset(whitelist) - {"birth_date"})}
    assert allowed(known(), frozenset()) == ()
    with_entry(mine, inputs_whitelist=tuple(one for one in whitelist if one != "birth_date"))
    with mine.house() as house:
        wanted = [one for one in known() if one.name in {"age", EMERGENCIES.name}]
        found = year(house, ground(house, RISK), DAY, wanted, months=0)
    assert [*found.cohort.columns] == [EMERGENCIES.name]
    assert np.isnan(found.cohort.groups["age"]).all()


def test_ethnic_group_is_reported_on_and_not_used(world, mine):
    """It is no feature until the register says so by a word of its own; it stands in the report all the same."""
    names = {one.name for one in known() if one.name.startswith("ethnic-group")}
    whitelist = frozenset(next(one for one in world.register.activities if one.id == RISK).inputs_whitelist)
    assert names
    assert not names & {one.name for one in allowed(known(), whitelist)}
    assert names <= {one.name for one in allowed(known(), whitelist | {"ethnic_category_as_predictor"})}
    with world.house() as house:
        found = year(house, ground(house, RISK), DAY, [EMERGENCIES], months=0)
    assert {*found.cohort.groups["ethnic"]} == {"White", "Asian"}


def test_death_without_an_admission_is_no_event(world):
    """Who died in the year unadmitted counts as not admitted and is marked; who was admitted first is an event."""
    with world.house() as house:
        found = year(house, ground(house, RISK), DAY, [EMERGENCIES], months=12)
    assert int(found.cohort.died.sum()) == 1
    assert not (found.cohort.died & found.cohort.happened).any()
    assert DEAD != DEAD_AFTER_ADMISSION


def test_the_dead_are_not_scored_as_of_a_later_day(world):
    """On a day after their death they have no row."""
    with world.house() as house:
        stands_on = ground(house, RISK)
        found = year(house, stands_on, date(2026, 2, 28), [EMERGENCIES], months=0)
    assert len(found.cohort) == len(CROWD) - 2


def test_deprivation_comes_from_a_published_file(mine, tmp_path):
    """The file's own column names are found; a tenth that is none is refused with its line; nothing ships."""
    published = "LSOA code (2011),Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)\n"
    good, broken = tmp_path / "good.csv", tmp_path / "broken.csv"
    good.write_text(published + "".join(f"E0109900{place},{place + 1}\n" for place in range(10)))
    broken.write_text(published + "E01099001,11\n")
    with mine.house() as house:
        before = year(house, ground(house, RISK), DAY, [EMERGENCIES], months=0)
        with pytest.raises(DoesNotHold) as refused:
            load_areas(house, activity=RISK, file=broken, source="invented")
        assert load_areas(house, activity=RISK, file=good, source="invented").areas == 10
        after = year(house, ground(house, RISK), DAY, [EMERGENCIES], months=0)
    assert "line 2" in refused.value.what
    assert np.isnan(before.cohort.groups["tenth"]).all()
    assert {*after.cohort.groups["tenth"]} == {float(tenth) for tenth in range(1, 11)}


def test_too_few_years_are_refused(tmp_path, example_icb):
    """A year to look back on and three years of outcomes, or nothing is trained."""
    stage = Stage(tmp_path, example_icb)
    person = CROWD[0]
    stage.send("emis-patients", [people.patient(person, "r", "2026-03-01")], name="lists")
    stay = people.apc(person, "a", "2025-06-01", Admission_Date="2025-06-01", Admission_Method="21")
    stage.send("ncdr-sus-apc", [stay], name="stays")
    stage.answer([person], name="answer")
    stage.land()
    stage.run(RISK)
    with stage.house() as house, pytest.raises(DoesNotHold) as refused:
        train(house, activity=RISK)
    assert refused.value.code == "too-few-years"


def test_the_report_of_real_people_has_no_word_of_invention(mine):
    """The warning stands on every paper where test numbers are admitted, and on none elsewhere."""
    with mine.house() as house:
        invented = train(house, activity=RISK)
        papers = [path for path in (house.store.root / "models").rglob("*.*") if path.suffix in {".md", ".html"}]
        assert invented.report["invented"] is True
        assert len(papers) == 6
        assert all("not clinical evidence" in path.read_text() for path in papers)
    mine.register = with_settings(mine.register, test_numbers_allowed=False)
    with mine.house() as house:
        assert train(house, activity=RISK).report["invented"] is False


def test_the_papers_hold_no_person(mine):
    """No token, number or name is in any file of a model; counts are rounded to five."""
    with mine.house() as house:
        made = train(house, activity=RISK)
        files = [path.read_text() for path in (house.store.root / "models").rglob("*") if path.is_file()]
    together, tokens = "\n".join(files), tokens_of(mine)
    assert len(files) > 8
    assert not any(token in together for token in tokens)
    assert not any(person.number in together or person.family in together for person in CROWD)
    test = json.loads(json.dumps(made.report))["test"]
    assert test["persons"] % 5 == test["events"] % 5 == 0
