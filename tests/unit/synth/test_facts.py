"""The generator's facts say where they come from, and its layouts use the columns real extracts have."""

import csv
import os
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from caldicott.facts import layout as layouts
from caldicott.synth.sources import SOURCES

FACTS = resources.files("caldicott.facts")
REAL = Path(os.environ.get("CALDICOTT_REAL_INPUT", Path(__file__).parents[3].parent / "shared" / "data"))


def tables():
    return [entry for entry in FACTS.joinpath("population").iterdir() if entry.name.endswith(".csv")]


def test_every_fact_table_states_its_source_licence_and_whether_it_was_verified():
    """A number whose origin nobody knows cannot be corrected."""
    about = tomllib.loads(FACTS.joinpath("population", "about.toml").read_text(encoding="utf-8"))

    assert about.keys() == {entry.name.removesuffix(".csv") for entry in tables()}
    assert all({"source", "licence", "version", "verified"} <= entry.keys() for entry in about.values())


def test_no_fact_looks_like_an_nhs_number():
    """A ten-digit code would be taken for a leaked number."""
    for entry in tables():
        assert not re.search(r"(?<!\d)\d{10}(?!\d)", entry.read_text(encoding="utf-8")), entry.name


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.layout)
def test_every_layout_is_of_its_dataset_and_names_the_person_by_number(source):
    """The column of the number is required, and concepts have one name in every layout."""
    layout = layouts.load(source.layout)
    number = layout.column(layout.identity_column)

    assert layout.dataset == source.dataset
    assert (number.canonical, number.column_class, number.required) == ("nhs_number", "nhs_number", True)
    of_class = {column.column_class: column.canonical for column in layout.columns}
    for kind in ("postcode", "birth_date", "practice", "nhs_number_status", "withheld_reason", "objection_code"):
        assert of_class.get(kind, kind) == kind
    assert all(column.canonical in {"cost", "tariff", "funding_status", "cost_frequency"}
               for column in layout.columns if column.column_class == "finance")  # fmt: skip


SEM, EMIS, OWN = "ncdr_sus_sem.csv", "gp_emis_extract.csv", "icb_landing_{}.csv"
ADDED_BY_SUS = {
    "NHS_Number", "Patient_Name", "Patient_Usual_Address", "Postcode", "Date_of_Birth",
    "FinalPrice", "SUS_Tariff",
}  # fmt: skip
CASES = [
    ("ncdr-sus-apc", SEM, "item_name", ("table", "tbl_Data_SEM_APCE"), ADDED_BY_SUS),
    ("ncdr-sus-op", SEM, "item_name", ("table", "tbl_Data_SEM_OPA"), ADDED_BY_SUS),
    ("ncdr-sus-ec", SEM, "item_name", ("table", "tbl_Data_SUS_EC"), ADDED_BY_SUS),
    ("emis-patients", EMIS, "column", ("file", "Admin_Patient"), None),
    ("emis-observations", EMIS, "column", ("file", "CareRecord_Observation"), None),
    ("emis-medications", EMIS, "column", ("file", "Prescribing_IssueRecord"), None),
    ("emis-appointments", EMIS, "column", ("file", "Appointment_Slot"), None),
    ("csds-care-contact", OWN.format("csds"), "column", None,
     {"NHS NUMBER", "PERSON BIRTH DATE", "POSTCODE OF USUAL ADDRESS"}),
    ("mhsds-care-contact", OWN.format("mhsds"), "column", None, {"NHSNumber", "PersonBirthDate", "Postcode"}),
    ("asc-client-level", OWN.format("adult_social_care"), "column", None, {"NHS Number", "Date of Birth", "Postcode"}),
]  # fmt: skip


@pytest.mark.real_input
@pytest.mark.parametrize(("layout_id", "file", "column", "only", "added"), CASES, ids=[case[0] for case in CASES])
def test_columns_are_those_of_real_extracts(layout_id, file, column, only, added):
    """Every column stands in the real list, but for the identifiers taken out there and those marked as added."""
    path = REAL / "nhs-layouts" / file
    if not path.exists():
        pytest.skip("the real input is not here")
    with path.open(newline="", encoding="utf-8") as stream:
        real = {row[column] for row in csv.DictReader(stream) if only is None or row[only[0]] == only[1]}
    text = FACTS.joinpath("layouts", f"{layout_id}.toml").read_text(encoding="utf-8")
    marked = set(re.findall(r'\[\[columns\]\]  # added\nname = "([^"]+)"', text))

    ours = {column.name for column in layouts.load(layout_id).columns}
    assert ours - real <= (added or set()) | marked
    assert len(ours & real) > len(ours) / 2
