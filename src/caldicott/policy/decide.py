"""The one decision. Nothing matching means no; a yes carries its duties with it.

Unknown words first, since nothing can be said about them. Then everything that
stands in the way is gathered: the activity's standing on that day, the dataset,
and the role's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.access import against_dataset, against_identifiers, find_rule
from caldicott.policy.columns import column_classes
from caldicott.policy.compiled import DESTROY, OF_A_PRACTICE, compiled
from caldicott.policy.decision import Obligations, Permit
from caldicott.policy.destruction import against_destruction, retention_reason
from caldicott.policy.refusals import refuse
from caldicott.policy.standing import against_activity, against_controller, against_flows, carrier
from caldicott.policy.words import against_words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import CODED_OBJECTIONS, Relationship

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from caldicott.policy.compiled import CompiledActivity, CompiledRegister, CompiledRule, Needed
    from caldicott.policy.decision import Decision, Reason, Request
    from caldicott.register.model import ObjectionRule, ProcessingActivity, Register
    from caldicott.vocabulary.terms import Identifier

_GROUPED = frozenset({DataFormat.ANONYMISED, DataFormat.AGGREGATED})
_NOBODY_LOOKS = frozenset({"land", "link"})


def decide(request: Request, register: Register, at: date) -> Decision:
    """Whether the register permits this request on that day, why, and under which obligations."""
    asked = compiled(register)
    unknown = tuple(against_words(request, asked))
    if unknown:
        return refuse(request, asked, at=at, hindrances=unknown)
    activity = asked.activities[request.activity]
    if request.action == DESTROY:
        return _decide_destruction(request, activity, asked=asked, at=at)
    rule, in_the_way = find_rule(activity, request, asked=asked, at=at)
    hindrances = (
        *against_controller(asked.register.controller, at),
        *against_activity(activity, at),
        *against_dataset(activity, request),
        *against_flows(activity, request.dataset, at),
        *in_the_way,
        *against_identifiers(activity, request),
    )
    if rule is None or hindrances:
        return refuse(request, asked, at=at, hindrances=hindrances)
    return Permit(
        request=request,
        at=at,
        register_digest=asked.register.digest,
        reasons=_reasons_for(activity, rule, (*activity.needs, *rule.needs, *carrier(activity, request.dataset, at))),
        obligations=_obligations(activity.entry, rule, request=request, asked=asked),
    )


def _decide_destruction(request: Request, activity: CompiledActivity, *, asked: CompiledRegister, at: date) -> Decision:
    """Another question than use: what lapsed, ended or was retired is what there is to destroy."""
    entry = activity.entry
    hindrances = (
        *against_controller(asked.register.controller, at),
        *against_destruction(activity, request, asked),
        *against_identifiers(activity, request),
    )
    if hindrances:
        return refuse(request, asked, at=at, hindrances=hindrances)
    return Permit(
        request=request,
        at=at,
        register_digest=asked.register.digest,
        reasons=(retention_reason(entry, request.role),),
        obligations=Obligations(
            identifiers_allowed=(), inputs_whitelist=(), objections=(), exemptions=(), domain=None,
            disclosure_rule=None, retention=entry.retention, relationship=Relationship.NONE, own_organisation=None,
            column_classes=frozenset(), record_viewing=False,
        ),
    )  # fmt: skip


def _reasons_for(activity: CompiledActivity, one: CompiledRule, documents: Iterable[Needed]) -> tuple[Reason, ...]:
    return (one.reason, *(need.reason for need in dict.fromkeys(documents)), activity.notice_reason)


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
        coded_answer_days=_coded_answer_days(entry, request, asked),
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


def _coded_answer_days(entry: ProcessingActivity, request: Request, asked: CompiledRegister) -> int | None:
    if not any(rule.scheme in CODED_OBJECTIONS for rule in _objections(entry, request)):
        return None
    return asked.register.controller.settings.coded_answers.answer_valid_days


def _disclosure_rule(entry: ProcessingActivity, wanted: DataFormat) -> str | None:
    return entry.disclosure_control.rule if entry.disclosure_control is not None and wanted in _GROUPED else None


def _own_organisation(one: CompiledRule, request: Request, asked: CompiledRegister) -> str | None:
    """The one practice asked for; a federation's own name does not stand for any practice."""
    if request.organisation is None or one.rule.relationship not in OF_A_PRACTICE:
        return None
    code = asked.codes[request.organisation]
    return code if code in asked.practices else None
