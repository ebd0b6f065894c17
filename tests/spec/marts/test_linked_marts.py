"""What the commissioner gets: nine service areas on one code, and nothing that says who anybody is."""

from __future__ import annotations

from datetime import date

import pytest

import people
from caldicott.facts.layout import ColumnClass, load
from stage import PLANNING, RISK, Stage, episode

AREAS = {
    "ncdr-sus-apc": "inpatient", "ncdr-sus-op": "outpatient", "ncdr-sus-ec": "accident-and-emergency",
    "emis-patients": "general-practice", "emis-observations": "general-practice",
    "emis-medications": "general-practice", "emis-appointments": "general-practice",
    "csds-care-contact": "community-nursing", "mhsds-care-contact": "community-mental-health",
    "out-of-hours-contacts": "out-of-hours", "urgent-care-attendances": "urgent-care",
    "asc-client-level": "social-care",
}  # fmt: skip
PLANNING_ONLY = {"asc-client-level", "out-of-hours-contacts", "urgent-care-attendances", "csds-care-contact"}
TELLING = {
    ColumnClass.NHS_NUMBER, ColumnClass.SUPERSEDED_NHS_NUMBER, ColumnClass.LOCAL_ID, ColumnClass.SOURCE_PSEUDONYM,
    ColumnClass.NAME, ColumnClass.ADDRESS, ColumnClass.CONTACT, ColumnClass.POSTCODE, ColumnClass.BIRTH_DATE,
    ColumnClass.FREE_TEXT, ColumnClass.RECORD_KEY, ColumnClass.STAFF, ColumnClass.OBJECTION_CODE,
    ColumnClass.RESTRICTED,
}  # fmt: skip
# birth date, postcode as sent, day of the episode: birth year, age band, outward postcode.
DERIVED = [
    ("1950-06-02", "ZZ1 4QJ", "2025-06-01", 1950, "70-74", "ZZ1"),
    ("1950-06-01", "zz14qj", "2025-06-01", 1950, "75-79", "ZZ1"),
    ("2025-05-31", "ZZ99 3VZ", "2025-06-01", 2025, "0-4", "ZZ99"),
    ("2025-06-01", "ZZ1A1QJ", "2025-06-01", 2025, "0-4", "ZZ1A"),
    ("1935-06-02", " ZZ1  4QJ ", "2025-06-01", 1935, "85-89", "ZZ1"),
    ("1935-06-01", "ZZ1 4QJ", "2025-06-01", 1935, "90+", "ZZ1"),
    ("1911-01-01", "QJ", "2025-06-01", 1911, "90+", None),
    ("", "", "2025-06-01", None, None, None),
]
# Values that stand in the rows under a telling column, and must stand in no mart.
SECRET = "Quibbleworthsecret"


def _telling_row(layout, person, record):
    """A row with something under every telling column."""
    columns = [c for c in load(layout).columns if c.column_class in TELLING and c.type == "text"]
    row = people.row(layout, person, record)
    return {
        **{c.name: f"{SECRET} {c.canonical}" for c in columns if not row[c.name]},
        **{k: v for k, v in row.items() if v},
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    """Three people met in all nine service areas, one of them in the hospital only."""
    stage = Stage(tmp_path_factory.mktemp("linked"), example_icb)
    crowd = people.invented(4)[1:]
    for layout in AREAS:
        met = crowd if layout == "ncdr-sus-apc" else crowd[:2]
        purposes = (PLANNING,) if layout in PLANNING_ONLY else (PLANNING, RISK)
        stage.send(layout, [_telling_row(layout, p, f"r{i}") for i, p in enumerate(met)], purposes=purposes)
    stage.answer(crowd)
    stage.land()
    return stage, {activity: stage.run(activity) for activity in (PLANNING, RISK)}


def test_nine_service_areas_are_linked_on_one_code(world):
    """Each person has one token, and under it every service they were met in."""
    by_token = {}
    for row in world[0].mart("commissioning-mart"):
        by_token.setdefault(row["person_token"], set()).add(row["service_area"])
    assert sorted(by_token.values(), key=len) == [{"inpatient"}, set(AREAS.values()), set(AREAS.values())]
    assert len(set(AREAS.values())) == 9
    assert world[1][PLANNING].linked_people == {1: 1, 9: 2}


def test_the_same_code_stands_in_every_dataset_of_the_activity(world):
    """A row of one dataset can be joined with a row of another by the token alone."""
    linked = {row["person_token"] for row in world[0].mart("commissioning-mart")}
    for layout in AREAS:
        assert {row["person_token"] for row in world[0].mart(load(layout).dataset)} <= linked


@pytest.mark.parametrize("activity", [PLANNING, RISK])
@pytest.mark.parametrize("layout", AREAS)
def test_no_column_that_tells_who_somebody_is(world, layout, activity):
    """Names, numbers, addresses, birth dates, free text, record keys: none is a column of a mart."""
    rows = world[0].mart(load(layout).dataset, activity)
    telling = {column.canonical for column in load(layout).columns if column.column_class in TELLING}
    assert rows or layout in PLANNING_ONLY
    assert not telling & {name for row in rows for name in row}


def test_no_telling_value_is_in_any_mart_file(world):
    """Read every mart file back: no number, birth date, full postcode or telling text stands in it."""
    stage = world[0]
    told = {value for p in people.invented(4) for value in (p.number, p.born, p.postcode)}
    for activity in (PLANNING, RISK):
        for dataset in {load(layout).dataset for layout in AREAS} | {"commissioning-mart"}:
            for row in stage.mart(dataset, activity):
                values = {str(value) for value in row.values()}
                assert not values & told
                assert not any(SECRET in value for value in values)


@pytest.mark.parametrize("layout", AREAS)
def test_every_row_says_how_it_was_linked(world, layout):
    """`link_quality` is on each row, in words of a closed list."""
    rows = world[0].mart(load(layout).dataset)
    assert rows
    assert {row["link_quality"] for row in rows} <= {"verified", "unverified", "withheld", "one_time"}


def test_social_care_is_kept_out_of_risk_stratification(world):
    """The approval excludes it, so the activity has no mart of it."""
    assert world[0].mart("social-care", RISK) == []


@pytest.fixture(scope="module")
def derived(tmp_path_factory, example_icb):
    stage = Stage(tmp_path_factory.mktemp("derived"), example_icb)
    person = people.invented(2)[1]
    rows = [
        episode(person, str(place), on, Date_of_Birth=born, Postcode=postcode)
        for place, (born, postcode, on, *_rest) in enumerate(DERIVED)
    ]
    stage.send("ncdr-sus-apc", rows)
    stage.answer([person])
    stage.land()
    stage.run()
    return {int(row["provider_reference"]): row for row in stage.mart()}


@pytest.mark.parametrize("place", range(len(DERIVED)))
def test_birth_date_and_postcode_become_coarser(derived, place):
    """A birth date becomes the year and the age band on the day of care; a postcode its outward part."""
    row = derived[place]
    assert (row["birth_year"], row["age_band"], row["outward_postcode"]) == DERIVED[place][3:]


def test_a_number_whose_birth_date_differs_says_so(house):
    """The national cross-check: number and birth date equal is verified. A day that means "not known" says nothing."""
    crowd = people.invented(4)[1:]
    pds = [people.row("pds-person", person, f"p{i}") for i, person in enumerate(crowd[:2])]
    house.send("pds-person", pds, sender="X26")
    rows = [
        episode(crowd[0], "same", NHS_Number_Trace_Status="02"),
        episode(crowd[1], "other", Date_of_Birth="1900-01-01", NHS_Number_Trace_Status="02"),
    ]
    house.send("ncdr-sus-apc", [*rows, episode(crowd[2], "unknown", NHS_Number_Trace_Status="02")])
    house.answer(crowd)
    house.land()
    house.run()
    quality = {row["provider_reference"]: row["link_quality"] for row in house.mart()}
    assert quality == {"same": "verified", "other": "unverified", "unknown": "unverified"}


def test_rows_lie_in_the_month_of_care(house):
    """A month of the period is a file; an older year is one file; so a mart can be read by month."""
    person = people.invented(2)[1]
    days = ["2025-04-30", "2025-05-01", "2024-12-31", "2019-02-01"]
    house.send("ncdr-sus-apc", [episode(person, day, day) for day in days])
    house.answer([person])
    house.land()
    house.run()
    with house.house() as opened:
        parts = [f.part for f in opened.store.catalogue.files("mart", PLANNING) if f.part.startswith("sus-apc/")]
    assert parts == [f"sus-apc/{part}" for part in ("2019", "2024", "2025-04", "2025-05")]
    assert {row["episode_started_on"] for row in house.mart()} == {date.fromisoformat(day) for day in days}
