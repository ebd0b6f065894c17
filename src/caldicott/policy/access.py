"""Whether a role may have this dataset in this format, from this organisation: the role rules, default deny.

Of several rules that would do, the least telling one decides. When none does,
the one that came closest is explained, so that the reader sees the smallest
thing that stands in the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.compiled import MET_BY, OF_A_PRACTICE, PHRASES, REIDENTIFY, is_member
from caldicott.policy.decision import Hindrance, Reason
from caldicott.policy.standing import against_instruments, lapse
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.policy.compiled import CompiledActivity, CompiledRegister, CompiledRule
    from caldicott.policy.decision import Request

_TAKEN_IN = frozenset({"land", "link"})

# A rule for another relationship or organisation is farther from the request than one whose document lapsed.
_FAR = {"relationship-differs": 8, "organisation-not-named": 4, "guardian-not-agreed": 2}


def against_dataset(activity: CompiledActivity, request: Request) -> Iterator[Hindrance]:
    """A dataset must belong to the activity, and no document it rests on may shut it out."""
    document = f"activity {activity.entry.id}"
    rules = activity.rules.get(request.role, ())
    if request.dataset not in activity.datasets and not any(request.dataset in rule.datasets for rule in rules):
        text = f"The activity {activity.entry.id} does not use the dataset {request.dataset}."
        way_out = f"Ask for one of its datasets: {', '.join(sorted(activity.datasets)) or 'it has none'}."
        yield Hindrance(Reason("dataset-not-in-activity", text, document), way_out, "dpo")
    elif request.action in _TAKEN_IN and request.dataset not in activity.incoming:
        text = f"{request.dataset} does not come in to {activity.entry.id}, so there is nothing to {request.action}."
        way_out = f"Name a dataset that comes in: {', '.join(sorted(activity.incoming)) or 'it has none'}."
        yield Hindrance(Reason("dataset-not-incoming", text, document), way_out, "dpo")
    excluding = activity.excluded.get(request.dataset)
    if excluding is not None:
        text = (
            f"{excluding.reference} ({excluding.id}) excludes the dataset {request.dataset} from {activity.entry.id}."
        )
        way_out = f"Leave {request.dataset} out, or obtain an approval that covers it."
        yield Hindrance(Reason("dataset-excluded", text, excluding.reference), way_out, "caldicott_guardian")


def against_identifiers(activity: CompiledActivity, request: Request) -> Iterator[Hindrance]:
    """Identifiers come only in identifiable data, and only those the activity allows by name."""
    if not request.identifiers:
        return
    document = f"activity {activity.entry.id}"
    allowed = activity.entry.identifiers_allowed or ()
    if request.format != DataFormat.IDENTIFIABLE:
        text = f"Identifiers were asked for, but {request.format} data has none."
        way_out = "Ask without identifiers, or for identifiable data if your role allows it."
        yield Hindrance(Reason("identifiers-need-identifiable", text, document), way_out, "caldicott_guardian")
    if refused := sorted(request.identifiers.difference(allowed)):
        text = f"The activity {activity.entry.id} does not allow: {', '.join(refused)}."
        way_out = f"Ask for no more than it allows: {', '.join(allowed) or 'none'}."
        yield Hindrance(Reason("identifiers-not-allowed", text, document), way_out, "caldicott_guardian")


def find_rule(
    activity: CompiledActivity, request: Request, *, asked: CompiledRegister, at: date
) -> tuple[CompiledRule | None, tuple[Hindrance, ...]]:
    """The least telling rule that suffices; or none, and what stands in the way."""
    rules = _rules_for(activity, request)
    if not rules:
        return None, (_no_access(activity, request),)
    wanted = DataFormat(request.format)
    if request.action == REIDENTIFY and wanted is not DataFormat.IDENTIFIABLE:
        return None, (_not_a_person(request),)
    sufficient = [one for one in rules if wanted.is_within(one.rule.ceiling)]
    if not sufficient:
        return None, (_above_ceiling(rules[-1], request),)
    attempts = []
    for one in sufficient:
        hindrances = tuple(_against_rule(one, request, asked=asked, at=at))
        if not hindrances:
            return one, ()
        attempts.append(hindrances)
    return None, min(attempts, key=_distance)


def _rules_for(activity: CompiledActivity, request: Request) -> list[CompiledRule]:
    if request.action == REIDENTIFY:
        return [one for one in activity.reidentifying.get(request.role, ()) if request.dataset in one.datasets]
    met_by, named = MET_BY[request.action], activity.rules.get(request.role, ())
    return [one for one in named if one.rule.action in met_by and request.dataset in one.datasets]


def _distance(hindrances: tuple[Hindrance, ...]) -> int:
    return sum(_FAR.get(one.reason.code, 1) for one in hindrances)


def _no_access(activity: CompiledActivity, request: Request) -> Hindrance:
    if request.action == REIDENTIFY and (missing := _no_way_back(activity, request)) is not None:
        return missing
    verb = "see single people in" if request.action == REIDENTIFY else PHRASES.get(request.action, request.action)
    text = f"No rule of {activity.entry.id} lets the role {request.role} {verb} {request.dataset}."
    others = ", ".join(sorted(activity.rules)) or "no role"
    way_out = f"Ask through a role that has a rule in this activity ({others}), or have the controller add one."
    return Hindrance(Reason("role-without-access", text, f"activity {activity.entry.id}"), way_out, "dpo")


def _no_way_back(activity: CompiledActivity, request: Request) -> Hindrance | None:
    """Why the activity's pseudonym domain, or its absence, lets this role reidentify nobody."""
    document, domain = f"activity {activity.entry.id}", activity.entry.pseudonym_domain
    if domain is None:
        text = f"The activity {activity.entry.id} has no pseudonym domain, so there is nothing to reidentify."
        reason = Reason("reidentify-without-domain", text, document)
        return Hindrance(reason, "Ask for the activity that made the pseudonym.", "caldicott_guardian")
    if request.role in domain.reidentify_roles:
        return None
    text = f"The pseudonym domain {domain.name} does not let the role {request.role} reidentify anybody."
    named = ", ".join(domain.reidentify_roles)
    way_out = f"Leave it to a role that may: {named}." if named else "Nobody may; only the controller can change that."
    return Hindrance(Reason("reidentify-not-named", text, document), way_out, "caldicott_guardian")


def _not_a_person(request: Request) -> Hindrance:
    text = f"To reidentify gives identifiable data; {request.format} was asked for."
    reason = Reason("reidentify-needs-identifiable", text, f"activity {request.activity}")
    way_out = f"Ask to see it as {request.format}, or to reidentify it as {DataFormat.IDENTIFIABLE}."
    return Hindrance(reason, way_out, "caldicott_guardian")


def _above_ceiling(rule: CompiledRule, request: Request) -> Hindrance:
    ceiling = rule.rule.ceiling
    text = f"The role {request.role} may have {request.dataset} as {ceiling} at most; {request.format} tells more."
    reason = Reason("above-ceiling", text, f"activity {request.activity}")
    return Hindrance(reason, f"Ask for it as {ceiling}.", "caldicott_guardian")


def _against_rule(one: CompiledRule, request: Request, *, asked: CompiledRegister, at: date) -> Iterator[Hindrance]:
    yield from against_instruments(one.needs, at)
    yield from _against_relationship(one, request)
    yield from _against_organisation(one, request, asked=asked, at=at)


def _against_relationship(one: CompiledRule, request: Request) -> Iterator[Hindrance]:
    required = one.rule.relationship
    if required is Relationship.NONE or request.relationship in (None, required):
        return
    text = f"The role {request.role} needs the relationship {required} here; {request.relationship} was stated."
    reason = Reason("relationship-differs", text, f"activity {request.activity}")
    yield Hindrance(
        reason, f"Show the relationship {required}, or leave the access to someone who has it.", "caldicott_guardian"
    )


def _not_named(one: CompiledRule, request: Request) -> Hindrance:
    named = ", ".join(sorted(one.organisations)) or "member practices only"
    text = f"The rule for {request.role} does not name the organisation {request.organisation}."
    reason = Reason("organisation-not-named", text, f"activity {request.activity}")
    return Hindrance(reason, f"Ask from an organisation the rule names: {named}.", "dpo")


def _against_organisation(
    one: CompiledRule, request: Request, *, asked: CompiledRegister, at: date
) -> Iterator[Hindrance]:
    of_a_practice = one.rule.relationship in OF_A_PRACTICE
    code = asked.codes[request.organisation] if request.organisation is not None else None
    if code in asked.practices and (one.practices is None or code in one.practices):
        yield from _against_practice(one, code, asked=asked, at=at)
    elif request.organisation is not None and request.organisation not in one.organisations:
        yield _not_named(one, request)
    elif of_a_practice and not _has_any_practice(one, asked, at):
        yield _no_practice_left(one, request)


def _against_practice(one: CompiledRule, code: str, *, asked: CompiledRegister, at: date) -> Iterator[Hindrance]:
    if not is_member(asked.practices[code], at):
        yield _not_a_member(code, asked, at)
    elif one.rule.relationship is Relationship.FEDERATION:
        yield from _against_agreement(one, code, at)


def _has_any_practice(one: CompiledRule, asked: CompiledRegister, at: date) -> bool:
    """Whether any practice could be shown as the row's own on that day."""
    named = asked.practices if one.practices is None else one.practices
    return any(
        is_member(asked.practices[code], at)
        and (
            one.rule.relationship is not Relationship.FEDERATION
            or any(agreement.is_live(at) for agreement in one.agreements.get(code, ()))
        )
        for code in named
    )


def _no_practice_left(one: CompiledRule, request: Request) -> Hindrance:
    by_agreement = one.rule.relationship is Relationship.FEDERATION
    what = "has a Caldicott Guardian's agreement that holds" if by_agreement else "is a member"
    reason = Reason("no-practice", f"On that day no practice {what}.", f"activity {request.activity}")
    way_out = "Record the member practices, and for a federation the agreements of their Caldicott Guardians."
    return Hindrance(reason, way_out, "caldicott_guardian")


def _not_a_member(code: str, asked: CompiledRegister, at: date) -> Hindrance:
    ended = [one.valid_to for one in asked.practices[code] if one.valid_to is not None and one.valid_to < at]
    last = max(ended, default=None)
    until = f" (its membership ended on {last})" if last else ""
    text = f"The practice {code} is not a member practice on that day{until}."
    return Hindrance(
        Reason("practice-not-member", text, "member practices", last), "Ask the practice's own body.", "dpo"
    )


def _against_agreement(one: CompiledRule, code: str, at: date) -> Iterator[Hindrance]:
    agreements = one.agreements.get(code, ())
    if any(agreement.is_live(at) for agreement in agreements):
        return
    if agreements:
        yield lapse(max(agreements, key=lambda agreement: (agreement.valid_from <= at, agreement.valid_from)), at)
        return
    text = f"The Caldicott Guardian of the practice {code} has not agreed to the federation's view."
    way_out = "Obtain that practice's guardian agreement and record it among the instruments."
    yield Hindrance(Reason("guardian-not-agreed", text, f"practice {code}"), way_out, "caldicott_guardian")
