"""Controls over case work, staff and the fraud initiative, as far as the register and the decision keep them today.

The desks are not built; what is here is who may reach the papers at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.registers import active, asked, named
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity

OF_STAFF = frozenset({Role.HR_OFFICER})
OF_FRAUD = frozenset({Role.COUNTER_FRAUD_OFFICER})
FRAUD_BODIES = frozenset({"cabinet-office", "bodies-auditing-or-administering-public-funds"})
CABINET_OFFICE = "cabinet-office"


def _of(evidence: Evidence, purpose: str) -> list[ProcessingActivity]:
    return [one for one in active(evidence) if one.purpose == purpose or (one.purpose or "").startswith(f"{purpose}.")]


def _confined(evidence: Evidence, activities: list[ProcessingActivity], allowed: frozenset[Role]) -> Finding | None:
    """Broken if another role reaches a row of these activities, or another activity uses their datasets."""
    others = [role for role in Role if role not in allowed]
    for one in activities:
        if reached := [r.role for r, yes in asked(evidence, one, others) if yes and r.format != "aggregated"]:
            return broken(f"{one.id} is reached by: {named(reached)}")
    datasets = {use.dataset for one in activities for use in one.datasets or ()}
    elsewhere = [
        f"{use.dataset} in {one.id}"
        for one in evidence.register.activities
        if one not in activities
        for use in one.datasets or ()
        if use.dataset in datasets
    ]
    return broken(f"used for another purpose: {named(elsewhere)}") if elsewhere else None


def _staff_records(evidence: Evidence) -> Finding:
    staff = _of(evidence, "hr")
    if not staff:
        return not_applicable("the register has no activity about staff")
    fault = _confined(evidence, staff, OF_STAFF)
    if fault is not None:
        return fault
    if silent := [one.id for one in staff if not (one.recipients and one.sources)]:
        return broken(f"who receives staff records or whence they come is not stated: {named(silent)}")
    return kept(f"{named(one.id for one in staff)}: no role but the staff team's reaches a row; no other use has them")


def _fraud_papers(evidence: Evidence) -> Finding:
    fraud = _of(evidence, "fraud")
    if not fraud:
        return not_applicable("the register has no activity about fraud")
    fault = _confined(evidence, fraud, OF_FRAUD)
    if fault is not None:
        return fault
    return kept(f"{named(one.id for one in fraud)}: only the counter fraud officer reaches a row")


def _fraud_bodies(evidence: Evidence) -> Finding:
    fraud = _of(evidence, "fraud.nfi")
    if not fraud:
        return not_applicable("the register does not take part in the National Fraud Initiative")
    strayed = [
        one.id
        for one in evidence.register.activities
        if one not in _of(evidence, "fraud")
        for rule in one.recipients or ()
        if rule.recipient in FRAUD_BODIES
    ]
    if strayed:
        return broken(f"a body that looks for fraud receives from another use: {named(strayed)}")
    lost = [one.id for one in fraud if not _is_statutory(one)]
    if lost:
        return broken(f"without Part 6 of the Act of 2014, or without the Cabinet Office as recipient: {named(lost)}")
    return kept("bodies that look for fraud receive from the fraud activity only, under Part 6 of the Act of 2014")


def _is_statutory(activity: ProcessingActivity) -> bool:
    cited = {statute for basis in activity.data_protection_basis or () for statute in basis.statutes}
    reference = activity.confidentiality_basis.reference if activity.confidentiality_basis else ""
    goes_to = {rule.recipient for rule in activity.recipients or ()}
    return "Local Audit and Accountability Act 2014" in cited and "Part 6" in reference and CABINET_OFFICE in goes_to


def _fraud_contact(evidence: Evidence) -> Finding:
    if not _of(evidence, "fraud.nfi"):
        return not_applicable("the register does not take part in the National Fraud Initiative")
    contacts = [one for one in evidence.register.controller.contacts if one.role == "counter_fraud"]
    held = [one for one in contacts if one.valid_to is None or evidence.today <= one.valid_to]
    if not any(one.post.strip() and one.reach.strip() for one in held):
        return broken("no post is named that answers questions about data matching, or no way to reach it")
    return kept(f"the {held[0].post} answers, and the notice says how to get in touch")


CONTROLS = (
    Control("staff-records-unreachable", "Nobody but the staff team reaches staff records.", _staff_records),
    Control("fraud-papers-restricted", "Papers about fraud are for the counter fraud officer.", _fraud_papers),
    Control("fraud-bodies-only-for-fraud", "Bodies that look for fraud receive for that only.", _fraud_bodies),
    Control("fraud-contact-held", "A post answers questions about data matching.", _fraud_contact),
)
