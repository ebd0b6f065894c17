"""`keys destroy`: the end of what landed of a dataset, for some purposes and a period, by destroying its two keys.

Clear rows and quarantined rows of a landing lie under a key each; both go, since either would still tell. What the
run made of the rows stays until the next run, and the answer says so. Nothing is destroyed whose going would bring
something back: an older submission that it replaced, or two numbers of one person that only the spine joins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.operations.stratify_rolls import ROLL
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.safe_haven.release import KEPT_IN_THE_SAFE_HAVEN
from caldicott.stores.catalogue import DestroyedKey
from caldicott.stores.destroyed_keys import finish
from caldicott.stores.mart_seals import ZONE as MARTS
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord
    from caldicott.stores.key_records import Certificate

ZONES: Final = ("clear", "quarantine")
_SHOWN: Final = 6
_SPINE: Final = "pds"


@dataclass(frozen=True)
class Doomed:
    """What lies under the keys of one landing scope, and what stands against destroying them."""

    name: str
    """`dataset/purposes/period`, as `keys list` shows it after the zone."""
    dataset: str
    purposes: tuple[str, ...]
    keys: dict[str, str]
    """Key to the scope it is for."""
    submissions: tuple[SubmissionRecord, ...] = ()
    files: tuple[LiveFile, ...] = ()
    size: int = 0
    released: dict[str, int] = field(default_factory=dict)
    """Activity to rows of its marts that came from here and stay until its next run."""
    against: tuple[str, ...] = ()

    @property
    def months(self) -> list[str]:
        """The parts of the period that have rows."""
        return sorted({file.part for file in self.files if file.kind == "clear" and file.part})

    def as_record(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "keys": sorted(self.keys),
            "submissions": [
                {"id": one.id, "sender": one.sender, "received": one.received, "rows": one.rows}
                for one in self.submissions
            ],
            "files": len(self.files),
            "bytes": self.size,
            "rows": sum(one.rows for one in self.submissions),
            "months": self.months,
            "rows_in_marts": self.released,
            "against": list(self.against),
        }


@dataclass(frozen=True)
class Ended:
    """The keys of a scope that are gone, each with its certificate."""

    name: str
    certificates: tuple[Certificate, ...]
    now: bool
    """Whether it happened just now; else it had been done before."""
    doomed: Doomed | None = None


def look_up(house: House, name: str) -> Doomed | Ended:
    """What would become unreadable, or that it is so already.

    Raises:
        WrongUsage: no key of what landed is called so.
    """
    scope = _without_zone(house, name)
    wanted = {f"{zone}/{scope}" for zone in ZONES}
    held = {one.key_id: one.scope for one in house.store.keys.records() if one.scope in wanted}
    if not held:
        gone = tuple(one for one in house.store.keys.certificates() if one.scope in wanted)
        if not gone:
            raise _unknown(house, name)
        return Ended(scope, gone, now=False)
    dataset, purposes, _period = scope.split("/")
    files = tuple(file for key in held for file in house.store.catalogue.files_under(key))
    submissions = tuple(one for one in house.store.catalogue.submissions() if one.key_id in held)
    return Doomed(
        scope, dataset, tuple(purposes.split("+")), held, submissions, files,
        size=sum(path.stat().st_size for file in files if (path := house.store.root / file.path).exists()),
        released=_released(house, {one.uid for one in submissions}),
        against=tuple(_against(house, submissions, files)),
    )  # fmt: skip


def may_destroy(house: House, doomed: Doomed, role: str) -> str:
    """Empty if the role may, else the refusal in words. Nothing is recorded: for a dry run."""
    answers = (decide(one, house.register, house.today) for one in _requests(doomed, role))
    return next((explain(one) for one in answers if not isinstance(one, Permit)), "")


def destroy(house: House, doomed: Doomed, *, role: str, reason: str, confirmed: str) -> Ended:
    """End the keys. Once it returns, nobody can read the rows, and the certificates say so.

    Raises:
        WrongUsage: the confirmation is not the name.
        Refused: the register does not let the role destroy this.
        DoesNotHold: it would bring back what it replaced.
    """
    if confirmed != doomed.name:
        raise WrongUsage(
            "the name typed is not the name of what would be destroyed; nothing was changed",
            code="destroy-not-confirmed",
            where=doomed.name,
            next_step=f"look at it with --dry-run, then say --yes-destroy {doomed.name}",
        )
    permits(ask(house, _requests(doomed, role)))
    if doomed.against:
        raise DoesNotHold(
            doomed.against[0],
            code="destroy-would-restore",
            where=doomed.name,
            next_step="destroy what is older first, or land what takes its place; `--dry-run` lists all that is so",
        )
    perform(
        house, event="key-destroyed", activity=doomed.purposes[0], compute=lambda: _act(house, doomed, role, reason)
    )
    gone = tuple(one for one in house.store.keys.certificates() if one.key_id in doomed.keys)
    return Ended(doomed.name, gone, now=True, doomed=doomed)


def _act(house: House, doomed: Doomed, role: str, reason: str) -> Act[None]:
    on = house.today.isoformat()
    ended = [DestroyedKey(key, scope, on, house.actor, role, reason) for key, scope in sorted(doomed.keys.items())]
    counts = {
        "rows": sum(one.rows for one in doomed.submissions),
        "files": len(doomed.files),
        "submissions": len(doomed.submissions),
    }
    return Act(
        None,
        lambda: _keep(house, doomed, ended),
        counts=counts,
        references=(role, *sorted(doomed.keys)),
        dataset=doomed.dataset,
        format=DataFormat.IDENTIFIABLE.value,
        after=lambda: _end(house),
    )


def _keep(house: House, doomed: Doomed, ended: list[DestroyedKey]) -> None:
    catalogue = house.store.catalogue
    catalogue.destroy_keys(ended)
    for one in doomed.submissions:  # what tracing noted of its records lies under a key of its own
        catalogue.retire_all_of(one.uid)
    left = [one for one in catalogue.submissions() if one.dataset not in KEPT_IN_THE_SAFE_HAVEN]
    for activity in doomed.purposes:
        if any(activity in one.purposes for one in left):
            continue
        # No run would make these marts anew: nothing is left to make them of.
        made = {file.kind for file in catalogue.files_below(MARTS) if file.owner == activity}
        for kind in (*sorted(made), ROLL):
            catalogue.retire_files(kind, activity)


def _end(house: House) -> None:
    finish(house.store)


def _requests(doomed: Doomed, role: str) -> list[Request]:
    # Every purpose it was landed for must let it go.
    return [
        Request(role, purpose, doomed.dataset, DataFormat.IDENTIFIABLE, action="destroy") for purpose in doomed.purposes
    ]


def _released(house: House, uids: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for outcome in house.store.catalogue.outcomes():
        if outcome.submission in uids and outcome.released:
            found[outcome.activity] = found.get(outcome.activity, 0) + outcome.released
    return dict(sorted(found.items()))


def _against(house: House, doomed: Sequence[SubmissionRecord], files: Iterable[LiveFile]) -> Iterable[str]:
    landed = house.store.catalogue.submissions()
    uids = {one.uid for one in doomed}
    outside = {file.owner for file in files if file.kind == "clear" and file.part and "-" not in file.part}
    for one in doomed:
        place = landed.index(one)
        older = [other for other in landed[:place] if other.uid not in uids and _is_line(other, one)]
        back = [other for other in older if _may_replace(one, other, is_outside=one.uid in outside)]
        if back:
            named = ", ".join(f"{other.id} of {other.sender}" for other in back[:_SHOWN])
            yield f"{one.id} of {one.sender} took the place of rows of {named}, which would come back"
        if one.dataset == _SPINE and not _is_followed(one, landed[place + 1 :], uids) and _others(landed, uids):
            yield (
                f"{one.id} says which numbers are one person; without it an objection under one number would not "
                "reach the rows under another"
            )


def _is_line(one: SubmissionRecord, other: SubmissionRecord) -> bool:
    return (one.sender, one.layout) == (other.sender, other.layout)


def _may_replace(newer: SubmissionRecord, older: SubmissionRecord, *, is_outside: bool) -> bool:
    overlaps = newer.period_from <= older.period_to and older.period_from <= newer.period_to
    return overlaps or is_outside or newer.update_kind != "bulk-replacement" or newer.dataset in KEPT_IN_THE_SAFE_HAVEN


def _is_followed(one: SubmissionRecord, later: Sequence[SubmissionRecord], doomed: set[str]) -> bool:
    return any(
        other.uid not in doomed
        and _is_line(other, one)
        and other.update_kind == "bulk-replacement"
        and other.period_from <= one.period_from
        and one.period_to <= other.period_to
        for other in later
    )


def _others(landed: Sequence[SubmissionRecord], doomed: set[str]) -> bool:
    return any(one.uid not in doomed and one.dataset not in KEPT_IN_THE_SAFE_HAVEN for one in landed)


def _without_zone(house: House, name: str) -> str:
    by_id = {one.key_id: one.scope for one in house.store.keys.records()}
    asked = by_id.get(name, name)
    zone, _, scope = asked.partition("/")
    return scope if zone in ZONES else asked


def _unknown(house: House, name: str) -> WrongUsage:
    scopes = sorted({scope for scope in map(_landed, house.store.keys.records()) if scope})
    listed = "; ".join(scopes[:_SHOWN]) or "none"
    return WrongUsage(
        "no key of what landed is called so",
        code="key-scope-unknown",
        where=name[:_LONGEST],
        next_step=f"name one of: {listed}{' …' if len(scopes) > _SHOWN else ''} (`caldicott keys list`). Keys of the "
        "person index, the vault, the trail and the environment for invoices are not ended here",
    )


_LONGEST: Final = 80


def _landed(record: Any) -> str:
    zone, _, scope = record.scope.partition("/")
    return scope if zone in ZONES else ""
