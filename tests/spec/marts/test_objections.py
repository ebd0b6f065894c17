"""Whose records are used for what. One invented person a line; the table says which refusals stand today.

Each person has one hospital row and one row at a GP practice, sent for planning
and for risk stratification. A refusal takes a row out where the register says
so, and nowhere else.
"""

from __future__ import annotations

from datetime import timedelta

import pyarrow.parquet as pq
import pytest

import people
from caldicott.safe_haven.objections import CODED
from caldicott.stores import clear
from caldicott.stores.landing_zone import clear_aad
from stage import PLANNING, RISK, TODAY, Stage, episode

T1, T1_READ2, T1_CTV3, T1_OFF, T1_OFF_READ2 = "827241000000103", "9Nu0.", "XaZ89", "827261000000102", "9Nu1."
T2, T2_READ2, T2_OFF = "881561000000100", "9Nu4.", "9Nu5."
NO_RISK, RISK_OFF, NO_RESEARCH = "LOCAL-RISK-DISSENT", "LOCAL-RISK-WITHDRAWN", "LOCAL-RESEARCH-DISSENT"
NOT_EVEN_CODED, NO_LOCAL = "LOCAL-DEIDENTIFIED-DISSENT", "LOCAL-DISSENT"

# who: the codes a practice recorded and when; the schemes by which the person refuses today.
PEOPLE = {
    "never objected": ([], set()),
    "type 1": ([(T1, "2020-01-01")], {"type1"}),
    "type 1, Read code": ([(T1_READ2, "2014-01-01")], {"type1"}),
    "type 1, CTV3 code": ([(T1_CTV3, "2014-01-01")], {"type1"}),
    "type 1, taken back": ([(T1, "2020-01-01"), (T1_OFF, "2021-01-01")], set()),
    "type 1, taken back in another coding": ([(T1, "2020-01-01"), (T1_OFF_READ2, "2021-01-01")], set()),
    "type 1, taken back, again": ([(T1, "2020-01-01"), (T1_OFF, "2021-01-01"), (T1, "2022-01-01")], {"type1"}),
    "type 1 and back on one day": ([(T1_OFF, "2021-01-01"), (T1, "2021-01-01")], {"type1"}),
    "taken back without a refusal": ([(T1_OFF, "2021-01-01")], set()),
    "type 2 on its last day": ([(T2, "2018-10-11")], {"type2"}),
    "type 2, Read code": ([(T2_READ2, "2016-01-01")], {"type2"}),
    "type 2 a day too late": ([(T2, "2018-10-12")], set()),
    "type 2, taken back later": ([(T2, "2016-01-01"), (T2_OFF, "2019-01-01")], set()),
    "type 2 in time and again too late": ([(T2, "2016-01-01"), (T2, "2020-01-01")], {"type2"}),
    "type 2, back, again too late": ([(T2, "2016-01-01"), (T2_OFF, "2017-01-01"), (T2, "2020-01-01")], set()),
    "no risk score": ([(NO_RISK, "2025-01-01")], {"risk"}),
    "no risk score, taken back": ([(NO_RISK, "2025-01-01"), (RISK_OFF, "2025-02-01")], set()),
    "no research": ([(NO_RESEARCH, "2025-01-01")], {"research"}),
    "not even with a code": ([(NOT_EVEN_CODED, "2025-01-01")], {"deidentified"}),
    "local refusal": ([(NO_LOCAL, "2025-01-01")], {"local"}),
    "a code of no scheme": ([("999999999", "2025-01-01")], set()),
    "taking back one is not taking back the other": ([(T1, "2020-01-01"), (RISK_OFF, "2024-01-01")], {"type1"}),
    "two refusals": ([(T1, "2020-01-01"), (NO_RISK, "2020-01-01")], {"type1", "risk"}),
    "national opt-out": ([], {"ndop"}),
    "national opt-out and type 1": ([(T1, "2020-01-01")], {"ndop", "type1"}),
}
# which refusals take rows out, as the register's objection rules say in words.
STOPS = {
    (PLANNING, "sus-apc"): {"ndop", "type2"},
    (PLANNING, "gp-patients"): {"type1", "deidentified", "ndop", "type2"},
    (RISK, "sus-apc"): {"risk", "type1", "ndop", "type2"},
    (RISK, "gp-patients"): {"risk", "type1", "ndop", "type2"},
}
REFERENCE = {"sus-apc": "provider_reference", "gp-patients": "organisation_id"}


def _send(stage, crowd):
    stage.send("ncdr-sus-apc", [episode(person, who) for who, person in crowd.items()], name="hospital")
    rows = [people.patient(person, who, OrganisationGuid=who) for who, person in crowd.items()]
    stage.send("emis-patients", rows, name="practice")
    codes = [
        people.objection(crowd[who], f"{who}-{place}", code, on)
        for who, (recorded, _schemes) in PEOPLE.items()
        for place, (code, on) in enumerate(recorded)
    ]
    stage.send("emis-objections", codes, name="refusals")
    stage.answer([person for who, person in crowd.items() if "ndop" not in PEOPLE[who][1]], name="answer")


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    """Everyone of the table, landed and run for both activities; and the marts' rows by who."""
    stage = Stage(tmp_path_factory.mktemp("objections"), example_icb)
    crowd = dict(zip(PEOPLE, people.invented(len(PEOPLE)), strict=True))
    _send(stage, crowd)
    stage.land()
    runs = {activity: stage.run(activity) for activity in (PLANNING, RISK)}
    found = {
        (activity, dataset): {row[REFERENCE[dataset]] for row in stage.mart(dataset, activity)}
        for activity, dataset in STOPS
    }
    return stage, found, runs


@pytest.mark.parametrize(("activity", "dataset"), STOPS)
@pytest.mark.parametrize("who", PEOPLE)
def test_a_refusal_stops_what_the_register_says_and_nothing_else(world, who, activity, dataset):
    """A person's row is in the mart exactly if no refusal that stops this activity and dataset stands."""
    is_used = not PEOPLE[who][1] & STOPS[activity, dataset]
    assert (who in world[1][activity, dataset]) == is_used


@pytest.mark.parametrize(("submission", "dataset"), [("hospital", "sus-apc"), ("practice", "gp-patients")])
def test_each_excluded_row_is_counted_under_one_named_objection(world, submission, dataset):
    """The account names the objection; rows in, out and held back add up."""
    account = world[0].account(submission)
    stopped = [who for who, (_codes, schemes) in PEOPLE.items() if schemes & STOPS[PLANNING, dataset]]
    assert account["excluded"] == sum(account["excluded_by"].values()) == len(stopped)
    assert set(account["excluded_by"]) <= STOPS[PLANNING, dataset]
    assert account["released"] == len(PEOPLE) - len(stopped)
    assert account["balanced"]


def test_type_2_codes_after_the_scheme_ended_are_told(world):
    """They have no effect; the run counts them so that the practice can be told."""
    late = sum(code in {T2, T2_READ2} and on > "2018-10-11" for codes, _s in PEOPLE.values() for code, on in codes)
    assert world[2][PLANNING].counts["type2 after its end"] == late == 3


def test_nobody_who_objects_to_everything_gets_a_token(world):
    """A token is made only for who remains somewhere in the activity."""
    _stage, found, runs = world
    remain = found[PLANNING, "sus-apc"] | found[PLANNING, "gp-patients"]
    assert runs[PLANNING].tokens == len(remain)


def test_the_national_answer_is_stored_on_no_person(world):
    """No column of any file says who opted out nationally: neither in the clear store nor in a mart."""
    stage = world[0]
    columns = set()
    with stage.house() as house:
        for file in house.store.catalogue.files("clear"):
            aad = clear_aad(file.owner, file.part)
            key = house.store.keys.open(file.key_id).use(aad.decode())
            columns |= set(clear.read(stage.store / file.path, key=key, aad=aad).schema.names)
        columns |= {name for table in house_index(house) for name in table.column_names}
        for file in house.store.catalogue.files("mart"):
            columns |= set(pq.read_schema(stage.store / file.path).names)
    assert columns
    assert not {name for name in columns if "opt" in name or "ndop" in name or "mask" in name}


def house_index(house):
    """The person index, decrypted."""
    from caldicott.stores.clear_rows import ClearRows

    return ClearRows(house.store).person_index()


@pytest.fixture
def small(house):
    """Two people; the national answer lists both."""
    crowd = people.invented(2)
    house.send("ncdr-sus-apc", [episode(person, f"r{place}") for place, person in enumerate(crowd)], name="hospital")
    return house, crowd


def test_without_a_national_answer_everyone_is_out(small):
    """Silence is not consent: with no answer nobody's rows are used where the scheme applies."""
    stage, _crowd = small
    stage.land()
    assert not stage.run().ndop_answered
    assert stage.refs() == []
    assert stage.account("hospital")["excluded_by"] == {"ndop": 2}


@pytest.mark.parametrize(("days", "remain"), [(0, 2), (7, 2), (8, 0), (60, 0)])
def test_the_national_answer_goes_stale(small, days, remain):
    """It may be used on the day it came and for as long as the register says, and not one day more."""
    stage, crowd = small
    stage.answer(crowd)
    stage.land()
    stage.today = TODAY + timedelta(days=days)
    stage.run()
    assert len(stage.refs()) == remain


def test_the_newest_answer_counts_and_an_older_one_not_at_all(small):
    """Who opted out since the last answer is out of the next run, though an older answer still lists them."""
    stage, crowd = small
    stage.land(stage.answer(crowd), stage.inbox / "hospital")
    stage.run()
    stage.today = TODAY + timedelta(days=1)
    stage.land(stage.answer(crowd[:1]))
    stage.run()
    assert stage.refs() == ["r0"]


def test_taking_an_opt_out_back_brings_the_person_back(small):
    """The answer is of a run, not of a person: nothing of an earlier opt-out stays behind."""
    stage, crowd = small
    stage.land(stage.answer(crowd[:1]), stage.inbox / "hospital")
    stage.run()
    stage.today = TODAY + timedelta(days=1)
    stage.land(stage.answer(crowd))
    stage.run()
    assert stage.refs() == ["r0", "r1"]


def _late(stage, crowd):
    """Marts of everybody; then the second person refuses by type 2 and by type 1."""
    stage.send("emis-patients", [people.patient(p, f"g{i}", OrganisationGuid=f"g{i}") for i, p in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run()


def test_an_objection_that_comes_later_counts_in_the_next_run(small):
    """Nothing of the person is in the marts made after the objection landed."""
    stage, crowd = small
    _late(stage, crowd)
    stage.land(stage.send("emis-objections", [people.objection(crowd[1], "o", T2, "2016-01-01")]))
    stage.run()
    assert stage.refs() == ["r0"]


def _exported(stage, dataset):
    return [
        row for path in (stage.root / "out" / dataset).rglob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]


def test_an_objection_that_comes_later_counts_in_an_export_of_older_marts(small):
    """The marts were made before the objection; what leaves after it is without the person."""
    stage, crowd = small
    _late(stage, crowd)
    stage.land(stage.send("emis-objections", [people.objection(crowd[1], "o", T2, "2016-01-01")]))
    stage.export("commissioning_analyst", "out")
    assert [row["provider_reference"] for row in _exported(stage, "sus-apc")] == ["r0"]
    assert len({row["person_token"] for row in _exported(stage, "commissioning-mart")}) == 1


def test_a_late_type_1_takes_the_gp_part_out_of_an_export_of_the_linked_mart(small):
    """In planning type 1 stops GP records only: of the linked mart the GP part goes and the hospital part stays."""
    stage, crowd = small
    stage.send("emis-appointments", [people.row("emis-appointments", p, f"a{i}") for i, p in enumerate(crowd)])
    _late(stage, crowd)
    stage.land(stage.send("emis-objections", [people.objection(crowd[1], "o", T1, "2026-04-01")]))
    stage.export("processor_staff", "out")
    areas = sorted(row["service_area"] for row in _exported(stage, "commissioning-mart"))
    assert areas == ["general-practice", "inpatient", "inpatient"]


def test_a_stale_national_answer_empties_an_export(small):
    """Marts made while the answer held are not given out once it is too old to ask of."""
    stage, crowd = small
    _late(stage, crowd)
    stage.today = TODAY + timedelta(days=8)
    stage.export("commissioning_analyst", "out")
    assert _exported(stage, "sus-apc") == []


def test_an_objection_recorded_under_a_superseded_number_counts(small):
    """The practice still knew the old number: the objection stands for the person, whichever number a row has."""
    stage, crowd = small
    old = people.invented(3)[2]
    merger = {
        "RowID": "m", "NHS Number": crowd[1].number, "Superseded NHS Number": old.number,
        "Person Merger Business Effective From Date": "2025-05-01",
    }  # fmt: skip
    stage.send("pds-merger", [merger], sender="X26")
    stage.send("emis-objections", [people.objection(old, "o", T2, "2016-01-01")])
    stage.answer([*crowd, old])
    stage.land()
    stage.run()
    assert stage.refs() == ["r0"]


def test_in_a_circle_of_mergers_one_opt_out_stops_every_number(house):
    """Two numbers each said to supersede the other are one person; the opt-out is never applied to the other's rows."""
    first, second = people.invented(3)[1:]
    rows = [
        {"RowID": f"m{a.number[-3:]}", "NHS Number": a.number, "Superseded NHS Number": b.number,
         "Person Merger Business Effective From Date": "2025-05-01"}
        for a, b in ((first, second), (second, first))
    ]  # fmt: skip
    house.send("pds-merger", rows, sender="X26")
    house.send("ncdr-sus-apc", [episode(first, "first"), episode(second, "second")])
    house.send("emis-objections", [people.objection(second, "o", T2, "2016-01-01")])
    house.answer([first, second])
    house.land()
    house.run()
    assert house.refs() == []


def test_a_withdrawal_entered_in_error_and_deleted_does_not_lift_the_objection(small):
    """The practice deleted the code that took the refusal back: the refusal stands again."""
    stage, crowd = small
    back = people.objection(crowd[1], "o2", T2_OFF, "2019-01-01")
    stage.send("emis-objections", [people.objection(crowd[1], "o1", T2, "2016-01-01"), back], sender="Z80001")
    deleted = {**back, "Deleted": "true"}
    stage.send(
        "emis-objections", [deleted], sender="Z80001", update="net-change", extracted="2026-05-02T06:00:00",
    )  # fmt: skip
    stage.answer(crowd)
    stage.land()
    stage.run()
    assert stage.refs() == ["r0"]


def _at_the_practice(stage, crowd, **manifest):
    rows = [people.patient(person, f"g{i}", OrganisationGuid=f"g{i}") for i, person in enumerate(crowd)]
    stage.send("emis-patients", rows, sender="Z80001", **manifest)
    stage.answer(crowd)
    stage.land()


def test_before_any_codes_have_landed_nobody_s_gp_record_is_used(small):
    """Nobody has said who refused by type 1, so nobody can be shown not to have: missing means out, not in."""
    stage, crowd = small
    stage.codes_answered = False
    _at_the_practice(stage, crowd)
    report = stage.run()
    assert stage.mart("gp-patients") == []
    assert stage.refs() == ["r0", "r1"]  # type 1 does not stop hospital records in planning
    assert report.unanswered == {"gp-patients": ["type1", "deidentified"]}
    assert stage.run(RISK).tokens == 0


def test_what_the_sender_applied_at_source_needs_no_codes(small):
    """A practice that has left out whoever refused says so in the manifest; its records are used."""
    stage, crowd = small
    stage.codes_answered = False
    _at_the_practice(stage, crowd, objections_applied=["type1", "deidentified"])
    report = stage.run()
    assert len(stage.mart("gp-patients")) == 2
    assert report.unanswered == {}


def test_one_sender_that_applied_nothing_leaves_everybody_out(small):
    """Two senders, one of which says nothing of refusals: the dataset as a whole is not answered."""
    stage, crowd = small
    stage.codes_answered = False
    stage.send("emis-patients", [people.patient(crowd[0], "x", OrganisationGuid="x")], sender="Z80002")
    _at_the_practice(stage, crowd, objections_applied=["type1", "deidentified"])
    stage.run()
    assert stage.mart("gp-patients") == []


def test_an_export_before_any_codes_have_landed_holds_no_gp_record(small, monkeypatch):
    """Marts that were made while codes were known are not given out once nothing vouches for them."""
    stage, crowd = small
    stage.send("emis-appointments", [people.row("emis-appointments", p, f"a{i}") for i, p in enumerate(crowd)])
    _late(stage, crowd)
    monkeypatch.setattr("caldicott.operations.people.is_answered", lambda scheme, **_: scheme not in CODED)
    stage.export("processor_staff", "out")
    assert {row["service_area"] for row in _exported(stage, "commissioning-mart")} == {"inpatient"}
