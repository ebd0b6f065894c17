"""Controls over the law: a basis for every use, statutes that exist, approvals that end, consent to be taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.registers import active, datasets_of, named
from caldicott.policy.decision import Permit, Refusal, Request
from caldicott.register.checks.law import statutes as statute_findings
from caldicott.register.completeness import NEEDS_A_CONDITION
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind, InstrumentKind, ObjectionExemption

if TYPE_CHECKING:
    from datetime import date

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.policy.decision import Decision
    from caldicott.register.model import Instrument, ProcessingActivity

NO_MEDICAL_PURPOSE = frozenset({"fraud", "hr", "rights", "engagement", "registers", "security"})
"""Roots of the tree of purposes that section 251(12) of the NHS Act 2006 does not reach: neither care, nor research, \
nor the management of health and social care services."""
BY_LAW = frozenset(
    {
        ObjectionExemption.LEGAL_REQUIREMENT,
        ObjectionExemption.PUBLIC_INTEREST,
        ObjectionExemption.COMMUNICABLE_DISEASE,
        ObjectionExemption.CAG_WAIVER,
    }
)


def _bases_complete(evidence: Evidence) -> Finding:
    bare = [f"{one.id} (Article 6)" for one in active(evidence) if not _article6(one)]
    bare += [f"{one.id} (Article 9)" for one in active(evidence) if one.special_category and not _article9(one)]
    bare += [f"{one.id} (confidence)" for one in active(evidence) if one.confidentiality_basis is None]
    if given := [one.split(" ")[0] for one in bare if _is_given(evidence, one.split(" ")[0])]:
        return broken(f"permitted without a basis: {named(given)}")
    if bare:
        return broken(f"without a basis, and refused for it: {named(bare)}")
    number = sum(len(one.data_protection_basis or ()) for one in active(evidence))
    return kept(
        f"{len(active(evidence))} active activities have {number} bases of data protection and one of confidence each"
    )


def _article6(activity: ProcessingActivity) -> bool:
    return bool(activity.data_protection_basis) and all(one.article6 for one in activity.data_protection_basis or ())


def _article9(activity: ProcessingActivity) -> bool:
    return any(one.article9 for one in activity.data_protection_basis or ())


def _is_given(evidence: Evidence, activity_id: str) -> bool:
    activity = evidence.register.activity(activity_id)
    return activity is not None and bool(_permits(evidence, activity))


def _permits(evidence: Evidence, activity: ProcessingActivity, *, on: date | None = None) -> list[Permit]:
    """What the activity's own rules are permitted on that day: each role at its ceiling, by its own action."""
    answers = [
        evidence.decide(Request(rule.role, activity.id, dataset, rule.ceiling, action=rule.action), on=on)
        for rule in activity.roles or ()
        for dataset in rule.datasets or datasets_of(activity)
    ]
    return [answer for answer in answers if isinstance(answer, Permit)]


def _statutes_known(evidence: Evidence) -> Finding:
    if faults := [finding.what for finding in statute_findings(evidence.register)]:
        return broken(f"{len(faults)} citations do not hold; first: {faults[0]}")
    cited = {s for one in evidence.register.activities for b in one.data_protection_basis or () for s in b.statutes}
    return kept(f"{len(cited)} statutes are cited, each of the controlled list")


def _statute_behind_each(evidence: Evidence) -> Finding:
    on_law = [one for one in active(evidence) if one.special_category or one.format_in is DataFormat.IDENTIFIABLE]
    bare = [one.id for one in on_law if not any(b.statutes for b in one.data_protection_basis or ())]
    if not on_law:
        return not_applicable("no active activity uses records about health or what identifies people")
    if bare:
        return broken(f"no statute stands behind: {named(bare)}")
    several = sum(len({s for b in one.data_protection_basis or () for s in b.statutes}) > 1 for one in on_law)
    return kept(f"{len(on_law)} activities name the law that stands behind them, {several} of them more than one")


def _supported(evidence: Evidence) -> list[ProcessingActivity]:
    kinds = ((one, one.confidentiality_basis) for one in active(evidence))
    return [one for one, basis in kinds if basis is not None and basis.kind is ConfidentialityKind.S251]


def _section_251_dated(evidence: Evidence) -> Finding:
    supported, after = _supported(evidence), 0
    if not supported:
        return not_applicable("no active activity rests on section 251")
    for activity in supported:
        approval = _approval(evidence, activity)
        if approval is None or approval.kind is not InstrumentKind.S251_APPROVAL or approval.valid_until is None:
            return broken(f"{activity.id} rests on section 251 without an approval that has an end")
        if not (approval.reference and approval.activities):
            return broken(f"the approval {approval.id} does not say its reference or what it is for")
        late = approval.valid_until + timedelta(days=1)
        if going_on := _unlapsed(evidence, activity, approval, on=late):
            return broken(f"{activity.id} would go on after {approval.reference} has ended: {named(going_on)}")
        after += len(activity.roles or ())
    return kept(
        f"{named(one.id for one in supported)}: each names an approval with its reference, purpose and end; "
        f"on the day after the end all {after} role rules are refused because of it"
    )


def _unlapsed(evidence: Evidence, activity: ProcessingActivity, approval: Instrument, *, on: date) -> list[str]:
    """Roles that on that day are not refused because of this approval, whatever else may stop them."""
    return [
        rule.role
        for rule in activity.roles or ()
        for dataset in rule.datasets or datasets_of(activity)
        if approval.reference
        not in lapsed(
            evidence.decide(Request(rule.role, activity.id, dataset, rule.ceiling, action=rule.action), on=on)
        )
    ]


def lapsed(decision: Decision) -> set[str]:
    """The documents that a refusal names as lapsed; none for a permit."""
    codes = {"instrument-lapsed", "flow-instrument-lapsed"}
    refused = decision.reasons if isinstance(decision, Refusal) else ()
    return {reason.document for reason in refused if reason.code in codes}


def _approval(evidence: Evidence, activity: ProcessingActivity) -> Instrument | None:
    basis = activity.confidentiality_basis
    return evidence.register.instrument(basis.instrument) if basis is not None and basis.instrument else None


def _approvals_say_all(evidence: Evidence) -> Finding:
    approvals = [one for one in evidence.register.instruments if one.kind is InstrumentKind.S251_APPROVAL]
    if not approvals:
        return not_applicable("the register holds no approval under section 251")
    bare = [f"{one.id} ({part})" for one in approvals for part in _unsaid(one)]
    if bare:
        return broken(f"an approval does not say: {named(bare)}")
    return kept(
        f"{len(approvals)} approvals each say who applied, for what, by which reference, who decided and until when"
    )


def _unsaid(approval: Instrument) -> list[str]:
    said = " ".join([*approval.evidence, *(step.event for step in approval.history)]).casefold()
    parts = {
        "parties": approval.parties,
        "uses": approval.activities,
        "reference": approval.reference,
        "who decided": "decided by" in said,
        "end": approval.valid_until,
    }
    return [part for part, is_said in parts.items() if not is_said]


def _approvals_for_medical_purposes(evidence: Evidence) -> Finding:
    approvals = [one for one in evidence.register.instruments if one.kind is InstrumentKind.S251_APPROVAL]
    if not approvals:
        return not_applicable("the register holds no approval under section 251")
    served = [(one, evidence.register.activity(name)) for one in approvals for name in one.activities]
    wrong = [one.id for one, a in served if a is None or (a.purpose or "").split(".")[0] in {*NO_MEDICAL_PURPOSE, ""}]
    wrong += [one.id for one in approvals if not one.activities]
    if wrong:
        return broken(f"not for a medical purpose: {named(wrong)}")
    return kept(f"{len(approvals)} approvals are each for a medical purpose of the closed tree")


def _conditions_for_special_categories(evidence: Evidence) -> Finding:
    bases = [
        (one.id, basis)
        for one in active(evidence)
        for basis in one.data_protection_basis or ()
        if basis.article9 in NEEDS_A_CONDITION
    ]
    if not bases:
        return not_applicable("no basis of Article 9 here needs a condition of domestic law")
    if bare := [name for name, basis in bases if not basis.dpa_schedule1]:
        return broken(f"no condition of DPA 2018 schedule 1: {named(bare)}")
    return kept(f"{len(bases)} bases of Article 9 each name their condition of DPA 2018 schedule 1")


def _conditions_for_offences(evidence: Evidence) -> Finding:
    offences = [one for one in active(evidence) if one.criminal_offence]
    if not offences:
        return not_applicable("no active activity uses records of offences")
    bare = [one.id for one in offences if not all(b.dpa_schedule1 for b in one.data_protection_basis or ())]
    bare += [one.id for one in offences if not one.data_protection_basis]
    if bare:
        return broken(f"records of offences without a condition of DPA 2018 schedule 1: {named(bare)}")
    if unwritten := [one.id for one in offences if not _has_policy_document(one)]:
        return broken(f"records of offences without an appropriate policy document: {named(unwritten)}")
    return kept(
        f"{named(one.id for one in offences)}: a condition of schedule 1 and a policy document stand behind each"
    )


def _has_policy_document(activity: ProcessingActivity) -> bool:
    documents = activity.publication.documents if activity.publication else ()
    return any("appropriate policy document" in one.lower() for one in documents)


def _law_lifts_objection(evidence: Evidence) -> Finding:
    lifted = [
        one for one in active(evidence) if one.objections and BY_LAW & {e.kind for e in one.objections.exemptions}
    ]
    if not lifted:
        return not_applicable("no active activity is lifted out of objections by law")
    bare = [one.id for one in lifted for e in (one.objections.exemptions if one.objections else ()) if not e.reference]
    if bare:
        return broken(f"lifted out of objections without a reference: {named(bare)}")
    consenting = [one.id for one in lifted if _asks_consent(one)]
    if consenting:
        return broken(f"lifted by law, yet it asks for consent: {named(consenting)}")
    permits = [permit for one in lifted for permit in _permits(evidence, one)]
    if stopped := [permit.request.activity for permit in permits if permit.obligations.objections]:
        return broken(f"an objection is still applied: {named(stopped)}")
    return kept(
        f"{named(one.id for one in lifted)}: the law is named, and {len(permits)} permits need no consent "
        "and apply no objection"
    )


def _asks_consent(activity: ProcessingActivity) -> bool:
    basis = activity.confidentiality_basis
    return basis is not None and basis.kind is ConfidentialityKind.EXPLICIT_CONSENT


def _on_consent(evidence: Evidence) -> list[ProcessingActivity]:
    return [
        one
        for one in active(evidence)
        if _asks_consent(one) or any(b.article6 == "A6-1-a" for b in one.data_protection_basis or ())
    ]


def _consent_can_be_withdrawn(evidence: Evidence) -> Finding:
    resting = _on_consent(evidence)
    if not resting:
        return not_applicable("no active activity rests on consent")
    held = [one.id for one in resting if not any(_gives_way(r.right, r.applies) for r in one.rights or ())]
    if held:
        return broken(f"rests on consent, but nothing says it can be taken back: {named(held)}")
    ways = [one.reach for one in evidence.register.controller.contacts if one.role == "rights" and one.reach]
    if not ways:
        return broken(f"{len(resting)} activities rest on consent, but nobody is named to whom it is taken back")
    return kept(f"{len(resting)} activities rest on consent; each says it can be taken back, and whom to tell is named")


def _gives_way(right: str, applies: str) -> bool:
    return right == "withdraw_consent" and applies in {"yes", "limited"}


def _contact_by_consent(evidence: Evidence) -> Finding:
    lists = [one for one in active(evidence) if one.purpose == "engagement"]
    if not lists:
        return not_applicable("the register keeps no list of people to keep in touch with")
    if bare := [one.id for one in lists if one not in _on_consent(evidence)]:
        return broken(f"people are kept in touch with, but not by consent: {named(bare)}")
    return kept(
        f"{named(one.id for one in lists)}: people are kept in touch with because they agreed, and for that only"
    )


CONTROLS = (
    Control("bases-complete", "Nothing active is without its bases in law.", _bases_complete),
    Control("statutes-known", "Every statute cited exists.", _statutes_known),
    Control("statute-behind-each", "A law stands behind each use of what is sensitive.", _statute_behind_each),
    Control("section-251-dated", "Support under section 251 ends on its day.", _section_251_dated),
    Control("approvals-say-all", "An approval says who, for what and who decided.", _approvals_say_all),
    Control("approvals-for-medical-purposes", "Section 251 serves medical purposes.", _approvals_for_medical_purposes),
    Control(
        "special-category-has-condition",
        "Sensitive records have their condition in domestic law.",
        _conditions_for_special_categories,
    ),
    Control("offences-have-condition", "Records of offences have theirs.", _conditions_for_offences),
    Control("law-lifts-objection", "Where the law overrides, no consent or objection is asked.", _law_lifts_objection),
    Control("consent-can-be-withdrawn", "Consent can be taken back wherever it was given.", _consent_can_be_withdrawn),
    Control("contact-by-consent", "People are written to because they agreed.", _contact_by_consent),
)
