"""The register made ready to be asked: every look-up that does not depend on the day, done once.

Compiled when a register object is first asked and kept as long as that object
lives. This keeps a decision under 50 microseconds and pure: nothing here
depends on anything but the register.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from caldicott.policy.decision import Reason
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier, InstrumentKind, Relationship, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from caldicott.register.model import (
        Instrument,
        MemberPractice,
        Notice,
        ProcessingActivity,
        PseudonymDomain,
        Register,
        RoleRule,
    )

# A request to see is met by any rule under which the role sees rows anyway; every other one only by its own rules.
MET_BY: dict[str, frozenset[str]] = {
    "see": frozenset({"see", "release", "decide", "edit", "approve"}),
    "land": frozenset({"land"}),
    "link": frozenset({"link"}),
    "release": frozenset({"release"}),
    "decide": frozenset({"decide"}),
    "edit": frozenset({"edit"}),
    "approve": frozenset({"approve"}),
}

REIDENTIFY = "reidentify"
"""The one action no role rule gives: only the activity's pseudonym domain names who may do it."""

DESTROY = "destroy"
"""To end the key of what landed: no role rule gives it either, only the role that the activity's retention names."""

ACTIONS = (*MET_BY, REIDENTIFY, DESTROY)

PHRASES = {"decide": "decide on", REIDENTIFY: "reidentify people in", DESTROY: "destroy the key of"}
"""Actions that need more than their own word before a dataset."""

MEMBER_PRACTICES = "member-practices"
"""The id by which a register names all its member practices at once."""

OF_A_PRACTICE = frozenset({Relationship.OWN_PRACTICE, Relationship.FEDERATION})


@dataclass(frozen=True, slots=True)
class Needed:
    """An instrument something depends on: by id, since the register may lack it."""

    id: str
    instrument: Instrument | None = field(compare=False)
    reason: Reason = field(compare=False)
    """What a permit says of it while it holds."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A role rule with its datasets, instruments and organisations looked up."""

    rule: RoleRule
    datasets: frozenset[str]
    needs: tuple[Needed, ...]
    organisations: frozenset[str]
    """Ids and ODS codes; empty for a practice relationship that names none."""
    practices: frozenset[str] | None
    """The member practices among them; None for every one."""
    agreements: dict[str, tuple[Instrument, ...]]
    """For a federation: practice ODS code to the guardian agreements it is party to."""
    reason: Reason
    """What a permit says of the rule."""

    @property
    def breadth(self) -> tuple[int, int]:
        """Least telling first, then the narrower relationship: the order in which rules are preferred."""
        return self.rule.ceiling.tells, _BREADTH[self.rule.relationship]


@dataclass(frozen=True, slots=True)
class CompiledActivity:
    """An activity with everything it depends on looked up."""

    entry: ProcessingActivity
    needs: tuple[Needed, ...]
    datasets: frozenset[str]
    incoming: frozenset[str]
    """Those of its datasets that come in; only they are landed or linked."""
    carriers: dict[str, tuple[Needed, ...]]
    """Dataset to the documents of the flows that carry it, in the order of the flow map."""
    excluded: dict[str, Instrument]
    rules: dict[str, tuple[CompiledRule, ...]]
    """By role, in order of preference."""
    reidentifying: dict[str, tuple[CompiledRule, ...]]
    """By role that the pseudonym domain names: where it may go back from pseudonym to person."""
    gaps: tuple[str, ...]
    published: date | None
    """The day its version of the notice was published, or the first version when it names none; None if never."""
    notice_reason: Reason


@dataclass(frozen=True, slots=True)
class CompiledRegister:
    """A register by its words."""

    register: Register
    activities: dict[str, CompiledActivity]
    codes: dict[str, str]
    """Every word for an organisation (register id or ODS code) to the code it is known by."""
    practices: dict[str, tuple[MemberPractice, ...]]
    choices: dict[str, tuple[str, ...]]
    """Every known word by kind, in the order a person reads them."""
    vocabulary: dict[str, frozenset[str]]


_BREADTH = {
    Relationship.OWN_PRACTICE: 0,
    Relationship.ASSIGNED_CASE: 1,
    Relationship.CARE: 2,
    Relationship.FEDERATION: 3,
    Relationship.NONE: 4,
}

# Keyed by identity, not by value: hashing a whole register costs more than deciding.
_COMPILED: dict[int, tuple[weakref.ref[Register], CompiledRegister]] = {}


def compiled(register: Register) -> CompiledRegister:
    """The register's compiled form; made on first use, kept while the register lives."""
    found = _COMPILED.get(id(register))
    if found is not None and found[0]() is register:
        return found[1]
    made = _compile_register(register)
    key = id(register)
    _COMPILED[key] = (weakref.ref(register, lambda _: _COMPILED.pop(key, None)), made)
    return made


def gaps_of(activity: ProcessingActivity, register: Register) -> tuple[str, ...]:
    """What the activity still lacks before it may be active, in the register room's words."""
    from caldicott.register.completeness import gaps

    return tuple(f"{gap.field}: {gap.what}" for gap in gaps(activity, register))


def _compile_register(register: Register) -> CompiledRegister:
    practices: dict[str, tuple[MemberPractice, ...]] = {}
    for member in register.controller.member_practices:
        practices[member.ods] = (*practices.get(member.ods, ()), member)
    codes = {word: ods for ods in practices for word in (ods, ods.lower())} | dict(_organisation_codes(register))
    choices = _choices(register, organisations=codes)
    return CompiledRegister(
        # A copy, so that the cached form does not keep alive the very object whose death should clear it.
        register=register.model_copy(),
        activities={entry.id: _compile_activity(entry, register) for entry in register.activities},
        codes=codes,
        practices=practices,
        choices=choices,
        vocabulary={kind: frozenset(words) for kind, words in choices.items()},
    )


def _choices(register: Register, *, organisations: Iterable[str]) -> dict[str, tuple[str, ...]]:
    return {
        "role": tuple(Role),
        "activity": tuple(entry.id for entry in register.activities),
        "dataset": tuple(sorted(set(_dataset_words(register)))),
        "format": tuple(DataFormat),
        "organisation": tuple(sorted(organisations)),
        "relationship": tuple(Relationship),
        "identifier": tuple(Identifier),
        "action": ACTIONS,
    }


def _organisation_codes(register: Register) -> Iterator[tuple[str, str]]:
    bodies = [(register.controller.id, register.controller.ods)]
    bodies += [(organisation.id, organisation.ods) for organisation in register.organisations]
    for body_id, ods in bodies:
        yield body_id, ods or body_id
        yield ods or body_id, ods or body_id


def _dataset_words(register: Register) -> Iterator[str]:
    for instrument in register.instruments:
        yield from instrument.datasets_in
        yield from instrument.datasets_excluded
    for entry in register.activities:
        yield from (use.dataset for use in entry.datasets or ())
        for rule in entry.roles or ():
            yield from rule.datasets
        for flow in entry.flows or ():
            yield from flow.datasets


def _compile_activity(entry: ProcessingActivity, register: Register) -> CompiledActivity:
    notice = _notice_of(entry, register)
    needs = tuple(_needed(instrument, register) for instrument in _bound_instruments(entry))
    rules = [_compile_rule(rule, entry, register) for rule in entry.roles or ()]
    known = [need.instrument for need in needs if need.instrument is not None]
    return CompiledActivity(
        entry=entry,
        needs=needs,
        datasets=frozenset(use.dataset for use in entry.datasets or ()),
        incoming=frozenset(use.dataset for use in entry.datasets or () if use.direction == "in"),
        carriers=_carriers(entry, register),
        excluded={dataset: instrument for instrument in known for dataset in instrument.datasets_excluded},
        rules=_by_role(rules),
        reidentifying=_by_role(_reidentifying(entry, register)),
        gaps=gaps_of(entry, register),
        published=notice.published if notice is not None else None,
        notice_reason=_notice_reason(notice),
    )


def _by_role(rules: Iterable[CompiledRule]) -> dict[str, tuple[CompiledRule, ...]]:
    found: dict[str, tuple[CompiledRule, ...]] = {}
    for one in sorted(rules, key=lambda one: one.breadth):
        found[one.rule.role] = (*found.get(one.rule.role, ()), one)
    return found


def _carriers(entry: ProcessingActivity, register: Register) -> dict[str, tuple[Needed, ...]]:
    found: dict[str, tuple[Needed, ...]] = {}
    for flow in entry.flows or ():
        for dataset in flow.datasets if flow.instrument is not None else ():
            found[dataset] = (*found.get(dataset, ()), _needed(flow.instrument or "", register))
    return {dataset: tuple(dict.fromkeys(needs)) for dataset, needs in found.items()}


def _notice_of(entry: ProcessingActivity, register: Register) -> Notice | None:
    """The version of the notice that publishes the activity; the first one when the entry names none."""
    named = entry.publication.notice_version if entry.publication is not None else ""
    notices = [one for one in register.controller.notices if named in ("", one.version)]
    return min(notices, key=lambda one: one.published, default=None)


def _notice_reason(notice: Notice | None) -> Reason:
    if notice is None:
        return Reason("notice-not-published", "The notice has not been published.", "notice")
    text = f"The notice has said so since {notice.published} (version {notice.version})."
    return Reason("notice-published", text, f"notice {notice.version}", notice.published)


def _bound_instruments(entry: ProcessingActivity) -> Iterable[str]:
    named = list(entry.instruments)
    if entry.confidentiality_basis is not None and entry.confidentiality_basis.instrument is not None:
        named.append(entry.confidentiality_basis.instrument)
    if entry.pseudonym_domain is not None:
        named.append(entry.pseudonym_domain.agreement)
    return dict.fromkeys(named)


def _needed(instrument_id: str, register: Register) -> Needed:
    instrument = register.instrument(instrument_id)
    if instrument is None:
        return Needed(instrument_id, None, Reason("instrument-unknown", "", instrument_id))
    last = instrument.valid_until
    until = f"until {last}" if last is not None else "without an end date"
    text = f"{instrument.reference} ({instrument.id}) holds {until}."
    return Needed(instrument_id, instrument, Reason("instrument-live", text, instrument.reference, last))


def _compile_rule(rule: RoleRule, entry: ProcessingActivity, register: Register) -> CompiledRule:
    required = [_needed(instrument, register) for instrument in rule.requires]
    by_practice = rule.relationship is Relationship.FEDERATION
    agreements = [need for need in required if by_practice and _is_guardian_agreement(need.instrument)]
    organisations = frozenset(_rule_organisations(rule, register))
    return CompiledRule(
        rule=rule,
        datasets=frozenset(rule.datasets) or frozenset(use.dataset for use in entry.datasets or ()),
        # A federation stands on each practice's own agreement: one that lapses costs one practice, not all.
        needs=tuple(need for need in required if need not in agreements),
        organisations=organisations,
        practices=_practices_named(rule, organisations, register),
        agreements=_agreements_by_practice(entry, register, agreements) if by_practice else {},
        reason=_rule_reason(rule, entry),
    )


def _reidentifying(entry: ProcessingActivity, register: Register) -> Iterator[CompiledRule]:
    """The domain says who and by which relationship; what they may see anyway says where, and for which bodies."""
    domain = entry.pseudonym_domain
    if domain is None:
        return
    for rule in entry.roles or ():
        if rule.role in domain.reidentify_roles and _shows_persons(rule, domain):
            back = {"ceiling": DataFormat.IDENTIFIABLE, "relationship": domain.reidentify_relationship}
            made = _compile_rule(rule.model_copy(update=back), entry, register)
            yield replace(made, reason=_domain_reason(rule, entry, domain))


def _shows_persons(rule: RoleRule, domain: PseudonymDomain) -> bool:
    """Whoever sees only groups holds no pseudonym; a rule for another relationship says nothing of this one."""
    one_by_one = DataFormat.PSEUDONYMISED.is_within(rule.ceiling)
    fits = rule.relationship in (Relationship.NONE, domain.reidentify_relationship)
    return rule.action in MET_BY["see"] and one_by_one and fits


def _domain_reason(rule: RoleRule, entry: ProcessingActivity, domain: PseudonymDomain) -> Reason:
    shown = _where_shown(domain.reidentify_relationship)
    text = f"The pseudonym domain {domain.name} lets the role {rule.role} reidentify a person{shown}."
    return Reason("domain-rule", text, f"activity {entry.id}", entry.effective_from)


def _rule_reason(rule: RoleRule, entry: ProcessingActivity) -> Reason:
    verb, shown = PHRASES.get(rule.action, rule.action), _where_shown(rule.relationship)
    text = f"The activity {entry.id} lets the role {rule.role} {verb} this dataset, up to {rule.ceiling}{shown}."
    return Reason("role-rule", text, f"activity {entry.id}", entry.effective_from)


def _where_shown(relationship: Relationship) -> str:
    return "" if relationship is Relationship.NONE else f", where the relationship {relationship} is shown"


def _is_guardian_agreement(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.kind is InstrumentKind.GUARDIAN_AGREEMENT


def _rule_organisations(rule: RoleRule, register: Register) -> Iterator[str]:
    if not rule.organisations and rule.relationship not in OF_A_PRACTICE:
        yield register.controller.id
        yield from [register.controller.ods] if register.controller.ods else []
    members = {member.ods for member in register.controller.member_practices}
    for organisation_id in rule.organisations:
        code = _code_of(organisation_id, register)
        yield organisation_id
        yield from [code] if code in members or register.organisation(organisation_id) is not None else []


def _agreements_by_practice(
    entry: ProcessingActivity, register: Register, named: list[Needed]
) -> dict[str, tuple[Instrument, ...]]:
    """The agreements the rule names, or when it names none, all that name the activity."""
    considered = [need.instrument for need in named] or [
        one
        for one in register.instruments
        if _is_guardian_agreement(one) and entry.id in (one.activities or (entry.id,))
    ]
    found: dict[str, tuple[Instrument, ...]] = {}
    for agreement in considered:
        for party in agreement.parties if agreement is not None else ():
            ods = _code_of(party, register)
            found[ods] = (*found.get(ods, ()), agreement) if agreement is not None else ()
    return found


def _practices_named(rule: RoleRule, organisations: frozenset[str], register: Register) -> frozenset[str] | None:
    """A federation's own name says nothing of practices, so its agreements alone say which."""
    named = organisations & {member.ods for member in register.controller.member_practices}
    everyone = not rule.organisations or (rule.relationship is Relationship.FEDERATION and not named)
    if MEMBER_PRACTICES in rule.organisations or (rule.relationship in OF_A_PRACTICE and everyone):
        return None
    return named


def _code_of(word: str, register: Register) -> str:
    """An organisation's ODS code; a practice is named in registers by its code in lower case."""
    organisation = register.organisation(word)
    if organisation is not None:
        return organisation.ods or organisation.id
    return word.upper()


def is_member(practices: tuple[MemberPractice, ...], at: date) -> bool:
    """Whether one of the practice's memberships holds on that day."""
    return any(one.valid_from <= at and (one.valid_to is None or at <= one.valid_to) for one in practices)
