"""Who may destroy what landed: the role that looks first when its time is over, by the activity's retention.

No document is asked for: where an agreement has ended there is nothing left to do with the records but this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.decision import Hindrance, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.policy.compiled import CompiledActivity, CompiledRegister
    from caldicott.policy.decision import Request
    from caldicott.register.model import ProcessingActivity


def against_destruction(activity: CompiledActivity, request: Request, asked: CompiledRegister) -> Iterator[Hindrance]:
    """Why this role may not destroy the key of that dataset."""
    entry = activity.entry
    document = f"activity {entry.id}"
    if request.dataset not in activity.datasets:
        text = f"The activity {entry.id} does not use the dataset {request.dataset}."
        way_out = f"Name one of its datasets: {', '.join(sorted(activity.datasets)) or 'it has none'}."
        yield Hindrance(Reason("dataset-not-in-activity", text, document), way_out, "dpo")
    named = entry.retention.review_role if entry.retention is not None else None
    if named is None:
        text = f"The retention of {entry.id} names no role that reviews, so nobody may destroy its records."
        way_out = "Have the controller name the review_role in the activity's retention."
        yield Hindrance(Reason("destroy-without-review", text, document), way_out, "dpo")
    elif request.role != named:
        text = f"The retention of {entry.id} lets the role {named} destroy its records, not {request.role}."
        yield Hindrance(Reason("destroy-not-named", text, document), f"Leave it to the role {named}.", "dpo")
    controller = asked.register.controller
    if request.organisation is not None and request.organisation not in (controller.id, controller.ods):
        text = f"Only {controller.name} itself destroys what was landed for {entry.id}."
        way_out = f"Ask from the organisation {controller.id}."
        yield Hindrance(Reason("organisation-not-named", text, document), way_out, "dpo")


def retention_reason(entry: ProcessingActivity, role: str) -> Reason:
    """What a permit says."""
    text = f"The retention of {entry.id} names the role {role} as the one that reviews and destroys."
    return Reason("retention-rule", text, f"activity {entry.id}", entry.effective_from)
