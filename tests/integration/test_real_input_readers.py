"""The readers against what real senders and their test systems deliver, file by file."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from caldicott.facts import layout as layouts
from caldicott.stores.submissions.mesh import parse_answer, read_answer, read_mailbox, write_request
from caldicott.stores.submissions.resources import read
from caldicott.stores.submissions.subjects import NUMBER_ABSENT
from caldicott.stores.submissions.tables import header, preflight
from caldicott.stores.submissions.writing import rows_of

REAL_INPUT = Path(os.environ.get("CALDICOTT_REAL_INPUT", Path(__file__).parents[2].parent / "shared" / "data"))
pytestmark = [
    pytest.mark.real_input,
    pytest.mark.skipif(not REAL_INPUT.is_dir(), reason="the real input is not here (CALDICOTT_REAL_INPUT)"),
]
SYNTHEA_2021 = (
    "allergies careplans conditions devices encounters imaging_studies immunizations medications observations"
)
SYNTHEA_2021 += " patients procedures supplies"
SYNTHEA_2017 = "allergies careplans conditions encounters immunizations medications patients procedures"
TABLES = [
    *((f"synthea-csv-1462/{name}.csv.gz", f"synthea-csv-2017-{name}") for name in SYNTHEA_2017.split()),
    *(
        (f"synthea-csv-{of}/{name}.csv.gz", f"synthea-csv-2021-{name.replace('_', '-')}")
        for of in ("full-small", "omop27")
        for name in SYNTHEA_2021.split()
    ),
    ("hes-artificial/artificial_hes_apc_0102.csv", "hes-artificial-apc"),
    ("hes-artificial/artificial_hes_op_0304.csv", "hes-artificial-op"),
    ("hes-artificial/artificial_hes_ae_0708.csv", "hes-artificial-ae"),
    ("ae-london/hospital_ae_data.csv.gz", "ae-london"),
    ("inpatient-ramses/inpatient_episodes.csv", "ramses-episodes"),
    ("inpatient-ramses/inpatient_diagnoses.csv", "ramses-diagnoses"),
    ("inpatient-ramses/inpatient_wards.csv", "ramses-wards"),
    ("inpatient-ramses/inpatient_investigations.csv", "ramses-investigations"),
    ("inpatient-ramses/drug_prescriptions.csv", "ramses-prescriptions"),
    ("inpatient-ramses/drug_administrations.csv", "ramses-administrations"),
    ("opensafely/example-data/patients.csv", "opensafely-patients"),
    ("opensafely/example-data/clinical_events.csv", "opensafely-clinical-events"),
    ("opensafely/example-data/medications.csv", "opensafely-medications"),
    ("opensafely/example-data/practice_registrations.csv", "opensafely-practice-registrations"),
    ("opensafely/example-data/ons_deaths.csv", "opensafely-ons-deaths"),
]


@pytest.mark.parametrize(("file", "layout_id"), TABLES)
def test_every_table_has_a_layout_that_knows_all_its_columns(file, layout_id):
    """Nothing unknown, nothing missing, and as many rows as another reader counts."""
    path, layout = REAL_INPUT / file, layouts.load(layout_id)
    assert preflight(path, layout) == []
    count = "select count(*) from read_csv(?, header=true, all_varchar=true)"
    assert [(rows_of(path, layout),)] == duckdb.execute(count, [str(path)]).fetchall()


@pytest.mark.parametrize(("file", "layout_id"), TABLES)
def test_every_value_is_of_the_type_its_layout_says(file, layout_id):
    """A cast that fails would quarantine real rows for the layout's fault."""
    path, layout = REAL_INPUT / file, layouts.load(layout_id)
    names = header(path, layout)
    listed = {column.name: column for column in layout.columns}
    tests = [
        f"count(*) filter (c{position} is not null and not list_contains($nulls, c{position}) "
        f"and not coalesce({_castable(f'c{position}', listed[name].type.value, layout)}, false))"
        for position, name in enumerate(names)
    ]
    source = "read_csv($path, header=false, skip=1, auto_detect=false, columns=$columns, delim=',', quote='\"')"
    given = {
        "nulls": list(layout.table.null_values),
        "path": str(path),
        "columns": dict.fromkeys(names_for(names), "VARCHAR"),
    }
    (bad,) = duckdb.execute(f"select {', '.join(tests)} from {source}", given).fetchall()
    assert [position for position, count in enumerate(bad, start=1) if count] == []


def names_for(names):
    return [f"c{position}" for position in range(len(names))]


def _castable(column, kind, layout):
    formats = {"date": layout.table.date_formats, "timestamp": layout.table.timestamp_formats}.get(kind, ())
    if formats:
        return " or ".join(f"try_strptime({column}, '{form}') is not null" for form in formats)
    return {
        "integer": f"try_cast({column} as bigint) is not null",
        "decimal": f"try_cast({column} as double) is not null",
    }.get(kind, "true")


@pytest.mark.parametrize(
    ("folder", "layout_id"), [("synthea-fhir-stu3", "synthea-fhir-stu3"), ("synthea-fhir-r4", "synthea-fhir-r4")]
)
def test_synthea_bundles_give_the_counts_that_lie_beside_them(folder, layout_id):
    """Per file and resource type, against counts made by another program; every person's row names one."""
    with gzip.open(REAL_INPUT / folder / "counts.csv.gz", "rt", newline="") as stream:
        lines = list(csv.DictReader(stream))
    types = list(lines[0])[3:]
    result = read(REAL_INPUT / folder / "bundles.tar.xz", layouts.load(layout_id))
    nameless = 0
    for batch in result.batches:
        assert batch.num_rows <= 10_000
        kinds, people = batch.column("resource_type").to_pylist(), batch.column("local_id").to_pylist()
        reference = {"Organization", "Practitioner", "Medication"}
        nameless += sum(person is None and kind not in reference for kind, person in zip(kinds, people, strict=True))
    assert result.is_whole
    assert nameless == 0
    for number, line in enumerate(sorted(lines, key=lambda line: line["file"]), start=1):
        expected = {kind: int(line[kind]) for kind in types if int(line[kind])}
        assert dict(result.member_counts[f"member {number}"]) == expected


def all_rows(file, layout_id):
    result = read(REAL_INPUT / file, layouts.load(layout_id))
    return [row for batch in result.batches for row in batch.to_pylist()], result


def test_gp_connect_records_carry_the_status_verified_beside_a_number_that_fails():
    """The trap: 01 is not to be believed; both are given on, and every row about a patient has them."""
    rows, result = all_rows("gp-record-gpconnect/structured_records.zip", "gp-connect-structured")
    assert (len(rows), len(result.member_counts), result.is_whole) == (6162, 20, True)
    about = [row for row in rows if row["nhs_number"] is not None]
    assert {(row["nhs_number"], row["nhs_number_status"]) for row in about} == {("1234567890", "01")}
    nobody = {"Organization", "Practitioner", "PractitionerRole", "Location", "Medication", "HealthcareService"}
    assert {row["resource_type"] for row in rows if row["nhs_number"] is None} <= nobody


def test_gp2gp_outputs_are_read_and_the_extracts_beside_them_counted():
    """The number is the text Test Harness in every one; the number's own check will hold it back, nothing crashes."""
    rows, result = all_rows("gp-record-gp2gp/ehr_extracts.zip", "gp2gp-output")
    assert (len(rows), result.is_whole, result.skipped) == (1508, True, {"another-standards-xml": 9})
    numbers = {row["nhs_number"] for row in rows if row["nhs_number"] is not None}
    assert all(not (number.isdigit() and len(number) == 10) for number in numbers)


def test_uk_core_examples_are_read_from_xml():
    """What has no person is a fault, and rows and faults are all resources and entries there are."""
    rows, result = all_rows("fhir-ukcore/examples.zip", "fhir-ukcore")
    assert result.fault_counts == {"no-subject": 5, "entry-without-resource": 3}
    assert len(rows) == 139
    codes = [row for row in rows if row["resource_type"] == "Condition" and row["code"]]
    assert codes


@pytest.mark.parametrize("folder", ["patientResponses", "searchResponses", "relatedPersonResponses"])
def test_demographic_answers_are_read(folder):
    """Single patients and search sets; a restricted one says so; a number always stands in each."""
    counts = Counter()
    for path in sorted((REAL_INPUT / "pds-fhir" / folder).glob("*.json")):
        rows, result = all_rows(path.relative_to(REAL_INPUT), "pds-fhir")
        assert result.is_whole
        assert all(row["nhs_number"] not in (None, NUMBER_ABSENT) for row in rows)
        counts.update(f"{row['resource_type']} {row['security']}" for row in rows)
    assert counts.total() > 2
    assert folder != "patientResponses" or counts["Patient R"] == 1


def test_an_answer_that_is_no_record_is_a_fault():
    """The address list beside the answers is JSON and no FHIR."""
    rows, result = all_rows("pds-fhir/addresses.json", "pds-fhir")
    assert (rows, result.fault_counts) == ([], {"not-fhir": 1})


def test_the_published_opt_out_request_reads_and_writes_byte_by_byte():
    """Request and answer have one format; the example holds 24 numbers."""
    path = REAL_INPUT / "opt-out" / "ndop_mesh_request_example.dat"
    answer = read_answer(path)
    assert (answer.lines, answer.carriage_returns) == (24, 0)
    assert parse_answer(write_request(answer.allowed.to_pylist())).allowed == answer.allowed


def test_the_mesh_sandbox_mailboxes_are_read():
    """Two parts of one compressed message become one body; an undelivered one says so."""
    boxes = REAL_INPUT / "mesh-sandbox" / "mailboxes"
    (chunked,) = read_mailbox(boxes / "X26ABC2" / "in")
    simple = read_mailbox(boxes / "X26ABC1" / "in")
    assert [message.is_delivered for message in simple] == [False, True]
    assert len(simple[1].body) == 662
    assert chunked.body
