"""One resource of any type becomes one flat record of the dataset `gp-record`.

The columns are the same for STU3 and R4. Which element carries the code or the
day differs by resource type and version; the candidates stand here in order and
the first one present is taken. What only a person may read (narrative, notes,
value strings) goes to columns the layouts call free text.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from caldicott.stores.submissions.faults import Reason, Unreadable
from caldicott.stores.submissions.shapes import Moment, first, flag, many, moment, number, objects, text, texts
from caldicott.stores.submissions.subjects import Neighbours, Subject, ods_code, subject_of

if TYPE_CHECKING:
    from datetime import date, datetime

SCHEMA: Final = pa.schema(
    [
        ("record_key", pa.string()),
        ("place", pa.string()),
        ("resource_type", pa.string()),
        ("resource_id", pa.string()),
        ("subject", pa.string()),
        ("nhs_number", pa.string()),
        ("nhs_number_status", pa.string()),
        ("local_id", pa.string()),
        ("practice", pa.string()),
        ("name", pa.string()),
        ("birth_date", pa.date32()),
        ("sex", pa.string()),
        ("death_date", pa.date32()),
        ("address", pa.string()),
        ("postcode", pa.string()),
        ("code_system", pa.string()),
        ("code", pa.string()),
        ("term", pa.string()),
        ("source_code_system", pa.string()),
        ("source_code", pa.string()),
        ("occurred", pa.date32()),
        ("occurred_precision", pa.string()),
        ("occurred_at", pa.timestamp("us")),
        ("ended", pa.date32()),
        ("status", pa.string()),
        ("category", pa.string()),
        ("value_number", pa.float64()),
        ("unit", pa.string()),
        ("value_code", pa.string()),
        ("value", pa.string()),
        ("components", pa.string()),
        ("encounter_id", pa.string()),
        ("organisation", pa.string()),
        ("security", pa.string()),
        ("free_text", pa.string()),
    ]
)
_SNOMED: Final = "http://snomed.info/sct"
_CODED: Final = ("code", "vaccineCode", "medicationCodeableConcept", "medication", "type", "reasonCode", "serviceType")
_WHEN: Final = (
    *("effectiveDateTime", "effectiveInstant", "effectivePeriod", "onsetDateTime", "onsetPeriod"),
    *("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod", "period", "billablePeriod"),
    *("date", "dateTime", "started", "start", "authoredOn", "authored", "whenHandedOver", "whenPrepared"),
    *("assertedDate", "recordedDate", "dateAsserted", "recorded", "created", "issued", "indexed"),
)
_ENDS: Final = ("abatementDateTime", "end")
_STATUS: Final = ("status", "clinicalStatus", "lifecycleStatus")


class Coded(NamedTuple):
    """The code to work with (SNOMED CT if there), the sender's own, and words that have no code."""

    system: str | None = None
    code: str | None = None
    term: str | None = None
    source_system: str | None = None
    source_code: str | None = None
    words: str | None = None


class When(NamedTuple):
    """The day it happened, how exactly that is known, the instant in UTC, the day it ended."""

    day: date | None = None
    precision: str | None = None
    instant: datetime | None = None
    ended: date | None = None


def record(resource: dict[str, Any], *, place: str, neighbours: Neighbours) -> tuple[Any, ...]:
    """The flat record, in the order of `SCHEMA`.

    Raises:
        Unreadable: a part has the wrong shape, or the person it is about is not named.
    """
    kind = resource["resourceType"]
    is_patient = kind == "Patient"
    practice = neighbours.organisation(resource)
    subject = subject_of(resource, practice) if is_patient else neighbours.subject(resource)
    coded, when = _coded(resource, neighbours), _when(resource)
    return (
        _key(resource, kind),
        place,
        kind,
        text(resource, "id"),
        *_identity(subject),
        *(_demographics(resource) if is_patient else (None,) * 6),
        *coded[:5],
        *when,
        _status(resource),
        _category(resource),
        *_value(resource),
        _components(resource),
        _id_of(first(resource, "encounter") or first(resource, "context")),
        ods_code(resource) if kind == "Organization" else practice,
        _security(resource),
        coded.words if kind not in {"Practitioner", "RelatedPerson"} else None,
    )


def _identity(subject: Subject | None) -> tuple[str | None, ...]:
    if subject is None:
        return (None,) * 5
    return (subject.id, subject.nhs_number, subject.nhs_number_status, subject.local_id, subject.practice)


def _key(resource: dict[str, Any], kind: str) -> str:
    """The type and id; for a resource without an id, a digest of its content, so that a resend is recognised."""
    resource_id = text(resource, "id")
    if resource_id is not None:
        return f"{kind}/{resource_id}"
    content = json.dumps(resource, sort_keys=True, separators=(",", ":"))
    return f"{kind}/sha256:{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _demographics(patient: dict[str, Any]) -> tuple[Any, ...]:
    born, died = moment(patient, "birthDate"), moment(patient, "deceasedDateTime")
    home = _usual(objects(patient, "address"))
    return (
        _name(_usual(objects(patient, "name"))),
        _exact_day(born),
        text(patient, "gender"),
        died.day if died else None,
        ", ".join([*texts(home, "line"), *filter(None, [text(home, "city"), text(home, "district")])]) or None,
        text(home, "postalCode"),
    )


def _exact_day(found: Moment | None) -> date | None:
    """A birth date only when the day is known: the first of January would match other people."""
    return found.day if found and found.precision in {"day", "time"} else None


def _usual(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The entry in use: neither old nor ended, else the first."""
    current = (entry for entry in entries if text(entry, "use") != "old" and not first(entry, "period").get("end"))
    return next(current, entries[0] if entries else {})


def _name(name: dict[str, Any]) -> str | None:
    parts = [*texts(name, "prefix"), *texts(name, "given"), *texts(name, "family")]
    return " ".join(parts) or text(name, "text")


def _coded(resource: dict[str, Any], neighbours: Neighbours) -> Coded:
    for name in _CODED:
        for concept in (part for part in many(resource, name) if isinstance(part, dict)):
            found = _concept(concept)
            if found.code or found.words:
                return _vaccination(resource, found)
    if "medicationReference" in resource:
        return _concept(first(neighbours.medication(resource), "code"))
    if "description" in resource and isinstance(resource["description"], dict):  # a goal
        return _concept(resource["description"])
    return Coded()


def _concept(concept: dict[str, Any]) -> Coded:
    codings = [coding for coding in objects(concept, "coding") if text(coding, "code") is not None]
    if not codings:
        return Coded(words=text(concept, "text"))
    snomed = [coding for coding in codings if text(coding, "system") == _SNOMED]
    other = [coding for coding in codings if text(coding, "system") != _SNOMED]
    best, own = (snomed or codings)[0], (other or codings)[0]
    return Coded(
        system=text(best, "system"),
        code=text(best, "code"),
        term=text(best, "display") or text(concept, "text"),
        source_system=text(own, "system"),
        source_code=text(own, "code"),
    )


def _vaccination(resource: dict[str, Any], found: Coded) -> Coded:
    """GP Connect writes the vaccine as unknown and the procedure into an extension."""
    if not (found.system or "").endswith("NullFlavor"):
        return found
    for extension in objects(resource, "extension"):
        if "VaccinationProcedure" in (text(extension, "url") or ""):
            return _concept(first(extension, "valueCodeableConcept"))
    return found


def _when(resource: dict[str, Any]) -> When:
    for name in _WHEN:
        if resource.get(name) is None:
            continue
        if not isinstance(resource[name], dict):
            return _from(moment(resource, name), _ended(resource))
        period = first(resource, name)
        if (started := moment(period, "start") or moment(period, "value")) is not None:
            return _from(started, _day(moment(period, "end")) or _ended(resource))
    collected = moment(first(resource, "collection"), "collectedDateTime")
    return _from(collected, _ended(resource))


def _from(started: Moment | None, ended: date | None) -> When:
    return When(ended=ended) if started is None else When(*started, ended)


def _ended(resource: dict[str, Any]) -> date | None:
    found = (_day(moment(resource, name)) for name in _ENDS)
    return next((day for day in found if day is not None), None)


def _day(found: Moment | None) -> date | None:
    return found.day if found else None


def _status(resource: dict[str, Any]) -> str | None:
    for name in _STATUS:
        value = resource.get(name)
        if isinstance(value, dict) and "coding" in value:
            return text(first(value, "coding"), "code")
        if value is not None:
            return text(resource, name)
    if flag(resource, "deceasedBoolean") or resource.get("deceasedDateTime") is not None:
        return "deceased"
    active = flag(resource, "active")
    return None if active is None else ("active" if active else "inactive")


def _category(resource: dict[str, Any]) -> str | None:
    for name in ("category", "class", "intent"):
        for value in many(resource, name):
            if isinstance(value, str):
                return value
            if not isinstance(value, dict):
                raise Unreadable(Reason.WRONG_SHAPE)
            return text(value, "code") or text(first(value, "coding"), "code") or text(value, "value")
    return None


def _value(holder: dict[str, Any]) -> tuple[float | None, str | None, str | None, str | None]:
    """Number, unit, code, words: the one the observation has."""
    quantity = first(holder, "valueQuantity")
    if quantity:
        return number(quantity, "value"), text(quantity, "unit") or text(quantity, "code"), None, None
    concept = first(holder, "valueCodeableConcept")
    if concept:
        coded = _concept(concept)
        return None, None, coded.code, coded.term or coded.words
    if "valueInteger" in holder:
        return number(holder, "valueInteger"), None, None, None
    for name in ("valueString", "valueDateTime", "valueTime"):
        if (words := text(holder, name)) is not None:
            return None, None, None, words
    boolean = flag(holder, "valueBoolean")
    return None, None, None if boolean is None else str(boolean).lower(), None


def _components(resource: dict[str, Any]) -> str | None:
    """A blood pressure has its two numbers here: `code=number unit`, one row staying one row."""
    parts = [_component(part) for part in objects(resource, "component")]
    return "; ".join(parts) or None


def _component(part: dict[str, Any]) -> str:
    value, unit, code, _words = _value(part)
    found = code if value is None else f"{value:g} {unit or ''}".strip()
    return f"{_concept(first(part, 'code')).code or '?'}={found or ''}"


def _id_of(reference: dict[str, Any]) -> str | None:
    name = text(reference, "reference")
    if name is None:  # STU3 documents put the encounter one level deeper
        inner = reference.get("encounter")
        return _id_of(inner) if isinstance(inner, dict) else None
    return name.rpartition("/")[2].removeprefix("urn:uuid:") or None


def _security(resource: dict[str, Any]) -> str | None:
    """Confidentiality labels, such as R for a restricted demographic record [FHIR: v3-Confidentiality]."""
    return (
        " ".join(filter(None, (text(label, "code") for label in objects(first(resource, "meta"), "security")))) or None
    )
