"""Which practices have sent their coded objections, and where each person is registered.

Asked only where a code can stop something that landed: reading registrations costs a second reading of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.people import MENTION, REGISTRATION, SPINE
from caldicott.facts.layout import IdentityKind, load
from caldicott.safe_haven.objections import CODED, CodesSent, is_answer_usable, practices_answered
from caldicott.safe_haven.release import concerns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.engines.duckdb.people import DuckDbPeople
    from caldicott.operations.engine import Rows
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit
    from caldicott.stores.catalogue import SubmissionRecord

CODES: Final = "gp-objections"
_SOURCES: Final = {"gp-patients": REGISTRATION, "pds": SPINE}
_ENDS: Final = ("deregistered_on", "removal_reason")


@dataclass(frozen=True)
class Answers:
    """The practices by when they last said who objects."""

    answered: dict[str, date] = field(default_factory=dict)
    """Those whose answer may be used today."""
    awaited: dict[str, date | None] = field(default_factory=dict)
    """Member practices of which none may: the day of one that is too old, or None."""

    def as_setting(self, activity: str) -> dict[str, str]:
        """For the catalogue, with the run that went by it."""
        late = {practice: day.isoformat() if day else "" for practice, day in self.awaited.items()}
        return {setting_of(activity): json.dumps({"answered": len(self.answered), "awaited": late})}


def setting_of(activity: str) -> str:
    """Where the catalogue says which practices the activity's latest run waited for."""
    return f"coded-answers/{activity}"


def depends_on_practices(house: House, granted: Mapping[str, Permit]) -> bool:
    """Whether a code of a practice can stop anything that landed for the activity."""
    activity = next((permit.request.activity for permit in granted.values()), "")
    entry = house.register.activity(activity)
    rules = entry.objections.rules if entry is not None and entry.objections is not None else ()
    # Also what can no longer be read: marts of it may still be there, and leave by an export.
    landed = {
        one.dataset
        for one in house.store.catalogue.every_submission()
        if concerns(activity, purposes=one.purposes, dataset=one.dataset)
    }
    if CODES not in landed:
        return False
    return any(rule.scheme in CODED and (not rule.datasets or landed & {*rule.datasets}) for rule in rules)


def hear_practices(house: House, rows: Rows, steps: DuckDbPeople, submissions: Sequence[SubmissionRecord]) -> Answers:
    """Tell the engine who is registered where and which practices have answered."""
    for since, submission in enumerate(submissions):
        _add_registered(rows, steps, submission, since=since)
    found = answers_of(house, practices_answered(_sent(house, steps, submissions)))
    steps.add_answered(found.answered)
    return found


def answers_of(house: House, heard: Mapping[str, date]) -> Answers:
    """Which of these answers may be used today, and which members none may be used of."""
    days = house.register.controller.settings.coded_answers.answer_valid_days
    usable = {p: day for p, day in heard.items() if is_answer_usable(day, at=house.today, valid_days=days)}
    members = [
        one.ods
        for one in house.register.controller.member_practices
        if one.valid_from <= house.today and (one.valid_to is None or house.today <= one.valid_to)
    ]
    return Answers(usable, {ods: heard.get(ods) for ods in sorted(members) if ods not in usable})


def _sent(house: House, steps: DuckDbPeople, submissions: Sequence[SubmissionRecord]) -> list[CodesSent]:
    named, places = steps.practices_named(), {one.uid: place for place, one in enumerate(submissions)}
    members = {one.ods for one in house.register.controller.member_practices}
    sent = []
    for one in house.store.catalogue.every_submission():
        if one.dataset != CODES:
            continue
        told = {*one.counts.get("practices", {}), *named.get(places.get(one.uid, -1), ())}
        # A practice speaks for itself, and for no other; who sends for several says for which.
        speaks_for = {one.sender} if one.sender in members else told
        sent.append(
            CodesSent(
                f"{one.sender}/{one.layout}", one.update_kind == "bulk-replacement", (one.period_from, one.period_to),
                date.fromisoformat(one.received), frozenset(speaks_for), is_readable=one.uid in places,
            )
        )  # fmt: skip
    return sent


def _add_registered(rows: Rows, steps: DuckDbPeople, submission: SubmissionRecord, *, since: int) -> None:
    layout = load(submission.layout)
    names = {column.canonical for column in layout.columns}
    is_of_practice = submission.dataset == "pds" or (
        submission.dataset.startswith("gp-") and submission.dataset != CODES
    )
    if layout.identity_kind != IdentityKind.NHS_NUMBER or "practice" not in names or not is_of_practice:
        return
    columns = ["identity", "practice", "withdrawn", *(name for name in _ENDS if name in names)]
    if found := rows.read_all(submission.uid, columns):
        source = _SOURCES.get(submission.dataset, MENTION)
        steps.add_registered(found, source=source, sender=f"{submission.sender}/{submission.layout}", since=since)
