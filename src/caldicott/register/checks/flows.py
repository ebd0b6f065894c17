"""The flow map by itself: each line has an id and a document, and each recipient has a line.

Which flows need a document of their own is decided here. Counts need none:
nobody is told of in them, and disclosure control stands before them. A flow of
a case, such as a letter of complaint, may rest on what lifts the duty of
confidence in its activity. What is sent regularly, by the file, or to somebody
who works for the controller always needs one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register.checks.finding import Finding, firm, in_activity
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Flow, ProcessingActivity, Register
    from caldicott.register.places import Path

_BY_THE_FILE = frozenset({"land", "link"})


def without_instrument(register: Register) -> Iterator[Finding]:
    """A flow that tells of people stands on a document."""
    for activity in register.activities:
        for index, flow in enumerate(activity.flows or ()):
            why = _why_it_needs_one(flow, activity, register)
            if flow.instrument is None and flow.format is not DataFormat.AGGREGATED and why:
                what = f"the flow `{flow.id}` names no document, and {why}"
                next_step = "name the agreement, contract or approval it stands on in `instrument`"
                path: Path = ("flows", index, "id")
                yield Finding(in_activity(activity), path, what, next_step, "flow-without-instrument", firm(register))


def _why_it_needs_one(flow: Flow, activity: ProcessingActivity, register: Register) -> str:
    for end in (flow.from_organisation, flow.to_organisation):
        organisation = register.organisation(end)
        if organisation is not None and {"processor", "sub_processor"} & set(organisation.roles):
            return f"`{end}` works for the controller"
    if activity.pseudonym_domain is not None or any(rule.action in _BY_THE_FILE for rule in activity.roles or ()):
        return "records of this activity are sent by the file"
    basis = activity.confidentiality_basis
    if basis is None or not (basis.instrument or basis.reference):
        return "nothing is named that lifts the duty of confidence in its activity"
    return ""


def repeated_ids(register: Register) -> Iterator[Finding]:
    """A flow's id is its own within its activity."""
    for activity in register.activities:
        ids = [flow.id for flow in activity.flows or ()]
        for index, given in enumerate(ids):
            if given in ids[:index]:
                path: Path = ("flows", index, "id")
                what = f"the flow id `{given}` is used twice"
                yield Finding(in_activity(activity), path, what, "give this flow an id of its own", "duplicate-flow")


def recipients_without_flow(register: Register) -> Iterator[Finding]:
    """Who is named as a recipient, by the id of an organisation, has a flow that brings it as much."""
    for activity in register.activities:
        for index, rule in enumerate(activity.recipients or ()):
            is_known = rule.recipient == register.controller.id or register.organisation(rule.recipient) is not None
            brought = [flow.format for flow in activity.flows or () if flow.to_organisation == rule.recipient]
            if is_known and not any(rule.format.is_within(one) for one in brought):
                given = " or ".join(sorted(set(brought)))
                shown = f"the flow map brings it {given} data only" if given else "no flow leads to it"
                what = f"`{rule.recipient}` is said to receive {rule.format} data, but {shown}"
                next_step = "add the flow to [[flows]], or take the recipient out"
                path: Path = ("recipients", index, "recipient")
                yield Finding(in_activity(activity), path, what, next_step, "recipient-without-flow", firm(register))
