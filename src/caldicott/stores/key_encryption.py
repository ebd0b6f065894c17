"""The key-encryption key: what wraps the data keys and is never in the store.

`KeyEncryptionKey` is the port. A hardware module (PKCS#11), Vault's transit
engine or a cloud KMS fits it as it is: each has an id for a key, and wraps and
unwraps 32 bytes bound to associated data; none needs to hand its key out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caldicott.stores import key_files
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "caldicott-v1"
KEY_BYTES = 32
NONCE_BYTES = 12
_NEW_FOLDERS = 4
"""`.config`, `caldicott` and `keys` may all be new, and their names must last as long as the key."""
MAKE_KEY_FILE = "head -c 32 /dev/urandom | base64 > FILE && chmod 600 FILE"


class KeyEncryptionKey(Protocol):
    """Wraps data keys. `bound_to` is authenticated: a wrapped key opens only for what it was made for."""

    @property
    def kek_id(self) -> str:
        """Names the key without telling it."""

    def wrap(self, key: bytes, *, bound_to: bytes) -> bytes:
        """The key, unreadable without this key-encryption key."""

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """The key again; DoesNotHold if this is not the key-encryption key, or `bound_to` differs."""


def derive(secret: bytes, *context: str) -> bytes:
    """HKDF-SHA-256 [RFC 5869] of a uniformly random secret; the context is joined so that it cannot be ambiguous."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=framed(VERSION, *context)).derive(secret)


def framed(*parts: str) -> bytes:
    """`a|b|c`, refusing a part that contains the bar: two contexts never make the same bytes."""
    if any("|" in part for part in parts):
        raise ProgramFault(
            "a key's context contains a vertical bar", code="key-context", next_step="report it: this is a bug"
        )
    return "|".join(parts).encode()


@dataclass(frozen=True)
class HeldKek:
    """A key-encryption key in the program's own memory: AES-256-GCM under a key derived from 32 secret bytes."""

    secret: bytes = field(repr=False, compare=False)
    where: str = ""

    @property
    def kek_id(self) -> str:
        """Half of a derived value: says which key, tells nothing of it."""
        return derive(self.secret, "kek", "id")[:8].hex()

    def wrap(self, key: bytes, *, bound_to: bytes) -> bytes:
        """Nonce and ciphertext with tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(derive(self.secret, "kek", "wrap")).encrypt(nonce, key, bound_to)

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """The key, or DoesNotHold; never other bytes."""
        try:
            return AESGCM(derive(self.secret, "kek", "wrap")).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to
            )
        except (InvalidTag, ValueError) as fault:
            raise _does_not_open(self.where) from fault


def kek_from_file(path: Path) -> HeldKek:
    """32 random bytes as base64, in a regular file that nobody but its owner can read."""
    content = _read_private(path)
    try:
        secret = base64.b64decode(content.strip(), validate=True)
    except binascii.Error as fault:
        raise _not_a_key_file(path) from fault
    if len(secret) != KEY_BYTES:
        raise _not_a_key_file(path)
    return HeldKek(secret, where=str(path))


def make_key_file(path: Path) -> HeldKek:
    """A new key file of mode 0600; an existing one is never touched."""
    with key_files.locked(path.parent):  # sweeps the half-made key file of a killed start
        if not path.exists():
            key_files.put(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            for folder in path.parents[1:_NEW_FOLDERS]:
                key_files.sync(folder)
    return kek_from_file(path)


def locate(store_id: str, *, environ: Mapping[str, str], home: Path, ring_folder: Path) -> KeyEncryptionKey:
    """The store's key-encryption key: CALDICOTT_KEY_FILE, else CALDICOTT_PASSPHRASE, else the default key file.

    The default file is made on first use, and only while the ring is empty:
    a new key could not open old ones and would hide that the right one is lost.
    """
    from caldicott.stores.key_passphrase import kek_from_passphrase

    if named := environ.get("CALDICOTT_KEY_FILE"):
        return kek_from_file(Path(named))
    if passphrase := environ.get("CALDICOTT_PASSPHRASE"):
        return kek_from_passphrase(ring_folder, passphrase)
    path = default_key_file(store_id, environ=environ, home=home)
    if not path.exists() and not holds_keys(ring_folder):
        return make_key_file(path)
    return kek_from_file(path)


def default_key_file(store_id: str, *, environ: Mapping[str, str], home: Path) -> Path:
    """Where the key file of a store is if nobody says otherwise."""
    configuration = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    name = store_id if store_id.replace("-", "").isalnum() else hashlib.sha256(store_id.encode()).hexdigest()[:32]
    return Path(configuration) / "caldicott" / "keys" / f"{name}.key"


def holds_keys(ring_folder: Path) -> bool:
    """Whether the ring has or had any key."""
    return ring_folder.is_dir() and any(ring_folder.glob("*-*.json"))


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as fault:
        raise DoesNotHold(
            f"the key file cannot be read ({fault.strerror})",
            code="key-file-missing",
            where=str(path),
            next_step=f"put the store's key file back from its copy; for a new store make one with `{MAKE_KEY_FILE}`",
        ) from fault
    try:
        _refuse_readable_by_others(os.fstat(descriptor), path)
        return os.read(descriptor, 1024)
    finally:
        os.close(descriptor)


def _refuse_readable_by_others(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_key_file(path)
    if status.st_mode & 0o077:
        raise DoesNotHold(
            "the key file can be read or written by others than its owner",
            code="key-file-open-to-others",
            where=str(path),
            next_step=f"run `chmod 600 {path}`; if others may have read it, change the key (docs/reference/keys.md)",
        )


def _not_a_key_file(path: Path) -> DoesNotHold:
    return DoesNotHold(
        "the key file does not hold 32 bytes in base64",
        code="key-file-damaged",
        where=str(path),
        next_step="put the store's key file back from its copy",
    )


def _does_not_open(where: str) -> DoesNotHold:
    return DoesNotHold(
        "this key-encryption key does not open the store's keys",
        code="wrong-key",
        where=where,
        next_step="give the key file or passphrase this store was made with (CALDICOTT_KEY_FILE, CALDICOTT_PASSPHRASE)",
    )
