"""Records without a usable number: who is found, who honestly is not, and what becomes of each row."""

from __future__ import annotations

from dataclasses import replace

import pytest

import people
from caldicott.operations.identify import counts_of
from caldicott.stores.traced_rows import TracedRows
from stage import episode, with_settings
from traced_ward import CROWD, nameless, ran, spine, spine_row


def test_a_row_without_a_number_finds_its_person(house):
    """Name, birth date, sex and postcode are one person's: the row enters under that person's code, and says how."""
    spine(house)
    _report, mart = ran(house, [episode(CROWD[0], "own"), nameless(CROWD[0], "traced")])
    assert mart["traced"]["person_token"] == mart["own"]["person_token"]
    assert mart["traced"]["link_quality"] == "alphanumeric@1"


@pytest.mark.parametrize(
    ("written", "because"),
    [("", "blank"), ("0000000000", "sentinel"), ("12345", "not ten digits"), ("9000000000", "check digit")],
)
def test_the_report_says_why_a_record_was_traced(house, written, because):
    """A blank, a sentinel, too few digits and a wrong check digit are counted apart."""
    spine(house)
    report, _mart = ran(house, [nameless(CROWD[1], "x", NHS_Number=written)])
    assert report.counts[f"traced because {because}"] == 1
    assert report.counts["identity found by alphanumeric@1"] == 1


def test_who_is_not_on_the_spine_stays_out(house):
    """Nobody fits: the row is in no mart, and what came of it is kept with a one-time id."""
    spine(house, CROWD[:3])
    report, mart = ran(house, [nameless(CROWD[5], "x")])
    assert mart == {}
    assert report.counts["identity not known: nobody fits"] == 1
    with house.house() as opened:
        (submission,) = [s for s in opened.store.catalogue.submissions() if s.dataset == "sus-apc"]
        (outcome,) = TracedRows(opened.store).outcomes(submission.uid).to_pylist()
    assert (outcome["kind"], outcome["person"], outcome["one_time"][0]) == ("not known", None, "U")


def test_an_objection_of_the_person_found_is_kept(house):
    """Who has opted out is out, also where only the tracing knew whose the row is."""
    spine(house)
    report, mart = ran(house, [nameless(CROWD[0], "out"), nameless(CROWD[1], "in")], allowed=CROWD[1:])
    assert mart.keys() == {"in"}
    assert report.counts["traced rows excluded ndop"] == 1


def test_twins_of_one_house_are_taken_for_nobody(house):
    """Two with one family name, birth date, sex and house, and a record without a given name: it is neither's."""
    one = CROWD[0]
    twin = replace(CROWD[1], born=one.born, family=one.family, postcode=one.postcode)
    spine(house, [one, twin])
    report, mart = ran(house, [nameless(one, "either", Patient_Name=f"{one.family}, ")])
    assert mart == {}
    assert report.counts["identity for review: of one house with another of that birth date"] == 1


def test_a_link_by_score_alone_waits(house):
    """Birth date, sex and postcode of one person, but no name: two people look at it before it counts."""
    spine(house)
    report, mart = ran(house, [nameless(CROWD[2], "scored", Patient_Name="")])
    assert mart == {}
    assert report.counts["identity for review: found by score alone"] == 1


def test_the_register_may_let_scored_links_into_pseudonymised_marts(house):
    """Then the row says that it rests on a score."""
    settings = house.register.controller.settings
    rules = settings.identity.model_copy(update={"scored_links_in_marts": True})
    house.register = with_settings(house.register, identity=rules)
    spine(house)
    _report, mart = ran(house, [nameless(CROWD[2], "scored", Patient_Name="")])
    assert mart["scored"]["link_quality"] == "algorithmic@1"


def test_a_register_without_rules_of_identity_traces_nobody(house):
    """The old notices say nothing of tracing: their rows without a number stay held back."""
    house.register = with_settings(house.register, identity=None)
    spine(house)
    report, mart = ran(house, [nameless(CROWD[0], "x")])
    assert mart == {}
    assert not [name for name in report.counts if name.startswith("identity")]


def test_the_published_profile_can_be_chosen(house):
    """The faithful steps find the same person here."""
    settings = house.register.controller.settings
    house.register = with_settings(
        house.register, identity=settings.identity.model_copy(update={"profile": "mps-2024"})
    )
    spine(house)
    _report, mart = ran(house, [nameless(CROWD[0], "traced")])
    assert mart["traced"]["link_quality"] == "alphanumeric@1"


def test_a_birth_date_that_is_nearly_right_keeps_the_number(house):
    """Day and month changed over, and the postcode of the number's holder: it is that person, and the row says how."""
    one = replace(CROWD[0], born="1950-03-04")
    spine(house, [one])
    _report, mart = ran(house, [episode(one, "own"), episode(one, "turned", Date_of_Birth="1950-04-03")], [one])
    assert mart["turned"]["person_token"] == mart["own"]["person_token"]
    assert mart["turned"]["link_quality"] == "spine-cross-check@1"


def test_a_number_of_somebody_else_is_corrected(house):
    """The number is one person's; name, birth date, sex and postcode are another's: the row is the other's."""
    spine(house)
    wrong = nameless(CROWD[1], "corrected", NHS_Number=CROWD[0].number, NHS_Number_Trace_Status="01")
    _report, mart = ran(house, [episode(CROWD[1], "own"), wrong])
    assert mart["corrected"]["person_token"] == mart["own"]["person_token"]
    assert mart["corrected"]["link_quality"] == "alphanumeric@1"


def test_an_unsettled_number_is_marked_where_the_register_says_so(house):
    """The row then stays with the number's holder, and says that it is in conflict."""
    settings = house.register.controller.settings
    rules = settings.identity.model_copy(update={"unsettled_numbers": "mark"})
    house.register = with_settings(house.register, identity=rules)
    spine(house)
    _report, mart = ran(house, [episode(CROWD[0], "x", Date_of_Birth="1991-12-30")])
    assert mart["x"]["link_quality"] == "conflicting"


def test_every_row_still_has_one_place(house):
    """Rows left out because they are nobody's are neither replaced nor released, and the account adds up."""
    spine(house)
    report, mart = ran(house, [episode(CROWD[0], "ok"), episode(CROWD[1], "lost", Date_of_Birth="1991-12-30")])
    assert mart.keys() == {"ok"}
    assert report.counts["left out, person not known"] == 1
    account = house.account(next(e["id"] for e in house.status()["submissions"] if e["dataset"] == "sus-apc"))
    assert (account["balanced"], account["superseded"], account["quarantined"]) == (True, 0, 0)


def test_a_row_held_back_for_two_faults_stays_held_back(house):
    """Its person might be found, but it has a date that is none: nothing of it enters."""
    spine(house)
    report, mart = ran(house, [nameless(CROWD[0], "x", Admission_Date="2025-13-45")])
    assert mart == {}
    assert report.counts["identity other fault in the row"] == 1


def test_a_withheld_identity_is_never_traced(house):
    """The sender took the identity out on purpose: the row is not among those that are traced."""
    spine(house)
    hidden = nameless(CROWD[0], "hidden", Withheld_Identity_Reason="03", NHS_Number_Trace_Status="07")
    report, mart = ran(house, [hidden])
    assert mart["hidden"]["person_token"] is None
    assert not [name for name in report.counts if name.startswith("traced because")]


def test_a_superseded_number_leads_to_the_living_one(house):
    """The sender's trace was in conflict over a number that was replaced: the row is the living number's."""
    spine(house, CROWD[:2])
    merged = people.row("pds-merger", CROWD[0], "m1", **{"Superseded NHS Number": CROWD[7].number})
    house.land(house.send("pds-merger", [merged], sender="X26"))
    old = episode(CROWD[0], "old", NHS_Number=CROWD[7].number, NHS_Number_Trace_Status="04")
    _report, mart = ran(house, [episode(CROWD[0], "own"), old])
    assert mart["old"]["person_token"] == mart["own"]["person_token"]
    assert mart["old"]["link_quality"] == "spine-cross-check@1"


def test_history_counts(house):
    """The record has the postcode of ten years ago; the spine remembers it, and what else it said then."""
    moved = CROWD[3]
    before, now = replace(moved, postcode="AB1 2CD"), moved
    rows = [spine_row(before, "v1", "2010-01-01"), spine_row(now, "v2", "2025-09-01")]
    house.land(house.send("pds-person", rows, sender="X26"))
    _report, mart = ran(house, [nameless(before, "then")])
    assert mart["then"]["link_quality"] == "alphanumeric@1"
    with house.house() as opened:
        (submission,) = [s for s in opened.store.catalogue.submissions() if s.dataset == "sus-apc"]
        (outcome,) = TracedRows(opened.store).outcomes(submission.uid).to_pylist()
    assert outcome["postcode_then"] == "AB1 2CD"


def test_a_second_run_traces_nothing_anew(house):
    """Nothing landed and no rule changed: what was found is used as it is."""
    spine(house)
    first, mart = ran(house, [nameless(CROWD[0], "traced")])
    with house.house() as opened:
        before = {file.path for file in opened.store.catalogue.files("traced")}
    again = house.run()
    with house.house() as opened:
        assert {file.path for file in opened.store.catalogue.files("traced")} == before
        (submission,) = [s for s in opened.store.catalogue.submissions() if s.dataset == "sus-apc"]
        assert counts_of(opened, submission.uid)["identity found by alphanumeric@1"] == 1
    assert again.counts["identity found by alphanumeric@1"] == first.counts["identity found by alphanumeric@1"]
    assert {row["provider_reference"] for row in house.mart()} == mart.keys()


def test_a_later_spine_finds_whom_an_earlier_one_did_not_have(house):
    """New persons on the spine: what was not known is traced again."""
    spine(house, CROWD[:2])
    _report, mart = ran(house, [nameless(CROWD[5], "late")])
    assert mart == {}
    spine(house, CROWD[4:7])
    house.run()
    assert house.refs() == ["late"]


def test_who_was_found_by_tracing_alone_is_in_the_export(house, tmp_path):
    """The export asks again who remains, and finds them."""
    spine(house)
    ran(house, [nameless(CROWD[0], "traced")])
    done = house.export("commissioning_analyst", "out")
    assert done.rows["sus-apc"] == 1


def test_a_number_shared_by_many_says_nothing(house):
    """Seven rows of seven people carry one number: each is traced without it, and found by its own name."""
    spine(house)
    rows = [
        nameless(p, f"r{n}", NHS_Number=CROWD[0].number, NHS_Number_Trace_Status="01") for n, p in enumerate(CROWD[1:8])
    ]
    report, mart = ran(house, rows)
    assert report.counts["traced because number shared by many"] == 7
    assert len({row["person_token"] for row in mart.values()}) == 7


def test_a_name_in_another_script_is_counted_by_that(house):
    """Nobody is found, and the report says that the name was in another script."""
    spine(house)
    report, mart = ran(house, [nameless(CROWD[0], "x", Patient_Name="Иванова, Анна", Postcode="AB9 9ZZ")])
    assert mart == {}
    assert report.counts["identity not known: name in another script"] == 1


def test_a_birth_date_that_means_not_known_finds_nobody(house):
    """1900-01-01 is no birth date: the record says too little, and is counted by that."""
    spine(house)
    report, mart = ran(house, [nameless(CROWD[0], "x", Date_of_Birth="1900-01-01")])
    assert mart == {}
    assert report.counts["identity not known: birth date that says nothing"] == 1


def test_the_same_record_sent_with_and_without_its_number_is_one(house):
    """The traced copy of a record that is there already under its person is passed over and counted."""
    spine(house)
    twice = nameless(CROWD[0], "one")
    report, mart = ran(house, [episode(CROWD[0], "one"), twice])
    assert len(mart) == 1
    assert report.counts["identity second copies"] == 1
