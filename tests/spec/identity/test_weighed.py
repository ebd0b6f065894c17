"""What no step of tracing found is weighed by Splink, where the register says so: for two people, never by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

import people
from caldicott.operations.review import Reviewer, answer, next_case
from caldicott.safe_haven.identity.remainder import WEIGHED, WEIGHED_BECAUSE
from stage import PLANNING, episode, example_register, with_settings
from traced_ward import CROWD, nameless, ran, spine

ONE, OTHER = Reviewer("reviewer-a"), Reviewer("reviewer-b")
WRONGLY_BORN = replace(CROWD[2], born="1942-09-13")
FOR_REVIEW = f"identity for review: {WEIGHED_BECAUSE}"


def weighing(**rules):
    """The example register, with the remainder weighed."""
    settings = example_register().controller.settings
    assert settings.identity.remainder == "none"
    identity = settings.identity.model_copy(update={"remainder": "splink", **rules})
    return with_settings(example_register(), identity=identity)


@pytest.fixture
def weighed(house):
    """One record of somebody known, under a birth date that is another year's, month's and day's; one of a stranger."""
    house.register = weighing()
    spine(house, CROWD[:8])
    stranger = replace(CROWD[10], family="Zzyzx", given="Ottoline")
    rows = [episode(CROWD[2], "own"), nameless(WRONGLY_BORN, "wrong"), nameless(stranger, "stranger")]
    return house, ran(house, rows)


def test_by_default_nothing_is_weighed(house):
    """The same record is nobody's, and no case waits."""
    spine(house)
    report, mart = ran(house, [nameless(WRONGLY_BORN, "wrong")])
    assert mart == {}
    assert report.counts["identity not known: nobody fits"] == 1
    with house.house() as opened:
        assert next_case(opened, ONE, activity=PLANNING) is None


def test_a_likely_person_waits_for_two_people(weighed):
    """The row stays out, counted so; the case shows the person; who is like nobody stays not known."""
    house, (report, mart) = weighed
    assert set(mart) == {"own"}
    assert report.counts[FOR_REVIEW] == 1
    assert report.counts["identity not known: nobody fits"] == 1
    with house.house() as opened:
        case = next_case(opened, ONE, activity=PLANNING)
    assert [one["number"] for one in case.candidates] == [CROWD[2].number]
    assert (case.step, case.reason) == (WEIGHED, WEIGHED_BECAUSE)
    assert case.candidates[0]["birth_date"] == CROWD[2].born


def test_what_two_people_settled_counts(weighed):
    """From the next run on the row is that person's, and says that it was reviewed."""
    house, _ran = weighed
    for reviewer in (ONE, OTHER):
        with house.house() as opened:
            case = next_case(opened, reviewer, activity=PLANNING)
            answer(opened, reviewer, case.id, "1", activity=PLANNING)
    house.run()
    mart = {row["provider_reference"]: row for row in house.mart()}
    assert mart["wrong"]["person_token"] == mart["own"]["person_token"]
    assert mart["wrong"]["link_quality"] == "reviewed"


def test_the_register_cannot_let_a_weighed_link_in_unreviewed(house):
    """It may let in what the published score found; what Splink holds for likely always waits for two people."""
    house.register = weighing(scored_links_in_marts=True)
    spine(house)
    report, mart = ran(house, [nameless(WRONGLY_BORN, "wrong"), nameless(CROWD[3], "scored", Patient_Name="")])
    assert {name: row["link_quality"] for name, row in mart.items()} == {"scored": "algorithmic@1"}
    assert report.counts[FOR_REVIEW] == 1


def test_weighing_finds_the_same_again(weighed):
    """Another run, and the same records traced anew, bring no second case and no other count."""
    house, (first, _mart) = weighed
    house.land(house.send("pds-person", [], sender="X26"))
    again = house.run()
    assert again.counts[FOR_REVIEW] == first.counts[FOR_REVIEW]
    with house.house() as opened:
        case = next_case(opened, ONE, activity=PLANNING)
        answer(opened, ONE, case.id, "uncertain", activity=PLANNING)
        assert next_case(opened, ONE, activity=PLANNING) is None


def test_a_household_is_not_even_worth_a_look(house):
    """Family name, sex and postcode alike, given name and birth date another's: nobody is asked about it."""
    house.register = weighing()
    spine(house, CROWD[:8])
    sister = replace(CROWD[2], given="Ottoline", born="1971-11-25")
    report, _mart = ran(house, [nameless(sister, "sister")])
    assert FOR_REVIEW not in report.counts
    assert report.counts["identity not known: nobody fits"] == 1


def test_a_replaced_number_is_no_candidate(house):
    """Only persons as the spine has them now are shown to reviewers."""
    house.register = weighing()
    spine(house, [CROWD[2], replace(CROWD[2], number=CROWD[9].number), *CROWD[3:8]])
    merged = people.row("pds-merger", CROWD[2], "m1", **{"Superseded NHS Number": CROWD[9].number})
    merged["Person Merger Business Effective To Date"] = ""
    house.land(house.send("pds-merger", [merged], sender="X26"))
    ran(house, [nameless(WRONGLY_BORN, "wrong")])
    with house.house() as opened:
        case = next_case(opened, ONE, activity=PLANNING)
    assert [one["number"] for one in case.candidates] == [CROWD[2].number]
