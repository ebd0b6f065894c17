"""What has lapsed, what soon will, and what claims to hold before the public could read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register.ahead import deadlines
from caldicott.register.checks.finding import Finding, firm, in_activity
from caldicott.register.checks.links import instruments_of
from caldicott.register.words import days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Instrument, Notice, ProcessingActivity, Register
    from caldicott.register.places import Path

RENEW = "record the extension in its history with the document that says so, or retire what leans on it"
_CODE = {
    "document": "instrument-lapses-soon",
    "activity-end": "activity-ends-soon",
    "controller-end": "controller-ends-soon",
    "flow-review": "review-due-soon",
    "activity-review": "review-due-soon",
}


def lapses(register: Register, at: date) -> Iterator[Finding]:
    """An instrument that does not hold on the day; what needs it is refused."""
    for index, instrument in enumerate(register.instruments):
        found = _lapse(instrument, at)
        if found is not None:
            code, what = found
            last: Path = ("instrument", index, "history", max(0, len(instrument.history) - 1), "valid_until")
            yield Finding("instruments.toml", last, what + _leaning(instrument, register), RENEW, code, "warning")


def _lapse(instrument: Instrument, at: date) -> tuple[str, str] | None:
    until = instrument.valid_until
    if at < instrument.valid_from:
        return "instrument-not-yet-live", f"`{instrument.id}` holds only from {instrument.valid_from}"
    if until is None or at <= until:
        return None
    gone = days((at - until).days)
    return "instrument-lapsed", f"`{instrument.id}` lapsed {gone} ago, on {until}; what needs it is refused"


def coming(register: Register, at: date) -> Iterator[Finding]:
    """What ends or is due within the days of warning: who must do what by when."""
    for one in deadlines(register, at):
        instrument = register.instrument(one.id) if one.kind == "document" else None
        leaning = _leaning(instrument, register) if instrument is not None else ""
        verb = {"document": "lapses", "activity-end": "ends", "controller-end": "ends"}.get(
            one.kind, "is to be reviewed"
        )
        left = f"in {days(one.days_left)}, on {one.last_day} (warning at {one.threshold} days)"
        yield Finding(
            one.file, one.path, f"`{one.id}` {verb} {left}{leaning}", one.next_step, _CODE[one.kind], "warning"
        )


def _leaning(instrument: Instrument, register: Register) -> str:
    leaning = [one.id for one in register.activities if instrument.id in instruments_of(one)]
    return f"; what leans on it: {', '.join(leaning)}" if leaning else ""


def ahead_of_notice(register: Register) -> Iterator[Finding]:
    """No activity holds before the version of the notice that publishes it [R24]."""
    for activity in register.activities:
        if activity.publication is None or not activity.publication.in_notice:
            continue
        yield from _unknown_version(activity, register)
        notice = published_by(activity, register.controller.notices)
        starts = activity.effective_from
        if notice is not None and starts is not None and starts < notice.published:
            what = f"it holds from {starts}, but the notice that says it was published on {notice.published}"
            next_step = (
                f"set effective_from to {notice.published} or later; the public must be able to read of it first"
            )
            yield Finding(in_activity(activity), ("effective_from",), what, next_step, "ahead-of-notice")


def _unknown_version(activity: ProcessingActivity, register: Register) -> Iterator[Finding]:
    named = activity.publication.notice_version if activity.publication else ""
    versions = [notice.version for notice in register.controller.notices]
    if named and named not in versions:
        what = f"no notice has the version `{named}`"
        next_step = f"use one of: {', '.join(versions) or 'none given in controller.toml'}"
        yield Finding(in_activity(activity), ("publication", "notice_version"), what, next_step, "unknown-notice")
    if not versions:
        what, next_step = "it is said to be in the notice, but no notice is given", "add [[notices]] to controller.toml"
        yield Finding(in_activity(activity), ("publication",), what, next_step, "no-notice", firm(register))


def published_by(activity: ProcessingActivity, notices: tuple[Notice, ...]) -> Notice | None:
    """The version that says it; the first one when the entry names none, as the decision reads it."""
    named = activity.publication.notice_version if activity.publication else ""
    candidates = [notice for notice in notices if not named or notice.version == named]
    return min(candidates, key=lambda notice: notice.published, default=None)


def backward_periods(register: Register) -> Iterator[Finding]:
    """Nothing ends before it starts."""
    for activity in register.activities:
        starts, ends = activity.effective_from, activity.effective_to
        if starts is not None and ends is not None and ends < starts:
            what = f"it ends on {ends}, before it starts on {starts}"
            yield Finding(
                in_activity(activity), ("effective_to",), what, "correct one of the dates", "ends-before-start"
            )
    for index, instrument in enumerate(register.instruments):
        if instrument.valid_until is not None and instrument.valid_until < instrument.valid_from:
            what = f"`{instrument.id}` ends on {instrument.valid_until}, before it starts on {instrument.valid_from}"
            path: Path = ("instrument", index, "valid_from")
            yield Finding("instruments.toml", path, what, "correct one of the dates", "ends-before-start")


def overdue_reviews(register: Register, at: date) -> Iterator[Finding]:
    """An activity or a flow whose day of review has passed."""
    for activity in register.activities:
        if activity.review_due is not None and activity.review_due < at:
            what = f"its review was due on {activity.review_due}"
            yield Finding(
                in_activity(activity),
                ("review_due",),
                what,
                "review it and set the next day",
                "review-overdue",
                "warning",
            )
        for index, flow in enumerate(activity.flows or ()):
            if flow.review_due is not None and flow.review_due < at:
                what, path = (
                    f"the review of the flow `{flow.id}` was due on {flow.review_due}",
                    ("flows", index, "review_due"),
                )
                yield Finding(
                    in_activity(activity), path, what, "review it and set the next day", "review-overdue", "warning"
                )
