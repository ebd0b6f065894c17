"""Whom a resource is about: the references of one bundle, resolved.

A resource says whom by `urn:uuid:…`, `Patient/…`, a whole URL, or the NHS number
itself. Without an answer it is about nobody only if its type is about nobody; a
clinical resource that names no one belongs to the bundle's only patient
(Synthea's goals) or is a fault, because a row without a person would pass every
objection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from caldicott.stores.submissions.faults import Reason, Unreadable
from caldicott.stores.submissions.shapes import first, objects, text

NHS_NUMBER_SYSTEM: Final = "https://fhir.nhs.uk/Id/nhs-number"
ODS_SYSTEMS: Final = frozenset({"https://fhir.nhs.uk/Id/ods-organization-code", "https://fhir.nhs.uk/Id/ods-site-code"})
NUMBER_ABSENT: Final = "absent"
"""What stands where a patient has no NHS number: null would say that the row is about nobody."""
ABOUT_NOBODY: Final = frozenset(
    {
        "CodeSystem",
        "ConceptMap",
        "Device",
        "Endpoint",
        "HealthcareService",
        "InsurancePlan",
        "Location",
        "Medication",
        "MessageHeader",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
        "Questionnaire",
        "Schedule",
        "Slot",
        "StructureDefinition",
        "Subscription",
        "Substance",
        "ValueSet",
    }
)
_NAMES: Final = ("subject", "patient", "for", "beneficiary")


@dataclass(frozen=True)
class Subject:
    """A patient as other rows of the same file refer to one."""

    id: str | None
    nhs_number: str
    nhs_number_status: str | None
    local_id: str | None
    practice: str | None


class Elsewhere(Protocol):
    """Patients of other members of the same file."""

    def find(self, reference: str) -> Subject | None:
        """The patient of that reference, if the file has one."""


class Neighbours:
    """What the resources of one bundle say about each other."""

    def __init__(self, elsewhere: Elsewhere | None = None) -> None:
        self._subjects: dict[str, Subject | None] = {}
        self._patients: list[Subject] = []
        self._medications: dict[str, dict[str, Any]] = {}
        self._organisations: dict[str, str] = {}
        self._elsewhere = elsewhere

    def add(self, full_url: str | None, resource: dict[str, Any]) -> None:
        """Remember a resource that others may refer to."""
        kind = resource.get("resourceType")
        if kind not in {"Patient", "Medication", "Organization"}:
            return
        names = [name for name in (full_url, _typed(kind, text(resource, "id"))) if name]
        if kind == "Medication":
            self._medications.update(dict.fromkeys(names, resource))
        elif kind == "Organization" and (code := ods_code(resource)):
            self._organisations.update(dict.fromkeys(names, code))
        elif kind == "Patient":
            self._add_patient(names, resource)

    def _add_patient(self, names: list[str], resource: dict[str, Any]) -> None:
        subject = subject_of(resource, self.organisation(resource))
        self._patients.append(subject)
        for name in names:  # one name for two people is a name for neither
            known = self._subjects.setdefault(name, subject)
            self._subjects[name] = subject if known == subject else None

    def subject(self, resource: dict[str, Any]) -> Subject | None:
        """Whom it is about; None for nobody.

        Raises:
            Unreadable: it must be about somebody and does not say whom.
        """
        reference = _reference(resource)
        if reference is not None:
            return self._contained(resource, reference) or self._referred(reference)
        if resource["resourceType"] in ABOUT_NOBODY:
            return None
        if len(self._patients) == 1:
            return self._patients[0]
        raise Unreadable(Reason.NO_SUBJECT)

    def _contained(self, resource: dict[str, Any], reference: dict[str, Any]) -> Subject | None:
        name = text(reference, "reference") or ""
        inside = objects(resource, "contained") if name.startswith("#") else []
        patients = [part for part in inside if part.get("resourceType") == "Patient" and text(part, "id") == name[1:]]
        return subject_of(patients[0], self.organisation(patients[0])) if len(patients) == 1 else None

    def _referred(self, reference: dict[str, Any]) -> Subject:
        name = text(reference, "reference")
        if name is None:
            return _by_number(first(reference, "identifier"))
        key = _last_two(name)
        for known in (name, key):
            if known in self._subjects:
                found = self._subjects[known]
                if found is None:
                    raise Unreadable(Reason.NO_SUBJECT)
                return found
        elsewhere = self._elsewhere.find(key) if self._elsewhere else None
        if elsewhere is not None:
            return elsewhere
        return Subject(key.rpartition("/")[2], NUMBER_ABSENT, None, key, None)

    def medication(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The medication a prescription refers to, or an empty one."""
        name = text(first(resource, "medicationReference"), "reference") or ""
        return self._medications.get(name) or self._medications.get(_last_two(name), {})

    def organisation(self, resource: dict[str, Any]) -> str | None:
        """The ODS code, or else the id, of the organisation that did it or looks after the patient."""
        for name in ("generalPractitioner", "managingOrganization", "serviceProvider", "custodian", "provider"):
            for reference in objects(resource, name):
                if (found := self._organisation(reference)) is not None:
                    return found
        return None

    def _organisation(self, reference: dict[str, Any]) -> str | None:
        identifier = first(reference, "identifier")
        if text(identifier, "system") in ODS_SYSTEMS:
            return text(identifier, "value")
        name = text(reference, "reference") or ""
        if (code := self._organisations.get(name) or self._organisations.get(_last_two(name))) is not None:
            return code
        is_other = _last_two(name).partition("/")[0] in {"Practitioner", "PractitionerRole"}
        return None if is_other else name.rpartition("/")[2].removeprefix("urn:uuid:") or None


def subject_of(patient: dict[str, Any], practice: str | None) -> Subject:
    """The patient as other rows refer to one."""
    number, status = _nhs_number(patient)
    patient_id = text(patient, "id")
    return Subject(patient_id, number, status, _local_id(patient, patient_id), practice)


def ods_code(organisation: dict[str, Any]) -> str | None:
    """The organisation's ODS code, if it says one."""
    for identifier in objects(organisation, "identifier"):
        if text(identifier, "system") in ODS_SYSTEMS:
            return text(identifier, "value")
    return None


def _nhs_number(patient: dict[str, Any]) -> tuple[str, str | None]:
    """The number and its verification status. Two different numbers are none: choosing would be tracing."""
    found = {}
    for identifier in objects(patient, "identifier"):
        is_number = text(identifier, "system") == NHS_NUMBER_SYSTEM
        if is_number and text(identifier, "use") != "old" and text(first(identifier, "period"), "end") is None:
            value = text(identifier, "value")
            if value is not None:
                found[value] = _verification(identifier)
    return found.popitem() if len(found) == 1 else (NUMBER_ABSENT, None)


def _verification(identifier: dict[str, Any]) -> str | None:
    for extension in objects(identifier, "extension"):
        if "NHSNumberVerificationStatus" in (text(extension, "url") or ""):
            return text(first(first(extension, "valueCodeableConcept"), "coding"), "code")
    return None


def _local_id(patient: dict[str, Any], patient_id: str | None) -> str | None:
    for identifier in objects(patient, "identifier"):
        system, value = text(identifier, "system"), text(identifier, "value")
        if system and value and system != NHS_NUMBER_SYSTEM:
            return f"{system}|{value}"
    return _typed("Patient", patient_id)


def _reference(resource: dict[str, Any]) -> dict[str, Any] | None:
    for name in _NAMES:
        value = resource.get(name)
        if value is not None:
            return _patient_reference(first(resource, name))
    for participant in objects(resource, "participant"):  # appointments name the patient among those who come
        actor = first(participant, "actor")
        if _last_two(text(actor, "reference") or "").startswith("Patient/"):
            return actor
    return None


def _patient_reference(reference: dict[str, Any]) -> dict[str, Any] | None:
    kind = _last_two(text(reference, "reference") or "").partition("/")
    is_other = bool(kind[1]) and kind[0] != "Patient"
    return None if is_other or not reference else reference


def _by_number(identifier: dict[str, Any]) -> Subject:
    if text(identifier, "system") != NHS_NUMBER_SYSTEM or (value := text(identifier, "value")) is None:
        raise Unreadable(Reason.NO_SUBJECT)
    return Subject(None, value, None, None, None)


def _typed(kind: str, resource_id: str | None) -> str | None:
    return f"{kind}/{resource_id}" if resource_id else None


def _last_two(reference: str) -> str:
    """`Patient/1` of `https://server/base/Patient/1/_history/3`; a urn stays as it is."""
    parts = reference.partition("/_history/")[0].rsplit("/", 2)
    return "/".join(parts[-2:])
