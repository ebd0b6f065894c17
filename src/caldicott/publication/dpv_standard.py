"""The register in the terms of the Data Privacy Vocabulary, for any tool that reads it and knows nothing of ours.

Which term a word of the register has is reference data (`facts/publication`).
A word without a term gets one of ours, told as narrower than the vocabulary's
own word for such things.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from caldicott.facts import publication as facts
from caldicott.publication.dpv_carried import OURS, Iri, base
from caldicott.publication.processors import PROCESSING_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.publication.dpv_carried import Statement, Value
    from caldicott.register.model import Flow, Instrument, Organisation, ProcessingActivity, Register

DPV: Final = "https://w3id.org/dpv#"
PREFIXES: Final = {
    "cv": OURS,
    "dcterms": "http://purl.org/dc/terms/",
    "dpv": DPV,
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "gb": "https://w3id.org/dpv/legal/gb#",
    "health": "https://w3id.org/dpv/sector/health#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
A: Final = Iri(f"{PREFIXES['rdf']}type")
LABEL: Final = Iri(f"{PREFIXES['rdfs']}label")
_BROADER: Final = Iri(f"{PREFIXES['skos']}broader")
_ABOUT: Final = Iri(f"{PREFIXES['dcterms']}description")
_BROADEST: Final = {
    "purpose": "Purpose",
    "personal_data": "PersonalData",
    "special_category": "SpecialCategoryPersonalData",
    "data_subjects": "DataSubject",
    "measures": "TechnicalOrganisationalMeasure",
    "rights": "Right",
    "article6": "LegalBasis",
    "article9": "LegalBasis",
    "instrument": "LegalAgreement",
}


def dpv(term: str) -> Iri:
    return Iri(f"{DPV}{term}")


@cache
def _terms() -> dict[tuple[str, str], Iri]:
    return {(row["set"], row["word"]): Iri(row["iri"]) for row in facts.table("dpv_terms")}


def term(of: str, word: str) -> Iri:
    """The vocabulary's term for a word of ours; a term of ours if it has none."""
    return _terms().get((of, word)) or Iri(f"{OURS}{of}/{quote(word, safe='')}")


def standard(register: Register) -> Iterator[Statement]:
    """Every statement that says the register in standard terms."""
    here = Iri(base(register))
    yield (here, A, dpv("ROPA"))
    yield (here, dpv("hasDataController"), _controller(register))
    yield from _of_controller(register)
    for organisation in register.organisations:
        yield from _of_organisation(organisation, register)
    for instrument in register.instruments:
        yield from _of_instrument(instrument, register)
    for activity in register.activities:
        yield (here, dpv("hasProcess"), _activity(activity, register))
        yield from _of_activity(activity, register)
    yield from _named_parties(register)
    yield from _minted(register)


def _controller(register: Register) -> Iri:
    return Iri(f"{base(register)}/controller")


def _activity(activity: ProcessingActivity, register: Register) -> Iri:
    return Iri(f"{base(register)}/activities/{activity.id}")


def _party(who: str, register: Register) -> Iri:
    """Whoever is named: the controller, an organisation of the register, an activity, or only a name."""
    if who == register.controller.id:
        return _controller(register)
    if register.organisation(who) is not None:
        return Iri(f"{base(register)}/organisations/{who}")
    return Iri(f"{base(register)}/parties/{quote(who, safe='')}")


def _of_controller(register: Register) -> Iterator[Statement]:
    one, here = register.controller, _controller(register)
    yield (here, A, dpv("DataController"))
    yield (here, dpv("hasName"), one.name)
    if one.ods:
        yield (here, dpv("hasIdentifier"), one.ods)
    for joint in one.joint_with:
        yield (here, dpv("hasJointDataControllers"), _party(joint, register))
    for number, contact in enumerate(one.contacts, start=1):
        post = Iri(f"{here.value}/contacts/{number}")
        if contact.role == "dpo":
            yield (here, dpv("hasDataProtectionOfficer"), post)
            yield (post, A, dpv("DataProtectionOfficer"))
        yield (post, dpv("hasName"), contact.post)
        if contact.reach:
            yield (post, dpv("hasContact"), contact.reach)
    yield (here, dpv("hasAuthority"), Iri(f"{PREFIXES['gb']}DPA-GB"))
    for number, notice in enumerate(one.notices, start=1):
        page = Iri(f"{here.value}/notices/{number}")
        yield (here, dpv("hasNotice"), page)
        yield (page, A, dpv("PrivacyNotice"))
        yield (page, LABEL, notice.title or notice.version)


def _of_organisation(organisation: Organisation, register: Register) -> Iterator[Statement]:
    here = Iri(f"{base(register)}/organisations/{organisation.id}")
    kinds = {("sector", organisation.sector or ""), *(("role", role) for role in organisation.roles)}
    yield (here, A, dpv("Organisation"))
    yield from ((here, A, _terms()[kind]) for kind in sorted(kinds) if kind in _terms())
    yield (here, dpv("hasName"), organisation.name)
    if organisation.ods:
        yield (here, dpv("hasIdentifier"), organisation.ods)


def _of_instrument(instrument: Instrument, register: Register) -> Iterator[Statement]:
    here = Iri(f"{base(register)}/instruments/{instrument.id}")
    yield (here, A, term("instrument", instrument.kind))
    yield (here, LABEL, instrument.reference)
    yield from ((here, dpv("isPolicyFor"), _activity_id(one, register)) for one in instrument.activities)


def _activity_id(activity: str, register: Register) -> Iri:
    return Iri(f"{base(register)}/activities/{activity}")


def _of_activity(activity: ProcessingActivity, register: Register) -> Iterator[Statement]:
    here = _activity(activity, register)
    yield (here, A, dpv("Process"))
    yield (here, LABEL, activity.title)
    yield (here, _ABOUT, activity.plain_text)
    yield (here, dpv("hasDataController"), _controller(register))
    for predicate, value in (
        *_what(activity),
        *_why(activity),
        *_who(activity, register),
        *_how(activity, register),
    ):
        yield (here, dpv(predicate), value)
    if activity.retention is not None:
        kept = Iri(f"{here.value}/retention")
        yield (kept, A, dpv("StorageDuration"))
        yield (kept, dpv("hasDuration"), activity.retention.minimum)
    for number, flow in enumerate(activity.flows or (), start=1):
        yield from _of_flow(Iri(f"{here.value}/flows/{number}"), here, flow, register)


def _what(activity: ProcessingActivity) -> Iterator[tuple[str, Value]]:
    if activity.purpose:
        yield ("hasPurpose", term("purpose", activity.purpose))
    yield from (("hasPersonalData", term("personal_data", one)) for one in activity.personal_data or ())
    yield from (("hasPersonalData", term("special_category", one)) for one in activity.special_category)
    yield from (("hasDataSubject", term("data_subjects", one)) for one in activity.data_subjects or ())
    if activity.format_in:
        yield ("hasData", term("format", activity.format_in))


def _why(activity: ProcessingActivity) -> Iterator[tuple[str, Value]]:
    for basis in activity.data_protection_basis or ():
        if basis.article6:
            yield ("hasLegalBasis", term("article6", basis.article6))
        if basis.article9:
            yield ("hasLegalBasis", term("article9", basis.article9))
    yield from (("hasRight", term("rights", one.right)) for one in activity.rights or () if one.applies != "no")


def _who(activity: ProcessingActivity, register: Register) -> Iterator[tuple[str, Value]]:
    yield from (("hasRecipient", _party(one.recipient, register)) for one in activity.recipients or ())
    yield from (("hasDataSource", _source(one, register)) for one in activity.sources or ())
    for organisation in register.organisations:
        if activity.id in organisation.activities and PROCESSING_ROLES & set(organisation.roles):
            yield ("hasDataProcessor", _party(organisation.id, register))


def _source(who: str, register: Register) -> Iri:
    return _activity_id(who, register) if register.activity(who) else _party(who, register)


def _how(activity: ProcessingActivity, register: Register) -> Iterator[tuple[str, Value]]:
    yield from (("hasTechnicalOrganisationalMeasure", term("measures", one)) for one in activity.measures or ())
    yield ("hasActivityStatus", term("status", activity.status))
    if activity.use:
        yield ("hasContext", term("use", activity.use))
    if activity.automated_decision:
        yield ("hasAutomationLevel", term("automated_decision", activity.automated_decision))
    if activity.retention is not None:
        yield ("hasStorageCondition", Iri(f"{_activity(activity, register).value}/retention"))
    yield from (("hasPolicy", Iri(f"{base(register)}/instruments/{one}")) for one in activity.instruments)


def _of_flow(here: Iri, activity: Iri, flow: Flow, register: Register) -> Iterator[Statement]:
    yield (activity, dpv("hasProcess"), here)
    yield (here, A, dpv("Process"))
    yield (here, dpv("hasProcessing"), dpv("Transfer"))
    yield (here, dpv("hasDataExporter"), _party(flow.from_organisation, register))
    yield (here, dpv("hasDataImporter"), _party(flow.to_organisation, register))
    yield (here, dpv("hasData"), term("format", flow.format))
    if flow.instrument:
        yield (here, dpv("hasPolicy"), Iri(f"{base(register)}/instruments/{flow.instrument}"))


def _named_parties(register: Register) -> Iterator[Statement]:
    """Whoever is only named: the name, so that no statement leads nowhere."""
    for who in dict.fromkeys(_everybody(register)):
        here = _party(who, register)
        if here.value.startswith(f"{base(register)}/parties/"):
            yield (here, A, dpv("Organisation"))
            yield (here, dpv("hasName"), who)


def _everybody(register: Register) -> Iterator[str]:
    yield from register.controller.joint_with
    for activity in register.activities:
        yield from (one.recipient for one in activity.recipients or ())
        yield from (one for one in activity.sources or () if register.activity(one) is None)
        for flow in activity.flows or ():
            yield from (flow.from_organisation, flow.to_organisation)


def _minted(register: Register) -> Iterator[Statement]:
    """What our own terms are: a label, and the word of the vocabulary they are narrower than."""
    for of, word in dict.fromkeys(_words(register)):
        if (of, word) not in _terms():
            yield (term(of, word), LABEL, word.replace("_", " "))
            yield (term(of, word), _BROADER, dpv(_BROADEST[of]))


def _words(register: Register) -> Iterator[tuple[str, str]]:
    yield from (("instrument", one.kind) for one in register.instruments)
    for one in register.activities:
        yield from _pairs("purpose", (one.purpose,) if one.purpose else ())
        yield from _pairs("personal_data", one.personal_data or ())
        yield from _pairs("special_category", one.special_category)
        yield from _pairs("data_subjects", one.data_subjects or ())
        yield from _pairs("measures", one.measures or ())
        for basis in one.data_protection_basis or ():
            yield from _pairs("article6", (basis.article6,) if basis.article6 else ())


def _pairs(of: str, words: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((of, word) for word in words)
