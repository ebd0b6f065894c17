"""Reads FHIR STU3 and R4 resources from whatever file they came in, as Arrow.

One resource is one row, whether it came alone, in a Bundle, in a line or in an
archive. What cannot be read is a fault with its place; rows and faults together
are all that was delivered.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.stores.submissions.documents import NotFhirXml, from_json, from_xml
from caldicott.stores.submissions.faults import ReadResult, Reason, Unreadable
from caldicott.stores.submissions.members import Caps, Member, members
from caldicott.stores.submissions.records import SCHEMA, record
from caldicott.stores.submissions.shapes import text
from caldicott.stores.submissions.subjects import Neighbours, Subject, subject_of
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.facts.layout import Layout

READERS: Final = ("fhir-r4", "fhir-stu3")
BATCH_ROWS: Final = 10_000
_NESTED: Final = 3  # a searchset of documents has two levels
_PATIENT: Final = re.compile(rb'"resourceType"\s*:\s*"Patient"|<Patient[\s>]')
_BUNDLE: Final = re.compile(rb'"resourceType"\s*:\s*"Bundle"|<Bundle[\s>]')
_OTHER_STANDARD: Final = "another-standards-xml"
_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,60}")


def read(path: Path, layout: Layout, *, caps: Caps | None = None) -> ReadResult:
    """The file's resources as record batches; the result's counts are whole once the batches are used up."""
    if layout.reader not in READERS:
        raise WrongUsage(
            f"the layout '{layout.id}' is not of FHIR resources",
            code="reader-wrong",
            next_step="read a plain table with the engine, an opt-out answer with read_answer",
        )
    result = ReadResult()
    result.batches = _batches(path, result, caps or Caps())
    return result


def _batches(path: Path, result: ReadResult, caps: Caps) -> Iterator[pa.RecordBatch]:
    waiting: list[tuple[Any, ...]] = []
    for row in _rows(path, result, caps):
        waiting.append(row)
        if len(waiting) >= BATCH_ROWS:
            yield _batch(waiting)
            waiting = []
    if waiting:
        yield _batch(waiting)


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _rows(path: Path, result: ReadResult, caps: Caps) -> Iterator[tuple[Any, ...]]:
    elsewhere = _OtherMembers(path, caps)
    for member in members(path, result, caps):
        try:
            document = _document(member)
        except Unreadable as unreadable:
            result.note(member.place, unreadable.reason)
        except NotFhirXml:
            result.skipped[_OTHER_STANDARD] += 1
        else:
            yield from _member_rows(document, member.place, result, elsewhere)


def _document(member: Member) -> dict[str, Any]:
    document = from_xml(member.content) if member.kind == ".xml" else from_json(member.content)
    if not isinstance(document, dict) or not _is_type(document.get("resourceType")):
        raise Unreadable(Reason.NOT_FHIR)
    return document


def _is_type(name: object) -> bool:
    return isinstance(name, str) and _TYPE.fullmatch(name) is not None


def _member_rows(
    document: dict[str, Any], place: str, result: ReadResult, elsewhere: _OtherMembers
) -> Iterator[tuple[Any, ...]]:
    counts = result.member_counts.setdefault(place.partition(" line ")[0] or "file", Counter())
    for row in _document_rows(document, place, result, elsewhere, depth=0):
        counts[row[2]] += 1
        result.counts[row[2]] += 1
        yield row


def _document_rows(
    document: dict[str, Any], place: str, result: ReadResult, elsewhere: _OtherMembers, *, depth: int
) -> Iterator[tuple[Any, ...]]:
    if document["resourceType"] != "Bundle":
        yield from _resource_rows([(place, None, document)], result, elsewhere)
        return
    entries = list(_entries(document, place, result))
    nested = [entry for entry in entries if entry[2]["resourceType"] == "Bundle"]
    yield from _resource_rows([entry for entry in entries if entry[2]["resourceType"] != "Bundle"], result, elsewhere)
    for inner_place, _url, inner in nested:
        if depth + 1 >= _NESTED:
            result.note(inner_place, Reason.TOO_DEEP)
        else:
            yield from _document_rows(inner, inner_place, result, elsewhere, depth=depth + 1)


def _entries(
    bundle: dict[str, Any], place: str, result: ReadResult
) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    entries = bundle.get("entry", [])
    if entries == [] and bundle.get("total") not in (0, "0"):  # a search may find nothing, and then says so
        result.note(place, Reason.EMPTY_BUNDLE, rows=0)
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        here = f"{place} entry {number}"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if resource is None:
            result.note(here, Reason.ENTRY_WITHOUT_RESOURCE)
        elif not isinstance(resource, dict) or not _is_type(resource.get("resourceType")):
            result.note(here, Reason.NOT_FHIR)
        else:
            full_url = entry.get("fullUrl")
            yield here, full_url if isinstance(full_url, str) else None, resource


def _resource_rows(
    entries: list[tuple[str, str | None, dict[str, Any]]], result: ReadResult, elsewhere: _OtherMembers
) -> Iterator[tuple[Any, ...]]:
    neighbours = Neighbours(elsewhere)
    unreadable_places = _introduce(entries, neighbours, result)
    for place, _url, resource in entries:
        if place in unreadable_places:
            continue
        if resource["resourceType"] == "OperationOutcome":  # the sender's system answered with an error
            result.note(place, Reason.OPERATION_OUTCOME)
            continue
        try:
            yield record(resource, place=place, neighbours=neighbours)
        except Unreadable as unreadable:
            result.note(place, unreadable.reason)
        except RecursionError:
            result.note(place, Reason.TOO_DEEP)


def _introduce(
    entries: list[tuple[str, str | None, dict[str, Any]]], neighbours: Neighbours, result: ReadResult
) -> set[str]:
    """Make the resources known to each other; organisations first, because patients name their practice."""
    unreadable_places = set()
    for place, url, resource in sorted(entries, key=lambda entry: entry[2]["resourceType"] == "Patient"):
        try:
            neighbours.add(url, resource)
        except Unreadable as unreadable:
            result.note(place, unreadable.reason)
            unreadable_places.add(place)
        except RecursionError:
            result.note(place, Reason.TOO_DEEP)
            unreadable_places.add(place)
    return unreadable_places


class _OtherMembers:
    """Patients that stand alone in the file, found by a second reading, and only if somebody asks."""

    def __init__(self, path: Path, caps: Caps) -> None:
        self._path, self._caps = path, caps
        self._patients: dict[str, Subject | None] | None = None

    def find(self, reference: str) -> Subject | None:
        """The patient of that reference; None if there is none or more than one."""
        if self._patients is None:
            self._patients = self._all()
        return self._patients.get(reference)

    def _all(self) -> dict[str, Subject | None]:
        found: dict[str, Subject | None] = {}
        for member in members(self._path, ReadResult(), self._caps):
            if _PATIENT.search(member.content) and not _BUNDLE.search(member.content):
                for name, subject in _alone(member):
                    known = found.setdefault(name, subject)
                    found[name] = subject if known == subject else None
        return found


def _alone(member: Member) -> list[tuple[str, Subject]]:
    try:
        patient = _document(member)
        patient_id = text(patient, "id")
        is_patient = patient["resourceType"] == "Patient" and patient_id is not None
        return (
            [(f"Patient/{patient_id}", subject_of(patient, Neighbours().organisation(patient)))] if is_patient else []
        )
    except (Unreadable, NotFhirXml, RecursionError):  # the first reading writes it down
        return []
