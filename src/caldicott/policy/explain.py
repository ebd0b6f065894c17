"""A decision in words: the paragraphs a person reads, and the record a program reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.policy.decision import Permit
from caldicott.policy.words import speakable
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from caldicott.policy.decision import Decision, Obligations, Reason, Refusal, Request


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
    because = " ".join(reason.text for reason in permit.reasons)
    duties = "\n".join(f"- {duty}" for duty in _duties(permit.obligations))
    return f"Permitted on {permit.at}: {_asked(permit.request)}. {because}\n\nUnder these obligations:\n{duties}"


def _explain_refusal(refusal: Refusal) -> str:
    because = " ".join(reason.text for reason in refusal.reasons)
    way_out = f"Next: {refusal.next_step} Ask: {refusal.ask.removesuffix('.')}."
    # Words the register does not know are not echoed in the heading: they may be anything.
    understood = not any(reason.code.startswith("unknown-") for reason in refusal.reasons)
    heading = f"Refused on {refusal.at}: {_asked(refusal.request)}." if understood else f"Refused on {refusal.at}."
    return f"{heading} {because} {way_out}"


def _asked(request: Request) -> str:
    organisation = f" of {request.organisation}" if request.organisation is not None else ""
    return (
        f"{request.role}{organisation}, to {request.action} {request.dataset} as {request.format} "
        f"for {request.activity}"
    )


def _duties(obligations: Obligations) -> list[str]:
    """One line for each duty; a duty that is empty is said to be so where silence could mislead."""
    allowed = ", ".join(obligations.identifiers_allowed) or "none"
    stopped = ", ".join(dict.fromkeys(rule.scheme for rule in obligations.objections)) or "none applies"
    duties = [f"Identifiers allowed: {allowed}.", f"Objections to apply: {stopped}."]
    if obligations.exemptions:
        named = ", ".join(f"{one.kind} ({one.reference})" for one in obligations.exemptions)
        duties.append(f"Exempt from objections by: {named}.")
    if obligations.relationship is not Relationship.NONE:
        whose = f" with {obligations.own_organisation}" if obligations.own_organisation else ""
        duties.append(f"Show the relationship {obligations.relationship}{whose} for every row.")
    if obligations.domain is not None:
        duties.append(f"Pseudonym domain: {obligations.domain.name}, and no other.")
    if obligations.disclosure_rule is not None:
        duties.append(f"Disclosure rule: {obligations.disclosure_rule}.")
    if obligations.retention is not None:
        kept = obligations.retention
        duties.append(f"Retention ({kept.retention_class}), counted from {kept.starts}: {kept.minimum}.")
    if obligations.record_viewing:
        duties.append("Record each viewing of a person.")
    return [*duties, f"Columns of these classes only: {', '.join(sorted(obligations.column_classes))}."]


def _request_record(decision: Decision) -> dict[str, Any]:
    """The request as asked. A word the register does not know stays out when it could be somebody's number."""
    request = decision.request
    unknown = {
        reason.code.removeprefix("unknown-") for reason in decision.reasons if reason.code.startswith("unknown-")
    }
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
    }
