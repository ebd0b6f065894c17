"""The words of the register in plain English, for people who never read a register."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from caldicott.facts import governance

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from caldicott.register.model import ProcessingActivity, Register

FORMAT: dict[str, str] = {
    "identifiable": "information that says who you are",
    "pseudonymised": "information with a code in place of your name and NHS number",
    "anonymised": "information from which everything that says who you are was taken out",
    "aggregated": "counts of people",
}
ACTION: dict[str, str] = {
    "see": "see",
    "land": "take in",
    "link": "join",
    "release": "give out",
    "decide": "decide on",
    "edit": "change",
    "approve": "approve the use of",
}
ROLE: dict[str, str] = {
    "public": "the public",
    "patient": "you yourself",
    "gp": "GPs",
    "care_team": "the people who care for you, such as nurses and pharmacists",
    "commissioning_analyst": "the people who analyse services",
    "ceff_officer": "the finance officers who check bills in a locked area",
    "case_officer": "the officers who deal with cases",
    "ig_officer": "the officers who look after information",
    "data_protection_officer": "the data protection officer",
    "caldicott_guardian": "the guardian of patient information",
    "dscro_operator": "the secure office that takes in records",
    "processor_staff": "the staff of an organisation that works for us",
    "researcher": "researchers",
    "counter_fraud_officer": "the officers who look for fraud",
    "hr_officer": "the staff team",
    "system_administrator": "the people who run the computers",
}
RELATIONSHIP: dict[str, str] = {
    "none": "",
    "own_practice": " at your own GP practice",
    "federation": " in a group of practices that your practice works with",
    "assigned_case": ", each for their own cases",
    "care": " while they care for you",
}
IDENTIFIER: dict[str, str] = {
    "nhs_number": "your NHS number",
    "name": "your name",
    "address": "your address",
    "postcode": "your postcode",
    "dob": "your date of birth",
    "local_id": "the number a hospital gave you",
}
SCHEME: dict[str, str] = {
    "type1": "a type 1 opt-out at your GP practice",
    "type2": "the old type 2 opt-out",
    "ndop": "the National Data Opt-out",
    "risk": "the opt-out from risk scores",
    "research": "the opt-out from research",
    "deidentified": "the opt-out from data with a code",
    "local": "the opt-out from the local shared record",
    "": "any objection",
}
EXEMPTION: dict[str, str] = {
    "explicit_consent": "you were asked and agreed",
    "communicable_disease": "it helps to stop a disease that spreads",
    "public_interest": "the public interest outweighs it",
    "legal_requirement": "the law requires the use",
    "cag_waiver": "a special approval in law says so",
    "anonymised": "nothing in it says who you are",
    "direct_care": "it is part of your own care",
    "not_patient_data": "it is not about patients",
}
STATUS: dict[str, str] = {
    "draft": "being drafted",
    "inactive": "described but not done",
    "active": "done",
    "retired": "no longer done",
}
CONTACT: dict[str, str] = {
    "dpo": "The data protection officer",
    "caldicott_guardian": "The guardian of patient information",
    "siro": "The owner of information risk",
    "counter_fraud": "The contact about fraud",
    "rights": "The contact about your rights",
    "foi": "The contact for freedom of information",
    "complaints": "The contact for complaints",
    "regulator": "The regulator",
}
_CONFIDENCE: dict[str | None, str] = {
    "explicit_consent": "your agreement",
    "direct_care": "that it is part of your own care",
    "s251": "an approval under section 251 of the NHS Act 2006",
    "statute": "a law",
    "court": "an order of a court",
    "public_interest": "the public interest",
    "none": "not needed, as nothing told in confidence is used",
    None: "not stated",
}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_LENGTH = re.compile(r"(\d+) (day|week|month|year)s?", re.IGNORECASE)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def day(when: date | None) -> str:
    """`1 April 2026`."""
    return f"{when.day} {when:%B %Y}" if when else "a day that is not stated"


def until(when: date | None) -> str:
    return f"until {day(when)}" if when else "without an end"


def organisation(organisation_id: str, *registers: Register) -> str:
    """The organisation's name in the first register that has it; its own words if none does."""
    for register in registers:
        if organisation_id == register.controller.id:
            return register.controller.name
        found = register.organisation(organisation_id)
        if found is not None:
            return found.name
    return organisation_id


def dataset(dataset_id: str) -> str:
    """What a dataset is, as a person would say it."""
    titles = {row["id"]: row["title"] for row in governance.table("datasets")}
    return f"“{titles.get(dataset_id, dataset_id)}”" if dataset_id else "every dataset"


def instrument(instrument_id: str, *registers: Register) -> str:
    """The reference of a document in the first register that has it."""
    found = (register.instrument(instrument_id) for register in registers)
    return next((one.reference for one in found if one is not None), instrument_id)


def listed(items: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def who(seat: tuple[str, str, str, str], *registers: Register) -> str:
    """A role with its relationship and organisation, as the start of a sentence."""
    role, _, relationship, organisation_id = seat
    at = f" ({organisation(organisation_id, *registers)})" if organisation_id else ""
    return capital(f"{ROLE[role]}{RELATIONSHIP[relationship]}{at}")


def reach(stopped: Iterable[tuple[str, str]]) -> str:
    """Datasets and formats that an objection stops, grouped by format."""
    by_format: dict[str, list[str]] = {}
    for name, form in sorted(stopped):
        by_format.setdefault(form, []).append(dataset(name))
    return "; for ".join(f"{FORMAT[form]}, from {', '.join(names)}" for form, names in by_format.items())


def bases(activity: ProcessingActivity) -> str:
    """`Article 6(1)(e) and 9(2)(h); Care Act 2014`, for every basis of an activity."""
    return "; ".join(
        ", ".join(
            [
                *(_article(one) for one in (basis.article6, basis.article9) if one),
                *(f"Data Protection Act 2018 schedule 1 paragraph {number}" for number in basis.dpa_schedule1),
                *basis.statutes,
            ]
        )
        for basis in activity.data_protection_basis or ()
    )


def _article(code: str) -> str:
    number, paragraph, letter = code.removeprefix("A").split("-")
    return f"Article {number}({paragraph})({letter})"


def confidence(kind: str | None) -> str:
    return _CONFIDENCE[kind]


def longer(was: str, now: str) -> Literal["widens", "narrows", "neither"]:
    """Whether `now` is longer than `was`, where both say a length."""
    before, after = _length(was), _length(now)
    if before is None or after is None or before == after:
        return "neither"
    return "widens" if after > before else "narrows"


def days(number: int) -> str:
    """`1 day`, `7 days`."""
    return "1 day" if number == 1 else f"{number} days"


def _length(text: str) -> int | None:
    found = _LENGTH.match(text)
    return int(found[1]) * _DAYS[found[2].lower()] if found else None
