"""Who may have what: the register is asked the whole grid, and each yes is held against the register's own words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.operations.verify.asking import (
    Asked,
    datasets_known,
    grid,
    permit,
    permits_to_see,
    rules_for,
)
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind, Relationship, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import Instrument, ProcessingActivity

PLANNERS = (Role.COMMISSIONING_ANALYST, Role.PROCESSOR_STAFF, Role.RESEARCHER, Role.SYSTEM_ADMINISTRATOR)
"""Roles that work for the commissioner and have neither a patient nor a case of their own."""
_SHOWN = 3


def shown(found: Iterable[object]) -> str:
    """The first few, by the register's own ids."""
    listed = [str(one) for one in found]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _role_ceiling(evidence: Evidence) -> Finding:
    permits = evidence.once(permits_to_see)
    above = [asked for asked in permits if not _is_under_a_rule(evidence, asked)]
    planners = [asked for asked in permits if asked.role in PLANNERS and asked.format == DataFormat.IDENTIFIABLE]
    if wrong := [f"{asked.role} in {asked.activity}" for asked in (*above, *planners)]:
        return broken(f"{len(wrong)} answers give more than the ceiling: {shown(dict.fromkeys(wrong))}")
    return kept(f"{len(grid(evidence)):,} questions asked, {len(permits)} permitted, none above the role's ceiling")


def _is_under_a_rule(evidence: Evidence, asked: Asked) -> bool:
    entry = evidence.register.activity(asked.activity)
    form = DataFormat(asked.format)
    return entry is not None and any(form.tells <= rule.ceiling.tells for rule in rules_for(entry, asked))


def _default_deny(evidence: Evidence) -> Finding:
    permits = evidence.once(permits_to_see)
    unruled = [
        asked
        for asked in permits
        if (entry := evidence.register.activity(asked.activity)) is None or not rules_for(entry, asked)
    ]
    unknown = [word for word in _unknown_words(evidence) if isinstance(evidence.decide(word), Permit)]
    if unruled or unknown:
        return broken(f"{len(unruled)} answers without a rule and {len(unknown)} on unknown words are permits")
    return kept("no question without a rule of the register is permitted, and every unknown word is refused")


def _unknown_words(evidence: Evidence) -> Iterator[Request]:
    for asked in list(evidence.once(permits_to_see))[:50]:
        role, activity, dataset, form = asked
        yield Request("wizard", activity, dataset, form)
        yield Request(role, "gossip", dataset, form)
        yield Request(role, activity, "everything", form)
        yield Request(role, activity, dataset, "secret")
        yield Request(role, activity, dataset, form, action="copy")
        yield Request(role, activity, dataset, form, organisation="nobody-knows")


def _dataset_only_where_used(evidence: Evidence) -> Finding:
    used = {
        entry.id: {use.dataset for use in entry.datasets or ()} | {n for r in entry.roles or () for n in r.datasets}
        for entry in evidence.register.activities
    }
    elsewhere = [asked for asked in evidence.once(permits_to_see) if asked.dataset not in used[asked.activity]]
    if elsewhere:
        return broken(f"{len(elsewhere)} datasets are given for an activity that does not use them")
    return kept(f"none of {len(datasets_known(evidence))} datasets is given for an activity that does not use it")


def _basis_before_identifiable(evidence: Evidence) -> Finding:
    permits = [asked for asked in evidence.once(permits_to_see) if asked.format == DataFormat.IDENTIFIABLE]
    entries = {asked.activity: evidence.register.activity(asked.activity) for asked in permits}
    wrong = [name for name, entry in entries.items() if entry is None or not _may_know_who(entry, evidence)]
    if wrong:
        return broken(f"identifiable records are given without a basis: {shown(wrong)}")
    return kept(f"each of the {len(entries)} activities that give identifiable records has its basis, live today")


def _may_know_who(entry: ProcessingActivity, evidence: Evidence) -> bool:
    """A basis in data protection law; and for confidence: consent, care, a law, support, or nothing confidential."""
    basis = entry.confidentiality_basis
    if basis is None or not any(one.article6 for one in entry.data_protection_basis or ()):
        return False
    instrument = evidence.register.instrument(basis.instrument) if basis.instrument else None
    if basis.instrument and (instrument is None or not instrument.is_live(evidence.today)):
        return False
    about_patients = bool({"patients", "service_users"} & set(entry.data_subjects or ()))
    if basis.kind is ConfidentialityKind.S251:
        return instrument is not None
    return basis.kind is not ConfidentialityKind.NONE or not (about_patients and "health" in entry.special_category)


def _expiry_denies(evidence: Evidence) -> Finding:
    tried, wrong = 0, []
    for entry in evidence.register.activities:
        for instrument in _depended_on(entry, evidence):
            tried += 1
            if _still_answers(evidence, entry, instrument):
                wrong.append(f"{entry.id} after {instrument.id}")
    if wrong:
        return broken(f"something is still permitted on the day after a document ended: {shown(wrong)}")
    if not tried:
        return not_applicable("no activity of this register depends on a document with an end date")
    return kept(f"{tried} end dates tried: on the day after each, nothing that depends on it is permitted")


def _depended_on(entry: ProcessingActivity, evidence: Evidence) -> list[Instrument]:
    named = [*entry.instruments]
    named += [entry.confidentiality_basis.instrument or ""] if entry.confidentiality_basis else []
    named += [entry.pseudonym_domain.agreement] if entry.pseudonym_domain else []
    found = [evidence.register.instrument(name) for name in dict.fromkeys(named) if name]
    return [one for one in found if one is not None and one.valid_until is not None]


def _still_answers(evidence: Evidence, entry: ProcessingActivity, instrument: Instrument) -> bool:
    last = instrument.valid_until
    assert last is not None  # noqa: S101  chosen for having one
    asked = [
        Request(rule.role, entry.id, dataset, rule.ceiling, action=rule.action)
        for rule in entry.roles or ()
        for dataset in rule.datasets or [use.dataset for use in entry.datasets or ()]
    ]
    return any(isinstance(evidence.decide(one, on=last + timedelta(days=1)), Permit) for one in asked)


def _own_practice_only(evidence: Evidence) -> Finding:
    by_practice = [
        (asked, one)
        for asked, one in evidence.once(permits_to_see).items()
        if one.obligations.relationship in {Relationship.OWN_PRACTICE, Relationship.FEDERATION}
    ]
    wrong = [
        asked
        for asked, _one in by_practice
        for stranger in _strangers(evidence, asked)
        if permit(evidence, asked, organisation=stranger)
    ]
    gp = [a for a, p in evidence.once(permits_to_see).items() if a.role == Role.GP and _is_unbound(p)]
    if wrong or gp:
        return broken(f"{len(wrong) + len(gp)} answers let a practice see patients that are not its own")
    if not by_practice:
        return not_applicable("no role of this register sees the patients of a practice")
    return kept(f"all {len(by_practice)} permits for practices oblige to show that the patient is their own")


def _strangers(evidence: Evidence, asked: Asked) -> list[str]:
    """Every body of the register that is neither a practice nor a group of practices that a rule names."""
    entry = evidence.register.activity(asked.activity)
    of_practices = {Relationship.OWN_PRACTICE, Relationship.FEDERATION}
    named = {
        name
        for rule in (rules_for(entry, asked) if entry else ())
        if rule.relationship in of_practices
        for name in rule.organisations
    }
    bodies = (evidence.register.controller.id, *(body.id for body in evidence.register.organisations))
    return [body for body in bodies if body not in named and body != "member-practices"]


def _is_unbound(one: Permit) -> bool:
    identifiable = one.request.format == DataFormat.IDENTIFIABLE
    return identifiable and one.obligations.relationship is Relationship.NONE


def _reidentify_own_practice(evidence: Evidence) -> Finding:
    allowed = {
        (entry.id, role)
        for entry in evidence.register.activities
        if entry.pseudonym_domain
        for role in entry.pseudonym_domain.reidentify_roles
    }
    found = {
        (asked.activity, Role(asked.role)): one
        for asked in grid(evidence)
        if asked.format == DataFormat.IDENTIFIABLE and (one := permit(evidence, asked, action="reidentify"))
    }
    wrong = [pair for pair in found if pair not in allowed]
    wrong += [pair for pair, one in found.items() if one.obligations.relationship is Relationship.NONE]
    if wrong:
        return broken(f"{len(wrong)} roles could turn a code back into a person without being named for it")
    return kept(
        f"only {shown(sorted({role for _a, role in found})) or 'nobody'} may ask whose code it is; no other role"
    )


def _only_the_landing_office(evidence: Evidence) -> Finding:
    wrong = []
    for entry in evidence.register.activities:
        for dataset in sorted({use.dataset for use in entry.datasets or ()}):
            for role in Role:
                asked = Asked(role.value, entry.id, dataset, DataFormat.IDENTIFIABLE.value)
                got = [action for action in ("land", "link") if permit(evidence, asked, action=action)]
                wrong += [f"{role} in {entry.id}" for _action in got if not _is_the_office(entry, role, evidence)]
    if wrong:
        return broken(f"others than the landing office may take in or join records: {shown(dict.fromkeys(wrong))}")
    return kept(
        "only the landing office and the controlled environment for finance take in records; only the first joins"
    )


def _is_the_office(entry: ProcessingActivity, role: Role, evidence: Evidence) -> bool:
    """The role's rules name only organisations that hold the office, and no role of a planner."""
    rules = [rule for rule in entry.roles or () if rule.role is role and rule.action in {"land", "link"}]
    bodies = [evidence.register.organisation(name) for rule in rules for name in rule.organisations]
    office = "dscro" if role is Role.DSCRO_OPERATOR else "ceff_host"
    named = all(body is not None and office in body.roles for body in bodies)
    return role in {Role.DSCRO_OPERATOR, Role.CEFF_OFFICER} and bool(bodies) and named


def _operator_cannot_look(evidence: Evidence) -> Finding:
    looking = [asked for asked in evidence.once(permits_to_see) if asked.role == Role.DSCRO_OPERATOR]
    if looking:
        return broken(f"the operator of the landing office may look at {len(looking)} of the records that land")
    return kept("who runs the landing may take in and join records, and may look at none")


def _scores_name_nobody(evidence: Evidence) -> Finding:
    seen = {a: p for a, p in evidence.once(permits_to_see).items() if a.dataset == "risk-scores"}
    if not seen:
        return not_applicable("no role of this register sees risk scores")
    carers = {Role.GP, Role.CARE_TEAM}
    rows = [asked for asked in seen if asked.format in {DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED}]
    wrong = [asked for asked in rows if asked.role not in carers or _is_unbound(seen[asked])]
    if wrong:
        return broken(f"{len(wrong)} answers show whose score it is outside the person's own practice")
    return kept(f"of {len(seen)} permits to see scores, those that show single people are for their own practice only")


CONTROLS = (
    Control("role-ceiling", "Nobody is given more than the ceiling of the role.", _role_ceiling),
    Control("default-deny", "What no rule permits is refused, and so is every unknown word.", _default_deny),
    Control("dataset-only-where-used", "A dataset is given only for activities that use it.", _dataset_only_where_used),
    Control(
        "basis-before-identifiable",
        "Identifiable records are given only where a basis in law holds today.",
        _basis_before_identifiable,
    ),
    Control("expiry-denies", "On the day after a document ends, what depends on it stops.", _expiry_denies),
    Control("own-practice-only", "A practice sees its own patients and no others.", _own_practice_only),
    Control("reidentify-named-only", "Only roles named for it may ask whose code it is.", _reidentify_own_practice),
    Control("only-the-landing-office", "Only the landing office takes in and joins records.", _only_the_landing_office),
    Control("operator-cannot-look", "Who runs the landing cannot look at the records.", _operator_cannot_look),
    Control("scores-name-nobody", "Whose score it is, only the person's own practice sees.", _scores_name_nobody),
)
