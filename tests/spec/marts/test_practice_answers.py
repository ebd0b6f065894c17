"""Where nobody has said who objects, who is registered is out of what a code can stop: a missing answer is no yes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import people
from caldicott.safe_haven.objections import PRACTICE_UNANSWERED
from stage import PLANNING, RISK, TODAY, Stage, episode

FIRST, SECOND, THIRD = "Z80001", "Z80002", "Z80003"
TYPE_1 = "827241000000103"
NOBODY = "999999"
"""A code of no scheme: its practice has said something, and nobody objects."""


def at(practice, person, name, **changes):
    return people.patient(person, name, OrganisationGuid=name, OrganisationOds=practice, **changes)


def code(person, practice, *, record="o", which=NOBODY):
    return {**people.objection(person, record, which, "2025-05-01"), "OrganisationOds": practice}


@pytest.fixture
def town(house):
    """One person at each of two practices, with a hospital row and a practice's row; no code has come yet."""
    one, other = people.invented(3)[1:]
    house.codes_answered = False
    house.land(
        house.send("ncdr-sus-apc", [episode(one, "h1"), episode(other, "h2")]),
        house.send("emis-patients", [at(FIRST, one, "g1"), at(SECOND, other, "g2")], name="practices"),
        house.answer([one, other]),
    )
    return house, one, other


def used(stage, activity=PLANNING):
    """Whose rows of a practice are in the mart."""
    stage.run(activity)
    return sorted(row["organisation_id"] for row in stage.mart("gp-patients", activity))


def codes(stage, rows, **manifest):
    return stage.land(stage.send("emis-objections", rows, **manifest))


def test_a_practice_that_has_not_answered_is_out_and_counted_by_its_own_reason(town):
    """The codes of one practice say nothing of the people of another; hospital rows that type 1 leaves alone stay."""
    stage, one, _other = town
    codes(stage, [code(one, FIRST)])
    assert used(stage) == ["g1"]
    assert stage.account("practices")["excluded_by"] == {PRACTICE_UNANSWERED: 1}
    assert stage.account("practices")["balanced"]
    assert stage.refs() == ["h1", "h2"]


def test_an_objection_is_counted_as_what_it_is(town):
    """Who objected is named under the scheme, not under the missing answer of somebody else."""
    stage, one, _other = town
    codes(stage, [code(one, FIRST, which=TYPE_1)])
    assert used(stage) == []
    assert stage.account("practices")["excluded_by"] == {"type1": 1, PRACTICE_UNANSWERED: 1}


def test_risk_scores_know_only_people_whose_practice_has_answered(town):
    """Type 1 stops hospital rows there too: of a person nobody has spoken for, nothing is used and no token is made."""
    stage, one, _other = town
    codes(stage, [code(one, FIRST)])
    assert stage.run(RISK).tokens == 1
    assert stage.refs(activity=RISK) == ["h1"]


def test_who_sends_for_several_says_for_which(town):
    """A practice of which there is no code at all has answered if the manifest names it."""
    stage, one, _other = town
    codes(stage, [code(one, FIRST)], practices=[FIRST, SECOND])
    assert used(stage) == ["g1", "g2"]


def test_a_practice_speaks_for_itself_alone(town):
    """Rows or claims about another practice vouch for nobody there."""
    stage, one, other = town
    codes(stage, [code(one, FIRST), code(other, SECOND, record="o2")], sender=FIRST, practices=[FIRST, SECOND])
    assert used(stage) == ["g1"]
    codes(stage, [], sender=SECOND)
    assert used(stage) == ["g1", "g2"]


@pytest.mark.parametrize(("days", "found"), [(62, ["g1", "g2"]), (63, [])])
def test_an_answer_grows_old(town, days, found):
    """It may be used for as long as the register says and not a day more: somebody may have objected since."""
    stage, one, other = town
    codes(stage, [], practices=[FIRST, SECOND])
    stage.today = TODAY + timedelta(days=days)
    stage.land(stage.answer([one, other]))
    assert used(stage) == found


def test_a_change_renews_an_answer_and_is_none_by_itself(town):
    """What changed says nothing of who objected before; on top of a full extract it says that they still send."""
    stage, one, other = town
    codes(stage, [code(one, FIRST)], update="net-change", extracted="2026-05-02T06:00:00", practices=[FIRST, SECOND])
    assert used(stage) == []
    codes(stage, [code(other, SECOND, record="o2")], practices=[FIRST, SECOND])
    assert used(stage) == ["g1", "g2"]
    stage.today = TODAY + timedelta(days=60)
    codes(stage, [], update="net-change", extracted="2026-07-01T06:00:00", practices=[FIRST])
    stage.today = TODAY + timedelta(days=70)
    stage.land(stage.answer([one, other]))
    assert used(stage) == ["g1"]


def test_a_newer_full_extract_that_leaves_a_practice_out_answers_for_it_no_more(town):
    """The processor lost a practice: what it said of it before was taken back with the extract."""
    stage, one, other = town
    codes(stage, [code(one, FIRST), code(other, SECOND, record="o2")])
    assert used(stage) == ["g1", "g2"]
    codes(stage, [code(one, FIRST, record="o3")], extracted="2026-05-03T06:00:00")
    assert used(stage) == ["g1"]


def test_who_has_moved_is_asked_of_where_they_are_now(house):
    """An ended registration does not hold somebody back; the present one does, and the spine may know it first."""
    moved, gone = people.invented(3)[1:]
    house.codes_answered = False
    rows = [
        at(FIRST, moved, "was", DateOfDeactivation="2025-12-01"),
        at(SECOND, moved, "is"),
        at(SECOND, gone, "stale"),
    ]
    spine = people.row("pds-person", gone, "D1")
    spine[next(c.name for c in people.load("pds-person").columns if c.canonical == "practice")] = THIRD
    house.land(house.send("emis-patients", rows), house.send("pds-person", [spine]), house.answer([moved, gone]))
    codes(house, [], practices=[SECOND])
    assert used(house) == ["is", "was"]
    codes(house, [], practices=[SECOND, THIRD], extracted="2026-05-03T06:00:00")
    assert used(house) == ["is", "stale", "was"]


def test_of_whom_no_practice_is_known_all_must_have_answered(town):
    """A hospital row does not say where codes would be: while one practice is awaited, it is not used for scores."""
    stage, one, other = town
    stranger = people.invented(4)[3]
    stage.today = TODAY + timedelta(days=1)
    stage.land(
        stage.send("ncdr-sus-apc", [episode(stranger, "h3")], sender="RZ2"), stage.answer([one, other, stranger])
    )
    codes(stage, [], practices=[FIRST, SECOND])
    stage.run(RISK)
    stage.run()
    assert (stage.refs(activity=RISK), stage.refs()) == (["h1", "h2"], ["h1", "h2", "h3"])
    stage.land(people.no_more_codes(stage.inbox))
    stage.run(RISK)
    assert stage.refs(activity=RISK) == ["h1", "h2", "h3"]


def test_a_practice_outside_the_membership_is_awaited_like_any_other(town):
    """Who is registered elsewhere has codes there: that all members have answered says nothing of them."""
    stage, one, other = town
    guest = people.invented(4)[3]
    stage.today = TODAY + timedelta(days=1)
    stage.land(
        stage.send("emis-patients", [at("Y99999", guest, "g3")], sender="Z80009"),
        stage.answer([one, other, guest]),
        people.no_more_codes(stage.inbox),
    )
    assert used(stage) == ["g1", "g2"]


def test_a_code_for_no_practice_is_none(house):
    """What senders write where they know no practice is not a practice that anybody could wait for."""
    one = people.invented(2)[1]
    house.land(
        house.send("emis-patients", [at("V81999", one, "g1")]), house.send("ncdr-sus-apc", [episode(one, "h1")]),
        house.answer([one]),
    )  # fmt: skip
    house.run(RISK)
    assert house.refs(activity=RISK) == ["h1"]


def test_status_names_the_practices_that_are_awaited(town):
    """The officer sees whom to ask, and since when the last answer is too old."""
    stage, one, other = town
    codes(stage, [], sender=FIRST)
    stage.today = TODAY + timedelta(days=63)
    stage.land(stage.answer([one, other]))
    codes(stage, [], sender=SECOND)
    report = stage.run()
    told = stage.status()["coded_objections"][PLANNING]
    assert (told["answered"], told["awaited"][FIRST], told["awaited"][THIRD]) == (1, TODAY.isoformat(), "")
    assert SECOND not in told["awaited"]
    assert report.awaited == told["awaited"]
    assert report.counts["practices that have not answered"] == len(told["awaited"]) == 149


def test_marts_made_while_the_answer_held_are_not_given_out_after_it(town):
    """Applied again at every later use: the GP part of an export goes once a practice's answer is too old."""
    import pyarrow.parquet as pq

    stage, one, other = town
    stage.land(stage.send("emis-appointments", [
        people.row("emis-appointments", one, "a1", OrganisationOds=FIRST),
        people.row("emis-appointments", other, "a2", OrganisationOds=SECOND),
    ]))  # fmt: skip
    codes(stage, [], sender=FIRST)
    stage.today = TODAY + timedelta(days=30)
    codes(stage, [], sender=SECOND)
    stage.land(stage.answer([one, other]))
    stage.run()
    stage.today = TODAY + timedelta(days=70)
    stage.land(stage.answer([one, other]))
    stage.export("processor_staff", "out")
    rows = [
        row
        for path in (stage.root / "out").rglob("*.parquet")
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]
    assert sorted(row["service_area"] for row in rows) == ["general-practice", "inpatient", "inpatient"]


SLOW = settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
PRACTICES = (FIRST, SECOND, THIRD)
CROWD = people.invented(7)[1:]


@SLOW
@given(
    places=st.lists(st.sampled_from(PRACTICES), min_size=6, max_size=6),
    refusing=st.sets(st.integers(0, 5), max_size=3),
    lost=st.sampled_from(PRACTICES),
)
def test_losing_a_practices_codes_never_adds_a_row(tmp_path_factory, example_icb, places, refusing, lost):
    """Whoever objects wherever: without one practice's file the marts hold fewer rows, never others."""
    found = []
    for is_lost in (False, True):
        stage = Stage(tmp_path_factory.mktemp("law"), example_icb, codes_answered=False)
        stage.send("emis-patients", [at(p, CROWD[i], f"g{i}") for i, p in enumerate(places)])
        stage.send("ncdr-sus-apc", [episode(one, f"h{i}") for i, one in enumerate(CROWD)])
        for practice in PRACTICES:
            if not (is_lost and practice == lost):
                mine = [i for i in sorted(refusing) if places[i] == practice]
                rows = [code(CROWD[i], practice, record=f"o{i}", which=TYPE_1) for i in mine]
                stage.send("emis-objections", rows, sender=practice)
        stage.answer(CROWD)
        stage.land()
        found.append((set(used(stage)), set(stage.refs()), set(used(stage, RISK)), set(stage.refs(activity=RISK))))
    whole, less = found
    assert all(few <= all_of for few, all_of in zip(less, whole, strict=True))
    assert not any(places[int(name[1:])] == lost for name in less[0] | less[2])
    assert whole[0] == {f"g{i}" for i in range(6) if i not in refusing}
