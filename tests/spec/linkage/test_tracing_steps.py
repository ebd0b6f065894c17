"""Tracing, step by step, as the Person_ID Handbook has it. Each test is one rule."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tests.spec.linkage.tracing import outcome, outcomes, person, trace

from caldicott.engines.duckdb.linkage.trace import BUCKET_COLUMNS
from people import number

ASKED = {
    "given": "Zephrine",
    "family": "Quibbleworth",
    "birth_date": "1961-02-03",
    "gender": "2",
    "postcode": "ZZ7 4AP",
}


def test_cross_check_is_number_and_birth_date(tmp_path):
    """The number and the exact birth date are enough; the rest of the record is not asked."""
    found = outcome(tmp_path, [person(1)], nhs_number=number(1), birth_date="1961-02-03", family="Otherwise")
    assert (found["person"], found["step"], found["score"], found["code"]) == (number(1), "cross-check@1", 100, "00")


@pytest.mark.parametrize(
    ("born", "is_found"),
    [
        ("1961-02-04", True),  # day differs, month and year equal
        ("1961-03-02", True),  # day and month changed over
        ("1961-02-30", True),  # the two digits of the day
        ("1916-02-03", True),  # the last two of the year
        ("1971-02-03", True),  # year differs
        ("1916-02-30", True),  # the two digits of the day, and the last two of the year: each counts as that part
        ("1984-03-02", True),  # day and month changed over count as both
        ("1972-05-03", False),
        ("1972-05-30", False),
    ],
)
def test_spine_cross_check_takes_a_partial_birth_date_only_with_the_name(tmp_path, born, is_found):
    """Two parts of three, or one of three swaps, with the first letter of the given and three of the family name."""
    found = outcome(tmp_path, [person(1)], nhs_number=number(1), birth_date=born, given="Zara", family="Quince")
    other = outcome(tmp_path, [person(1)], nhs_number=number(1), birth_date=born, given="Zara", family="Marrow")
    assert (found["person"] == number(1)) is is_found
    assert found["step"] == ("spine-cross-check@1" if is_found else "one-time@1")
    assert other["person"] != number(1)


def test_where_a_name_is_missing_the_outward_code_stands_for_it_past_ones_too(tmp_path):
    """A former outward code will do; another will not."""
    persons = [person(1), person(1, postcode="ZZ2 9QJ", valid_from="1990-01-01", valid_to="2000-01-01")]
    asked = {"nhs_number": number(1), "birth_date": "1961-02-04"}
    assert outcome(tmp_path, persons, **asked, postcode="ZZ2 1QJ")["person"] == number(1)
    assert outcome(tmp_path, persons, **asked, postcode="ZZ3 1QJ")["person"] != number(1)


def test_a_superseded_number_leads_to_the_one_that_took_its_place(tmp_path):
    """The cross-check refuses it, the Spine returns the new one, through two replacements, and says so: code 90."""
    persons = [person(1, superseded_by=number(2)), person(2, superseded_by=number(3)), person(3)]
    found = outcome(tmp_path, persons, nhs_number=number(1), birth_date="1961-02-03")
    assert (found["person"], found["step"], found["code"]) == (number(3), "spine-cross-check@1", "90")


def test_numbers_that_replace_each_other_in_a_ring_lead_to_nobody_new(tmp_path):
    """A ring of replacements is an error of the source; it ends, and nobody is chosen by it."""
    persons = [person(1, superseded_by=number(2)), person(2, superseded_by=number(1))]
    found = outcome(tmp_path, persons, nhs_number=number(1), birth_date="1961-02-03")
    assert found["code"] != "90"


def test_alphanumeric_finds_the_only_one_that_fits(tmp_path):
    """Sound of the family name, gender and year of birth; every other field given must fit, and one person be left."""
    persons = [person(1), person(2, given="Ulric", birth_date="1961-09-09")]
    found = outcome(tmp_path, persons, family="Quibelworth", gender="2", birth_date="1961", given="Zephrin")
    assert (found["person"], found["step"]) == (number(1), "alphanumeric@1")
    assert outcome(tmp_path, persons, family="Quibbleworth", gender="2", birth_date="1961")["kind"] != "person"
    assert outcome(tmp_path, persons, **{**ASKED, "birth_date": "1961", "practice": "Z00009"})["kind"] != "person"


def test_alphanumeric_takes_a_past_postcode_but_only_the_present_family_name(tmp_path):
    """History is allowed for the postcode and the birth date, not for the family name."""
    persons = [
        person(1),
        person(1, family="Marrow", postcode="ZZ2 9QJ", valid_from="1990-01-01", valid_to="2000-01-01"),
    ]
    asked = {"gender": "2", "birth_date": "1961-02-03", "postcode": "ZZ2 9QJ", "given": "Zephrine"}
    assert outcome(tmp_path, persons, family="Quibbleworth", **asked)["step"] == "alphanumeric@1"
    assert outcome(tmp_path, persons, family="Marrow", **asked)["step"] == "algorithmic@1"


def test_algorithmic_scores_and_keeps_the_runner_up(tmp_path):
    """The mean of what can be scored: date 100, gender 100, postcode 100, family 100, given by Jaro-Winkler."""
    persons = [person(1), person(2, given="Ulric", postcode="ZZ7 4AP")]
    found = outcome(tmp_path, persons, **{**ASKED, "given": "Zephyr"})
    assert (found["person"], found["step"]) == (number(1), "algorithmic@1")
    assert 97 < found["score"] < 100
    assert 80 <= found["runner_up"] < found["score"] - 5


def test_who_is_as_close_to_two_persons_is_not_made_a_third(tmp_path):
    """Code 97 never goes to the bucket: the record is of somebody who is known, only it cannot be told who."""
    persons = [person(1, given="Zephrine"), person(2, given="Zephrina")]
    tracer = trace(tmp_path, persons, [{**ASKED, "given": "Zephrin", "local_id": "L7"}])
    assert outcomes(tracer)["r0"]["kind"] == "one-time"
    assert tracer.bucket_after().num_rows == 0


def test_two_within_five_points_are_nobody(tmp_path):
    """Twins in one house, and a record with half a given name: nobody is chosen, and the code says why."""
    persons = [person(1, given="Zephrine"), person(2, given="Zephrina")]
    found = outcome(tmp_path, persons, **{**ASKED, "given": "Zephrin"})
    assert found["kind"] != "person"
    assert found["code"] == "97"
    assert found["score"] - found["runner_up"] <= 5


def test_algorithmic_needs_birth_date_gender_and_postcode(tmp_path):
    """Without one of the three it is not tried."""
    for missing in ("birth_date", "gender", "postcode"):
        asked = {**ASKED, "given": "Zephyr", missing: ""}
        assert outcome(tmp_path, [person(1), person(2, given="Ulric")], **asked)["step"] != "algorithmic@1"


def test_no_more_than_fifty_candidates_those_of_most_blocks_first(tmp_path):
    """Sixty people of one house and day: who also has the name is among those scored."""
    crowd = [person(place, given=f"Ulric{place}", family="Marrow") for place in range(2, 62)]
    found = outcome(tmp_path, [*crowd, person(900)], **{**ASKED, "given": "Zephrin"})
    assert found["person"] == number(900)


def test_the_faithful_profile_has_no_floor_and_ours_has_one(tmp_path):
    """Another person of the house, born that day: as published a link at a low score, by ours none."""
    persons = [person(1, given="Ulric", family="Marrow")]
    asked = {**ASKED, "given": "Bo", "family": "Tzi"}
    loose = outcome(tmp_path, persons, **asked)
    strict = outcome(tmp_path, persons, by="caldicott-2026", **asked)
    assert (loose["person"], loose["code"]) == (number(1), "00")
    assert loose["score"] < 75
    assert (strict["kind"] == "person", strict["code"]) == (False, "98")
    assert strict["score"] < 75


def test_a_twin_of_the_house_who_is_not_in_the_index_is_not_taken_for_the_one_who_is(tmp_path):
    """All but the given name agrees: as published a link, by ours none; who only moved is found."""
    twin, moved = {**ASKED, "given": "Ulric"}, {**ASKED, "postcode": "ZZ1 1QJ", "practice": "Z00009"}
    assert outcome(tmp_path, [person(1)], **twin)["person"] == number(1)
    assert outcome(tmp_path, [person(1)], by="caldicott-2026", **twin)["code"] == "98"
    assert outcome(tmp_path, [person(1)], by="caldicott-2026", **moved)["person"] == number(1)


def test_an_accent_costs_points_as_published_and_none_in_ours(tmp_path):
    """ "@" for a letter outside ASCII lowers an accented name's score against its plain spelling; ours does not."""
    persons = [person(1, given="Zoë", family="Ñandú"), person(2, given="Ulric", family="Marrow")]
    asked = {**ASKED, "given": "Zoe", "family": "Nandu", "practice": "Z00009"}
    assert outcome(tmp_path, persons, **asked)["score"] < 96
    assert outcome(tmp_path, persons, by="caldicott-2026", **asked)["score"] == 100


def test_a_sensitive_persons_whereabouts_are_not_given(tmp_path):
    """Code 92; address, postcode, practice and date of death are empty, names and birth date are not."""
    tracer = trace(
        tmp_path,
        [person(1, is_sensitive="true", address="1 Nowhere")],
        [{"nhs_number": number(1), "birth_date": "1961-02-03"}],
    )
    assert outcomes(tracer)["r0"]["code"] == "92"
    (given,) = tracer.demographics().to_pylist()
    assert (given["postcode"], given["practice"], given["address"], given["death_date"]) == (None, None, None, None)
    assert given["family"] == "QUIBBLEWORTH"


def test_demographics_are_those_of_the_day_of_the_activity(tmp_path):
    """Where the person lived then, not where they live now."""
    persons = [
        person(1, valid_from="2020-01-01"),
        person(1, postcode="ZZ2 9QJ", valid_from="1990-01-01", valid_to="2020-01-01"),
    ]
    asked = {"nhs_number": number(1), "birth_date": "1961-02-03"}
    records = [{**asked, "activity_date": day} for day in ("2019-12-31", "2020-01-01", "")]
    given = [row["postcode"] for row in trace(tmp_path, persons, records).demographics().to_pylist()]
    assert given == ["ZZ2 9QJ", "ZZ7 4AP", "ZZ7 4AP"]


def test_who_is_not_found_goes_to_the_bucket_and_is_known_there_next_time(tmp_path):
    """A for a local id, B without; the same fields meet the same id again; too little is a one-time id."""
    unknown = {"given": "Ulric", "family": "Marrow", "birth_date": "1970-01-02", "gender": "1", "postcode": "ZZ9 1QJ"}
    records = [unknown, {**unknown, "local_id": "L7"}, unknown, {"given": "Ulric", "family": "Marrow"}]
    first = trace(tmp_path, [person(1)], records)
    ids = [row["person"] for row in first.outcomes().to_pylist()]
    assert [one[0] for one in ids] == ["B", "A", "B", "U"]
    assert ids[0] == ids[2]
    again = outcomes(trace(tmp_path, [person(1)], [unknown], bucket=first.bucket_after()))["r0"]
    assert (again["person"], again["kind"]) == (ids[0], "bucket")
    assert set(first.bucket_after().column_names) == set(BUCKET_COLUMNS)


LOCAL = {**ASKED, "local_id": "L7"}


@pytest.mark.parametrize(
    ("changed", "is_met"),
    [
        ({"gender": "1"}, True),  # family, birth date, postcode and the given name
        ({"given": "Ulric"}, True),  # … and the gender
        ({"family": "Marrow", "gender": "1"}, True),  # given, birth date, postcode
        ({"birth_date": "1980-01-02"}, True),  # given, family, gender, postcode
        ({"postcode": "ZZ1 1QJ", "gender": "1"}, True),  # given, family, birth date
        ({"given": "", "family": "Marrow", "postcode": "", "gender": "1"}, True),  # birth date, as a name is missing
        ({"given": "Ulric", "family": "Marrow"}, False),
        ({"given": "Ulric", "family": "Marrow", "gender": "1"}, False),
        ({"local_id": "L8", "gender": "1"}, True),  # without the local id: names, birth date, postcode
        ({"local_id": "L8", "given": "", "family": ""}, True),  # gender, birth date, postcode, as no name is given
        ({"local_id": "L8", "postcode": "ZZ1 1QJ"}, False),
    ],
)
def test_the_sets_of_fields_that_meet_somebody_of_the_bucket(tmp_path, changed, is_met):
    """The five sets with the local id and the two without it, as the Handbook has them."""
    first = trace(tmp_path, [person(900)], [{**LOCAL, "birth_date": "1971-02-03"}])
    asked = {**LOCAL, "birth_date": "1971-02-03", **changed}
    found = outcomes(trace(tmp_path, [person(900)], [asked], bucket=first.bucket_after()))["r0"]
    assert (found["person"] == outcomes(first)["r0"]["person"]) is is_met


def test_one_time_ids_of_two_runs_never_meet(tmp_path):
    """The run's own letters stand in every one-time id, so a join of two answers links nobody by it."""
    ids = [
        {row["person"] for row in outcomes(trace(tmp_path, [person(1)], [{"given": "Ulric"}] * 3, run=run)).values()}
        for run in ("K7", "K8")
    ]
    assert not ids[0] & ids[1]
    assert all(one.startswith("UK") for one in ids[0] | ids[1])


def test_one_time_ids_never_meet(tmp_path):
    """A thousand records that say nothing get a thousand ids: no shared token for missing values."""
    records = [{"given": "Baby", "birth_date": "1900-01-01"} for _ in range(1000)]
    found = outcomes(trace(tmp_path, [person(1)], records)).values()
    assert len({row["person"] for row in found}) == 1000
    assert {row["kind"] for row in found} == {"one-time"}
    assert {row["code"] for row in found} == {"96"}


def test_a_withheld_record_is_not_traced(tmp_path):
    """Who asked not to be known is not looked up, even with a number and a birth date."""
    found = outcome(tmp_path, [person(1)], nhs_number=number(1), birth_date="1961-02-03", withheld="03")
    assert (found["kind"], found["code"]) == ("one-time", "15")


def test_an_invalid_number_is_no_number_and_says_so(tmp_path):
    """A wrong check digit and the sentinels are never looked up: code 91 where nothing else finds the person."""
    for wrong in ("9000000000", "0000000000", "9999999999"):
        assert outcome(tmp_path, [person(1)], nhs_number=wrong, birth_date="1961-02-03")["code"] == "91"
    assert outcome(tmp_path, [person(1)], nhs_number="9000000000", **ASKED)["person"] == number(1)


def test_one_number_under_thousands_of_people_collapses_nobody(tmp_path):
    """A number that does not go with the birth date is not believed, however often it is written."""
    records = [
        {"nhs_number": number(1), "birth_date": f"19{10 + place % 80}-07-{1 + place % 28:02d}"} for place in range(500)
    ]
    found = outcomes(trace(tmp_path, [person(1)], records)).values()
    assert not [row for row in found if row["kind"] == "person"]


def test_every_published_code_has_its_words(tmp_path):
    """Each code that can come out is explained in the profile."""
    from caldicott.linkage.tracing import profile

    for name in ("mps-2024", "caldicott-2026"):
        assert set(profile(name).codes) == {"00", "15", "16", "90", "91", "92", "96", "97", "98"}


def test_bucket_takes_an_empty_table(tmp_path):
    """The first run has no bucket yet."""
    empty = pa.table({name: pa.array([], pa.string()) for name in BUCKET_COLUMNS})
    found = outcomes(trace(tmp_path, [person(1)], [{"given": "Ulric"}], bucket=empty))
    assert found["r0"]["kind"] == "one-time"
