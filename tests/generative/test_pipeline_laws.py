"""Laws of the whole pipeline: what must hold whatever arrives, in whatever order, whoever objects."""

from __future__ import annotations

import random
from datetime import date, timedelta
from statistics import correlation

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import people
from stage import PLANNING, RISK, Stage, episode

CROWD = people.invented(7)[1:]
# Each example is whole landings and runs: few, the same every time, and not made smaller for an hour.
SLOW = settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
SENDERS = ("RZ1", "RZ2", "NZ1", "RZM")
CODES = ["827241000000103", "9Nu0.", "9Nu4.", "LOCAL-RISK-DISSENT", "LOCAL-DEIDENTIFIED-DISSENT", "LOCAL-DISSENT"]
ENDS = ["827261000000102", "9Nu1.", "9Nu5.", "LOCAL-RISK-WITHDRAWN", "LOCAL-DEIDENTIFIED-WITHDRAWN"]

WHO = st.integers(0, len(CROWD) - 1)
DAYS = st.dates(date(2015, 1, 1), date(2026, 4, 30)).map(date.isoformat)
KINDS = {
    "good": {}, "bad number": {"NHS_Number": "1234567890"}, "no number": {"NHS_Number": ""},
    "one time": {"NHS_Number": "", "NHS_Number_Trace_Status": "07"},
    "withheld": {"Withheld_Identity_Reason": "02"}, "bad date": {"Admission_Date": "2025-13-01"},
    "leak": {"Provider_Reference_Number": CROWD[0].number}, "conflict": {"NHS_Number_Trace_Status": "05"},
    "withdrawn": {"Update_Type": "1"},
}  # fmt: skip
ROWS = st.lists(st.tuples(st.integers(0, 9), WHO, DAYS, st.sampled_from([*KINDS, "good", "good"])), max_size=12)


@pytest.fixture
def stages(tmp_path_factory, example_icb):
    """A new empty stage for each example."""
    return lambda: Stage(tmp_path_factory.mktemp("law"), example_icb)


@SLOW
@given(submissions=st.lists(ROWS, min_size=1, max_size=3), listed=st.sets(WHO), refusing=st.sets(WHO))
def test_every_row_has_one_place(stages, submissions, listed, refusing):
    """Rows in = admitted + held back + excluded, for each submission; and what is left over is what the mart holds."""
    stage = stages()
    for place, rows in enumerate(submissions):
        made = [episode(CROWD[who], f"k{key}", on, **KINDS[kind]) for key, who, on, kind in rows]
        stage.send("ncdr-sus-apc", made, name=f"h{place}", sender=SENDERS[place])
    stage.send("emis-objections", [people.objection(CROWD[who], f"o{who}", "9Nu4.", "2016-01-01") for who in refusing])
    stage.answer([CROWD[who] for who in sorted(listed)])
    assert [entry.fault for entry in stage.land()] == [None] * (len(submissions) + 2)
    stage.run()
    accounts = [stage.account(f"h{place}") for place in range(len(submissions))]
    for account, rows in zip(accounts, submissions, strict=True):
        assert account["rows"] == len(rows) == account["admitted"] + account["quarantined"] + account["excluded"]
        assert account["balanced"]
    assert sum(account["released"] for account in accounts) == len(stage.mart())


@SLOW
@given(
    coded=st.lists(st.tuples(WHO, st.sampled_from(CODES + ENDS), DAYS), max_size=8),
    added=st.tuples(WHO, st.sampled_from(CODES), DAYS),
    listed=st.sets(WHO),
)
def test_an_added_objection_never_adds_a_row(stages, coded, added, listed):
    """Whatever was recorded before, one more refusal only ever takes rows out; in every activity and dataset."""
    stage = stages()
    stage.send("ncdr-sus-apc", [episode(person, str(place)) for place, person in enumerate(CROWD)])
    stage.send("emis-patients", [people.patient(p, str(i), OrganisationGuid=str(i)) for i, p in enumerate(CROWD)])
    stage.send("emis-objections", [people.objection(CROWD[w], f"o{i}", c, on) for i, (w, c, on) in enumerate(coded)])
    stage.answer([CROWD[who] for who in sorted(listed)])
    stage.land()
    found = []
    for again in (False, True):
        if again:
            who, code, on = added
            stage.land(stage.send("emis-objections", [people.objection(CROWD[who], "new", code, on)], sender="Z80002"))
        for activity in (PLANNING, RISK):
            stage.run(activity)
        found.append({
            (activity, dataset, row[reference])
            for activity in (PLANNING, RISK)
            for dataset, reference in (("sus-apc", "provider_reference"), ("gp-patients", "organisation_id"))
            for row in stage.mart(dataset, activity)
        })  # fmt: skip
    assert found[1] <= found[0]


MONTHS = ["2025-04-01", "2025-06-01", "2025-09-01"]
EDITIONS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([*MONTHS, "2019-05-01"]), st.booleans()), max_size=5
)  # fmt: skip
PERIODS = st.sampled_from([("2025-04-01", "2026-03-31"), ("2025-04-01", "2025-06-30"), ("2025-07-01", "2026-03-31")])
HISTORIES = st.lists(
    st.tuples(EDITIONS, st.sampled_from(["bulk-replacement", "net-change"]), PERIODS, st.sampled_from(["RZ1", "RZ2"])),
    min_size=2, max_size=5,
)  # fmt: skip


def expected_after(history):
    """What is left by the rule in words: the newest extract counts, within one sender."""
    left = []
    for place, (rows, _update, _period, sender) in enumerate(history):
        first = {key: at for at, (key, *_rest) in reversed(list(enumerate(rows)))}
        newer = [entry for entry in history[place + 1 :] if entry[3] == sender]
        left += [
            f"{place}-{at}"
            for at, (key, on, is_deleted) in enumerate(rows)
            if first[key] == at and not is_deleted and not any(_takes_place(entry, key, on) for entry in newer)
        ]
    return sorted(left)


def _takes_place(newer, key, on):
    rows, update, (first, last), _sender = newer
    if update == "net-change":
        return any(other == key for other, *_rest in rows)
    return first <= on <= last or any(o == key and not first <= day <= last for o, day, _deleted in rows)


@settings(SLOW, max_examples=5)
@given(history=HISTORIES, seed=st.integers(0, 1000))
def test_neither_the_order_of_arrival_nor_landing_twice_matters(stages, history, seed):
    """Any history of replacements, changes and deletions gives the mart that the rule in words gives."""
    stage = stages()
    for place, (rows, update, period, sender) in enumerate(history):
        made = [
            episode(
                CROWD[key], f"k{key}", on, Provider_Reference_Number=f"{place}-{at}", Update_Type="1" if gone else "9"
            )
            for at, (key, on, gone) in enumerate(rows)
        ]
        extracted = f"2026-04-{place + 1:02d}T06:00:00"
        stage.send(
            "ncdr-sus-apc", made, name=f"h{place}", update=update, period=period, sender=sender, extracted=extracted
        )
    stage.answer(CROWD, name="answer")
    places = sorted(stage.inbox.iterdir())
    random.Random(seed).shuffle(places)
    assert {entry.fault for entry in stage.land(*places)} == {None}
    assert {entry.already for entry in stage.land()} == {True}
    stage.run()
    assert stage.refs() == expected_after(history)
    accounts = [entry for entry in stage.status()["submissions"] if entry["dataset"] == "sus-apc"]
    assert sum(entry["released"] for entry in accounts) == len(stage.mart())


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, example_icb):
    """Six hundred people once each, run for both activities."""
    stage = Stage(tmp_path_factory.mktemp("crowd"), example_icb)
    many = people.invented(600)
    stage.send("ncdr-sus-apc", [episode(person, f"{place:04d}") for place, person in enumerate(many)])
    stage.answer(many)
    stage.land()
    stage.run()
    stage.run(RISK)
    return stage


def test_two_activities_share_no_token_and_no_order(crowd):
    """Nobody can join two activities' marts: no token is in both, and neither order nor tokens follow each other."""
    here, there = crowd.mart(), crowd.mart(activity=RISK)
    assert not {row["person_token"] for row in here} & {row["person_token"] for row in there}
    assert {row["provider_reference"] for row in here} == {row["provider_reference"] for row in there}
    places = [{row["provider_reference"]: place for place, row in enumerate(rows)} for rows in (here, there)]
    # Six standard deviations of the correlation of two independent orders of six hundred.
    assert abs(correlation([places[0][ref] for ref in places[0]], [places[1][ref] for ref in places[0]])) < 6 / 600**0.5


def test_the_order_of_a_mart_says_nothing_of_the_order_of_the_file(crowd):
    """A row's place in the mart does not lead back to its place in the sender's file."""
    order = [int(row["provider_reference"]) for row in crowd.mart()]
    assert abs(correlation(range(len(order)), order)) < 6 / 600**0.5


def test_a_token_lasts_from_run_to_run(crowd):
    """The same person has the same token in the next run of the same activity."""
    before = {row["provider_reference"]: row["person_token"] for row in crowd.mart()}
    crowd.today += timedelta(days=1)
    crowd.run()
    assert {row["provider_reference"]: row["person_token"] for row in crowd.mart()} == before
