"""The way of a sign-in into the audit trail.

The entry goes into an outbox in the transaction that makes the act true, and
from there into the trail before the act is told; what a killed program left is
delivered at the next start. The portal does not open the store for it: a run
of the platform holds the store's lock for minutes, and nobody should wait for
it at a sign-in. The trail has a lock of its own and several writers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import transaction

from caldicott.audit.entry import AuditEntry, decode, encode
from caldicott.stores.audit_log import AuditLog
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.desk.models import Outbox
from caldicott.stores.key_encryption import locate
from caldicott.stores.keys import KeyRing
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from caldicott.audit.entry import Outcome
    from caldicott.stores.store import StoreSettings

_SCOPE = "audit/signing"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: an account's id, never a name; `unknown` where nobody is known."""

    id: str = "unknown"
    role: str = ""
    organisation: str = ""


def open_log(store: Path, *, settings: StoreSettings, at: date) -> AuditLog:
    """The audit trail of a store, opened for writing without the store.

    Raises:
        DoesNotHold: there is no store, or its key is not to be found.
    """
    store_id = _store_id(store)
    keys = store / "keys"
    ring = KeyRing(keys, locate(store_id, environ=settings.environ, home=settings.home, ring_folder=keys))
    signing = ring.open(ring.key_for(_SCOPE, created=at))
    return AuditLog(store / "audit", signing.use("ed25519"), origin=f"caldicott/{store_id}")


def put(
    event: str, outcome: Outcome, *, actor: Actor, at: datetime, reasons: tuple[str, ...] = (),
    references: tuple[str, ...] = (), activity: str = "", digest: str = "",
) -> None:  # fmt: skip
    """Enter an act into the outbox; to be called in the transaction that makes it true."""
    act_id = uuid4().hex
    entry = AuditEntry(
        at=at, act_id=act_id, actor=actor.id, role=actor.role, organisation=actor.organisation, event=event,
        outcome=outcome, reasons=reasons, references=references, activity=activity, register_digest=digest,
    )  # fmt: skip
    Outbox.objects.create(act_id=act_id, entry=encode(entry))


def deliver(log: AuditLog) -> int:
    """Everything that waits, into the trail; an act is entered once. How many there were."""
    with transaction.atomic():
        waiting = list(Outbox.objects.select_for_update().order_by("id"))
        log.append_many([decode(bytes(row.entry)) for row in waiting if not log.contains_act(row.act_id)])
        Outbox.objects.filter(id__in=[row.id for row in waiting]).delete()
    return len(waiting)


def _store_id(store: Path) -> str:
    path = store / "catalogue.sqlite"
    if path.is_file():
        catalogue = Catalogue(path)
        try:
            known = catalogue.setting("store_id")
        finally:
            catalogue.close()
        if known:
            return known
    raise DoesNotHold(
        "there is no store here",
        code="store-missing",
        where=str(store),
        next_step="make one with `caldicott demo` or `caldicott land`, or name another with --store",
    )
