"""A register at a glance: each activity with its status, bases, formats, roles, objections and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.register import words
from caldicott.register.completeness import gaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import ProcessingActivity, Register


def as_record(register: Register) -> dict[str, Any]:
    """The register at a glance, for `--json`."""
    return {
        "controller": register.controller.id,
        "name": register.controller.name,
        "regime": str(register.controller.regime),
        "strict": register.controller.strict,
        "digest": register.digest,
        "activities": [_activity(activity, register) for activity in register.activities],
    }


def render(register: Register) -> str:
    """The register at a glance, for a person."""
    controller = register.controller
    manner = "strict" if controller.strict else "as its notice was written"
    head = [f"{controller.name} ({controller.id})", f"{controller.regime}, {manner}, digest {register.digest[:12]}", ""]
    return "\n".join([*head, *(line for one in as_record(register)["activities"] for line in _lines(one))])


def _activity(activity: ProcessingActivity, register: Register) -> dict[str, Any]:
    objections, confidence = activity.objections, activity.confidentiality_basis
    return {
        "id": activity.id,
        "title": activity.title,
        "status": str(activity.status),
        "bases": words.bases(activity),
        "confidentiality": str(confidence.kind) if confidence else None,
        "instruments": list(activity.instruments),
        "format_in": str(activity.format_in) if activity.format_in else None,
        "roles": [
            {
                "role": str(rule.role),
                "action": rule.action,
                "ceiling": str(rule.ceiling),
                "relationship": str(rule.relationship),
                "datasets": list(rule.datasets),
                "organisations": list(rule.organisations),
                "requires": list(rule.requires),
            }
            for rule in activity.roles or ()
        ],
        "objections": [str(rule.scheme) for rule in objections.rules] if objections else [],
        "exemptions": [str(one.kind) for one in objections.exemptions] if objections else [],
        "gaps": [
            {"field": gap.field, "what": gap.what, "next_step": gap.next_step} for gap in gaps(activity, register)
        ],
    }


def _lines(one: dict[str, Any]) -> Iterator[str]:
    yield f"{one['id']}  [{one['status']}]  {one['title']}"
    yield f"    law: {one['bases'] or 'not stated'}"
    documents = ", ".join(one["instruments"]) or "none"
    yield f"    confidence: {one['confidentiality'] or 'not stated'}; documents: {documents}"
    yield f"    comes in: {one['format_in'] or 'not stated'}"
    for rule in one["roles"]:
        yield f"    {_rule(rule)}"
    stops = ", ".join(one["objections"]) or "none"
    yield f"    objections: {stops}; exemptions: {', '.join(one['exemptions']) or 'none'}"
    for gap in one["gaps"]:
        yield f"    gap: {gap['field']}: {gap['what']}"
    yield ""


def _rule(rule: dict[str, Any]) -> str:
    relationship = f" ({rule['relationship']})" if rule["relationship"] != "none" else ""
    which = f": {', '.join(rule['datasets'])}" if rule["datasets"] else ""
    return f"{rule['role']}{relationship} {rule['action']} up to {rule['ceiling']}{which}"
