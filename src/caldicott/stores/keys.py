"""The key ring: one independent random key a scope, so that destroying the key destroys the rows.

A scope says what the key is for: `clear/sus-apc/commissioning-planning/2025-04..2026-03`.
The layout of the folder, KEK rotation and destruction are told in docs/reference/keys.md.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from caldicott.stores import key_files
from caldicott.stores.key_encryption import KEY_BYTES
from caldicott.stores.key_records import (
    Certificate,
    DataKey,
    KeyRecord,
    intended,
    read_certificate,
    read_record,
)
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from caldicott.stores.key_encryption import KeyEncryptionKey

_KEY_ID = re.compile(r"[0-9a-f]{32}-[0-9]+")
_SIGNING_SCOPE = "ring/certificates"


@dataclass(frozen=True)
class KeyRing:
    """The data keys of a store, wrapped by one key-encryption key."""

    folder: Path
    kek: KeyEncryptionKey

    def ids(self) -> list[str]:
        """The keys that exist, sorted."""
        names = (path.name.removesuffix(".json") for path in self.folder.glob("*-*.json"))
        return sorted(name for name in names if _KEY_ID.fullmatch(name) and not self._is_going(name))

    def ids_of(self, scope: str) -> list[str]:
        """The scope's keys that exist, oldest first."""
        names = (f"{_digest(scope)}-{generation}" for generation in sorted(self._generations(scope)))
        return [name for name in names if not self._is_going(name)]

    def create(self, scope: str, *, created: date) -> str:
        """A new key for the scope, even if it has or had one; its id."""
        with self._writing():
            return self._create(scope, created=created)

    def key_for(self, scope: str, *, created: date) -> str:
        """The scope's newest key, or a new one if it never had any.

        A scope whose key was destroyed gets none by itself: whoever wants to
        begin anew says so with `create`.
        """
        newest = self._newest(scope)
        if newest is None:
            with self._writing():
                newest = self._newest(scope) or self._create(scope, created=created)
        self._refuse_ended(newest, scope)
        return newest

    def open(self, key_id: str) -> DataKey:
        """The key; DoesNotHold if it is destroyed, unknown, damaged, or wrapped by another key-encryption key."""
        self._refuse_destroyed(key_id)
        record = self._record(key_id)
        return DataKey(record.key_id, record.scope, record.unwrap(self.kek))

    def scope_of(self, key_id: str) -> str:
        """What the key is for."""
        return self._record(key_id).scope

    def destroy(self, key_id: str, *, at: date, reason: str, by: str = "", checkpoint: str = "") -> Certificate:
        """Destroy the key for good; what it encrypted can no longer be read by anyone.

        Asked again, it returns the certificate of the first time.
        """
        with self._writing():
            if not self._certificate_path(key_id).exists():
                record = self._record(key_id)
                self._refuse_signing_key(record)
                record.unwrap(self.kek)  # who cannot open the ring may not destroy in it
                self._signer(at)
                intent = intended(record, at=at.isoformat(), reason=reason, by=by, checkpoint=checkpoint)
                key_files.put(self._intent_path(key_id), intent.as_bytes())
                self._finish(key_id)
        return self.certificate(key_id)

    def is_destroyed(self, key_id: str) -> bool:
        """Whether there is a certificate that it is gone."""
        return self._certificate_path(key_id).exists()

    def certificate(self, key_id: str) -> Certificate:
        """The certificate of a destroyed key."""
        path = self._certificate_path(key_id)
        if not path.exists():
            raise _unknown(key_id, self.folder)
        return read_certificate(path)

    def certificates(self) -> list[Certificate]:
        """Every certificate, by key id."""
        return [read_certificate(path) for path in sorted(self.folder.glob("*-*.destroyed.json"))]

    def public_key(self, *, created: date) -> bytes:
        """The Ed25519 key that certificates are checked with. Keep a copy outside the store."""
        with self._writing():
            return self._signer(created).public_key().public_bytes_raw()

    def rewrap(self, new_kek: KeyEncryptionKey) -> KeyRing:
        """Change the key-encryption key; the ring to use from now on.

        First every file gets a second wrapping, then every file loses the
        first. So a kill leaves the whole ring openable by the old key (in the
        first round), by the new one (in the second), and asking again finishes.
        """
        with self._writing():
            for record in self.records():
                self._add_wrap(record, new_kek)
            for record in self.records():
                record.unwrap(new_kek)
                if set(record.wraps) != {new_kek.kek_id}:
                    self._put(record.only_wrap(new_kek))
        return KeyRing(self.folder, new_kek)

    def recover(self) -> None:
        """Finish what a kill interrupted. Every writing does it too; a store does it at its start."""
        if self.folder.is_dir():
            with self._writing():
                pass

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with key_files.locked(self.folder):
            for path in sorted(self.folder.glob("*-*.destroying.json")):
                self._finish(path.name.removesuffix(".destroying.json"))
            self._wipe_put_back()
            yield

    def _wipe_put_back(self) -> None:
        # A restored copy of the store brings destroyed keys back; they stay destroyed.
        for path in self.folder.glob("*-*.destroyed.json"):
            key_files.wipe(self._path(path.name.removesuffix(".destroyed.json")))

    def _create(self, scope: str, *, created: date) -> str:
        self._refuse_other_kek()
        generation = 1 + max(self._generations(scope), default=0)
        record = KeyRecord(f"{_digest(scope)}-{generation}", scope, created, {})
        self._put(record.with_wrap(os.urandom(KEY_BYTES), self.kek))
        return record.key_id

    def _refuse_other_kek(self) -> None:
        # A ring whose keys need two different key-encryption keys could not be opened as a whole by any.
        for record in self.records():
            if self.kek.kek_id not in record.wraps:
                record.unwrap(self.kek)

    def _add_wrap(self, record: KeyRecord, new_kek: KeyEncryptionKey) -> None:
        if new_kek.kek_id not in record.wraps:
            self._put(record.with_wrap(record.unwrap(self.kek), new_kek))

    def _finish(self, key_id: str) -> None:
        # The order matters: no certificate before the key is gone, no intent left without a certificate.
        intent = read_certificate(self._intent_path(key_id))
        key_files.wipe(self._path(key_id))
        signed = intent.signed(self._signer(intent.created))
        key_files.put(self._certificate_path(key_id), signed.as_bytes())
        key_files.remove(self._intent_path(key_id))

    def _signer(self, created: date) -> Ed25519PrivateKey:
        key_id = self._newest(_SIGNING_SCOPE) or self._create(_SIGNING_SCOPE, created=created)
        return Ed25519PrivateKey.from_private_bytes(self.open(key_id).use("ed25519"))

    def _newest(self, scope: str) -> str | None:
        newest = max(self._generations(scope), default=None)
        return None if newest is None else f"{_digest(scope)}-{newest}"

    def _generations(self, scope: str) -> list[int]:
        names = (path.name.split(".")[0] for path in self.folder.glob(f"{_digest(scope)}-*.json"))
        return [int(name.rpartition("-")[2]) for name in names if _KEY_ID.fullmatch(name)]

    def records(self) -> list[KeyRecord]:
        """Every key that exists, still wrapped."""
        return [read_record(self._path(key_id)) for key_id in self.ids()]

    def _record(self, key_id: str) -> KeyRecord:
        if not _KEY_ID.fullmatch(key_id) or not self._path(key_id).exists():
            raise _unknown(key_id, self.folder)
        return read_record(self._path(key_id))

    def _put(self, record: KeyRecord) -> None:
        key_files.put(self._path(record.key_id), record.as_bytes())

    def _is_going(self, key_id: str) -> bool:
        return self._certificate_path(key_id).exists() or self._intent_path(key_id).exists()

    def _refuse_destroyed(self, key_id: str) -> None:
        # Also when a copy of the key file was put back beside the certificate.
        if _KEY_ID.fullmatch(key_id) and self._is_going(key_id):
            raise DoesNotHold(
                "the key was destroyed; what it encrypted can no longer be read",
                code="key-destroyed",
                where=str(self._certificate_path(key_id)),
                next_step="read the certificate for the day and the reason; nothing brings the rows back",
            )

    def _refuse_ended(self, key_id: str, scope: str) -> None:
        if self._is_going(key_id):
            raise DoesNotHold(
                "the key for this dataset, these purposes and this period was destroyed on purpose; nothing lands or "
                "is kept under it any more",
                code="key-destroyed",
                where=scope,
                next_step="`caldicott keys list` tells the day and the reason; what is wanted again is sent for "
                "another period, and gets a key of its own",
            )

    def _refuse_signing_key(self, record: KeyRecord) -> None:
        if record.scope == _SIGNING_SCOPE:
            raise DoesNotHold(
                "the key that signs certificates cannot be destroyed alone",
                code="key-signs-certificates",
                where=record.key_id,
                next_step="destroy the key-encryption key to end the whole store",
            )

    def _path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.json"

    def _intent_path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.destroying.json"

    def _certificate_path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.destroyed.json"


def _digest(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:32]


def _unknown(key_id: str, folder: Path) -> DoesNotHold:
    return DoesNotHold(
        "the store has no such key",
        code="key-unknown",
        where=str(folder / key_id),
        next_step="put the key file back from the store's copy; without it the rows under it cannot be read",
    )
