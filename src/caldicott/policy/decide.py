"""The one decision. Nothing matching means no; a yes carries its duties with it.

Unknown words first, since nothing can be said about them. Then everything that
stands in the way is gathered: the activity's standing on that day, the dataset,
and the role's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.access import against_dataset, against_identifiers, find_rule
from caldicott.policy.columns import column_classes
from caldicott.policy.compiled import OF_A_PRACTICE, compiled
from caldicott.policy.decision import Obligations, Permit, Reason, Refusal
from caldicott.policy.standing import against_activity, against_controller
from caldicott.policy.words import against_words
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from datetime import date

    from caldicott.policy.compiled import CompiledActivity, CompiledRegister, CompiledRule
    from caldicott.policy.decision import Decision, Hindrance, Request
    from caldicott.register.model import ObjectionRule, ProcessingActivity, Register
    from caldicott.vocabulary.terms import Identifier

_GROUPED = frozenset({DataFormat.ANONYMISED, DataFormat.AGGREGATED})
_NOBODY_LOOKS = frozenset({"land", "link"})


def decide(request: Request, register: Register, at: date) -> Decision:
    """Whether the register permits this request on that day, why, and under which obligations."""
    asked = compiled(register)
    unknown = tuple(against_words(request, asked))
    if unknown:
        return _refuse(request, asked, at=at, hindrances=unknown)
    activity = asked.activities[request.activity]
    rule, in_the_way = find_rule(activity, request, asked=asked, at=at)
    hindrances = (
        *against_controller(asked.register.controller, at),
        *against_activity(activity, at),
        *against_dataset(activity, request),
        *in_the_way,
        *against_identifiers(activity, request),
    )
    if rule is None or hindrances:
        return _refuse(request, asked, at=at, hindrances=hindrances)
    return Permit(
        request=request,
        at=at,
        register_digest=asked.register.digest,
        reasons=_reasons_for(activity, rule),
        obligations=_obligations(activity.entry, rule, request=request, asked=asked),
    )


def _refuse(request: Request, asked: CompiledRegister, *, at: date, hindrances: tuple[Hindrance, ...]) -> Refusal:
    return Refusal(
        request=request,
        at=at,
        register_digest=asked.register.digest,
        reasons=tuple(hindrance.reason for hindrance in hindrances),
        next_step=hindrances[0].next_step,
        ask=_post(hindrances[0].post, asked, at),
    )


def _post(wanted: str, asked: CompiledRegister, at: date) -> str:
    """The post that answers on that day; the data protection officer's, or the controller itself, if it has none."""
    controller = asked.register.controller
    began = [one for one in controller.contacts if one.valid_from is None or one.valid_from <= at]
    for role in (wanted, "dpo", "caldicott_guardian"):
        for contact in reversed(began):
            if contact.role == role:
                return f"{contact.post} ({contact.reach})" if contact.reach else contact.post
    return controller.name


def _reasons_for(activity: CompiledActivity, one: CompiledRule) -> tuple[Reason, ...]:
    documents = dict.fromkeys((*activity.needs, *one.needs))
    return (one.reason, *(need.reason for need in documents), activity.notice_reason)


def _obligations(
    entry: ProcessingActivity, one: CompiledRule, *, request: Request, asked: CompiledRegister
) -> Obligations:
    wanted = DataFormat(request.format)
    identifiers = _identifiers(entry, request)
    whitelist = entry.inputs_whitelist or ()
    return Obligations(
        identifiers_allowed=identifiers,
        inputs_whitelist=whitelist,
        objections=_objections(entry, request),
        exemptions=entry.objections.exemptions if entry.objections is not None else (),
        domain=entry.pseudonym_domain,
        disclosure_rule=_disclosure_rule(entry, wanted),
        retention=entry.retention,
        relationship=one.rule.relationship,
        own_organisation=_own_organisation(one, request, asked),
        column_classes=column_classes(wanted, identifiers, inputs_whitelist=whitelist),
        record_viewing=wanted is DataFormat.IDENTIFIABLE and request.action not in _NOBODY_LOOKS,
    )


def _identifiers(entry: ProcessingActivity, request: Request) -> tuple[Identifier, ...]:
    """Those asked for, or all the activity allows when none were named; none outside identifiable data."""
    if request.format != DataFormat.IDENTIFIABLE:
        return ()
    allowed = entry.identifiers_allowed or ()
    return tuple(one for one in allowed if one in request.identifiers) if request.identifiers else allowed


def _objections(entry: ProcessingActivity, request: Request) -> tuple[ObjectionRule, ...]:
    if entry.objections is None:
        return ()
    return tuple(
        rule
        for rule in entry.objections.rules
        if request.format in rule.covers_formats and (not rule.datasets or request.dataset in rule.datasets)
    )


def _disclosure_rule(entry: ProcessingActivity, wanted: DataFormat) -> str | None:
    return entry.disclosure_control.rule if entry.disclosure_control is not None and wanted in _GROUPED else None


def _own_organisation(one: CompiledRule, request: Request, asked: CompiledRegister) -> str | None:
    """The one practice asked for; a federation's own name does not stand for any practice."""
    if request.organisation is None or one.rule.relationship not in OF_A_PRACTICE:
        return None
    code = asked.codes[request.organisation]
    return code if code in asked.practices else None
