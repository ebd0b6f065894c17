"""Controls over those who work for the controller: a function each, a contract that lives, nothing beyond either."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.law import lapsed
from caldicott.operations.verify.controls.registers import active, datasets_of, named
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import InstrumentKind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import Instrument, Organisation, ProcessingActivity

ACTIONS = ("see", "land", "link", "release", "edit")
CLAUSES = ("confidentiality", "security")
"""Conditions that every contract with a processor sets."""
VOUCHED = ("Data Security and Protection Toolkit", "Place of work")
"""What a firm from outside the public sector shows besides its contract."""
NATIONAL = frozenset({InstrumentKind.DARS_DSA, InstrumentKind.DIRECTION})
"""What a regional office acts under in a contract's place: the national body's agreement or direction."""


def processors(evidence: Evidence) -> list[Organisation]:
    return [one for one in evidence.register.organisations if {"processor", "sub_processor"} & set(one.roles)]


def _functions(evidence: Evidence) -> Finding:
    working = processors(evidence)
    if not working:
        return not_applicable("the register names no processor")
    if idle := [one.id for one in working if not one.functions]:
        return broken(f"{len(idle)} of {len(working)} processors have no stated function: {named(idle)}")
    return kept(
        f"each of {len(working)} processors has its functions stated, {sum(len(o.functions) for o in working)} in all"
    )


def _tried(organisation: Organisation, activity: ProcessingActivity) -> Iterator[Request]:
    for dataset, form, action in product(datasets_of(activity), DataFormat, ACTIONS):
        yield Request(Role.PROCESSOR_STAFF, activity.id, dataset, form, organisation=organisation.id, action=action)


def _confined(evidence: Evidence) -> Finding:
    working = processors(evidence)
    if not working:
        return not_applicable("the register names no processor")
    requests = [
        request
        for one in working
        for activity in evidence.register.activities
        if activity.id not in one.activities
        for request in _tried(one, activity)
    ]
    if beyond := [f"{r.organisation} in {r.activity}" for r in requests if isinstance(evidence.decide(r), Permit)]:
        return broken(f"a processor got what its functions do not cover: {named(beyond)}")
    return kept(f"{len(requests)} requests of {len(working)} processors outside their functions were tried and refused")


def _documents(evidence: Evidence, one: Organisation) -> list[Instrument]:
    """What the processor works under: contracts it is party to; for a regional office, the national document."""
    register = evidence.register
    contracts = [i for i in register.instruments if i.kind is InstrumentKind.CONTRACT and one.id in i.parties]
    if contracts or "dscro" not in one.roles:
        return contracts
    return [i for i in register.instruments if i.kind in NATIONAL and set(i.activities) & set(one.activities)]


def _contracts_live(evidence: Evidence) -> Finding:
    working = [one for one in processors(evidence) if one.activities]
    if not working:
        return not_applicable("no processor is attached to an activity")
    bare = [one.id for one in working if not any(i.is_live(evidence.today) for i in _documents(evidence, one))]
    if bare:
        return broken(f"attached to an activity without a contract that lives: {named(bare)}")
    uncovered = [
        f"{one.id} in {name}" for one in working for name in one.activities if not _covers(evidence, one, name)
    ]
    if uncovered:
        return broken(f"no contract covers: {named(uncovered)}")
    if late := [one.id for one in working if _goes_on(evidence, one)]:
        return broken(f"would still be served on the day after its contract ends: {named(late)}")
    return kept(
        f"{len(working)} processors work under a live contract or national agreement; none is served after its end"
    )


def _covers(evidence: Evidence, one: Organisation, activity: str) -> bool:
    return any(not i.activities or activity in i.activities for i in _documents(evidence, one))


def _goes_on(evidence: Evidence, one: Organisation) -> bool:
    """Whether a rule that names it is not refused because of its papers on the day after the last of them ends."""
    papers = _documents(evidence, one)
    ends = [paper.valid_until for paper in papers]
    last = max((end for end in ends if end is not None), default=None)
    if last is None or None in ends:
        return False
    references = {paper.reference for paper in papers}
    return any(
        not references & lapsed(evidence.decide(request, on=last + timedelta(days=1)))
        for request in _named_in_rules(evidence, one)
    )


def _named_in_rules(evidence: Evidence, one: Organisation) -> Iterator[Request]:
    """Each rule that names the organisation, asked at its ceiling."""
    for activity in active(evidence):
        for rule in activity.roles or ():
            for dataset in (rule.datasets or datasets_of(activity)) if one.id in rule.organisations else ():
                yield Request(rule.role, activity.id, dataset, rule.ceiling, organisation=one.id, action=rule.action)


def _clauses(evidence: Evidence) -> Finding:
    contracts = [one for one in evidence.register.instruments if one.kind is InstrumentKind.CONTRACT]
    if not contracts:
        return not_applicable("the register holds no contract")
    lacking = [
        f"{one.id} ({clause})"
        for one in contracts
        for clause in CLAUSES
        if clause not in {c.code for c in one.conditions}
    ]
    if lacking:
        return broken(f"a contract without its clauses: {named(lacking)}")
    return kept(f"{len(contracts)} contracts each bind to confidence and to security")


def _firms_vouched(evidence: Evidence) -> Finding:
    firms = [one for one in processors(evidence) if one.sector not in {"nhs", "local_authority"}]
    if not firms:
        return not_applicable("no processor is from outside the public sector")
    bare = [
        f"{one.id} ({kind})"
        for one in firms
        for kind in VOUCHED
        if not any(a.kind == kind and (a.valid_to is None or evidence.today <= a.valid_to) for a in one.accreditations)
    ]
    bare += [f"{one.id} (contract)" for one in firms if not _has_contract(evidence, one)]
    if bare:
        return broken(f"a firm that works with records lacks: {named(bare)}")
    return kept(
        f"{named(one.id for one in firms)}: each has a live contract, its place of work and its security on record"
    )


def _has_contract(evidence: Evidence, one: Organisation) -> bool:
    papers = _documents(evidence, one)
    return any(paper.kind is InstrumentKind.CONTRACT and paper.is_live(evidence.today) for paper in papers)


def _due_diligence(evidence: Evidence) -> Finding:
    contracts = [one for one in evidence.register.instruments if one.kind is InstrumentKind.CONTRACT]
    if not contracts:
        return not_applicable("the register holds no contract")
    late = [one.id for one in contracts if one.due_diligence_date is None or one.due_diligence_date >= one.valid_from]
    if late:
        return broken(f"no look at the organisation before the contract began: {named(late)}")
    return kept(f"before each of {len(contracts)} contracts began, the day of due diligence is on record")


def _conditions(evidence: Evidence) -> Finding:
    conditions = [(one.id, c) for one in evidence.register.instruments for c in one.conditions]
    agreements = [(name, c) for name, c in conditions if _is_of_datasets(evidence, name)]
    if not agreements:
        return not_applicable("no sharing agreement of the register sets a condition")
    if bare := [f"{name} ({c.code})" for name, c in agreements if not c.control.strip()]:
        return broken(f"a condition of an agreement names no control: {named(bare)}")
    return kept(f"{len(agreements)} conditions of agreements about datasets each name the control that keeps it")


def _is_of_datasets(evidence: Evidence, instrument_id: str) -> bool:
    instrument = evidence.register.instrument(instrument_id)
    return instrument is not None and instrument.kind in {InstrumentKind.DARS_DSA, InstrumentKind.AGREEMENT}


def _never_identifiable(evidence: Evidence) -> Finding:
    """A processor whose every rule stops short of identifiable gets nothing identifiable from anywhere."""
    working = [one for one in processors(evidence) if one.activities and not _may_identify(evidence, one)]
    if not working:
        return not_applicable("no processor is bound to records without identities")
    requests = [
        request
        for one in working
        for activity in evidence.register.activities
        for request in _tried(one, activity)
        if request.format == DataFormat.IDENTIFIABLE
    ]
    if told := [f"{r.organisation} in {r.activity}" for r in requests if isinstance(evidence.decide(r), Permit)]:
        return broken(f"a processor bound to codes or counts got identities: {named(told)}")
    return kept(f"{named(one.id for one in working)}: {len(requests)} requests for identities were tried and refused")


def _may_identify(evidence: Evidence, one: Organisation) -> bool:
    ceilings = [
        rule.ceiling
        for activity in evidence.register.activities
        for rule in activity.roles or ()
        if rule.role is Role.PROCESSOR_STAFF and one.id in rule.organisations
    ]
    return DataFormat.IDENTIFIABLE in ceilings


CONTROLS = (
    Control("processors-have-functions", "Each processor has its functions stated.", _functions),
    Control("processor-confined", "A processor gets nothing outside its functions.", _confined),
    Control("processor-without-identities", "A processor bound to codes never sees identities.", _never_identifiable),
    Control("contracts-live", "A processor works under a contract, and no day longer.", _contracts_live),
    Control("contracts-have-clauses", "Each contract binds to confidence and security.", _clauses),
    Control("firms-vouched-for", "A firm shows its contract, place and security.", _firms_vouched),
    Control("due-diligence-first", "Each was looked at before its contract began.", _due_diligence),
    Control("conditions-have-controls", "Each condition of an agreement names what keeps it.", _conditions),
)
