"""A key-encryption key out of a passphrase by Argon2id [RFC 9106].

Salt and cost stand in `kek.json` beside the wrapped keys, with the id of the
key they lead to: a wrong passphrase is told at once and never tried on data.
The id does not weaken it: the wrapped keys allow the same guessing.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from caldicott.stores import key_files
from caldicott.stores.key_encryption import KEY_BYTES, HeldKek, holds_keys
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from pathlib import Path

SALT_BYTES = 16
FEWEST_CHARACTERS = 12


@dataclass(frozen=True)
class Cost:
    """RFC 9106's second recommended option: 64 MiB, three passes, four lanes."""

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 65536


def kek_from_passphrase(folder: Path, passphrase: str, *, cost: Cost | None = None) -> HeldKek:
    """The ring's key for the passphrase; while the ring is empty, a new one."""
    entries = _entries(folder)
    for entry in entries:
        kek = _stretched(passphrase, entry)
        if kek.kek_id == entry["kek_id"]:
            return kek
    if entries or holds_keys(folder):
        raise DoesNotHold(
            "the passphrase is not the one this store was made with",
            code="wrong-passphrase",
            where=str(folder / "kek.json"),
            next_step="give the right passphrase in CALDICOTT_PASSPHRASE, or a key file in CALDICOTT_KEY_FILE",
        )
    return add_passphrase(folder, passphrase, cost=cost)


def add_passphrase(folder: Path, passphrase: str, *, cost: Cost | None = None) -> HeldKek:
    """A key-encryption key of a further passphrase, to give to `KeyRing.rewrap`."""
    if len(passphrase) < FEWEST_CHARACTERS:
        raise WrongUsage(
            f"the passphrase is shorter than {FEWEST_CHARACTERS} characters",
            code="passphrase-short",
            next_step="choose a longer one: three random words and more",
        )
    entry: dict[str, Any] = {"salt": base64.b64encode(os.urandom(SALT_BYTES)).decode(), **asdict(cost or Cost())}
    kek = _stretched(passphrase, entry)
    with key_files.locked(folder):
        kept = [*_entries(folder), entry | {"kek_id": kek.kek_id}]
        key_files.put(folder / "kek.json", json.dumps({"version": 1, "argon2id": kept}, indent=1).encode())
    return kek


def _stretched(passphrase: str, entry: dict[str, Any]) -> HeldKek:
    stretch = Argon2id(
        salt=base64.b64decode(entry["salt"], validate=True),
        length=KEY_BYTES,
        iterations=entry["iterations"],
        lanes=entry["lanes"],
        memory_cost=entry["memory_kib"],
    )
    return HeldKek(stretch.derive(passphrase.encode()), where="passphrase")


def _entries(folder: Path) -> list[dict[str, Any]]:
    path = folder / "kek.json"
    if not path.exists():
        return []
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_bytes())["argon2id"]
        for entry in entries:
            _require_sane(entry)
    except (ValueError, KeyError, TypeError, binascii.Error) as fault:
        raise DoesNotHold(
            "the passphrase parameters cannot be read",
            code="key-file-damaged",
            where=str(path),
            next_step="put kek.json back from the store's copy",
        ) from fault
    return entries


def _require_sane(entry: dict[str, Any]) -> None:
    # An edited file must not be able to ask for a terabyte of memory.
    if not (1 <= entry["iterations"] <= 64 and 1 <= entry["lanes"] <= 64 and 8 <= entry["memory_kib"] <= 4 * 1024**2):  # noqa: PLR2004  bounds, said above
        raise ValueError(entry["kek_id"])
