"""What ends or is due before long: documents, activities, the controller itself, reviews of flows and activities.

The days of warning are the controller's own setting (90, 30 and 7). A deadline
says who has to do what by which day. What stops when one passes is not said
here but asked of the decision (`policy.ahead`): the register knows days, the
decision knows what follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from caldicott.register.checks.finding import in_activity
from caldicott.vocabulary.terms import ActivityStatus, InstrumentKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Instrument, ProcessingActivity, Register
    from caldicott.register.places import Path

Kind = Literal["document", "activity-end", "controller-end", "flow-review", "activity-review"]

EXTENDED_BY: dict[InstrumentKind, str] = {
    InstrumentKind.CONTRACT: "a signed extension of the contract",
    InstrumentKind.AGREEMENT: "a renewed agreement signed by its parties",
    InstrumentKind.PROTOCOL: "a renewed protocol signed by its parties",
    InstrumentKind.DARS_DSA: "a renewed data sharing agreement with the national body",
    InstrumentKind.S251_APPROVAL: "an amendment approved on the advice of the Confidentiality Advisory Group",
    InstrumentKind.DIRECTION: "a new direction",
    InstrumentKind.COURT_ORDER: "a new order of the court",
    InstrumentKind.GUARDIAN_AGREEMENT: "the Caldicott Guardian of the practice agreeing again",
    InstrumentKind.ETHICS: "an amendment approved by the research ethics committee",
    InstrumentKind.DPIA: "a reviewed and signed data protection impact assessment",
    InstrumentKind.TRAINING: "a completed training record",
    InstrumentKind.CONSENT: "a consent given again",
}
_OF_CONFIDENCE = frozenset({InstrumentKind.S251_APPROVAL, InstrumentKind.GUARDIAN_AGREEMENT, InstrumentKind.CONSENT})


@dataclass(frozen=True, slots=True)
class Deadline:
    """One thing that ends, or is due, on a day before long."""

    kind: Kind
    id: str
    """Of the instrument, the activity or the controller; for a flow `activity/flow`."""
    name: str
    """As people know it."""
    last_day: date
    """The last day on which all is well."""
    days_left: int
    threshold: int
    """The smallest number of days of warning that has been reached: of 90, 30 and 7, at 20 days it is 30."""
    post: str
    """The role of the contact who answers for it."""
    asked: str
    """The post that holds this role on the day, in the register's words."""
    next_step: str
    """What has to be done, by that post, by that day."""
    file: str
    path: Path


def post_for(instrument: Instrument) -> str:
    """Confidentiality is the Caldicott Guardian's; every other document the data protection officer's."""
    return "caldicott_guardian" if instrument.kind in _OF_CONFIDENCE else "dpo"


def deadlines(register: Register, at: date) -> tuple[Deadline, ...]:
    """Everything within the days of warning, the nearest first. What has passed is no deadline any more."""
    found = [*_documents(register, at), *_ends(register, at), *_reviews(register, at)]
    return tuple(sorted(found, key=lambda one: (one.last_day, one.kind, one.id)))


def threshold(days_left: int, register: Register) -> int | None:
    """The smallest number of days of warning that has been reached; None if none has, or the day has passed."""
    windows = register.controller.settings.flow_review_warning_days
    return min((one for one in windows if 0 <= days_left <= one), default=None)


def _documents(register: Register, at: date) -> Iterator[Deadline]:
    for index, instrument in enumerate(register.instruments):
        last = instrument.valid_until
        if last is None or instrument.valid_from > at:
            continue
        path: Path = ("instrument", index, "history", len(instrument.history) - 1, "valid_until")
        todo = f"obtain {EXTENDED_BY[instrument.kind]} and record it in the history of `{instrument.id}`"
        yield from _deadline(
            register, at, last,
            kind="document", name=(instrument.id, instrument.reference), post=post_for(instrument), todo=todo,
            place=("instruments.toml", path),
        )  # fmt: skip


def _ends(register: Register, at: date) -> Iterator[Deadline]:
    controller = register.controller
    if controller.valid_to is not None:
        todo = "see that the register of its successor is in place"
        yield from _deadline(
            register, at, controller.valid_to,
            kind="controller-end", name=(controller.id, controller.name), post="dpo", todo=todo,
            place=("controller.toml", ("valid_to",)),
        )  # fmt: skip
    for activity in _active(register):
        if activity.effective_to is not None:
            todo = "decide whether it goes on; if so, set a later effective_to in a new version of the notice"
            yield from _deadline(
                register, at, activity.effective_to,
                kind="activity-end", name=(activity.id, activity.title), post="dpo", todo=todo,
                place=(in_activity(activity), ("effective_to",)),
            )  # fmt: skip


def _reviews(register: Register, at: date) -> Iterator[Deadline]:
    for activity in _active(register):
        file = in_activity(activity)
        if activity.review_due is not None:
            yield from _deadline(
                register, at, activity.review_due,
                kind="activity-review", name=(activity.id, activity.title), post="dpo",
                todo="review the activity and set its next review_due", place=(file, ("review_due",)),
            )  # fmt: skip
        for index, flow in enumerate(activity.flows or ()):
            if flow.review_due is not None:
                named = (f"{activity.id}/{flow.id}", f"{flow.from_organisation} to {flow.to_organisation}")
                yield from _deadline(
                    register, at, flow.review_due,
                    kind="flow-review", name=named, post="dpo",
                    todo="review the flow and set its next review_due", place=(file, ("flows", index, "review_due")),
                )  # fmt: skip


def _active(register: Register) -> Iterator[ProcessingActivity]:
    return (one for one in register.activities if one.status is ActivityStatus.ACTIVE)


def _deadline(
    register: Register, at: date, last: date, *, kind: Kind, name: tuple[str, str], post: str, todo: str,
    place: tuple[str, Path],
) -> Iterator[Deadline]:  # fmt: skip
    left = (last - at).days
    reached = threshold(left, register)
    if reached is not None:
        asked = _holder(register, post, at)
        yield Deadline(kind, *name, last, left, reached, post, asked, f"{asked}: {todo}, by {last}", *place)


def _holder(register: Register, post: str, at: date) -> str:
    for contact in register.controller.contacts:
        starts, ends = contact.valid_from, contact.valid_to
        if contact.role == post and (starts is None or starts <= at) and (ends is None or at <= ends):
            return contact.post
    return register.controller.name
