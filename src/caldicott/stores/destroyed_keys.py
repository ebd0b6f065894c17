"""The end of a data key that the catalogue already calls destroyed: the key itself, and its certificate.

First the catalogue and the trail say so, in one act; then the key goes. A kill between the two leaves a key of which
the catalogue says that it is destroyed: nothing is read with it, and it goes at the next start.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from caldicott.stores.catalogue import SubmissionRecord
    from caldicott.stores.key_records import Certificate
    from caldicott.stores.store import Store


def finish(store: Store) -> list[Certificate]:
    """Destroy every such key that still exists; the certificates of those."""
    held = set(store.keys.ids())
    made = []
    for key_id, one in store.catalogue.destroyed_keys().items():
        if key_id in held:
            checkpoint = f"{store.audit.size} {store.audit.root.hex()}"
            by = f"{one.actor}, {one.role}"
            on = date.fromisoformat(one.at)
            made.append(store.keys.destroy(key_id, at=on, reason=one.reason, by=by, checkpoint=checkpoint))
    return made


def destroyed_of(store: Store, activity: str) -> dict[str, str]:
    """What landed for an activity and can no longer be read: the sender's id, and the day its key was destroyed."""
    gone = store.catalogue.destroyed_keys()
    return {
        one.id: gone[one.key_id].at
        for one in store.catalogue.every_submission()
        if one.key_id in gone and activity in one.purposes
    }


def refuse_destroyed(store: Store, record: SubmissionRecord) -> None:
    """A submission that was landed and destroyed does not come back by being sent again.

    Raises:
        DoesNotHold: its key was destroyed.
    """
    one = store.catalogue.destroyed_keys().get(record.key_id)
    if one is not None:
        raise DoesNotHold(
            f"this submission was landed, and on {one.at} the key it lay under was destroyed: {one.reason}",
            code="submission-destroyed",
            where=record.id,
            next_step="nothing brings it back; what is wanted again is sent under a new id and for another period",
        )
