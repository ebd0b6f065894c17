"""What stands in the key folder: a wrapped key, an intent to destroy it, the certificate that it is gone."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from caldicott.stores.key_encryption import derive, framed
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.stores.key_encryption import KeyEncryptionKey


@dataclass(frozen=True)
class DataKey:
    """An opened data key. It is never used itself: each use gets a key of its own."""

    key_id: str
    scope: str
    _secret: bytes = field(repr=False, compare=False)

    def use(self, purpose: str) -> bytes:
        """32 bytes for one use, such as one file; from none can another be told."""
        return derive(self._secret, self.scope, purpose)

    def __reduce__(self) -> NoReturn:
        # A pickled key would be a key in the clear somewhere.
        raise TypeError("a data key cannot be pickled")


@dataclass(frozen=True)
class KeyRecord:
    """One key file. `wraps` has one entry a key-encryption key; two only while the ring is being rewrapped."""

    key_id: str
    scope: str
    created: date
    wraps: dict[str, bytes]

    @property
    def bound_to(self) -> bytes:
        """What the wrapping authenticates, so that key files cannot be exchanged or relabelled."""
        return framed("caldicott-key-v1", self.key_id, self.scope, self.created.isoformat())

    def with_wrap(self, key: bytes, kek: KeyEncryptionKey) -> KeyRecord:
        """The same, openable by one more key-encryption key."""
        return replace(self, wraps=self.wraps | {kek.kek_id: kek.wrap(key, bound_to=self.bound_to)})

    def only_wrap(self, kek: KeyEncryptionKey) -> KeyRecord:
        """The same, openable by this key-encryption key alone."""
        return replace(self, wraps={kek.kek_id: self.wraps[kek.kek_id]})

    def unwrap(self, kek: KeyEncryptionKey) -> bytes:
        """The key itself, or DoesNotHold."""
        wrapped = self.wraps.get(kek.kek_id)
        if wrapped is None:
            raise DoesNotHold(
                "this key-encryption key does not open the store's keys",
                code="wrong-key",
                where=self.key_id,
                next_step="give the key file or passphrase this store was last wrapped with",
            )
        return kek.unwrap(wrapped, bound_to=self.bound_to)

    def as_bytes(self) -> bytes:
        """The file's content."""
        wraps = {kek_id: base64.b64encode(wrapped).decode() for kek_id, wrapped in self.wraps.items()}
        return _json({"version": 1, **asdict(self), "created": self.created.isoformat(), "wraps": wraps})


@dataclass(frozen=True)
class Certificate:
    """The proof that a key was destroyed: signed, and without anything of the key."""

    key_id: str
    scope: str
    created: date
    destroyed_at: str
    reason: str
    record_sha256: str
    """Hash of the key file as it was: ties the certificate to a copy that an auditor may hold."""
    signature: bytes = b""
    by: str = ""
    """Who, in which role; empty in certificates of before it was asked, and where no person did it."""
    checkpoint: str = ""
    """Size and root of the audit trail that holds the act: `1234 <root>`."""

    @property
    def statement(self) -> bytes:
        """What is signed."""
        fields = asdict(self) | {"created": self.created.isoformat()}
        del fields["signature"]
        for later in ("by", "checkpoint"):  # what was signed before they were there must still be genuine
            if not fields[later]:
                del fields[later]
        return _json({"statement": "caldicott-key-destroyed-v1", **fields})

    def signed(self, signer: Ed25519PrivateKey) -> Certificate:
        """The same, with its signature."""
        return replace(self, signature=signer.sign(self.statement))

    def is_genuine(self, public_key: bytes) -> bool:
        """Whether the ring of that public key said this, word for word."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.statement)
        except InvalidSignature:
            return False
        return True

    def as_bytes(self) -> bytes:
        """The file's content."""
        fields = asdict(self) | {"created": self.created.isoformat(), "signature": self.signature.hex()}
        return _json({"version": 1, **fields})


def intended(record: KeyRecord, *, at: str, reason: str, by: str = "", checkpoint: str = "") -> Certificate:
    """The unsigned certificate: written first, so that a killed destruction is finished and not forgotten."""
    return Certificate(
        key_id=record.key_id,
        scope=record.scope,
        created=record.created,
        destroyed_at=at,
        reason=reason,
        record_sha256=hashlib.sha256(record.as_bytes()).hexdigest(),
        by=by,
        checkpoint=checkpoint,
    )


def read_record(path: Path) -> KeyRecord:
    """The record of a key file; DoesNotHold if it is damaged or not its own."""
    fields = _fields(path)
    try:
        record = KeyRecord(
            key_id=fields["key_id"],
            scope=fields["scope"],
            created=date.fromisoformat(fields["created"]),
            wraps={kek_id: base64.b64decode(text, validate=True) for kek_id, text in fields["wraps"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise _damaged(path) from fault
    if path.name != f"{record.key_id}.json":
        raise _damaged(path)
    return record


def read_certificate(path: Path) -> Certificate:
    """The certificate or intent in the file; DoesNotHold if it is damaged."""
    fields = _fields(path)
    try:
        fields.pop("version")
        fields["created"] = date.fromisoformat(fields["created"])
        fields["signature"] = bytes.fromhex(fields["signature"])
        return Certificate(**fields)
    except (ValueError, KeyError, TypeError) as fault:
        raise _damaged(path) from fault


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_bytes())
    except ValueError as fault:
        raise _damaged(path) from fault
    if not isinstance(fields, dict):
        raise _damaged(path)
    return fields


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, indent=1, sort_keys=True).encode() + b"\n"


def _damaged(path: Path) -> DoesNotHold:
    return DoesNotHold(
        "the key file is damaged or was exchanged",
        code="key-file-damaged",
        where=str(path),
        next_step="put this file back from the store's copy; the other keys are not touched by this",
    )
