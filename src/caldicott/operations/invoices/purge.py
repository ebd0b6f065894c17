"""`invoices purge`: landing copies whose time in the register is over are destroyed, with a certificate.

A copy goes when every line that may still need it is settled and the period of
the register has passed since the last of them was. Decisions and postings stay:
they name nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.invoices_books import BookEngine
from caldicott.operations.invoices.books import read_books
from caldicott.operations.invoices.zone import Zone, enter
from caldicott.operations.perform import Act, perform
from caldicott.stores.ceff import ACTIVITY
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import SubmissionRecord


@dataclass
class Purged:
    """What was destroyed, by certificate, and what stays and why."""

    submissions: int = 0
    certificates: list[dict[str, str]] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def purge(house: House) -> Purged:
    """Destroy what is due.

    Raises:
        Refused: policy says no, or the person is no member.
        DoesNotHold: the register does not say after how many days.
    """
    zone = enter(house, ["invoices", "invoice-backing"])
    done = Purged()
    due: list[tuple[SubmissionRecord, tuple[str, ...]]] = []
    for record in zone.ceff.submissions():
        keys = zone.ceff.key_ids(record.uid)
        if keys and not (why := _why_kept(zone, record)):
            due.append((record, keys))
        elif keys:
            done.kept[record.id] = why
    for record, keys in due:
        perform(zone.house, event="purge", activity=ACTIVITY, compute=lambda r=record, k=keys: _one(zone, r, k, done))  # type: ignore[misc]
    zone.ceff.sweep()
    _finish(zone, done)
    return done


def _one(zone: Zone, record: SubmissionRecord, keys: tuple[str, ...], done: Purged) -> Act[None]:
    def destroy() -> None:
        for one in zone.ceff.destroy(keys, at=zone.house.today, reason="period of the register over"):
            done.certificates.append({"submission": record.id, "dataset": record.dataset, "key": one.key_id})

    done.submissions += 1
    counts = {"rows": record.rows}
    return Act(
        None, lambda: zone.ceff.retire(record.uid), counts=counts, references=(record.uid, *keys),
        dataset=record.dataset, after=destroy,
    )  # fmt: skip


def _finish(zone: Zone, done: Purged) -> None:
    """A kill between the act and the keys' end leaves keys of retired copies: they are destroyed now."""
    ring = zone.house.store.keys
    for record in zone.ceff.submissions():
        if zone.ceff.key_ids(record.uid):
            continue
        scopes = (f"ceff/{kind}/{record.dataset}/{record.uid}" for kind in ("clear", "quarantine"))
        left = [key for scope in scopes for key in ring.ids_of(scope)]
        for one in zone.ceff.destroy(left, at=zone.house.today, reason="period of the register over"):
            done.certificates.append({"submission": record.id, "dataset": record.dataset, "key": one.key_id})


def _why_kept(zone: Zone, record: SubmissionRecord) -> str:
    books = read_books(zone.ceff, BookEngine())
    decided, standing = books.decided_rows(), books.open_by_provider()
    waiting = [one for one in zone.ceff.submissions("invoices") if decided.get(one.uid, 0) < one.rows - one.quarantined]
    if waiting:
        return "lines wait for a decision"
    concerned = [record.sender] if record.dataset == "invoice-backing" else list(standing)
    found = [standing[provider] for provider in concerned if provider in standing]
    if any(still_open for still_open, _day in found):
        return "lines are queried"
    last = max((day for _open, day in found), default=record.received)
    until = date.fromisoformat(max(last, record.received)) + timedelta(days=_days(zone))
    return "" if zone.house.today > until else f"its period runs until {until.isoformat()}"


def _days(zone: Zone) -> int:
    entry = zone.house.register.activity(ACTIVITY)
    days = entry.retention.purge_landing_after_days if entry and entry.retention else None
    if days is None:
        raise DoesNotHold(
            "the register does not say after how many days landing copies are purged",
            code="retention-unstated",
            where=ACTIVITY,
            next_step="enter purge_landing_after_days in the activity's retention",
        )
    return days
