"""What a run of risk stratification scores: who, by which rules, as of which day; and what it keeps."""

from __future__ import annotations

from datetime import date

import pyarrow.parquet as pq
import pytest

import people
from caldicott.operations.stratify_plan import criteria, criteria_sha256
from caldicott.vocabulary.errors import Refused
from risk_ward import (
    CROWD,
    DEAD,
    FRAIL,
    GP,
    LEFT,
    MANY_MEDICINES,
    NATIONAL_OBJECTOR,
    RISK_OBJECTOR,
    SICK_LONG_AGO,
    TWICE,
    TYPE1_OBJECTOR,
    WELL,
    code_of,
    listed,
    registered,
    scored,
    stay,
    tokens_by_number,
    ward,
)
from stage import RISK, TODAY

SCORES = (
    "emergency-admissions-12-months", "emergency-attendances-12-months", "charlson-quan-2011", "charlson-rcs",
    "elixhauser-van-walraven", "polypharmacy", "segment", "tier",
)  # fmt: skip
# By hand, from the published tables. Charlson (Quan 2011): dementia 2, heart failure 2, diabetes 0; metastasis 6 hides
# cancer 2; chronic lung disease 1. Two stays that began on one day are one admission. Nobody has more admissions than
# the two with 2: both are in tier 1.
EXPECTED = {
    FRAIL.number: (2, 0, 4, 3, 7, 0, "frailty or dementia", "tier 1"),
    TWICE.number: (2, 3, 7, 3, 15, 0, "incurable cancer", "tier 1"),
    SICK_LONG_AGO.number: (0, 0, 0, 1, 0, 0, "long-term conditions", "tier 4"),
    MANY_MEDICINES.number: (0, 0, 0, 0, 0, 6, "healthy", "tier 4"),
    WELL.number: (0, 0, 0, 0, 0, 0, "healthy", "tier 4"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("risk"), example_icb)


@pytest.mark.parametrize("number", EXPECTED, ids=["frail", "twice", "long-ago", "medicines", "well"])
def test_the_scores_are_those_of_the_published_tables(world, number):
    """Each score of each person equals what the published table gives by hand for the same codes."""
    person = next(one for one in listed(world).seen.persons if one.nhs_number == number)
    assert tuple(person.scores[name] for name in SCORES) == EXPECTED[number]


def test_whoever_objects_or_has_died_has_no_row(world):
    """An objection to risk scores, a type 1 or a national opt-out: no score, in no practice. The dead have none."""
    scored_rows = world.mart("risk-scores", RISK)
    assert len(scored_rows) == len(CROWD) - len((RISK_OBJECTOR, TYPE1_OBJECTOR, NATIONAL_OBJECTOR, DEAD))
    shown = tokens_by_number(world)
    gone = {person.number for person in (RISK_OBJECTOR, TYPE1_OBJECTOR, NATIONAL_OBJECTOR, DEAD, LEFT)}
    assert not gone & set(shown)
    assert len(shown) == 5


def test_scores_are_as_of_the_day_the_records_reach_to(world):
    """Hospital records that end in March give scores of March, though they are made in May."""
    rows = world.mart("risk-scores", RISK)
    assert {(row["month"], row["as_of"]) for row in rows} == {("2026-03", date(2026, 3, 31))}


def test_every_row_says_which_rules_made_it(world):
    """The rows name the rules by one hash; the rules' names, versions and hashes lie beside them."""
    assert {row["criteria_sha256"] for row in world.mart("risk-scores", RISK)} == {criteria_sha256()}
    assert all(one["version"] and len(one["sha256"]) == 64 for one in criteria())
    (written,) = world.store.rglob("criteria.parquet")
    named = {row["score"]: row for row in pq.read_table(written).to_pylist()}
    assert {"hfrs", "charlson-quan-2011", "emergency-admissions-12-months"} <= set(named)
    assert named["hfrs"]["citation"] == "Gilbert 2018 Lancet 391:1775"


def test_the_run_counts_what_it_scored(world):
    """The trail says how many persons were scored and how many have each score; no more."""
    done = [entry for entry in world.entries() if entry.event == "run" and entry.activity == RISK][-1]
    assert done.counts["persons scored"] == 10
    assert done.counts["persons on a practice's list"] == 9
    assert done.counts["scored charlson-quan-2011"] == 10


def test_nobody_is_scored_after_the_approval_has_lapsed(tmp_path, example_icb):
    """The day after the section 251 approval ends, the run is refused by its name and makes no score."""
    stage = ward(tmp_path, example_icb)
    stage.today = date(2027, 10, 1)
    with pytest.raises(Refused) as refusal:
        stage.run(RISK)
    assert refusal.value.code == "instrument-lapsed"
    assert "CAG 7-04" in str(refusal.value)
    assert stage.mart("risk-scores", RISK) == []


def test_the_months_before_are_kept(tmp_path, example_icb):
    """A new month is put beside the last; the list says which tier a person had then."""
    stage = scored(tmp_path, example_icb)
    stage.send(
        "ncdr-sus-apc", [stay(WELL, f"n{n}", f"2026-04-1{n}", "I50") for n in range(3)], name="april",
        period=("2026-04-01", "2026-04-30"), update="net-change",
    )  # fmt: skip
    stage.land()
    stage.run(RISK)
    months = {row["month"] for row in stage.mart("risk-scores", RISK)}
    assert months == {"2026-03", "2026-04"}
    first = listed(stage, limit=1).seen.persons[0]
    assert first.nhs_number == WELL.number
    assert (first.scores["tier"], first.scores["tier_before"]) == ("tier 1", "tier 4")


def test_an_objection_takes_the_earlier_months_with_it(tmp_path, example_icb):
    """Who objects after being scored twice has no row in any month after the next run; the others keep theirs."""
    stage = scored(tmp_path, example_icb)
    token = tokens_by_number(stage)[FRAIL.number]
    stage.send(
        "ncdr-sus-apc", [stay(TWICE, "n1", "2026-04-10", "I50")], name="april",
        period=("2026-04-01", "2026-04-30"), update="net-change",
    )  # fmt: skip
    stage.land()
    stage.run(RISK)
    assert sum(row["person_token"] == token for row in stage.mart("risk-scores", RISK)) == 2
    stage.send("emis-objections", [people.objection(FRAIL, "late", code_of("risk"), "2026-05-02")], name="late",
               update="net-change", extracted="2026-05-03T06:00:00")  # fmt: skip
    stage.land()
    report = stage.run(RISK)
    rows = stage.mart("risk-scores", RISK)
    assert not [row for row in rows if row["person_token"] == token]
    assert sorted(row["month"] for row in rows) == ["2026-03"] * 9 + ["2026-04"] * 9
    assert report.counts["score rows removed for objections"] == 1
    assert not [path for path, content in stage.files().items() if token.encode() in content and "vault" not in path]


def test_a_run_of_the_same_month_replaces_it(tmp_path, example_icb):
    """Running twice without news leaves one month and the same scores."""
    stage = scored(tmp_path, example_icb)
    before = stage.mart("risk-scores", RISK)
    stage.run(RISK)
    assert stage.mart("risk-scores", RISK) == before


def test_nothing_that_came_later_than_the_day_is_in_a_score(tmp_path, example_icb):
    """A stay dated after the day the records reach to does not raise a score of that day."""
    stage = ward(tmp_path, example_icb)
    stage.send("ncdr-sus-apc", [stay(WELL, "future", "2026-06-10", "I50")], name="odd", update="net-change",
               period=("2025-04-01", "2026-03-31"))  # fmt: skip
    stage.land()
    stage.run(RISK)
    person = next(one for one in listed(stage, GP).seen.persons if one.nhs_number == WELL.number)
    assert person.scores["charlson-quan-2011"] == 0


def test_a_hospital_alone_is_enough_to_score_but_not_to_list(tmp_path, example_icb):
    """Without a practice's list nobody's practice is known: scores are made, nobody can see whose they are."""
    from stage import Stage

    stage = Stage(tmp_path, example_icb)
    stage.send("ncdr-sus-apc", [stay(FRAIL, "a", "2025-10-01", "I50")])
    stage.answer([FRAIL])
    stage.land()
    stage.run(RISK)
    assert [row["practice"] for row in stage.mart("risk-scores", RISK)] == [None]
    assert listed(stage).on_the_list == 0


def test_what_has_not_landed_is_unknown_and_not_none(tmp_path, example_icb):
    """Without hospital records a person has no Charlson score; a 0 would say that somebody looked."""
    from stage import Stage

    stage = Stage(tmp_path, example_icb)
    stage.send("emis-patients", [registered(WELL)])
    stage.answer([WELL])
    stage.land()
    stage.run(RISK)
    (row,) = stage.mart("risk-scores", RISK)
    assert (row["charlson-quan-2011"], row["emergency-admissions-12-months"], row["tier"]) == (None, None, None)
    assert row["practice"] == "Z80001"
    assert row["as_of"] <= TODAY
