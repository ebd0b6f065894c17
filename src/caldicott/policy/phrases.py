"""The words of the register as a person says them aloud. Records keep the exact words."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from caldicott.vocabulary.terms import Identifier, Objection, ObjectionExemption, Relationship

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IDENTIFIERS = {
    Identifier.NHS_NUMBER: "NHS number",
    Identifier.NAME: "name",
    Identifier.ADDRESS: "address",
    Identifier.POSTCODE: "postcode",
    Identifier.DOB: "birth date",
    Identifier.LOCAL_ID: "local number",
}

OBJECTIONS = {
    Objection.TYPE_1: "type 1",
    Objection.TYPE_2: "type 2",
    Objection.NATIONAL_DATA_OPT_OUT: "National Data Opt-out",
    Objection.RISK_STRATIFICATION: "risk stratification",
    Objection.RESEARCH: "research",
    Objection.DEIDENTIFIED: "de-identified use",
    Objection.LOCAL: "local",
}

EXEMPTIONS = {
    ObjectionExemption.EXPLICIT_CONSENT: "explicit consent",
    ObjectionExemption.COMMUNICABLE_DISEASE: "communicable disease",
    ObjectionExemption.PUBLIC_INTEREST: "public interest",
    ObjectionExemption.LEGAL_REQUIREMENT: "legal requirement",
    ObjectionExemption.CAG_WAIVER: "waiver on the advice of the Confidentiality Advisory Group",
    ObjectionExemption.ANONYMISED: "anonymised",
    ObjectionExemption.DIRECT_CARE: "direct care",
    ObjectionExemption.NOT_PATIENT_DATA: "not patient data",
}

RELATIONSHIPS = {
    Relationship.OWN_PRACTICE: "is a patient of the practice that asks",
    Relationship.FEDERATION: "is a patient of a practice whose Caldicott Guardian agrees to the federation's view",
    Relationship.ASSIGNED_CASE: "is in a case assigned to whoever asks",
    Relationship.CARE: "is cared for by whoever asks",
}

_Group: TypeAlias = tuple[tuple[str, ...], str]
_ABOUT_PEOPLE: tuple[_Group, ...] = (
    (("organisation", "practice", "area", "activity", "clinical", "finance", "admin"), "about care and services"),
    (("quasi",), "sex, ethnicity and the like"),
)
_IDENTITY: tuple[_Group, ...] = (
    (("token",), "a pseudonym for the person"),
    (("nhs_number", "superseded_nhs_number"), "NHS number"),
    (("local_id",), "local number"),
    (("name", "contact", "free_text"), "name, contact details and free text"),
    (("address",), "address"),
    (("nhs_number_status", "withheld_reason"), "how the NHS number was traced or why it is withheld"),
    (("source_pseudonym", "record_key", "staff", "objection_code"), "the sender's keys, staff and objection codes"),
    (("restricted",), "restricted columns"),
)
_INSTEAD: tuple[tuple[tuple[str, ...], str, tuple[str, str]], ...] = (
    (("birth_year", "age_band"), "birth_date", ("birth date", "age band and birth year instead of the birth date")),
    (("outward_postcode",), "postcode", ("postcode", "first half of the postcode")),
)
_MISSED = {"name": "name", "address": "address", "nhs_number": "NHS number", "local_id": "local number"}


def columns(classes: Iterable[str]) -> str:
    """The classes of column as groups in words. A class outside a whole group is told by its own word."""
    left = set(classes)
    missed = [word for one, word in _MISSED.items() if one not in left]
    told = [*_whole_groups(_ABOUT_PEOPLE, left), *_coarse_or_exact(left), *_whole_groups(_IDENTITY, left)]
    return "; ".join([*told, *sorted(left), *([f"no {either(missed)}"] if missed else [])])


def _whole_groups(groups: tuple[_Group, ...], left: set[str]) -> Iterator[str]:
    for members, word in groups:
        if left.issuperset(members):
            left.difference_update(members)
            yield word


def _coarse_or_exact(left: set[str]) -> Iterator[str]:
    """The exact value makes its coarse forms no news."""
    for coarse, exact, (in_full, instead) in _INSTEAD:
        if exact in left or left.issuperset(coarse):
            yield in_full if exact in left else instead
            left.difference_update((*coarse, exact))


def either(words: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
