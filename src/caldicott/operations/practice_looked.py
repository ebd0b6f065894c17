"""Who looked at whose scores, why, and who was refused: the audit trail, read for those who guard information.

Persons stand in it as codes and staff as the ids of their accounts; nobody is
looked up. A practice's own guardian reads what was done with that practice's
patients; the ICB's officers read all of it. Reading is recorded like any act.

The register has no word for reading the trail. So it is for the posts below,
and only where the register lets them see at least counts of the activity today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.operations.reidentify_rights import Reader, as_reader, refuse
from caldicott.operations.reidentify_throttle import enter
from caldicott.operations.stratify import concerning
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decision import Request
from caldicott.stores.audit_log import read_entries
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.audit.entry import AuditEntry
    from caldicott.operations.perform import House

READERS: Final = (Role.IG_OFFICER, Role.CALDICOTT_GUARDIAN, Role.DATA_PROTECTION_OFFICER)
NEWEST: Final = 20_000
"""So many entries of the trail are looked through: a page must not read years. The page says so."""
_OF_PERSONS: Final = frozenset(
    {"reidentify", "practice-export", "alert", "case-moved", "case-judged", "case-noted", "cases-erased", "cases-held"}
)
KINDS: Final = {
    "viewings": frozenset({"reidentify"}),
    "taken-away": frozenset({"practice-export"}),
    "refusals": frozenset({"reidentify"}),
    "alerts": frozenset({"alert"}),
    "work": frozenset({"case-moved", "case-judged", "case-noted", "cases-erased", "cases-held"}),
}
_TOKEN_LENGTH: Final = 18


@dataclass(frozen=True, slots=True)
class Look:
    """One entry as it is shown."""

    at: datetime
    act_id: str
    event: str
    outcome: str
    actor: str
    role: str
    organisation: str
    purpose: str
    shown: int
    times: int
    """How often, where tries of somebody who was stopped are one entry."""
    tokens: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def is_refusal(self) -> bool:
        return self.outcome == "refusal"


@dataclass(frozen=True, slots=True)
class Honoured:
    """How long objections waited: from the day their list landed to the run that left them out."""

    landed: date
    run: date | None

    @property
    def days(self) -> int | None:
        return (self.run - self.landed).days if self.run else None


@dataclass(frozen=True, slots=True)
class Looked:
    """A page of the trail."""

    rows: tuple[Look, ...]
    matching: int
    counts: dict[str, int]
    honoured: tuple[Honoured, ...]
    looked_through: int
    reasons: tuple[str, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries."""

    kind: str = ""
    token: str = ""
    actor: str = ""
    offset: int = 0
    limit: int = 25


def looked(house: House, *, reader: Reader, activity: str, wanted: Wanted) -> Looked:
    """Entries about this activity's persons, newest first; that they were read is recorded.

    Raises:
        Refused: the register does not let this reader see even counts, or the post is another.
    """
    mine = as_reader(house, reader)
    question = Request(reader.role, activity, RISK_SCORES, DataFormat.AGGREGATED, organisation=reader.organisation)
    (permit,) = permits(ask(mine, [question]))
    if reader.role not in set(READERS):
        refuse(mine, activity, "not-a-guard", "Only those who guard information read who looked.")
    enter(mine)
    size = house.store.audit.size
    entries = list(read_entries(house.store.root / "audit", start=max(0, size - NEWEST)))
    found = [_look(one) for one in reversed(entries) if _concerns(one, house, reader, activity)]
    rows = [one for one in found if _is_wanted(one, wanted)]
    act_id = _new_id()
    made = Looked(
        tuple(rows[wanted.offset : wanted.offset + wanted.limit]), len(rows), _counts(found),
        _honoured(house, activity, entries), len(entries), tuple(reason.text for reason in permit.reasons), act_id,
    )  # fmt: skip
    return perform(
        mine, event="trail-read", activity=activity, act_id=act_id,
        compute=lambda: Act(
            made, lambda: None, counts={"entries shown": len(made.rows)}, touches_files=False, keeps=False
        ),
    )  # fmt: skip


def _concerns(entry: AuditEntry, house: House, reader: Reader, activity: str) -> bool:
    if entry.event not in _OF_PERSONS or entry.activity not in {activity, ""}:
        return False
    members = {member.ods for member in house.register.controller.member_practices}
    # A guardian of a practice guards that practice's patients, whoever looked.
    return reader.organisation not in members or reader.organisation in (*_words(entry.references), entry.organisation)


def _words(references: Iterable[str]) -> list[str]:
    return [text.removeprefix("practice ") for text in references]


def _look(entry: AuditEntry) -> Look:
    tokens = tuple(one for one in entry.references if _is_token(one))
    is_viewing = entry.event in {"reidentify", "practice-export"} and entry.references
    return Look(
        entry.at, entry.act_id, entry.event, entry.outcome.value, entry.actor, entry.role, entry.organisation,
        entry.references[0] if is_viewing else "", entry.counts.get("persons shown", 0),
        entry.counts.get("turned away", 1), tokens, entry.reasons,
    )  # fmt: skip


def _is_token(text: str) -> bool:
    return len(text) == _TOKEN_LENGTH and text.isalnum() and text.isupper()


def _is_wanted(look: Look, wanted: Wanted) -> bool:
    if wanted.kind and (look.event not in KINDS[wanted.kind] or (wanted.kind == "refusals") != look.is_refusal):
        return wanted.kind == "alerts" and look.event == "alert"
    return (not wanted.token or wanted.token in look.tokens) and (not wanted.actor or wanted.actor == look.actor)


def _counts(found: list[Look]) -> dict[str, int]:
    return {kind: sum(_is_wanted(one, Wanted(kind=kind)) for one in found) for kind in KINDS}


def _honoured(house: House, activity: str, entries: list[AuditEntry]) -> tuple[Honoured, ...]:
    """Every list of objections that has landed, and the first run after it; newest first."""
    runs = sorted(one.at.date() for one in entries if one.event == "run" and one.activity == activity)
    landed = sorted(
        {
            datetime.fromisoformat(one.received).date()
            for one in concerning(house.store.catalogue.submissions(), activity)
            if one.dataset in {"gp-objections", "national-data-opt-out"}
        },
        reverse=True,
    )
    return tuple(Honoured(day, next((run for run in runs if run >= day), None)) for day in landed[:12])


def is_late(one: Honoured, today: date, *, within: timedelta) -> bool:
    """Whether objections waited, or wait, for longer than that."""
    return (one.run or today) - one.landed > within


def _new_id() -> str:
    from uuid import uuid4

    return uuid4().hex
