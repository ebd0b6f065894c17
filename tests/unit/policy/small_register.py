"""A small invented register, complete enough to be active: five activities, four practices, dated documents.

Tests change one thing in it and look at what the decision does.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from caldicott.register.model import Register

AT = date(2026, 11, 22)
OUTGOING = ("mart", "scores")
RIGHTS = (
    "access",
    "rectification",
    "erasure",
    "restriction",
    "portability",
    "objection",
    "withdraw_consent",
    "human_review",
    "complain",
)


def instrument(instrument_id: str, kind: str, until: date | None, **more: Any) -> dict[str, Any]:
    history = [{"valid_until": until, "event": "signed", "source": "invented"}] if until else []
    return {
        "id": instrument_id,
        "kind": kind,
        "reference": f"Document {instrument_id}",
        "valid_from": date(2026, 4, 1),
        "parties": ["example-icb"],
        "history": history,
        **more,
    }


def agreement(ods: str, until: date) -> dict[str, Any]:
    name = f"guardian-{ods.lower()}"
    return instrument(
        name, "guardian_agreement", until, parties=["example-icb", ods.lower()], activities=["risk-scores"]
    )


def rule(role: str, ceiling: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "ceiling": ceiling, **more}


def flow(flow_id: str, *datasets: str, **more: Any) -> dict[str, Any]:
    return {
        "id": flow_id,
        "from_organisation": "example-trust",
        "to_organisation": "example-icb",
        "format": "identifiable",
        "datasets": list(datasets),
        **more,
    }


def activity(activity_id: str, datasets: tuple[str, ...], roles: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "id": activity_id,
        "version": 1,
        "status": "active",
        "title": activity_id.replace("-", " ").capitalize(),
        "plain_text": "What we do with it, in plain words.",
        "effective_from": date(2026, 4, 1),
        "purpose": "commissioning",
        "use": "secondary",
        "data_subjects": ["patients"],
        "personal_data": ["identity", "health"],
        "special_category": ["health"],
        "data_protection_basis": [
            {"article6": "A6-1-e", "article9": "A9-2-h", "dpa_schedule1": [2], "statutes": ["Act"]}
        ],
        "confidentiality_basis": {"kind": "direct_care", "reference": "invented"},
        "format_in": "identifiable",
        "identifiers_allowed": ["nhs_number", "postcode", "dob"],
        "inputs_whitelist": [],
        "sources": ["example-trust"],
        "datasets": [{"dataset": dataset, "direction": "out" if dataset in OUTGOING else "in"} for dataset in datasets],
        "flows": [flow(f"to-{activity_id}")],
        "recipients": [],
        "roles": roles,
        "objections": {"exemptions": [{"kind": "direct_care", "reference": "invented"}]},
        "retention": {
            "retention_class": "invented",
            "starts": "receipt",
            "minimum": "8 years",
            "action": "destroy",
            "review_role": "ig_officer",
        },
        "rights": [{"right": right, "applies": "yes", "reason": "invented"} for right in RIGHTS],
        "automated_decision": "none",
        "measures": ["audit_trail"],
        "publication": {"in_notice": True, "section": "What we do", "order": 1, "notice_version": "1"},
        "review_due": date(2027, 4, 1),
        **more,
    }


def _planning() -> dict[str, Any]:
    return activity(
        "planning",
        ("sus-apc", "walk-in", "mart"),
        [
            rule("dscro_operator", "identifiable", action="land", organisations=["example-dscro"]),
            rule("commissioning_analyst", "pseudonymised", datasets=["mart"], requires=["training"]),
            rule("commissioning_analyst", "aggregated", action="release", datasets=["mart"]),
            rule("public", "aggregated", action="release", datasets=["mart"]),
        ],
        instruments=["dsa"],
        flows=[
            flow("trust-to-icb", "sus-apc", instrument="dsa"),
            flow("walk-in-to-icb", "walk-in", instrument="walk-in-old"),
            flow("walk-in-by-courier", "walk-in"),
            flow("walk-in-to-icb-again", "walk-in", instrument="walk-in-new"),
            flow("mart-to-partners", "mart", instrument="mart-out"),
        ],
        confidentiality_basis={"kind": "statute", "reference": "invented"},
        objections={
            "rules": [
                {"scheme": "ndop", "covers_formats": ["identifiable"]},
                {"scheme": "type1", "covers_formats": ["identifiable", "pseudonymised"], "datasets": ["mart"]},
            ],
        },
        pseudonym_domain={
            "name": "planning",
            "letter": "P",
            "recipient": "example-icb",
            "agreement": "dsa",
            "epoch": 1,
        },
        disclosure_control={"rule": "hes-2018"},
    )


def _risk_scores() -> dict[str, Any]:
    return activity(
        "risk-scores",
        ("scores", "sus-apc", "social-care"),
        [
            rule("commissioning_analyst", "aggregated", datasets=["scores"]),
            rule("gp", "identifiable", datasets=["scores"], relationship="own_practice"),
            rule("gp", "identifiable", datasets=["scores"], relationship="federation"),
            rule("dscro_operator", "identifiable", action="land", organisations=["example-dscro"]),
        ],
        instruments=["dsa"],
        confidentiality_basis={"kind": "s251", "instrument": "cag-risk", "reference": "invented"},
        objections={"rules": [{"scheme": "risk", "covers_formats": ["identifiable", "pseudonymised"]}]},
        pseudonym_domain={
            "name": "risk",
            "letter": "R",
            "recipient": "example-icb",
            "agreement": "dsa",
            "epoch": 1,
            "reidentify_roles": ["gp", "commissioning_analyst"],
        },
        disclosure_control={"rule": "hes-2018"},
    )


def _others() -> list[dict[str, Any]]:
    return [
        activity(
            "complaints",
            ("case-files",),
            [
                rule("case_officer", "identifiable", relationship="assigned_case"),
                rule("caldicott_guardian", "identifiable", action="decide", relationship="assigned_case"),
                rule("ig_officer", "aggregated"),
            ],
            disclosure_control={"rule": "hes-2018"},
            identifiers_allowed=["nhs_number", "name", "address", "postcode", "dob", "local_id"],
        ),
        activity(
            "shared-record",
            ("care-record",),
            [
                rule(
                    "care_team",
                    "identifiable",
                    relationship="care",
                    organisations=["member-practices", "example-trust"],
                ),
            ],
        ),
        activity("old-scores", ("scores",), [rule("gp", "identifiable")], status="inactive"),
    ]


def small_words() -> dict[str, Any]:
    """The register as plain values, to be changed before it is read."""
    practices = ("Z80001", "Z80002", "Z80003")
    return {
        "controller": {
            "id": "example-icb",
            "name": "NHS Example ICB",
            "ods": "QZZ",
            "kind": "icb",
            "valid_from": date(2022, 7, 1),
            "regime": "uk_gdpr_dpa2018_duaa2025",
            "member_practices": [{"ods": ods, "valid_from": date(2022, 7, 1)} for ods in practices]
            + [{"ods": "Z80004", "valid_from": date(2022, 7, 1), "valid_to": date(2026, 9, 30)}],
            "contacts": [
                {"role": "dpo", "post": "Data Protection Officer", "reach": "dpo@icb.example"},
                {"role": "caldicott_guardian", "post": "Caldicott Guardian"},
            ],
            "notices": [{"version": "1", "published": date(2026, 4, 1)}],
        },
        "organisations": [
            {"id": "example-dscro", "name": "Regional office", "ods": "0ZZ", "sector": "nhs", "roles": ["dscro"]},
            {"id": "example-trust", "name": "Trust", "ods": "RZ1", "sector": "nhs", "roles": ["source"]},
            {"id": "member-practices", "name": "Member practices", "sector": "nhs", "roles": ["source"]},
        ],
        "instruments": [
            instrument("dsa", "dars_dsa", date(2029, 3, 31)),
            instrument("cag-risk", "s251_approval", date(2027, 9, 30), datasets_excluded=["social-care"]),
            instrument("training", "training", date(2027, 3, 31)),
            instrument("walk-in-old", "agreement", date(2026, 12, 31)),
            instrument("walk-in-new", "agreement", date(2027, 6, 30), valid_from=date(2026, 12, 15)),
            instrument("mart-out", "agreement", date(2028, 6, 30)),
            agreement("Z80001", date(2028, 3, 31)),
            agreement("Z80002", date(2026, 12, 31)),
        ],
        "activities": [_planning(), _risk_scores(), *_others()],
        "digest": "small",
    }


def small() -> Register:
    return Register.model_validate(small_words())


def small_with(path: str, value: Any) -> Register:
    """The small register with one value changed; `path` is dotted, entries of a list by their id or number."""
    words = small_words()
    *way, last = path.split(".")
    place: Any = words
    for step in way:
        place = _step(place, step)
    place[int(last) if isinstance(place, list) else last] = value
    return Register.model_validate(words)


def _step(place: Any, step: str) -> Any:
    if isinstance(place, dict):
        return place[step]
    return next((entry for entry in place if entry.get("id") == step), None) or place[int(step)]
