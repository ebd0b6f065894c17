"""A store on disk, opened: catalogue, keys, vault, audit log, and the sweep of what no act made live."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from caldicott.stores.audit_log import AuditLog
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.key_encryption import locate
from caldicott.stores.key_files import sync_folder
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import Vault
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path
    from types import TracebackType

    from caldicott.stores.key_records import DataKey

SWEPT = ("clear", "quarantine", "repeats", "persons", "marts")
_FORMAT = "1"
_AUDIT_SCOPE = "audit/signing"


@dataclass(frozen=True)
class StoreSettings:
    """What the shell knows of the machine: where keys may come from."""

    environ: Mapping[str, str]
    home: Path


class Store:
    """One controller's store. Opened by one process at a time for writing."""

    def __init__(self, root: Path, *, settings: StoreSettings, created: date, create: bool) -> None:
        self.root = root
        _prepare(root, create=create)
        self._lock = _locked(root / "lock")
        self.catalogue = Catalogue(root / "catalogue.sqlite")
        self.id = self._identity()
        keys = root / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        kek = locate(self.id, environ=settings.environ, home=settings.home, ring_folder=keys)
        self.keys = KeyRing(keys, kek)
        self.keys.recover()
        signing = self.keys.open(self.keys.key_for(_AUDIT_SCOPE, created=created))
        self.audit = AuditLog(root / "audit", signing.use("ed25519"), origin=f"caldicott/{self.id}")
        vault = root / "vault"
        vault.mkdir(mode=0o700, exist_ok=True)
        self.vault = Vault(vault, self.keys, self.id)
        for folder in (root, root.absolute().parent):  # keys, log and store must still have names after a power cut
            sync_folder(folder)
        self.deliver_outbox()
        self.sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.catalogue.close()
        os.close(self._lock)

    def key(self, scope: str, *, created: date) -> DataKey:
        """The scope's data key, made on first use."""
        return self.keys.open(self.keys.key_for(scope, created=created))

    def deliver_outbox(self) -> None:
        """Acts that became true but may not stand in the log yet are entered; an act is entered once."""
        from caldicott.audit.entry import decode

        waiting = self.catalogue.outbox()
        self.audit.append_many([decode(line) for act_id, line in waiting if not self.audit.contains_act(act_id)])
        if waiting:
            with self.catalogue.transaction():
                self.catalogue.clear_outbox([act_id for act_id, _line in waiting])

    def sweep(self) -> None:
        """Remove files that no transaction made live, or that one retired."""
        live = self.catalogue.live_paths()
        for name in SWEPT:
            _sweep(self.root, self.root / name, live)
        vault = self.root / "vault"
        for path in [*vault.rglob("*.parquet")]:
            if str(path.relative_to(self.root)) not in live:
                path.unlink()

    def _identity(self) -> str:
        known = self.catalogue.setting("store_id")
        if known is None:
            known = secrets.token_hex(8)
            with self.catalogue.transaction():
                self.catalogue.set_setting("store_id", known)
                self.catalogue.set_setting("format", _FORMAT)
        return known


def _prepare(root: Path, *, create: bool) -> None:
    if (root / "catalogue.sqlite").exists():
        return
    if not create:
        raise DoesNotHold(
            "there is no store here",
            code="store_missing",
            where=str(root),
            next_step="land a submission first: `caldicott land REGISTER --from DIR --store DIR`",
        )
    if root.exists() and not root.is_dir():
        raise DoesNotHold(
            "it is a file, not a folder", code="store_not_a_folder", where=str(root), next_step="name another folder"
        )
    if root.exists() and any(entry.name != "lock" for entry in root.iterdir()):
        raise DoesNotHold(
            "the folder holds something that is not a store",
            code="store_foreign",
            where=str(root),
            next_step="name an empty or a new folder",
        )
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    root.chmod(0o700)  # also one that was there, empty: the marts within are for whom an export is made, not for all


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ProgramFault(
            "another process has the store open",
            code="store_busy",
            where=str(path.parent),
            next_step="wait until it is done and ask again; nothing was changed",
        ) from None
    return descriptor


def _sweep(root: Path, folder: Path, live: frozenset[str]) -> None:
    if not folder.is_dir():
        return
    for path in [*folder.rglob("*")]:
        if path.is_file() and str(path.relative_to(root)) not in live:
            path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
    if not any(folder.iterdir()):
        shutil.rmtree(folder)
