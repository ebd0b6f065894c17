"""Each control is switched off, one at a time, and the check that watches it must fail.

A check that also passes with its control off proves nothing. Each entry of the
table names the control, how it is switched off, and the check; the check must
hold as the program is and must not hold with the control off.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from statistics import correlation

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import people
from caldicott.engines.duckdb import landing_sql, mart_files, mart_sql
from caldicott.engines.duckdb import people as people_engine
from caldicott.engines.duckdb.people import BIT, DuckDbPeople
from caldicott.operations import export as exporting
from caldicott.operations import export_counts, perform
from caldicott.operations import land as landing
from caldicott.operations import people as gathering
from caldicott.operations.protect import Answer
from caldicott.operations.protect_files import table_text
from caldicott.operations.protect_release import Leaving
from caldicott.policy.decision import Permit
from caldicott.register.model import Instrument
from caldicott.safe_haven import release
from caldicott.stores.vault import Vault
from caldicott.vocabulary.errors import CaldicottError
from caldicott.vocabulary.terms import Objection
from stage import PLANNING, RISK, TODAY, episode, with_settings

CROWD = people.invented(5)[1:]
T1, T2 = "827241000000103", "9Nu4."


def _landed(stage, *rows, **manifest):
    return stage.land(stage.send("ncdr-sus-apc", list(rows), **manifest))[0]


def _two_in_marts(stage, *, answered=True):
    stage.send("ncdr-sus-apc", [episode(person, f"r{i}") for i, person in enumerate(CROWD[:2])])
    if answered:
        stage.answer(CROWD)
    stage.land()


def _refuses(stage, code=T2, *, on="2016-01-01"):
    stage.land(stage.send("emis-objections", [people.objection(CROWD[1], "o", code, on)]))


def check_a_wrong_number_is_held_back(stage):
    assert _landed(stage, episode(CROWD[0], "r", NHS_Number="9000000000")).admitted == 0


def check_test_numbers_are_refused(stage):
    stage.register = with_settings(stage.register, test_numbers_allowed=False)
    assert _landed(stage, episode(CROWD[0], "r")).admitted == 0


def check_a_withheld_row_has_no_token(stage):
    stage.send("ncdr-sus-apc", [episode(CROWD[0], "r", Withheld_Identity_Reason="02")])
    stage.answer(CROWD)
    stage.land()
    stage.run()
    assert [row["person_token"] for row in stage.mart()] == [None]


def check_a_leak_is_held_back(stage):
    assert _landed(stage, episode(CROWD[0], "r", Provider_Reference_Number=CROWD[1].number)).admitted == 0


def check_an_event_after_the_extract_is_held_back(stage):
    assert _landed(stage, episode(CROWD[0], "r", "2026-05-02")).admitted == 0


def check_a_changed_file_is_refused(stage):
    place = stage.send("ncdr-sus-apc", [episode(CROWD[0], "r", Sex="1")])
    path = place / "ncdr-sus-apc.csv"
    path.write_text(path.read_text().replace("I10X", "I11X"))
    assert stage.land(place)[0].fault is not None


def check_an_unknown_purpose_is_refused(stage):
    assert _landed(stage, episode(CROWD[0], "r"), purposes=(PLANNING, "advertising")).fault is not None


def check_an_unknown_agreement_is_refused(stage):
    assert _landed(stage, episode(CROWD[0], "r"), agreement="handshake").fault is not None


def check_the_same_id_means_the_same_content(stage):
    _landed(stage, episode(CROWD[0], "r"), name="once")
    other = people.submission(stage.root / "b", "ncdr-sus-apc", [episode(CROWD[1], "r")], name="once")
    assert stage.land(other)[0].fault is not None


def check_a_repeated_record_is_used_once(stage):
    assert _landed(stage, episode(CROWD[0], "r"), episode(CROWD[0], "r")).admitted == 1


def check_a_replaced_period_is_replaced(stage):
    _landed(stage, episode(CROWD[0], "old"), extracted="2026-04-01T06:00:00")
    _landed(stage, episode(CROWD[0], "new"), extracted="2026-04-02T06:00:00")
    stage.land(stage.answer(CROWD))
    stage.run()
    assert stage.refs() == ["new"]


def check_a_refusal_takes_rows_out(stage):
    _two_in_marts(stage)
    _refuses(stage)
    stage.run()
    assert stage.refs() == ["r0"]


def check_type_2_has_ended(stage):
    _two_in_marts(stage)
    _refuses(stage, on="2019-01-01")
    stage.run()
    assert stage.refs() == ["r0", "r1"]


def check_without_an_answer_everyone_is_out(stage):
    _two_in_marts(stage, answered=False)
    stage.run()
    assert stage.refs() == []


def check_without_codes_everyone_is_out(stage):
    stage.codes_answered = False
    _two_in_marts(stage)
    stage.run(RISK)
    assert stage.refs(activity=RISK) == []


def check_whose_practice_is_silent_is_out(stage):
    stage.codes_answered = False
    rows = [people.patient(p, f"g{i}", OrganisationOds=f"Z8000{i + 1}") for i, p in enumerate(CROWD[:2])]
    stage.land(
        stage.send("emis-patients", rows), stage.send("emis-objections", [], sender="Z80001"), stage.answer(CROWD)
    )
    stage.run()
    assert len(stage.mart("gp-patients")) == 1


def check_a_stale_answer_is_none(stage):
    _two_in_marts(stage)
    stage.today = TODAY + timedelta(days=30)
    stage.run()
    assert stage.refs() == []


def check_a_merged_number_s_refusal_counts(stage):
    _two_in_marts(stage)
    merger = {
        "RowID": "m", "NHS Number": CROWD[0].number, "Superseded NHS Number": CROWD[1].number,
        "Person Merger Business Effective From Date": "2025-05-01",
    }  # fmt: skip
    stage.land(stage.send("pds-merger", [merger], sender="X26"))
    _refuses(stage)
    stage.run()
    assert stage.refs() == []


def _exported(stage, role, dataset):
    stage.export(role, "out")
    return [
        row for path in (stage.root / "out" / dataset).rglob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]


def check_a_late_refusal_is_not_exported(stage):
    _two_in_marts(stage)
    stage.run()
    _refuses(stage)
    assert [row["provider_reference"] for row in _exported(stage, "commissioning_analyst", "sus-apc")] == ["r0"]


def check_a_late_type_1_empties_gp(stage):
    stage.send("emis-appointments", [people.row("emis-appointments", CROWD[1], "a")])
    _two_in_marts(stage)
    stage.run()
    _refuses(stage, T1, on="2026-04-01")
    areas = {row["service_area"] for row in _exported(stage, "processor_staff", "commissioning-mart")}
    assert areas == {"inpatient"}


def check_two_activities_share_no_token(stage):
    _two_in_marts(stage)
    stage.run()
    stage.run(RISK)
    here, there = ({row["person_token"] for row in stage.mart(activity=activity)} for activity in (PLANNING, RISK))
    assert here
    assert not here & there


def check_no_telling_column_is_in_a_mart(stage):
    _two_in_marts(stage)
    stage.run()
    assert not {"birth_date", "postcode", "record_id", "patient_name"} & set(stage.mart()[0])


def check_the_order_of_the_file_is_gone(stage):
    many = people.invented(300)
    stage.send("ncdr-sus-apc", [episode(person, f"{place:03d}") for place, person in enumerate(many)])
    stage.answer(many)
    stage.land()
    stage.run()
    order = [int(row["provider_reference"]) for row in stage.mart()]
    assert abs(correlation(range(len(order)), order)) < 6 / 300**0.5


def _as_they_are(_house, tables, **_asked):
    """The gate stands open: every true count leaves."""
    texts = {
        table.name: table_text(
            table.dimensions,
            ("count", "people"),
            [(row.values, (str(row.count), str(row.people))) for row in table.rows],
        )
        for table in tables
    }
    return Leaving(Answer(texts), "")


def check_small_counts_are_hidden(stage):
    _two_in_marts(stage)
    stage.run()
    stage.export("public", "out")
    assert (stage.root / "out" / "commissioning-mart.csv").read_text().splitlines()[1].replace('"', "") == "2025-06,*,*"


def check_a_role_without_a_rule_gets_nothing(stage):
    _two_in_marts(stage)
    stage.run()
    with suppress(CaldicottError):
        stage.export("hr_officer", "out")
    assert not (stage.root / "out").exists()


def check_a_lapsed_document_stops_landing(stage):
    stage.today = TODAY.replace(year=2030)
    assert _landed(stage, episode(CROWD[0], "r")).fault is not None


def check_decisions_are_in_the_trail(stage):
    _landed(stage, episode(CROWD[0], "r"))
    assert "decision" in {entry.event for entry in stage.entries()}


def check_acts_are_in_the_trail(stage):
    _landed(stage, episode(CROWD[0], "r"))
    assert "admit" in {entry.event for entry in stage.entries()}


_TOGETHER = mart_files.together


def _unshuffled(found):
    """The months in the order of the sender's file."""
    rows = _TOGETHER(found)
    month = pc.shift_right(rows.column(mart_files.SHUFFLE_KEY), pa.scalar(mart_files.PLACE_SHIFT, pa.uint64()))
    place = rows.schema.get_field_index(mart_files.SHUFFLE_KEY)
    key = pc.shift_left(month, pa.scalar(mart_files.PLACE_SHIFT, pa.uint64()))
    ordered = rows.set_column(place, mart_files.SHUFFLE_KEY, key)
    return ordered.sort_by([(mart_files.SHUFFLE_KEY, "ascending"), ("provider_reference", "ascending")])


def _without_national(settle):
    def settled(self, *, ndop_answered, **more):
        settle(self, ndop_answered=ndop_answered)
        kept = ~BIT[Objection.NATIONAL_DATA_OPT_OUT]
        self.connection.execute(f"UPDATE person SET mask = mask & {kept}")

    return settled


def _one_domain(tokens_for):
    def given(self, persons, domain, **rest):
        one = domain.model_copy(update={"name": "commissioning", "letter": "C"})
        return tokens_for(self, persons, one, **rest)

    return given


def _as_an_analyst(ask):
    from dataclasses import replace

    return lambda house, requests: ask(house, [replace(request, role="commissioning_analyst") for request in requests])


def _unrecorded(house, *, event, activity, compute):
    act = compute()
    with house.store.catalogue.transaction():
        act.keep()
    return act.result


def _off(owner, name, replacement):
    return lambda patch: patch.setattr(owner, name, replacement)


def _wrapped(owner, name, wrap):
    return lambda patch: patch.setattr(owner, name, wrap(getattr(owner, name)))


def _only_permits(decisions):
    return [decision for decision in decisions if isinstance(decision, Permit)]


def _nothing_newer(since, submission, later):
    return release.Place(since, (), ())


ENDLESS = people_engine._OBJECTING.replace("WHERE c.effective_until IS NULL OR", "WHERE true OR")

CONTROLS = {
    "check digit": (_off(landing_sql, "number_fault", lambda **_k: "NULL::VARCHAR"), check_a_wrong_number_is_held_back),
    "ranges": (
        _wrapped(landing_sql, "number_fault", lambda real: lambda **k: real(**{**k, "test_numbers_allowed": True})),
        check_test_numbers_are_refused,
    ),
    "withheld identities": (_off(landing_sql, "_is_withheld", lambda _l: "false"), check_a_withheld_row_has_no_token),
    "search of free columns": (_off(landing_sql, "scanned", lambda _c: False), check_a_leak_is_held_back),
    "dates": (_off(landing_sql, "_date_faults", lambda *_a: []), check_an_event_after_the_extract_is_held_back),
    "file hashes": (_off(landing.manifests, "verify_files", lambda *_a: None), check_a_changed_file_is_refused),
    "the register at landing": (_off(landing, "permits", _only_permits), check_an_unknown_purpose_is_refused),
    "agreements": (_off(landing, "against_agreement", lambda *_a, **_k: None), check_an_unknown_agreement_is_refused),
    "one content an id": (
        _off(landing, "_already", lambda _manifest, _earlier, folder: landing.Landed(folder.name)),
        check_the_same_id_means_the_same_content,
    ),
    "repeats": (_off(landing, "hold_repeats", lambda *_a, **_k: None), check_a_repeated_record_is_used_once),
    "replacement": (_off(release, "_place", _nothing_newer), check_a_replaced_period_is_replaced),
    "objections": (_off(gathering, "_masks", lambda *_a: []), check_a_refusal_takes_rows_out),
    "the latest code": (
        _off(people_engine, "_OBJECTING", "CREATE TEMP TABLE objecting AS SELECT 0::BIGINT AS person_id, 0 AS mask"),
        check_a_refusal_takes_rows_out,
    ),
    "the end of type 2": (
        _off(people_engine, "_OBJECTING", ENDLESS),
        check_type_2_has_ended,
    ),
    "no answer, nobody": (_wrapped(DuckDbPeople, "settle", _without_national), check_without_an_answer_everyone_is_out),
    "no codes, nobody": (_off(gathering, "is_answered", lambda *_a, **_k: True), check_without_codes_everyone_is_out),
    "no codes of a practice, none of its people": (
        _off(gathering, "depends_on_practices", lambda *_a, **_k: False), check_whose_practice_is_silent_is_out,
    ),
    "age of the answer": (_off(gathering, "is_answer_usable", lambda *_a, **_k: True), check_a_stale_answer_is_none),
    "mergers": (_off(DuckDbPeople, "add_mergers", lambda *_a, **_k: None), check_a_merged_number_s_refusal_counts),
    "objections at export": (_off(gathering.People, "mask", lambda *_a: 0), check_a_late_refusal_is_not_exported),
    "objections by service area": (_off(exporting, "_masks_by_area", lambda *_a: {}), check_a_late_type_1_empties_gp),
    "domains": (_wrapped(Vault, "tokens_for", _one_domain), check_two_activities_share_no_token),
    "columns": (_off(mart_sql, "_may_stay", lambda *_a: True), check_no_telling_column_is_in_a_mart),
    "shuffling": (_off(mart_files, "together", _unshuffled), check_the_order_of_the_file_is_gone),
    "small counts": (
        _off(export_counts, "release_counts", _as_they_are), check_small_counts_are_hidden,
    ),
    "the role's rule": (_wrapped(exporting, "ask", _as_an_analyst), check_a_role_without_a_rule_gets_nothing),
    "dates of documents": (_off(Instrument, "is_live", lambda *_a: True), check_a_lapsed_document_stops_landing),
    "decisions recorded": (_off(perform, "record", lambda *_a: None), check_decisions_are_in_the_trail),
    "acts recorded": (_off(landing, "perform", _unrecorded), check_acts_are_in_the_trail),
}  # fmt: skip


@pytest.mark.parametrize("control", CONTROLS)
def test_the_check_fails_when_its_control_is_off(house, tmp_path_factory, monkeypatch, control):
    """With the control the check holds; without it, it does not."""
    switch_off, check = CONTROLS[control]
    check(house)
    house.root = tmp_path_factory.mktemp("off")
    house.today = TODAY
    switch_off(monkeypatch)
    with pytest.raises(AssertionError):
        check(house)
