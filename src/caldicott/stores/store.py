"""A store on disk, opened: catalogue, keys, vault, audit log, and the sweep of what no act made live."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from caldicott.stores.audit_log import AuditLog
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.destroyed_keys import finish
from caldicott.stores.key_encryption import locate
from caldicott.stores.key_files import sync
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import Vault
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path
    from types import TracebackType

    from caldicott.stores.key_records import DataKey

SWEPT = ("clear", "quarantine", "repeats", "persons", "marts")
_FORMAT = "1"
_AUDIT_SCOPE = "audit/signing"
_PATIENCE = 2.0
"""So many seconds does a sweep wait for pages being read; what is left is swept by the next act."""
_LOOK_AGAIN = 0.02


@dataclass(frozen=True)
class StoreSettings:
    """What the shell knows of the machine: where keys may come from."""

    environ: Mapping[str, str]
    home: Path


class Store:
    """One controller's store. Opened by one process at a time for writing, and by many for `reading`.

    A page must not wait for a run of minutes, nor a run for a page. So a reader
    takes no part in the writers' lock; while it looks (`looking`) no file that
    the catalogue named is swept away under it.
    """

    def __init__(
        self, root: Path, *, settings: StoreSettings, created: date, create: bool = False, reading: bool = False
    ) -> None:
        self.root = root
        _prepare(root, create=create)
        self._lock = None if reading else _locked(root / "lock")
        self._readers = os.open(root / "readers", os.O_RDWR | os.O_CREAT, 0o600)
        self.catalogue = Catalogue(root / "catalogue.sqlite")
        self.id = self._identity()
        keys = root / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        kek = locate(self.id, environ=settings.environ, home=settings.home, ring_folder=keys)
        self.keys = KeyRing(keys, kek)
        if not reading:
            self.keys.recover()
        signing = self.keys.open(self.keys.key_for(_AUDIT_SCOPE, created=created))
        self.audit = AuditLog(root / "audit", signing.use("ed25519"), origin=f"caldicott/{self.id}")
        vault = root / "vault"
        vault.mkdir(mode=0o700, exist_ok=True)
        self.vault = Vault(vault, self.keys, self.id)
        if reading:
            return
        for folder in (root, root.absolute().parent):  # keys, log and store must still have names after a power cut
            sync(folder)
        self.deliver_outbox()
        finish(self)
        self.sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalogue and the locks."""
        self.catalogue.close()
        for lock in (self._lock, self._readers):
            if lock is not None:
                os.close(lock)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While a reader looks, every file that the catalogue named stays."""
        fcntl.flock(self._readers, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._readers, fcntl.LOCK_UN)

    def key(self, scope: str, *, created: date) -> DataKey:
        """The scope's data key, made on first use."""
        return self.keys.open(self.keys.key_for(scope, created=created))

    def deliver_outbox(self) -> None:
        """Acts that became true but may not stand in the log yet are entered; an act is entered once."""
        from caldicott.audit.entry import decode

        if not self.catalogue.outbox():
            return
        with self.catalogue.transaction():  # of two that would deliver at once, the second finds nothing left
            waiting = self.catalogue.outbox()
            self.audit.append_many([decode(line) for act_id, line in waiting if not self.audit.contains_act(act_id)])
            self.catalogue.clear_outbox([act_id for act_id, _line in waiting])

    def sweep(self) -> None:
        """Remove files that no transaction made live, or that one retired; nothing while somebody looks."""
        if not self._nobody_looks():
            return
        try:
            self._sweep_all()
        finally:
            fcntl.flock(self._readers, fcntl.LOCK_UN)

    def _nobody_looks(self) -> bool:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                time.sleep(_LOOK_AGAIN)
            else:
                return True

    def _sweep_all(self) -> None:
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
            code="store-missing",
            where=str(root),
            next_step="land a submission first: `caldicott land REGISTER --from DIR --store DIR`",
        )
    if root.exists() and not root.is_dir():
        raise DoesNotHold(
            "it is a file, not a folder", code="store-not-a-folder", where=str(root), next_step="name another folder"
        )
    if root.exists() and any(entry.name != "lock" for entry in root.iterdir()):
        raise DoesNotHold(
            "the folder holds something that is not a store",
            code="store-foreign",
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
            code="store-busy",
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
