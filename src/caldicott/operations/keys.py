"""Keys as a person asks for them: which there are, and a change of the key that wraps them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from caldicott.audit.entry import AuditEntry, Outcome
from caldicott.stores.key_encryption import kek_from_file, make_key_file
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from caldicott.stores.store import Store


@dataclass(frozen=True, slots=True)
class KeyShown:
    """One data key, without the key."""

    id: str
    scope: str
    created: date
    files: int
    destroyed: str | None = None
    """The day and the reason, if it was destroyed."""

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id, "for": self.scope, "since": self.created.isoformat(), "files": self.files,
            "destroyed": self.destroyed,
        }  # fmt: skip


def keys_of(store: Store) -> list[KeyShown]:
    """Every key the store has or had, by what it is for."""
    living = Counter(store.catalogue.key_ids())
    held = [KeyShown(one.key_id, one.scope, one.created, living[one.key_id]) for one in store.keys.records()]
    gone = [
        KeyShown(one.key_id, one.scope, one.created, 0, f"{one.destroyed_at}: {one.reason}")
        for one in store.keys.certificates()
    ]
    return sorted([*held, *gone], key=lambda key: (key.scope, key.id))


def change_key_file(store: Store, path: Path, *, actor: str, at: datetime) -> int:
    """Wrap every data key by the key in that file, and by no other. How many there are.

    Raises:
        WrongUsage: the file would lie in the store that it is to lock.
        DoesNotHold: there is such a file, and it is no key file.
    """
    if path.resolve().is_relative_to(store.root.resolve()):
        raise WrongUsage(
            "a key that lies in the store locks nothing",
            code="key-file-in-store",
            where=str(path),
            next_step="name a file outside the store, on another disk if there is one",
        )
    new = kek_from_file(path) if path.exists() else make_key_file(path)
    old = store.keys.kek.kek_id
    # Said before it is done: after a kill half way, the trail tells which key to look for.
    _note(store, "key-change-begun", actor=actor, at=at, old=old, new=new.kek_id)
    store.keys = store.keys.rewrap(new)
    _note(store, "key-changed", actor=actor, at=at, old=old, new=new.kek_id)
    return len(store.keys.ids())


def _note(store: Store, event: str, *, actor: str, at: datetime, old: str, new: str) -> None:
    # Filled up to 32 digits: a shorter word could hold ten in a row, which the trail takes for an NHS number.
    named = (f"from {old.zfill(32)}", f"to {new.zfill(32)}")
    store.audit.append(
        AuditEntry(
            at=at, act_id=uuid4().hex, actor=actor, role="", organisation="", event=event, outcome=Outcome.DONE,
            references=named,
        )
    )  # fmt: skip
