"""Controls over the register: who answers, what is held for what, who may have it in which form, whence it comes.

They read the register and ask `policy.decide`; of the store they read the
catalogue only. An old notice's register may break them: its gaps are the point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Permit, Request
from caldicott.register.checks.law import purposes as purpose_findings
from caldicott.register.checks.parties import COMMISSIONERS, POSTS
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ActivityStatus, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity

NINE_AREAS = 9
"""Service areas of the Leeds notice, kept in facts/governance/service_areas.csv."""
ANALYSTS = (Role.COMMISSIONING_ANALYST, Role.PROCESSOR_STAFF)
"""Those who plan services or work for those who do."""
_FEW = 4
NOBODYS_CODE = "ZZZZZ9"
"""No organisation has it: a probe for a sender that the register does not list."""


def active(evidence: Evidence) -> tuple[ProcessingActivity, ...]:
    return tuple(one for one in evidence.register.activities if one.status is ActivityStatus.ACTIVE)


def datasets_of(activity: ProcessingActivity) -> tuple[str, ...]:
    return tuple(dict.fromkeys(use.dataset for use in activity.datasets or ()))


def asked(evidence: Evidence, activity: ProcessingActivity, roles: Iterable[str]) -> Iterator[tuple[Request, bool]]:
    """Every dataset of the activity in every format for these roles, with whether it is permitted."""
    for role in roles:
        for dataset in datasets_of(activity):
            for form in DataFormat:
                request = Request(role, activity.id, dataset, form)
                yield request, isinstance(evidence.decide(request), Permit)


def named(ids: Iterable[str]) -> str:
    """A list for a sentence: the first few and how many more."""
    every = sorted(set(ids)) or ["none"]
    more = len(every) - _FEW
    return ", ".join(every[:_FEW]) + (f" and {more} more" if more > 0 else "")


def without(activities: Iterable[ProcessingActivity], *fields: str) -> list[str]:
    """`activity (field)` for each field that is absent or empty."""
    return [f"{one.id} ({field})" for one in activities for field in fields if not getattr(one, field)]


def _one_controller(evidence: Evidence) -> Finding:
    controller, organisations = evidence.register.controller, evidence.register.organisations
    if controller.kind not in COMMISSIONERS:
        return broken(f"the controller {controller.id} is of the kind {controller.kind}, which buys no services")
    if not controller.member_practices:
        return broken(f"{controller.name} is named, but no member practice is")
    sources = [one for one in organisations if "source" in one.roles]
    also = f", jointly with {named(controller.joint_with)}" if controller.joint_with else ""
    return kept(
        f"{controller.name} alone answers{also}, for {len(controller.member_practices)} member practices; "
        f"{len(sources)} organisations that records come from are entered"
    )


def _datasets_have_a_purpose(evidence: Evidence) -> Finding:
    purposeful = {name for one in evidence.register.activities if one.purpose for name in datasets_of(one)}
    spoken_of = {name for one in evidence.register.instruments for name in one.datasets_in}
    spoken_of |= {name for one in evidence.register.activities for flow in one.flows or () for name in flow.datasets}
    landed = {one.dataset for one in evidence.submissions}
    if lost := (spoken_of | landed) - purposeful:
        return broken(f"without an activity that says what for: {named(lost)}")
    unknown = [finding.what for finding in purpose_findings(evidence.register)]
    if unknown:
        return broken(f"not a purpose of the closed tree: {unknown[0]}")
    return kept(f"{len(purposeful)} datasets each have a purpose; {len(landed)} of them are in the store, no other is")


def _nine_areas(evidence: Evidence) -> Finding:
    planning = [one for one in active(evidence) if (one.purpose or "").startswith("commissioning")]
    if not planning:
        return not_applicable("the register has no active planning activity")
    held = {name for one in planning for name in datasets_of(one)}
    areas = governance.service_areas()
    missing = set(areas.values()) - {areas[name] for name in held if name in areas}
    if missing:
        return broken(
            f"planning uses {NINE_AREAS - len(missing)} of {NINE_AREAS} areas of care; without: {named(missing)}"
        )
    of_care = [one for one in planning if areas.keys() & set(datasets_of(one))]
    if silent := without(of_care, "sources", "format_in"):
        return broken(f"all {NINE_AREAS} areas of care are used, but not stated: {named(silent)}")
    return kept(f"planning uses all {NINE_AREAS} areas of care, {len(held)} datasets, with their sources and format")


def _purposes_have_ceilings(evidence: Evidence) -> Finding:
    tried, above = 0, []
    for activity in evidence.register.activities:
        for role in Role:
            highest = max((r.ceiling.tells for r in activity.roles or () if r.role is role), default=-1)
            for request, permitted in asked(evidence, activity, [role]):
                tried += DataFormat(request.format).tells > highest
                if permitted and DataFormat(request.format).tells > highest:
                    above.append(f"{role} in {activity.id}")
    if silent := without(active(evidence), "purpose"):
        return broken(f"active without a purpose: {named(silent)}")
    if above:
        return broken(f"given more than the ceiling: {named(above)}")
    return kept(f"{tried} requests above a ceiling were tried for every role, and every one was refused")


def _identifiable_uses_listed(evidence: Evidence) -> Finding:
    uses = [one for one in active(evidence) if one.format_in is DataFormat.IDENTIFIABLE]
    if not uses:
        return not_applicable("nothing identifiable comes in anywhere")
    if silent := without(uses, "data_protection_basis", "confidentiality_basis", "plain_text"):
        return broken(f"identifiable without it: {named(silent)}")
    others = [one for one in active(evidence) if one.format_in is not DataFormat.IDENTIFIABLE]
    leaks = [
        r.activity for one in others for r, yes in asked(evidence, one, Role) if yes and r.format == "identifiable"
    ]
    if leaks:
        return broken(f"identifiable is permitted where none comes in: {named(leaks)}")
    return kept(f"{len(uses)} activities take in what identifies people, each with both bases; no other may")


def _posts_held(evidence: Evidence) -> Finding:
    today = evidence.today
    held = [
        one
        for one in evidence.register.controller.contacts
        if (one.valid_from is None or one.valid_from <= today) and (one.valid_to is None or today <= one.valid_to)
    ]
    roles = [one.role for one in held]
    if missing := set(POSTS) - set(roles):
        return broken(f"nobody holds on this day: {named(missing)}")
    if twice := [role for role in ("dpo", "caldicott_guardian") if roles.count(role) != 1]:
        return broken(f"held more than once on this day: {named(twice)}")
    if silent := [one.role for one in held if not one.reach.strip()]:
        return broken(f"the register does not say how to reach: {named(silent)}")
    return kept(f"{len(held)} posts are held, each with a way to reach it; one data protection officer, one guardian")


def _guardian_alone_decides(evidence: Evidence) -> Finding:
    decided = [one for one in active(evidence) if any(r.action == "decide" for r in one.roles or ())]
    tried, others = 0, []
    for activity in decided:
        may = {r.role for r in activity.roles or () if r.action == "decide"}
        for role in set(Role) - may:
            for dataset in datasets_of(activity):
                tried += 1
                request = Request(role, activity.id, dataset, DataFormat.IDENTIFIABLE, action="decide")
                others += [role] if isinstance(evidence.decide(request), Permit) else []
    if not decided:
        return not_applicable("the register keeps no decision for the guardian or the officer")
    if others:
        return broken(f"could decide in the guardian's place: {named(others)}")
    return kept(
        f"{len(decided)} activities keep a decision for one post; {tried} tries by every other role were refused"
    )


def _sectors_told(evidence: Evidence) -> Finding:
    care = [one for one in evidence.register.organisations if one.ods and "source" in one.roles]
    if silent := [one.id for one in care if one.sector is None]:
        return broken(f"not said whether NHS or not: {named(silent)}")
    sectors = {one.sector for one in care}
    if "nhs" not in sectors or not sectors - {"nhs"}:
        return broken(f"the sources are of one kind only: {named(str(one) for one in sectors)}")
    inside = sum(one.sector == "nhs" for one in care)
    return kept(f"{inside} sources are of the NHS and {len(care) - inside} are not; each says which")


def _sources_told(evidence: Evidence) -> Finding:
    if silent := without(active(evidence), "sources"):
        return broken(f"the sources are not stated: {named(silent)}")
    return kept(f"each of {len(active(evidence))} active activities lists its sources")


def _flows_told(evidence: Evidence) -> Finding:
    if silent := without(active(evidence), "flows"):
        return broken(f"not on the flow map: {named(silent)}")
    flows = [(one, flow) for one in active(evidence) for flow in one.flows or ()]
    known = {evidence.register.controller.id, *(one.id for one in evidence.register.organisations)}
    stray = [f"{a.id}/{f.id}" for a, f in flows if not {f.from_organisation, f.to_organisation} <= known]
    if stray:
        return broken(f"an end of the flow is no organisation of the register: {named(stray)}")
    carried = {(a.id, name) for a, f in flows for name in f.datasets}
    bare = [
        f"{a.id}/{use.dataset}"
        for a in active(evidence)
        for use in a.datasets or ()
        if use.direction == "in" and (a.id, use.dataset) not in carried
    ]
    if bare:
        return broken(f"comes in by no flow of the map: {named(bare)}")
    return kept(f"{len(flows)} flows have both ends and a format, and carry every dataset that comes in")


def _people_and_kinds_told(evidence: Evidence) -> Finding:
    if silent := without(active(evidence), "data_subjects", "personal_data", "datasets"):
        return broken(f"not stated: {named(silent)}")
    subjects = {one for a in active(evidence) for one in a.data_subjects or ()}
    kinds = {one for a in active(evidence) for one in a.personal_data or ()}
    return kept(
        f"each active activity says whom and what it is about: {len(subjects)} groups of people, {len(kinds)} kinds"
    )


def _not_in_use_refused(evidence: Evidence) -> Finding:
    resting = [one for one in evidence.register.activities if one.status is not ActivityStatus.ACTIVE]
    if not resting:
        return not_applicable("every activity of the register is in use")
    tries = [(request, yes) for one in resting for request, yes in asked(evidence, one, Role)]
    tries += [(r, isinstance(evidence.decide(r), Permit)) for one in resting for r in _landings(one)]
    if given := [request.activity for request, yes in tries if yes]:
        return broken(f"not in use, but permitted: {named(given)}")
    if run := {f.part for f in evidence.marts if any(f.owner == one.id for one in resting)}:
        return broken(f"not in use, but the store holds marts of it: {len(run)}")
    return kept(f"{named(one.id for one in resting)}: not in use; {len(tries)} requests were tried and refused")


def _landings(activity: ProcessingActivity) -> Iterator[Request]:
    for dataset in datasets_of(activity):
        yield Request(Role.DSCRO_OPERATOR, activity.id, dataset, DataFormat.IDENTIFIABLE, action="land")


def _only_listed_senders(evidence: Evidence) -> Finding:
    register = evidence.register
    codes = {register.controller.ods, *(one.ods for one in register.organisations)}
    codes |= {one.ods for one in register.controller.member_practices}
    if strange := {one.sender for one in evidence.submissions} - codes:
        return broken(f"{len(strange)} senders in the store are no organisation of the register")
    landings = [request for one in active(evidence) for request in _landings(one)]
    let_in = [
        request.activity
        for request in landings
        for agreement in register.instruments
        if against_agreement(agreement.id, request, register, evidence.today, sender=NOBODYS_CODE) is None
    ]
    if let_in:
        return broken(f"a sender that the register does not list could land for: {named(let_in)}")
    shut = sum(not isinstance(evidence.decide(request), Permit) for request in landings)
    return kept(
        f"{len(evidence.submissions)} submissions came from organisations of the register; an unlisted sender was "
        f"refused under each of {len(register.instruments)} documents; {shut} of {len(landings)} datasets nobody lands"
    )


REGISTRATION = "Registration with the Information Commissioner's Office"


def _registered(evidence: Evidence) -> Finding:
    controller = evidence.register.organisation(evidence.register.controller.id)
    entries = [one for one in (controller.accreditations if controller else ()) if one.kind == REGISTRATION]
    if not entries:
        return broken("the register does not say that the controller is registered with the Information Commissioner")
    last = max((one.valid_to for one in entries if one.valid_to), default=None)
    if last is None or not entries[-1].reference:
        return broken("a registration is entered without its number or its end")
    if last < evidence.today:
        return broken(f"the registration ran out on {last}")
    return kept(f"the registration {entries[-1].reference} holds until {last}")


SUS = frozenset({"sus-apc", "sus-op", "sus-ec"})


def _commissioning_datasets(evidence: Evidence) -> Finding:
    planning = [one for one in active(evidence) if (one.purpose or "").startswith("commissioning")]
    if not planning:
        return not_applicable("the register has no active planning activity")
    held = {name for one in planning for name in datasets_of(one)}
    if missing := SUS - held:
        return broken(f"planning does not name: {named(missing)}")
    if untold := held - governance.column("datasets", "id"):
        return broken(f"not in the catalogue of datasets: {named(untold)}")
    return kept(f"planning names {len(held)} datasets of the catalogue, the three hospital datasets among them")


CONTROLS = (
    Control("one-controller-named", "One commissioner answers, for a list of member practices.", _one_controller),
    Control("every-dataset-has-a-purpose", "Nothing is held without a purpose.", _datasets_have_a_purpose),
    Control("catalogue-covers-nine-areas", "Planning sees all nine areas of care.", _nine_areas),
    Control("purposes-have-ceilings", "No use is given more than its ceiling.", _purposes_have_ceilings),
    Control("identifiable-uses-listed", "Identifiable uses are a closed list.", _identifiable_uses_listed),
    Control("posts-held", "Each post the public may need is held and can be reached.", _posts_held),
    Control("guardian-alone-decides", "What is kept for a post is decided by it alone.", _guardian_alone_decides),
    Control("registered-with-the-commissioner", "The controller's registration is live.", _registered),
    Control("sectors-told", "Each source says whether it is of the NHS.", _sectors_told),
    Control("sources-told", "Each use lists its sources.", _sources_told),
    Control("flows-told", "Whatever comes in is on the flow map.", _flows_told),
    Control("people-and-kinds-told", "Each use says whom and what it is about.", _people_and_kinds_told),
    Control("not-in-use-refused", "What is not in use cannot be run or fed.", _not_in_use_refused),
    Control("only-listed-senders", "Nobody lands whom the register does not list.", _only_listed_senders),
    Control("commissioning-datasets-known", "Planning names datasets of the catalogue.", _commissioning_datasets),
)
