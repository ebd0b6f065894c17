"""Malformed files: whatever comes, a row, a named fault or a message for a person. Never a traceback, never silence.

Deterministic: the same number and seed give the same files. A sample runs every
time, all twenty thousand with `-m slow`.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import lzma
import random
import tarfile
import time
import zipfile
from dataclasses import dataclass

import pytest

from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.facts import layout as layouts
from caldicott.operations.reading import checked
from caldicott.stores.submissions.faults import Unreadable
from caldicott.stores.submissions.manifest import parse, verify_files
from caldicott.stores.submissions.members import Caps
from caldicott.stores.submissions.mesh import read_answer
from caldicott.stores.submissions.resources import read
from caldicott.stores.submissions.tables import count_rows, header, look_through, preflight
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold
from stage import LANDING_RULES

SAMPLE, ALL, SEED = 1_500, 20_000, 20_260_501
LONGEST_SECONDS = 1.0
CAPS = Caps(member_bytes=4 << 20, line_bytes=1 << 20, total_bytes=32 << 20, ratio_from=1 << 20, members=50)
NUMBER = "9990000018"


@dataclass(frozen=True)
class Case:
    """A malformed file. `resources` is how many it must account for, where that can be known."""

    kind: str
    name: str
    content: bytes
    resources: int | None = None


CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "75367002", "display": "Blood pressure"}], "text": "bp"}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "fullUrl": "urn:uuid:p1",
            "resource": {
                "resourceType": "Patient",
                "id": "p1",
                "meta": {"security": [{"code": "R"}]},
                "identifier": [
                    {
                        "system": "https://fhir.nhs.uk/Id/nhs-number",
                        "value": NUMBER,
                        "extension": [
                            {
                                "url": "Extension-NHSNumberVerificationStatus",
                                "valueCodeableConcept": {"coding": [{"code": "01"}]},
                            }
                        ],
                    }
                ],
                "name": [{"use": "official", "family": "Shadow", "given": ["Ann"], "period": {"start": "2000"}}],
                "birthDate": "1950-02-03",
                "deceasedDateTime": "2020-01-01T00:00:00+00:00",
                "address": [{"line": ["1 Nowhere"], "city": "Leeds", "postalCode": "ZZ99 3WZ"}],
                "managingOrganization": {"reference": "Organization/g1"},
            },
        },
        {
            "resource": {
                "resourceType": "Observation",
                "id": "o1",
                "status": "final",
                "category": [{"coding": [{"code": "vital-signs"}]}],
                "code": CODE,
                "subject": {"reference": "urn:uuid:p1"},
                "context": {"reference": "Encounter/e1"},
                "effectivePeriod": {"start": "2020-01-01T10:00:00Z", "end": "2020-01-02"},
                "valueQuantity": {"value": 120.5, "unit": "mmHg"},
                "component": [{"code": CODE, "valueQuantity": {"value": 80, "unit": "mmHg"}}],
            },
        },
        {
            "resource": {
                "resourceType": "MedicationRequest",
                "medicationReference": {"reference": "Medication/m1"},
                "subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBER}},
                "authoredOn": "2020-01-01",
            }
        },
        {"resource": {"resourceType": "Medication", "id": "m1", "code": CODE}},
        {
            "resource": {
                "resourceType": "Organization",
                "id": "g1",
                "identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Z80001"}],
            }
        },
        {"resource": {"resourceType": "Goal", "description": {"text": "walk"}}},
    ],
}
XML = (
    '<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><identifier>'
    '<system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="9990000018"/></identifier>'
    '<name><family value="Shadow"/></name><birthDate value="1950-02-03"/></Patient>'
)
CSV = b'Health Service ID,Age,Hospital\n999-000-0018,42,"Kings, London"\n999-000-0026,43,x\n'
ANSWER = b"9990000018,\n9990000026,\n9990000034,\n"
MANIFEST = b"""[submission]
id = "RZ1-2025"
dataset = "sus-ec"
layout = "ae-london"
sender = "RZ1"
purposes = ["commissioning-planning"]
agreement = "dars-dsa"
format = "identifiable"
period_from = 2025-04-01
period_to = 2026-03-31
update = "net-change"
extracted = 2026-05-01T06:00:00
objections_applied = []

[[files]]
path = "a.csv"
rows = 2
sha256 = "%s"
""" % (b"0" * 64)
WRONG = (
    *(None, True, False, 0, -1, 1.5, 10**400, 1e308, "", "x", NUMBER, [], {}, [None], [[]], [{}], {"x": 1}),
    *(
        "\x01",
        "=cmd|' /C calc'!A0",
        "2020-13-45",
        "9" * 5000,
        {"value": {"value": {}}},
        {"reference": []},
        [1, "a", {}],
    ),
)


def cases(n, seed):
    """`n` malformed files, the same for the same seed."""
    rng = random.Random(seed)
    makers = [wrong_type, wrong_type, lost_part, two_parts, spoiled_json, spoiled_json, spoiled_lines, odd_json]
    makers += [spoiled_xml, odd_xml, spoiled_archive, spoiled_archive, odd_archive, spoiled_table, odd_table]
    makers += [spoiled_answer, spoiled_manifest, odd_manifest]
    for number in range(n):
        yield makers[number % len(makers)](rng)


def places(part, way=()):
    """Every path into the document."""
    yield way
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, inner in inside:
        yield from places(inner, (*way, name))


PLACES = [way for way in places(BUNDLE) if way]


def changed(rng, change):
    document = copy.deepcopy(BUNDLE)
    way = rng.choice(PLACES)
    holder = document
    for name in way[:-1]:
        holder = holder[name]
    change(holder, way[-1])
    return document


def accounted(document):
    """How many rows or faults the document must give: one a thing in a bundle, one for what is no bundle."""
    if document.get("resourceType") != "Bundle":
        return 1
    entries = document.get("entry", [])
    if entries == []:
        return 1  # the fault that it is empty
    entries = entries if isinstance(entries, list) else [entries]
    return sum(inner(entry) for entry in entries)


def inner(entry):
    resource = entry.get("resource") if isinstance(entry, dict) else None
    is_bundle = isinstance(resource, dict) and resource.get("resourceType") == "Bundle"
    return accounted(resource) if is_bundle else 1


def document_case(document):
    return Case("fhir", "x.json", json.dumps(document).encode(), accounted(document))


def wrong_type(rng):
    value = rng.choice(WRONG)
    document = changed(rng, lambda holder, name: holder.__setitem__(name, value))
    if any(isinstance(part, int) and part > 10**300 for part in [value]):
        return Case("fhir", "x.json", json.dumps(document).encode(), accounted(document))
    return document_case(document)


def lost_part(rng):
    return document_case(changed(rng, lambda holder, name: holder.__delitem__(name)))


def two_parts(rng):
    """A part stands twice, in a list of its own."""
    return document_case(changed(rng, lambda holder, name: holder.__setitem__(name, [holder[name], holder[name]])))


def spoil(rng, content):
    """One of the ways in which bytes go wrong."""
    spot = rng.randrange(max(1, len(content)))
    ways = [
        lambda: content[:spot],
        lambda: flipped(rng, content, 1),
        lambda: flipped(rng, content, 20),
        lambda: content[:spot] + b"\0" + content[spot:],
        lambda: content[:spot] + rng.randbytes(30) + content[spot:],
        lambda: content[:spot] + content[spot + 7 :],
        lambda: content + content,
        lambda: b"\xef\xbb\xbf" + content,
        lambda: b"\xff\xfe" + content,
        lambda: content.decode("latin-1").encode("utf-16"),
        lambda: content[:spot] + b"9" * 5000 + content[spot:],
        lambda: content.replace(b"\n", b"\r"),
        lambda: b"",
        lambda: rng.randbytes(200),
    ]
    return rng.choice(ways)()


def flipped(rng, content, times):
    spoiled = bytearray(content)
    for _ in range(times if spoiled else 0):
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
    return bytes(spoiled)


def spoiled_json(rng):
    return Case("fhir", "x.json", spoil(rng, json.dumps(BUNDLE).encode()))


def spoiled_lines(rng):
    lines = [json.dumps(entry["resource"]).encode() for entry in BUNDLE["entry"]]
    spot = rng.randrange(len(lines))
    lines[spot] = spoil(rng, lines[spot]).replace(b"\n", b" ").strip() or b"-"
    return Case("fhir", "x.ndjson", b"\n".join(lines), len(lines))


def odd_json(rng):
    deep = rng.choice((900, 1000, 5000, 100_000))
    patient = '{"resourceType":"Patient","id":%s}'
    odd = [
        "[" * deep,
        '{"a":' * deep,
        patient % ("[" * deep + "]" * deep),
        patient % ('{"value":' * deep + "1" + "}" * deep),
        '{"resourceType":"Bundle","entry":[{"resource":' * deep,
        '{"resourceType":"Observation","context":%s}' % ('{"encounter":' * deep + "{}" + "}" * deep),
        '{"resourceType":"Patient","id":"a","id":"b"}',
        patient % '"\\ud83d"',
        patient % '"\\ud83d\\ude00"',
        patient % ("1" * 5000),
        patient % "1e400",
        patient % "-Infinity",
        '{"resourceType":"Patient","birthDate":"%s"}' % ("9" * 500_000),
        '{"resourceType":"%s"}' % ("A" * 500_000),
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": BUNDLE}] * 200}),
    ]
    return Case("fhir", "x.json", rng.choice(odd).encode())


def spoiled_xml(rng):
    return Case("fhir", "x.xml", spoil(rng, XML.encode()))


def odd_xml(rng):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    odd = [
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><Patient xmlns="http://hl7.org/fhir"><id value="&l11;"/></Patient>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>' + XML,
        '<!DOCTYPE x SYSTEM "http://localhost/x.dtd">' + XML,
        '<?xml version="1.0" encoding="nonsense"?>' + XML,
        '<?xml version="1.0" encoding="utf-7"?>' + XML,
        '<Patient xmlns="http://hl7.org/fhir">' + "<id>" * rng.choice((50, 99, 100, 50_000)),
        '<Patient xmlns="http://hl7.org/fhir">' + '<id value="1"/>' * 5000 + "</Patient>",
        '<Patient xmlns="http://hl7.org/fhir" {}/>'.format(" ".join(f'a{n}="1"' for n in range(5000))),
        '<Patient xmlns="http://hl7.org/fhir" resourceType="Bundle" entry="x"/>',
        "<Patient/>",
    ]
    return Case("fhir", "x.xml", rng.choice(odd).encode("utf-8"))


def packed(rng):
    inside = [json.dumps(BUNDLE).encode(), XML.encode(), b"{}"]
    names = ["a.json", "b.xml", f"{NUMBER}_Shadow.json"]
    if rng.random() < 0.4:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for name, member in zip(names, inside, strict=True):
                archive.writestr(zipfile.ZipInfo(name), member)
        return "x.zip", content.getvalue()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, member in zip(names, inside, strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = len(member)
            archive.addfile(entry, io.BytesIO(member))
    kinds = {"x.tar": bytes, "x.tar.gz": lambda raw: gzip.compress(raw, mtime=0), "x.tar.xz": lzma.compress}
    name = rng.choice(sorted(kinds))
    spoil_inside = rng.random() < 0.5
    raw = spoil(rng, content.getvalue()) if spoil_inside else content.getvalue()
    return name, kinds[name](raw)


def spoiled_archive(rng):
    name, content = packed(rng)
    return Case("fhir", name, spoil(rng, content))


def odd_archive(rng):
    slip = rng.choice(("../../x.json", "/etc/x.json", "..\\x.json", "C:\\x.json", "a/../../x.json"))
    zeros = b" " * (3 << 20)
    odd = [
        ("x.zip", [(slip, b"{}")]),
        ("x.zip", [("a.json", zeros)]),
        ("x.zip", [(f"{n}.json", b" " * 200_000) for n in range(20)]),
        ("x.zip", [(f"{n}.json", b"{}") for n in range(60)]),
        ("x.zip", [("a.json", b"{}"), ("inner.zip", b"PK")]),
        ("x.zip", [("a" * 60_000 + ".json", b"{}")]),
        ("x.tar.xz", [(slip, b"{}")]),
        ("x.tar.xz", [("a.json", zeros)]),
        ("x.tar.gz", [("a.json", zeros)]),
    ]
    name, inside = rng.choice(odd)
    content = io.BytesIO()
    if name == "x.zip":
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, body in inside:
                archive.writestr(zipfile.ZipInfo(member), body, zipfile.ZIP_DEFLATED)
        return Case("fhir", name, content.getvalue())
    with tarfile.open(fileobj=content, mode="w") as archive:
        for member, body in inside:
            entry = tarfile.TarInfo(member)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
        entry = tarfile.TarInfo("link.json")
        entry.type, entry.linkname = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE)), "/etc/passwd"
        archive.addfile(entry)
    raw = content.getvalue()
    return Case("fhir", name, lzma.compress(raw) if name.endswith("xz") else gzip.compress(raw, mtime=0))


def spoiled_table(rng):
    if rng.random() < 0.3:
        return Case("table", "x.csv.gz", spoil(rng, gzip.compress(CSV, mtime=0)))
    return Case("table", rng.choice(("x.csv", "x.parquet", "x.txt")), spoil(rng, CSV))


def odd_table(rng):
    odd = [
        b"=cmd|' /C calc'!A0,+1,-1,@x\n1,2,3,4\n",
        b"Health Service ID,Age\n" + b"9" * (1 << 20) + b"9\n",
        b"Health Service ID," + b",".join(b"c%d" % n for n in range(10_000)) + b"\n",
        b"Health Service ID,Health Service ID\n",
        b'"Health Service ID\nAge",x\n',
        b'Health Service ID\n"never closed\n',
        b"Health Service ID\r\r\r",
        b"Health Service ID",
        gzip.compress(b"Health Service ID\n" + b"1" * (3 << 20), mtime=0),
        b"\x1f\x8b",
    ]
    content = rng.choice(odd)
    return Case("table", "x.csv.gz" if content.startswith(b"\x1f\x8b") else "x.csv", content)


def spoiled_answer(rng):
    return Case("answer", "x.dat", spoil(rng, ANSWER))


def spoiled_manifest(rng):
    return Case("manifest", "manifest.toml", spoil(rng, MANIFEST))


def odd_manifest(rng):
    values = ["1", "true", '""', "[]", "{}", "[[]]", "1e999", "nan", "0001-01-01T00:00:00+14:00", "9" * 5000]
    values += ["[" * 3000, "{a=" * 3000, '"../x"', '"/etc/passwd"', "1979-05-27", '"' + "x" * 100_000 + '"']
    lines = MANIFEST.split(b"\n")
    spot = rng.choice([number for number, line in enumerate(lines) if b"=" in line])
    lines[spot] = lines[spot].partition(b"=")[0] + b"= " + rng.choice(values).encode()
    return Case("manifest", "manifest.toml", b"\n".join(lines))


def outcome(case, folder):
    """What became of the file: how many rows, how many faults."""
    path = folder / case.name
    path.write_bytes(case.content)
    try:
        return READ[case.kind](path)
    except CaldicottError as error:
        return tells_no_number(error)
    finally:
        path.unlink()


def tells_no_number(error):
    assert NUMBER not in str(error)
    assert NUMBER not in json.dumps(error.as_record())
    return 0, 1


def read_resources(path):
    result = read(path, layouts.load("gp-connect-structured"), caps=CAPS)
    given = sum(batch.num_rows for batch in result.batches)
    assert given == result.rows
    assert NUMBER not in repr(result.faults) + repr(result.member_counts)
    return given, result.fault_counts.total() + result.skipped.total()


def read_table(path):
    layout = layouts.load("ae-london")
    faults = preflight(path, layout)
    assert NUMBER not in repr(faults)
    try:
        header(path, layout)
    except Unreadable:
        assert faults
    except (EOFError, OSError, gzip.zlib.error):
        assert faults
    if not faults:
        read_rows(path, layout)
    return 0, max(1, len(faults))


def read_rows(path, layout):
    """A file that nothing speaks against is read to its end or refused as a whole; of a plain one no row is missing."""
    said, rows = "", 0
    try:
        rows = sum(batch.num_rows for batch in checked(path, layout, LANDING_RULES, DuckDbLanding(threads=1)))
    except DoesNotHold as refused:
        said = str(refused)
    assert NUMBER not in said
    assert said or not look_through(path, layout).is_plain or rows == count_rows(path, layout)


def read_manifest(path):
    verify_files(parse(path.parent), path.parent)
    return 1, 0


def read_numbers(path):
    content = path.read_bytes()
    answer = read_answer(path)
    assert answer.lines == content.count(b"\n")  # every line is a number; none was passed over
    return max(1, answer.lines), 0


READ = {"fhir": read_resources, "table": read_table, "answer": read_numbers, "manifest": read_manifest}


def timed(case, folder):
    begun = time.process_time()
    rows, faults = outcome(case, folder)
    return rows, faults, time.process_time() - begun


def hold(n, folder):
    slowest, many = 0.0, 0
    for number, case in enumerate(cases(n, SEED)):
        rows, faults, seconds = timed(case, folder)
        if seconds >= LONGEST_SECONDS:  # a collection of garbage may have fallen into it: a slow file is slow twice
            rows, faults, seconds = timed(case, folder)
        slowest = max(slowest, seconds)
        assert slowest < LONGEST_SECONDS, (number, case.kind, case.name)
        if case.resources is not None:
            assert rows + faults == case.resources, (number, case.name)
        else:
            assert rows + faults > 0, (number, case.kind, case.name)
        many += 1
    return many


def test_a_sample_of_malformed_files_is_read_without_a_traceback(tmp_path):
    """Rows in are rows out and faults; a fault never has the number; none takes a second."""
    assert hold(SAMPLE, tmp_path) == SAMPLE


@pytest.mark.slow
def test_all_malformed_files_are_read_without_a_traceback(request, tmp_path):
    """The same for twenty thousand."""
    if "slow" not in request.config.getoption("-m"):
        pytest.skip("half a minute: runs with -m slow")
    assert hold(ALL, tmp_path) == ALL


def test_the_same_seed_gives_the_same_files():
    """A finding can be found again."""
    assert list(cases(100, 7)) == list(cases(100, 7))
