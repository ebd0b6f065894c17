"""A decision in words: the paragraphs a person reads, and the record a program reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.policy import phrases
from caldicott.policy.compiled import PHRASES
from caldicott.policy.decision import Permit
from caldicott.policy.words import speakable
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.policy.decision import Decision, Obligations, Reason, Refusal, Request

_PERSON_BY_PERSON = (DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED)
_PARTS = {"role", "activity", "dataset", "format", "organisation", "relationship", "identifier", "action"}


def explain(decision: Decision) -> str:
    """The decision as paragraphs: the answer, why, and the duties or the next step."""
    if isinstance(decision, Permit):
        return _explain_permit(decision)
    return _explain_refusal(decision)


def as_record(decision: Decision) -> dict[str, Any]:
    """The decision as plain values, for `--json` and for the audit trail."""
    record: dict[str, Any] = {
        "decision": "permit" if isinstance(decision, Permit) else "refusal",
        "on": decision.at.isoformat(),
        "register_digest": decision.register_digest,
        "request": _request_record(decision),
        "reasons": [_reason_record(reason) for reason in decision.reasons],
    }
    if isinstance(decision, Permit):
        return {**record, "obligations": _obligations_record(decision.obligations)}
    return {**record, "next_step": decision.next_step, "ask": decision.ask}


def _explain_permit(permit: Permit) -> str:
    because = "\n".join(f"- {reason.text}" for reason in permit.reasons)
    duties = "\n".join(f"- {duty}" for duty in _duties(permit))
    heading = f"Permitted on {permit.at}: {_asked(permit.request, may='may')}."
    return f"{heading}\n\nBecause:\n{because}\n\nOn these conditions:\n{duties}"


def _explain_refusal(refusal: Refusal) -> str:
    because = " ".join(reason.text for reason in refusal.reasons)
    way_out = f"Next: {refusal.next_step} Ask: {refusal.ask.removesuffix('.')}."
    # Words the register does not know are not echoed in the heading: they may be anything.
    echoed = "" if _unknown_words(refusal) else f": {_asked(refusal.request, may='may not')}"
    return f"Refused on {refusal.at}{echoed}. {because} {way_out}"


def _asked(request: Request, *, may: str) -> str:
    organisation = f" of {request.organisation}" if request.organisation is not None else ""
    verb = PHRASES.get(request.action, request.action)
    return f"{request.role}{organisation} {may} {verb} {request.dataset} as {request.format} for {request.activity}"


def _duties(permit: Permit) -> list[str]:
    """One line for each duty; a duty that is empty is said to be so where silence could mislead."""
    obligations = permit.obligations
    allowed = ", ".join(phrases.IDENTIFIERS[one] for one in obligations.identifiers_allowed)
    duties = [f"Identifiers: {allowed or 'none'}.", *_duties_to_objectors(obligations)]
    if obligations.relationship is not Relationship.NONE:
        duties.append(_relationship(obligations))
    if obligations.domain is not None and permit.request.format in _PERSON_BY_PERSON:
        duties.append(f"Pseudonyms: of the domain {obligations.domain.name} and of no other.")
    if obligations.disclosure_rule is not None:
        duties.append(f"Hide small numbers by the rule {obligations.disclosure_rule}.")
    if obligations.retention is not None:
        duties.append(f"Keep, counted from {obligations.retention.starts}: {obligations.retention.minimum}.")
    if obligations.record_viewing:
        duties.append("Record each viewing of a person.")
    return [*duties, f"Columns: {phrases.columns(obligations.column_classes)}."]


def _duties_to_objectors(obligations: Obligations) -> Iterator[str]:
    schemes = dict.fromkeys(phrases.OBJECTIONS[rule.scheme] for rule in obligations.objections)
    yield f"Leave out whoever objected: {', '.join(schemes)}." if schemes else "Objections: none stops this."
    if obligations.coded_answer_days is not None:
        yield (
            "Leave out whoever is registered at a practice that has sent no coded objections in the last "
            f"{obligations.coded_answer_days} days; `caldicott status` names those to ask for an extract."
        )
    for one in obligations.exemptions:
        which = phrases.either([phrases.OBJECTIONS[scheme] for scheme in one.schemes]) if one.schemes else ""
        yield f"Exempt from {which or 'objections'}: {phrases.EXEMPTIONS[one.kind]} ({one.reference})."


def _relationship(obligations: Obligations) -> str:
    shown = phrases.RELATIONSHIPS[obligations.relationship]
    whose = f", {obligations.own_organisation}" if obligations.own_organisation else ""
    return f"Show for every row that the person {shown}{whose} ({obligations.relationship})."


def _unknown_words(decision: Decision) -> set[str]:
    """The parts of the request whose word the register does not know."""
    codes = (reason.code for reason in decision.reasons)
    return {code.removeprefix("unknown-") for code in codes if code.startswith("unknown-")} & _PARTS


def _request_record(decision: Decision) -> dict[str, Any]:
    """The request as asked. A word the register does not know stays out when it could be somebody's number."""
    request = decision.request
    unknown = _unknown_words(decision)
    words: dict[str, Any] = {
        "role": request.role,
        "activity": request.activity,
        "dataset": request.dataset,
        "format": request.format,
        "organisation": request.organisation,
        "relationship": request.relationship,
        "action": request.action,
    }
    spoken = {kind: speakable(word) if kind in unknown else word for kind, word in words.items()}
    identifiers = [speakable(word) if "identifier" in unknown else word for word in sorted(request.identifiers)]
    return {**spoken, "identifiers": identifiers}


def _reason_record(reason: Reason) -> dict[str, Any]:
    on = reason.on.isoformat() if reason.on is not None else None
    return {"code": reason.code, "text": reason.text, "document": reason.document, "on": on}


def _obligations_record(obligations: Obligations) -> dict[str, Any]:
    return {
        "identifiers_allowed": list(obligations.identifiers_allowed),
        "inputs_whitelist": list(obligations.inputs_whitelist),
        "objections": [rule.model_dump(mode="json") for rule in obligations.objections],
        "exemptions": [one.model_dump(mode="json") for one in obligations.exemptions],
        "domain": obligations.domain.model_dump(mode="json") if obligations.domain is not None else None,
        "disclosure_rule": obligations.disclosure_rule,
        "retention": obligations.retention.model_dump(mode="json") if obligations.retention is not None else None,
        "relationship": obligations.relationship,
        "own_organisation": obligations.own_organisation,
        "column_classes": sorted(obligations.column_classes),
        "record_viewing": obligations.record_viewing,
        "coded_answer_days": obligations.coded_answer_days,
    }
