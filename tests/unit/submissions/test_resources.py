"""Every resource is one row about one person, a row about nobody, or a fault. Never less."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from datetime import date, datetime

import pytest

from caldicott.facts import layout as layouts
from caldicott.stores.submissions.faults import Fault, Reason
from caldicott.stores.submissions.members import Caps
from caldicott.stores.submissions.resources import read
from caldicott.stores.submissions.subjects import NUMBER_ABSENT
from caldicott.vocabulary.errors import WrongUsage

NUMBER = "9990000018"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
STATUS = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-NHSNumberVerificationStatus-1"
SNOMED = "http://snomed.info/sct"


def patient(**changed):
    identifier = {
        "system": NHS,
        "value": NUMBER,
        "extension": [{"url": STATUS, "valueCodeableConcept": {"coding": [{"code": "01"}]}}],
    }
    return {"resourceType": "Patient", "id": "p1", "identifier": [identifier]} | changed


def observation(**changed):
    coding = [{"system": "http://read.info/readv2", "code": "246..00"}, {"system": SNOMED, "code": "75367002"}]
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": coding},
    } | changed


def bundle(*resources: dict, **urls):
    entries = [{"resource": resource} for resource in resources]
    entries += [{"fullUrl": f"urn:uuid:{name}", "resource": resource} for name, resource in urls.items()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def rows_of(path, caps=None):
    result = read(path, layouts.load("gp-connect-structured"), caps=caps)
    rows = [row for batch in result.batches for row in batch.to_pylist()]
    assert len(rows) == result.rows
    return rows, result


@pytest.fixture
def landed(tmp_path):
    """Rows and result of one document, or of bytes, under a file name."""

    def land(content, name="x.json", caps=None):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return rows_of(path, caps)

    return land


def test_every_resource_of_a_patient_carries_the_patients_number(landed):
    """The number, its status and the practice come from the Patient; the code is SNOMED CT's, Read is kept beside."""
    practice = {"resourceType": "Organization", "id": "g", "identifier": [
        {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Z80001"}]}  # fmt: skip
    person = patient(managingOrganization={"reference": "Organization/g"})
    rows, result = landed(bundle(person, observation(), practice))
    entry = rows[1]
    assert (entry["nhs_number"], entry["nhs_number_status"], entry["practice"]) == (NUMBER, "01", "Z80001")
    assert (entry["code"], entry["source_code"], entry["subject"]) == ("75367002", "246..00", "p1")
    assert rows[2]["nhs_number"] is None
    assert result.counts == {"Patient": 1, "Observation": 1, "Organization": 1}
    assert result.is_whole


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "urn:uuid:abc",
        "https://example.invalid/base/Patient/p1",
        "https://example.invalid/Patient/p1/_history/2",
    ],
)
def test_a_patient_is_found_by_any_kind_of_reference(landed, reference):
    """Relative, urn:uuid, absolute, with a version."""
    rows, _ = landed(bundle(observation(subject={"reference": reference}), abc=patient()))
    assert rows[0]["nhs_number"] == NUMBER


def test_a_person_may_be_named_by_the_number_itself(landed):
    """Related persons in demographic answers name the patient so."""
    by_number = {"identifier": {"system": NHS, "value": NUMBER}}
    rows, _ = landed({"resourceType": "RelatedPerson", "id": "r", "patient": by_number, "name": [{"family": "Shadow"}]})
    assert (rows[0]["nhs_number"], rows[0]["name"]) == (NUMBER, None)


def test_a_clinical_resource_that_names_nobody_belongs_to_the_bundles_only_patient(landed):
    """A goal without a subject, as Synthea writes it; as a row about nobody it would pass every objection."""
    goal = {"resourceType": "Goal", "id": "g", "description": {"text": "walk more"}}
    rows, _ = landed(bundle(patient(), goal))
    assert (rows[1]["nhs_number"], rows[1]["term"], rows[1]["free_text"]) == (NUMBER, None, "walk more")


@pytest.mark.parametrize("people", [[], [patient(), patient(id="p2")]])
def test_a_clinical_resource_of_nobody_in_particular_is_a_fault(landed, people):
    """With no patient or with two, guessing would be tracing."""
    rows, result = landed(bundle(*people, {"resourceType": "Goal", "id": "g"}))
    assert len(rows) == len(people)
    assert [fault.reason for fault in result.faults] == [Reason.NO_SUBJECT]


def test_one_id_for_two_people_is_an_id_for_neither(landed):
    """Otherwise one person's record would get the other's number."""
    other = patient(identifier=[{"system": NHS, "value": "9990000026"}])
    rows, result = landed(bundle(patient(), other, observation()))
    assert [row["resource_type"] for row in rows] == ["Patient", "Patient"]
    assert result.fault_counts == {"no-subject": 1}


@pytest.mark.parametrize(
    "identifier",
    [
        [],
        [{"system": NHS, "value": NUMBER}, {"system": NHS, "value": "9990000026"}],
        [{"system": "urn:x", "value": NUMBER}],
    ],
)
def test_a_patient_without_one_number_has_the_word_absent(landed, identifier):
    """Null is for rows about nobody; this one is about somebody and must not pass as such."""
    rows, _ = landed(bundle(patient(identifier=identifier), observation()))
    assert {row["nhs_number"] for row in rows} == {NUMBER_ABSENT}


def test_the_local_id_says_who_issued_it(landed):
    """Two systems count from one."""
    rows, _ = landed(patient(identifier=[{"system": "https://emis.example", "value": "17"}]))
    assert rows[0]["local_id"] == "https://emis.example|17"


def test_a_number_no_longer_used_is_not_the_patients(landed):
    """An ended identifier stands beside the living one."""
    old = {"system": NHS, "value": "9990000026", "period": {"end": "2020-01-01"}}
    rows, _ = landed(patient(identifier=[old, {"system": NHS, "value": NUMBER}]))
    assert rows[0]["nhs_number"] == NUMBER


@pytest.mark.parametrize(
    ("written", "day", "precision", "instant"),
    [
        ("2011-06-01T00:30:00+01:00", date(2011, 6, 1), "time", datetime(2011, 5, 31, 23, 30)),
        ("2011-06-01T00:30:00.123Z", date(2011, 6, 1), "time", datetime(2011, 6, 1, 0, 30, 0, 123000)),
        ("2011-06-01", date(2011, 6, 1), "day", None),
        ("2011-06", date(2011, 6, 1), "month", None),
        ("2011", date(2011, 1, 1), "year", None),
        ("2011-06-01T00:30:00", date(2011, 6, 1), "day", None),
    ],
)
def test_the_day_is_the_senders_day_and_the_instant_is_in_utc(landed, written, day, precision, instant):
    """Half past midnight in summer time is the new day here and the old one in UTC."""
    rows, _ = landed(bundle(patient(), observation(effectiveDateTime=written)))
    assert (rows[1]["occurred"], rows[1]["occurred_precision"], rows[1]["occurred_at"]) == (day, precision, instant)


@pytest.mark.parametrize(
    "written", ["2011-02-30", "yesterday", "0000-01-01", "20110601", "0001-01-01T00:00:00+14:00", ""]
)
def test_a_date_that_is_none_is_a_fault_and_not_null(landed, written):
    """Empty text counts as absent; everything else is named."""
    rows, result = landed(bundle(patient(), observation(effectiveDateTime=written)))
    assert (len(rows), result.fault_counts.total()) == ((2, 0) if not written else (1, 1))


def test_a_birth_date_without_a_day_is_not_made_up(landed):
    """The first of January would match other people."""
    rows, _ = landed(patient(birthDate="1950"))
    assert rows[0]["birth_date"] is None


def test_a_blood_pressure_keeps_both_its_numbers_in_its_one_row(landed):
    """Rows in are rows out, and nothing of the reading is lost."""
    parts = [
        {"code": {"coding": [{"system": SNOMED, "code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("72313002", 120), ("1091811000000102", 80))
    ]
    rows, _ = landed(bundle(patient(), observation(component=parts)))
    assert rows[1]["components"] == "72313002=120 mmHg; 1091811000000102=80 mmHg"


def test_a_prescription_has_the_code_of_the_medication_it_refers_to(landed):
    """STU3 keeps the drug in a resource of its own."""
    drug = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": SNOMED, "code": "319775004"}]}}
    order = {"resourceType": "MedicationRequest", "subject": {"reference": "Patient/p1"},
             "medicationReference": {"reference": "Medication/m"}, "authoredOn": "2010-02-06"}  # fmt: skip
    rows, _ = landed(bundle(order, drug, patient()))
    assert (rows[0]["code"], rows[0]["occurred"], rows[0]["resource_id"]) == ("319775004", date(2010, 2, 6), None)
    assert rows[0]["record_key"].startswith("MedicationRequest/sha256:")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("subject", "Patient/p1"), ("subject", {"reference": 5}), ("code", {"coding": "x"}), ("id", 7),
        ("status", [1]), ("valueQuantity", 5), ("valueQuantity", {"value": {}}), ("valueQuantity", {"value": True}),
        ("valueQuantity", {"value": "1e999"}), ("valueString", {"value": []}), ("meta", "x"), ("category", [5]),
        ("component", [5]), ("effectiveDateTime", 2011), ("effectivePeriod", {"start": 5}),
    ],
)  # fmt: skip
def test_a_wrong_type_anywhere_is_a_fault_of_that_row_only(landed, path, wrong):
    """The neighbours are still read, and the value is not in the fault."""
    rows, result = landed(bundle(patient(), observation(**{path: wrong}), observation(id="o2")))
    assert [row["resource_id"] for row in rows] == ["p1", "o2"]
    assert result.faults[0].place == "file entry 2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"{", Reason.NOT_JSON),
        (b"[]", Reason.NOT_FHIR),
        (b"5", Reason.NOT_FHIR),
        (b'{"resourceType": 5}', Reason.NOT_FHIR),
        (b'{"resourceType": "Patient", "id": "a", "id": "b"}', Reason.DUPLICATE_KEY),
        (b'{"resourceType": "Patient", "x": NaN}', Reason.UNREADABLE_NUMBER),
        (b'{"resourceType": "Patient", "x": ' + b"9" * 5000 + b"}", Reason.UNREADABLE_NUMBER),
        (b'{"resourceType": "Patient", "id": "\\ud800"}', Reason.NOT_UTF8),
        (b'{"resourceType": "Patient", "id": "\\u0000"}', Reason.NUL_BYTE),
        (b'{"resourceType": "Patient", "id": "\xff"}', Reason.NOT_UTF8),
        (json.dumps(patient()).encode("utf-16"), Reason.NUL_BYTE),
        (b"[" * 200_000, Reason.TOO_DEEP),
        (b'{"a":' * 200_000, Reason.TOO_DEEP),
        (b'{"resourceType": "OperationOutcome"}', Reason.OPERATION_OUTCOME),
    ],
)
def test_bytes_that_are_no_document_are_one_fault(landed, content, reason):
    """With the reason, and no row."""
    rows, result = landed(content)
    assert (rows, [fault.reason for fault in result.faults]) == ([], [reason])


def test_a_byte_order_mark_is_no_fault(landed):
    """Windows writes it."""
    rows, _ = landed(b"\xef\xbb\xbf" + json.dumps(patient()).encode())
    assert len(rows) == 1


def test_lines_are_read_one_by_one_and_a_bad_one_is_named_by_its_number(landed):
    """The patient may stand behind the observation."""
    lines = [json.dumps(observation()), "{broken", "", json.dumps(patient())]
    for name, pack in (("x.ndjson", bytes), ("y.ndjson.gz", gzip.compress)):
        rows, result = landed(pack("\n".join(lines).encode()), name)
        assert [row["nhs_number"] for row in rows] == [NUMBER, NUMBER]
        assert result.faults == [Fault("line 2", Reason.NOT_JSON)]


def test_a_line_that_is_too_long_is_a_fault_and_the_next_is_read(landed):
    """No line is read into memory beyond its cap."""
    lines = b'{"x": "' + b"y" * 5000 + b'"}\n' + json.dumps(patient()).encode()
    rows, result = landed(lines, "x.ndjson", Caps(line_bytes=1000))
    assert (len(rows), result.faults) == (1, [Fault("line 1", Reason.LINE_TOO_LONG)])


def zipped(*members: tuple):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members:
            archive.writestr(name, member)
    return content.getvalue()


def tarred(*members: tuple, pack=lzma.compress):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for entry, member in members:
            header = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry)
            header.size = len(member)
            archive.addfile(header, io.BytesIO(member))
    return pack(content.getvalue())


@pytest.mark.parametrize(("name", "pack"), [("x.zip", zipped), ("x.tar.xz", tarred)])
def test_an_archive_is_read_member_by_member_and_never_by_its_members_names(landed, name, pack):
    """Senders put NHS numbers and surnames into member names: places are ordinals."""
    person = json.dumps(patient()).encode()
    seen = json.dumps(observation()).encode()
    rows, result = landed(pack((f"a/{NUMBER}_Shadow.json", seen), (f"{NUMBER}.json", b"{"), ("c.json", person)), name)
    assert [row["nhs_number"] for row in rows] == [NUMBER, NUMBER]
    assert result.faults == [Fault("member 2", Reason.NOT_JSON)]
    assert set(result.member_counts) == {"member 1", "member 3"}
    assert NUMBER not in repr(result.faults)


def link(kind):
    entry = tarfile.TarInfo("x.json")
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.zip", zipped(("../x.json", b"{}")), Reason.ARCHIVE_PATH),
        ("x.zip", zipped(("/x.json", b"{}")), Reason.ARCHIVE_PATH),
        ("x.zip", zipped(("a\\..\\..\\x.json", b"{}")), Reason.ARCHIVE_PATH),
        ("x.tar.xz", tarred(("../x.json", b"{}")), Reason.ARCHIVE_PATH),
        ("x.tar.xz", tarred((link(tarfile.SYMTYPE), b"")), Reason.ARCHIVE_LINK),
        ("x.tar.xz", tarred((link(tarfile.LNKTYPE), b"")), Reason.ARCHIVE_LINK),
        ("x.tar.xz", tarred((link(tarfile.CHRTYPE), b"")), Reason.ARCHIVE_LINK),
        ("x.tar.xz", tarred((link(tarfile.FIFOTYPE), b"")), Reason.ARCHIVE_LINK),
        ("x.zip", b"PK\x03\x04" + b"x" * 100, Reason.ARCHIVE_UNREADABLE),
        ("x.tar.gz", b"x" * 1000, Reason.ARCHIVE_UNREADABLE),
        ("x.json.gz", gzip.compress(b"{}", mtime=0)[:-4], Reason.ARCHIVE_UNREADABLE),
        ("x.pdf", b"%PDF", Reason.UNKNOWN_FILE_KIND),
        ("x.zip", zipped(("people.csv", b"a,b")), Reason.UNKNOWN_MEMBER_KIND),
    ],
)
def test_a_hostile_or_broken_archive_is_refused(landed, name, content, reason):
    """Nothing is ever written to disk; whoever packed this meant harm all the same."""
    rows, result = landed(content, name)
    assert (rows, [fault.reason for fault in result.faults]) == ([], [reason])


@pytest.mark.parametrize(
    ("name", "content", "caps", "reason"),
    [
        ("x.zip", zipped(("a.json", b" " * (64 << 20))), Caps(), Reason.TOO_MUCH_UNPACKED),
        ("x.json.gz", gzip.compress(b" " * (64 << 20), mtime=0), Caps(), Reason.TOO_MUCH_UNPACKED),
        ("x.tar.xz", tarred(("a.json", b" " * (64 << 20))), Caps(), Reason.TOO_MUCH_UNPACKED),
        ("x.json", b" " * 2000, Caps(member_bytes=1000), Reason.MEMBER_TOO_LARGE),
        ("x.zip", zipped(("a.json", b" " * 2000)), Caps(member_bytes=1000), Reason.MEMBER_TOO_LARGE),
        ("x.zip", zipped(*((f"{n}.json", b"{}") for n in range(5))), Caps(members=4), Reason.TOO_MANY_MEMBERS),
    ],
)
def test_a_bomb_is_stopped_at_the_caps(landed, name, content, caps, reason):
    """By ratio, by size, by number."""
    _, result = landed(content, name, caps)
    assert reason in {fault.reason for fault in result.faults}


def test_the_members_of_an_archive_share_one_budget(landed):
    """Many small bombs are one large one."""
    content = zipped(*((f"{number}.json", b" " * 1_000_000) for number in range(40)))
    _, result = landed(content, "x.zip", Caps(ratio_from=10 << 20))
    assert result.faults[-1].reason is Reason.TOO_MUCH_UNPACKED


XML = (
    '<Observation xmlns="http://hl7.org/fhir"><id value="o1"/><text><div xmlns="http://www.w3.org/1999/xhtml">x<p>y</p>'
    '</div></text><status value="final"/><code><coding><system value="http://snomed.info/sct"/><code value="75367002"/>'
    '</coding></code><subject><identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value '
    'value="9990000018"/></identifier></subject><effectiveDateTime value="2024-03-25"/><valueQuantity>'
    '<value value="120"/><unit value="mmHg"/></valueQuantity></Observation>'
)
TWO_IN_ONE = "<Bundle xmlns='http://hl7.org/fhir'><entry><resource><Patient/><Patient/></resource></entry></Bundle>"


def test_xml_is_read_as_its_json_would_be(landed):
    """Numbers are text there and a list of one is no list."""
    rows, _ = landed(XML.encode(), "x.xml")
    found = rows[0]
    assert (found["nhs_number"], found["code"], found["value_number"]) == (NUMBER, "75367002", 120.0)
    assert (found["occurred"], found["unit"]) == (date(2024, 3, 25), "mmHg")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + XML, Reason.XML_ENTITY),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd">' + XML, Reason.XML_ENTITY),
        (XML[:-5], Reason.NOT_XML),
        ("<a>" * 200_000, Reason.NOT_XML),
        ('<Patient xmlns="http://hl7.org/fhir">' + "<a>" * 200 + "</a>" * 200 + "</Patient>", Reason.TOO_DEEP),
        (TWO_IN_ONE, Reason.WRONG_SHAPE),
    ],
)  # fmt: skip
def test_hostile_xml_is_refused(landed, content, reason):
    """A document type is refused before any entity is declared."""
    rows, result = landed(content.encode(), "x.xml")
    found = {fault.reason for fault in result.faults} | ({Reason.NOT_XML} if result.skipped else set())
    assert (rows, found) == ([], {reason})


def test_another_standards_xml_is_left_and_counted(landed):
    """HL7 v3 extracts lie beside the bundles they were translated to."""
    rows, result = landed(b'<RCMR_IN030000UK06 xmlns="urn:hl7-org:v3"/>', "x.xml")
    assert (rows, result.skipped, result.is_whole) == ([], {"another-standards-xml": 1}, True)


def test_bundles_inside_bundles_are_read_to_three_levels(landed):
    """A searchset of documents; deeper is a fault and not silence."""
    rows, result = landed(bundle(patient(), bundle(patient(id="q"), bundle(patient(id="r"), bundle(patient(id="s"))))))
    assert [row["resource_id"] for row in rows] == ["p1", "q", "r"]
    assert result.fault_counts == {"too-deep": 1}


def test_batches_stay_small(landed):
    """Ten thousand rows at most, whatever the bundle holds."""
    path_rows, result = landed("\n".join([json.dumps(patient())] * 10_001).encode(), "x.ndjson")
    assert len(path_rows) == 10_001
    assert result.counts == {"Patient": 10_001}


def test_a_layout_of_another_reader_is_wrong_usage(tmp_path):
    """The caller mixed up two readers."""
    with pytest.raises(WrongUsage):
        read(tmp_path / "x.json", layouts.load("ae-london"))


@pytest.mark.parametrize(
    ("total", "faults"), [({"total": 0}, {}), ({}, {"empty-bundle": 1}), ({"total": 3}, {"empty-bundle": 1})]
)
def test_a_bundle_is_empty_only_if_it_says_so(landed, total, faults):
    """A misspelt `entry` would otherwise lose a whole record in silence; found by the fuzzer."""
    rows, result = landed({"resourceType": "Bundle", "type": "searchset", "entrx": []} | total)
    assert (rows, dict(result.fault_counts), result.fault_rows) == ([], faults, 0)
