"""The whole grid of questions, put to the register as probes: role, activity, dataset, format."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity, RoleRule

SEES_BY = frozenset({"see", "release", "decide", "edit", "approve"})
"""Actions under which a role looks at rows."""


class Asked(NamedTuple):
    """One question of the grid."""

    role: str
    activity: str
    dataset: str
    format: str


def permits_to_see(evidence: Evidence) -> dict[Asked, Permit]:
    """Every question of the grid that today's answer permits."""
    return {asked: answer for asked in grid(evidence) if (answer := permit(evidence, asked)) is not None}


def permit(evidence: Evidence, asked: Asked, *, action: str = "see", organisation: str | None = None) -> Permit | None:
    """The permit, or None for a refusal."""
    answer = evidence.decide(Request(*asked, action=action, organisation=organisation))
    return answer if isinstance(answer, Permit) else None


def grid(evidence: Evidence) -> list[Asked]:
    """Sixteen roles, every activity, every dataset the register knows, four formats."""
    datasets = evidence.once(datasets_known)
    return [
        Asked(role.value, entry.id, dataset, form.value)
        for role in Role
        for entry in evidence.register.activities
        for dataset in datasets
        for form in DataFormat
    ]


def datasets_known(evidence: Evidence) -> tuple[str, ...]:
    """Every dataset that any activity uses or any role rule names."""
    used = {use.dataset for entry in evidence.register.activities for use in entry.datasets or ()}
    ruled = {name for entry in evidence.register.activities for rule in entry.roles or () for name in rule.datasets}
    return tuple(sorted(used | ruled))


def rules_for(entry: ProcessingActivity, asked: Asked) -> list[RoleRule]:
    """The rules of the activity by which that role may look at that dataset, read without the policy's own code."""
    own = {use.dataset for use in entry.datasets or ()}
    return [
        rule
        for rule in entry.roles or ()
        if rule.role == asked.role and rule.action in SEES_BY and asked.dataset in (rule.datasets or own)
    ]
