"""What a release consists of: which submissions, which months, what later ones took the place of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINKED_MART = "commissioning-mart"
KEPT_IN_THE_SAFE_HAVEN = frozenset({"pds", "national-data-opt-out", "gp-objections"})
"""Used to know who is who and who remains; never written to a mart."""


def concerns(activity: str, *, purposes: tuple[str, ...], dataset: str) -> bool:
    """Whether a submission is of concern to an activity.

    Who objects and who is who counts for every activity, whatever purposes the sender named: an objection is not
    narrowed by the envelope it came in. The register's own decision on the dataset still stands before it.
    """
    return activity in purposes or dataset in KEPT_IN_THE_SAFE_HAVEN


class Submitted(Protocol):
    """What must be known of a submission to order it among others."""

    @property
    def uid(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def update_kind(self) -> str: ...
    @property
    def period_from(self) -> str: ...
    @property
    def period_to(self) -> str: ...


@dataclass(frozen=True)
class Place:
    """A submission's place among those of the same sender and layout: what newer ones replaced of it."""

    since: int
    replaced_periods: tuple[tuple[date, date], ...]
    newer_net_changes: tuple[str, ...]
    newer_replacements: tuple[str, ...] = ()


def places(submissions: Sequence[Submitted]) -> dict[str, Place]:
    """Each submission's place. They come oldest extract first; the order of arrival says nothing."""
    return {
        submission.uid: _place(since, submission, submissions[since + 1 :])
        for since, submission in enumerate(submissions)
    }


def _place(since: int, submission: Submitted, later: Iterable[Submitted]) -> Place:
    newer = [other for other in later if (other.sender, other.layout) == (submission.sender, submission.layout)]
    return Place(
        since=since,
        replaced_periods=tuple(
            (date.fromisoformat(other.period_from), date.fromisoformat(other.period_to))
            for other in newer
            if other.update_kind == "bulk-replacement"
        ),
        newer_net_changes=tuple(other.uid for other in newer if other.update_kind == "net-change"),
        newer_replacements=tuple(other.uid for other in newer if other.update_kind == "bulk-replacement"),
    )
