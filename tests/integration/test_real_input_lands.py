"""All real input that carries people lands, and every row of it is accounted for. Skipped when the input is absent."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import people
from caldicott import bootstrap
from caldicott.facts.layout import load
from caldicott.operations.land import land
from caldicott.operations.run import run
from caldicott.operations.status import status
from caldicott.stores.submissions.writing import Heading, write_manifest
from caldicott.vocabulary.formats import DataFormat

INPUT = Path(os.environ.get("CALDICOTT_REAL_INPUT") or Path(__file__).resolve().parents[3] / "shared" / "data")

pytestmark = [pytest.mark.real_input, pytest.mark.skipif(not INPUT.is_dir(), reason="the real input is not here")]

TABLES = (
    "allergies",
    "careplans",
    "conditions",
    "encounters",
    "immunizations",
    "medications",
    "patients",
    "procedures",
)
NEWER = (*TABLES, "devices", "imaging_studies", "observations", "supplies")
SOURCES = [
    ("synthea-fhir-stu3/bundles.tar.xz", "synthea-fhir-stu3", "gp-sharing-agreement", "Z80001"),
    ("synthea-fhir-r4/bundles.tar.xz", "synthea-fhir-r4", "gp-sharing-agreement", "Z80002"),
    *((f"synthea-csv-1462/{t}.csv.gz", f"synthea-csv-2017-{t}", "gp-sharing-agreement", "Z80003") for t in TABLES),
    *(
        (
            f"synthea-csv-full-small/{t}.csv.gz",
            f"synthea-csv-2021-{t.replace('_', '-')}",
            "gp-sharing-agreement",
            "Z80004",
        )
        for t in NEWER
    ),
    ("hes-artificial/artificial_hes_apc_0102.csv", "hes-artificial-apc", "dars-dsa", "RZ1"),
    ("hes-artificial/artificial_hes_op_0304.csv", "hes-artificial-op", "dars-dsa", "RZ1"),
    ("hes-artificial/artificial_hes_ae_0708.csv", "hes-artificial-ae", "dars-dsa", "RZ1"),
    ("ae-london/hospital_ae_data.csv.gz", "ae-london", "dars-dsa", "RZ1"),
    ("inpatient-ramses/inpatient_episodes.csv", "ramses-episodes", "dars-dsa", "RZ2"),
    ("gp-record-gpconnect/structured_records.zip", "gp-connect-structured", "gp-sharing-agreement", "Z80005"),
    ("gp-record-gp2gp/ehr_extracts.zip", "gp2gp-output", "gp-sharing-agreement", "Z80006"),
    ("pds-fhir/patientResponses", "pds-fhir", "gp-sharing-agreement", "Z80007"),
]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """The store's account after everything landed and ran."""
    root = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        for place, layout, agreement, sender in SOURCES:
            _submit(root / "in", place, layout, agreement, sender)
        # Nobody refused by a code; without any feed of codes everybody would be out.
        people.no_more_codes(root / "in")
        register = bootstrap.load_register("example-icb")
        with bootstrap.open_house(register, root / "store", create=True) as house:
            landed = land(house, root / "in")
            runs = run(house, activity="commissioning-planning")
            return landed, status(house), runs


def _submit(folder: Path, place: str, layout: str, agreement: str, sender: str) -> None:
    target = folder / layout
    target.mkdir(parents=True)
    source = INPUT / place
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    for file in files:
        shutil.copyfile(file, target / file.name)
    form = DataFormat.PSEUDONYMISED if layout.startswith("hes-") else DataFormat.IDENTIFIABLE
    heading = Heading(
        layout, sender, ("commissioning-planning",), agreement, form, date(2000, 1, 1), date(2026, 3, 31),
        "bulk-replacement", datetime(2026, 5, 1, tzinfo=UTC).replace(tzinfo=None),
    )  # fmt: skip
    write_manifest(target, heading, layout=load(layout))


def _entry(account, layout):
    return next(entry for entry in account[1]["submissions"] if entry["id"] == layout)


def test_everything_lands(account):
    """No submission of real input is refused."""
    assert {entry.id: str(entry.fault) for entry in account[0] if entry.fault} == {}
    assert len(account[1]["submissions"]) == len(SOURCES) + 1


def test_every_row_is_in_one_place(account):
    """rows = admitted + held back + excluded, for each."""
    unbalanced = [entry["id"] for entry in account[1]["submissions"] if not entry["balanced"]]
    assert unbalanced == []
    for entry in account[1]["submissions"]:
        assert entry["rows"] == entry["admitted"] + entry["quarantined"] + entry["excluded"]


@pytest.mark.parametrize("version", ["stu3", "r4"])
def test_bundles_count_as_the_independent_oracle_counted_them(account, version):
    """As many resources as counts.csv.gz beside the bundles says."""
    with gzip.open(INPUT / f"synthea-fhir-{version}" / "counts.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    resources = sum(int(value or 0) for row in rows for name, value in row.items() if name[0].isupper())
    assert _entry(account, f"synthea-fhir-{version}")["rows"] == resources


def test_few_london_numbers_pass(account):
    """Of the London attendances about one in eleven carries a number that passes modulus 11; the rest wait."""
    entry = _entry(account, "ae-london")
    failing = entry["quarantined_by"]["nhs_number_check_digit"]
    assert entry["rows"] == 5993
    assert 0.88 < failing / entry["rows"] < 0.94


def test_overwritten_numbers_are_held_back(account):
    """GP Connect says 'verified' of 1234567890: nobody believes it."""
    entry = _entry(account, "gp-connect-structured")
    assert entry["quarantined_by"]["nhs_number_check_digit"] > 0
    assert "verified" not in entry["link_quality"]


def test_people_without_a_number_cannot_be_shown_not_to_object(account):
    """The national check knows NHS numbers only, so US patients and HES pseudonyms are out of the marts."""
    assert _entry(account, "synthea-fhir-stu3")["excluded_by"].keys() == {"ndop"}
    assert _entry(account, "hes-artificial-apc")["excluded_by"] == {
        "ndop": _entry(account, "hes-artificial-apc")["rows"] - _entry(account, "hes-artificial-apc")["quarantined"]
    }


def test_the_account_is_one_json_document(account):
    """And holds no row value: no ten digits in a row."""
    import re

    text = json.dumps({k: v for k, v in account[1].items() if k != "audit"})
    assert not re.search(r"(?<!\d)\d{10}(?!\d)", text)
