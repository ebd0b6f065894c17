"""The register as Cedar policies: a second opinion on every decision, never a second decider.

Compiled from the register alone and in another way than `decide` compiles it,
so that the two can disagree: one `permit` for each role rule, `forbid`s for
everything that stops an activity as a whole. Days are whole numbers
(20260401), because Cedar compares those without an extension.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caldicott.policy.compiled import MEMBER_PRACTICES, gaps_of
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import (
    ActivityStatus,
    ConfidentialityKind,
    InstrumentKind,
    Relationship,
    Role,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date
    from enum import StrEnum

    from caldicott.policy.decision import Request
    from caldicott.register.model import Instrument, MemberPractice, ProcessingActivity, Register, RoleRule

_ACTIONS = ("see", "land", "link", "release", "decide", "edit", "approve", "reidentify", "destroy")
_USES = _ACTIONS[:-1]
"""What lapses. Destroying is what is left to do with records whose documents have ended."""

# Which requests a rule of this action answers: the mirror image of what `decide` asks.
_ANSWERS = {
    "see": ("see",),
    "release": ("see", "release"),
    "decide": ("see", "decide"),
    "edit": ("see", "edit"),
    "approve": ("see", "approve"),
    "land": ("land",),
    "link": ("link",),
}

_SCHEMA = """\
entity Role;
entity Activity;
type Asked = {
  "on": Long,
  "dataset": String,
  "format": String,
  "identifiers": Set<String>,
  "organisation"?: String,
  "relationship"?: String,
};
action %s appliesTo { principal: [Role], resource: [Activity], context: Asked };
"""


@dataclass(frozen=True, slots=True)
class CedarExport:
    """Policies and schema in Cedar's own syntax, entities in its JSON form."""

    policies: str
    schema: str
    entities: str


def export(register: Register) -> CedarExport:
    """The whole register as Cedar reads it."""
    return CedarExport(
        policies="\n".join(_policies(register)),
        schema=_SCHEMA % ", ".join(f'"{action}"' for action in _ACTIONS),
        entities=json.dumps([_entity("Role", role) for role in Role] + _activity_entities(register)),
    )


def cedar_request(request: Request, at: date) -> dict[str, Any]:
    """The same question in Cedar's words. An action Cedar has no word for must be refused by the caller."""
    context: dict[str, Any] = {
        "on": _day(at),
        "dataset": request.dataset,
        "format": request.format,
        "identifiers": sorted(request.identifiers),
    }
    if request.organisation is not None:
        context["organisation"] = request.organisation
    if request.relationship is not None:
        context["relationship"] = request.relationship
    return {
        "principal": {"type": "Role", "id": str(request.role)},
        "action": {"type": "Action", "id": str(request.action)},
        "resource": {"type": "Activity", "id": str(request.activity)},
        "context": context,
    }


def _entity(kind: str, entity_id: str) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": entity_id}, "attrs": {}, "parents": []}


def _activity_entities(register: Register) -> list[dict[str, Any]]:
    return [_entity("Activity", entry.id) for entry in register.activities]


def _policies(register: Register) -> Iterator[str]:
    yield from _forbids_of_the_register(register)
    for entry in register.activities:
        yield from _forbids_of_an_activity(entry, register)
        for number, rule in enumerate(entry.roles or ()):
            conditions = _conditions(rule, entry, register)
            yield _permit(f"rule/{entry.id}/{number}", rule, entry, _ANSWERS[rule.action], conditions=conditions)
        yield from _permits_back(entry, register)
        yield from _permits_end(entry, register)


def _forbid(policy_id: str, when: str, *, activity: str | None = None, actions: Iterable[str] = ()) -> str:
    resource = f'resource == Activity::"{activity}"' if activity else "resource"
    chosen = actions or (_USES if activity else ())
    action = f"action in {_named(chosen)}" if chosen else "action"
    return f'@id("{policy_id}")\nforbid (principal, {action}, {resource})\nwhen {{ {when} }};\n'


def _named(actions: Iterable[str]) -> str:
    return "[" + ", ".join(f'Action::"{action}"' for action in actions) + "]"


def _forbids_of_the_register(register: Register) -> Iterator[str]:
    controller = register.controller
    yield _forbid("controller-dates", f"!({_within(controller.valid_from, controller.valid_to)})")
    relationships = _texts(Relationship)
    yield _forbid("relationship", f"context has relationship && !({relationships}.contains(context.relationship))")
    yield _forbid("format", f"!({_texts(DataFormat)}.contains(context.format))")
    yield _forbid("organisation", f"context has organisation && !({_known(register)}.contains(context.organisation))")
    identifiable = f'context.format == "{DataFormat.IDENTIFIABLE}"'
    yield _forbid("identifiers-need-identifiable", f"!(context.identifiers.isEmpty()) && !({identifiable})")


def _known(register: Register) -> str:
    controller = register.controller
    words = {controller.id, controller.ods, *(member.ods for member in controller.member_practices)}
    words |= {member.ods.lower() for member in controller.member_practices}
    words |= {word for organisation in register.organisations for word in (organisation.id, organisation.ods)}
    return _texts(sorted(word for word in words if word))


def _forbids_of_an_activity(entry: ProcessingActivity, register: Register) -> Iterator[str]:
    if entry.status is not ActivityStatus.ACTIVE:
        yield _forbid(f"status/{entry.id}", "true", activity=entry.id)
    if gaps_of(entry, register):
        yield _forbid(f"gaps/{entry.id}", "true", activity=entry.id)
    if entry.effective_from is not None or entry.effective_to is not None:
        outside = f"!({_within(entry.effective_from, entry.effective_to)})"
        yield _forbid(f"dates/{entry.id}", outside, activity=entry.id)
    yield _forbid(f"notice/{entry.id}", _before_the_notice(entry, register), activity=entry.id)
    allowed = _texts(entry.identifiers_allowed or ())
    unasked = f"!(context.identifiers.isEmpty()) && !({allowed}.containsAll(context.identifiers))"
    yield _forbid(f"identifiers/{entry.id}", unasked, activity=entry.id, actions=_ACTIONS)
    coming = _texts([use.dataset for use in entry.datasets or () if use.direction == "in"])
    elsewhere = f"!({coming}.contains(context.dataset))"
    yield _forbid(f"incoming/{entry.id}", elsewhere, activity=entry.id, actions=("land", "link"))
    yield from _forbids_of_flows(entry, register)
    yield from _forbids_of_confidentiality(entry)
    for instrument_id in sorted(_instruments_of(entry)):
        yield from _forbids_of_an_instrument(entry, instrument_id, register=register)


def _forbids_of_flows(entry: ProcessingActivity, register: Register) -> Iterator[str]:
    dated = [flow for flow in entry.flows or () if flow.instrument]
    for dataset in sorted({dataset for flow in dated for dataset in flow.datasets}):
        windows = {_window(register.instrument(flow.instrument or "")) for flow in dated if dataset in flow.datasets}
        lapsed = f'context.dataset == "{dataset}" && !({_any(sorted(windows))})'
        yield _forbid(f"flows/{entry.id}/{dataset}", lapsed, activity=entry.id)


def _before_the_notice(entry: ProcessingActivity, register: Register) -> str:
    version = entry.publication.notice_version if entry.publication else ""
    days = [_day(one.published) for one in register.controller.notices if not version or one.version == version]
    return f"context.on < {min(days)}" if days else "true"


def _forbids_of_confidentiality(entry: ProcessingActivity) -> Iterator[str]:
    basis = entry.confidentiality_basis
    if basis and basis.kind is ConfidentialityKind.S251 and not basis.instrument:
        yield _forbid(f"support/{entry.id}", "true", activity=entry.id)


def _instruments_of(entry: ProcessingActivity) -> set[str]:
    basis, domain = entry.confidentiality_basis, entry.pseudonym_domain
    return {
        *entry.instruments,
        *([basis.instrument] if basis and basis.instrument else []),
        *([domain.agreement] if domain else []),
    }


def _forbids_of_an_instrument(entry: ProcessingActivity, instrument_id: str, *, register: Register) -> Iterator[str]:
    instrument = register.instrument(instrument_id)
    outside = f"!({_window(instrument)})"
    yield _forbid(f"instrument/{entry.id}/{instrument_id}", outside, activity=entry.id)
    if instrument is not None and instrument.datasets_excluded:
        excluded = f"{_texts(instrument.datasets_excluded)}.contains(context.dataset)"
        yield _forbid(f"excluded/{entry.id}/{instrument_id}", excluded, activity=entry.id)


def _permits_back(entry: ProcessingActivity, register: Register) -> Iterator[str]:
    """From pseudonym to person: where the domain names the role, for what a rule shows it person by person."""
    domain = entry.pseudonym_domain
    if domain is None:
        return
    wanted = domain.reidentify_relationship
    for number, rule in enumerate(entry.roles or ()):
        persons = rule.ceiling in (DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED)
        related = rule.relationship in (wanted, Relationship.NONE)
        if rule.role in domain.reidentify_roles and "see" in _ANSWERS[rule.action] and persons and related:
            shown = rule.model_copy(update={"relationship": wanted, "ceiling": DataFormat.IDENTIFIABLE})
            in_clear = f'context.format == "{DataFormat.IDENTIFIABLE}"'
            conditions = [in_clear, *_conditions(shown, entry, register)]
            yield _permit(f"back/{entry.id}/{number}", rule, entry, ("reidentify",), conditions=conditions)


def _permits_end(entry: ProcessingActivity, register: Register) -> Iterator[str]:
    """The key of what landed is ended by the role that the retention names, from the controller itself."""
    role = entry.retention.review_role if entry.retention else None
    if role is None:
        return
    controller = register.controller
    bodies = _texts([word for word in (controller.id, controller.ods) if word])
    used = f"{_texts([use.dataset for use in entry.datasets or ()])}.contains(context.dataset)"
    own = f"if context has organisation then {bodies}.contains(context.organisation) else true"
    who, what = f'principal == Role::"{role}"', f'resource == Activity::"{entry.id}"'
    head = f'@id("end/{entry.id}")\npermit ({who}, action == Action::"destroy", {what})'
    yield f"{head}\nwhen {{ ({used}) &&\n       ({own}) }};\n"


def _permit(
    policy_id: str, rule: RoleRule, entry: ProcessingActivity, actions: Iterable[str], *, conditions: Iterable[str]
) -> str:
    when = " &&\n       ".join(f"({one})" for one in conditions)
    who, what = f'principal == Role::"{rule.role}"', f'resource == Activity::"{entry.id}"'
    return f'@id("{policy_id}")\npermit ({who}, action in {_named(actions)}, {what})\nwhen {{ {when} }};\n'


def _conditions(rule: RoleRule, entry: ProcessingActivity, register: Register) -> Iterator[str]:
    formats = [one for one in DataFormat if one.tells <= rule.ceiling.tells]
    yield f"{_texts(formats)}.contains(context.format)"
    datasets = rule.datasets or [use.dataset for use in entry.datasets or ()]
    yield f"{_texts(datasets)}.contains(context.dataset)"
    for instrument_id in rule.requires:
        instrument = register.instrument(instrument_id)
        if not (_is_guardian(instrument) and rule.relationship is Relationship.FEDERATION):
            yield _window(instrument)
    if rule.relationship is not Relationship.NONE:
        yield f'if context has relationship then context.relationship == "{rule.relationship}" else true'
    yield _organisations(rule, entry, register)


def _organisations(rule: RoleRule, entry: ProcessingActivity, register: Register) -> str:
    """Not stated is enough where somebody could show the relationship; stated must be one the rule means."""
    practice_rule = rule.relationship in (Relationship.OWN_PRACTICE, Relationship.FEDERATION)
    bodies = _bodies(rule, register, practice_rule=practice_rule)
    windows = _practice_windows(rule, entry, register)
    someone = _any(when for _, when in windows) if practice_rule else "true"
    practices = [f"{_texts(codes)}.contains(context.organisation) && {when}" for codes, when in windows]
    named = f"{_texts(bodies)}.contains(context.organisation) && ({someone})"
    return f"if context has organisation then ({_any([named, *practices])}) else ({someone})"


def _bodies(rule: RoleRule, register: Register, *, practice_rule: bool) -> list[str]:
    """The organisations the rule means, practices apart, by every word they go by."""
    controller = register.controller
    if not rule.organisations:
        return [] if practice_rule else [word for word in (controller.id, controller.ods) if word]
    found = [register.organisation(one) for one in rule.organisations]
    practices = {member.ods for member in controller.member_practices}
    words = {one for one in rule.organisations if one.upper() not in practices}
    words |= {one.ods for one in found if one is not None and one.ods}
    return sorted(words - practices)


def _practice_windows(rule: RoleRule, entry: ProcessingActivity, register: Register) -> list[tuple[list[str], str]]:
    """Practices with the same dates, and the dates as a condition."""
    federation = rule.relationship is Relationship.FEDERATION
    grouped: dict[str, list[str]] = {}
    for member in register.controller.member_practices:
        if not _is_meant(rule, member, register):
            continue
        when = _within(member.valid_from, member.valid_to)
        if federation:
            agreed = _any(
                _window(one) for one in _agreements(rule, entry, register) if _is_party(one, member, register)
            )
            when = f"{when} && ({agreed})"
        ids = [one.id for one in register.organisations if one.ods == member.ods]
        grouped.setdefault(when, []).extend((member.ods, member.ods.lower(), *ids))
    return [(codes, when) for when, codes in grouped.items()]


def _is_meant(rule: RoleRule, member: MemberPractice, register: Register) -> bool:
    named = set(rule.organisations)
    if MEMBER_PRACTICES in named:
        return True
    entities = {one.id for one in register.organisations if one.ods == member.ods}
    if member.ods.lower() in named or entities & named:
        return True
    practices = {one.ods.lower() for one in register.controller.member_practices}
    practices |= {one.id for one in register.organisations if (one.ods or "").lower() in practices}
    if rule.relationship is Relationship.FEDERATION:
        return not named & practices
    return rule.relationship is Relationship.OWN_PRACTICE and not named


def _agreements(rule: RoleRule, entry: ProcessingActivity, register: Register) -> list[Instrument]:
    required = [one for one in register.instruments if one.id in rule.requires and _is_guardian(one)]
    return required or [
        one for one in register.instruments if _is_guardian(one) and (not one.activities or entry.id in one.activities)
    ]


def _is_guardian(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.kind is InstrumentKind.GUARDIAN_AGREEMENT


def _is_party(instrument: Instrument, member: MemberPractice, register: Register) -> bool:
    ids = {member.ods.lower()} | {one.id for one in register.organisations if one.ods == member.ods}
    return not ids.isdisjoint(instrument.parties)


def _window(instrument: Instrument | None) -> str:
    """A document the register lacks holds on no day."""
    if instrument is None:
        return "false"
    ends = [event.valid_until for event in instrument.history]
    return _within(instrument.valid_from, max(ends) if ends else None)


def _within(first: date | None, last: date | None) -> str:
    bounds = [f"context.on >= {_day(first)}"] if first else []
    bounds += [f"context.on <= {_day(last)}"] if last else []
    return " && ".join(bounds) or "true"


def _day(at: date) -> int:
    return at.year * 10000 + at.month * 100 + at.day


def _any(conditions: Iterable[str]) -> str:
    return " || ".join(f"({one})" for one in conditions) or "false"


def _texts(words: Collection[str] | type[StrEnum]) -> str:
    # Cedar cannot type an empty set, so nothing is said as a word that no request can hold.
    return "[" + ", ".join(json.dumps(str(word)) for word in words or ("(none)",)) + "]"
