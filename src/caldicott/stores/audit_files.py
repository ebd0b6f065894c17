"""The files of the audit log and how bytes get onto them so that a kill or a power cut leaves no doubt."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """Where each part of a log lies."""

    folder: Path

    @property
    def entries(self) -> Path:
        """One entry a line, canonical JSON."""
        return self.folder / "entries.jsonl"

    @property
    def leaves(self) -> Path:
        """The leaf hash of each entry, 32 bytes each."""
        return self.folder / "leaves.sha256"

    @property
    def checkpoint(self) -> Path:
        """The newest signed checkpoint. What it covers is the log; nothing else is."""
        return self.folder / "checkpoint"

    @property
    def pending(self) -> Path:
        """The signed checkpoint of an append under way; its renaming to `checkpoint` is the commit."""
        return self.folder / "checkpoint.pending"

    @property
    def history(self) -> Path:
        """Every checkpoint so far, one after the other."""
        return self.folder / "checkpoints"

    @property
    def public_key(self) -> Path:
        return self.folder / "public_key"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def set_aside(self, name: str) -> Path:
        """A name nobody has used, for bytes that are taken out of a file: nothing is ever thrown away."""
        number = sum(1 for _ in self.folder.glob(f"{name}.aside-*"))
        return self.folder / f"{name}.aside-{number:04d}"


@contextmanager
def locked(path: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the log's lock; waits for others. Readers of a folder they may not write in go without."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT if exclusive else os.O_RDONLY, OWNER_ONLY)
    except OSError:
        if exclusive:
            raise
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def read_or_none(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write_at(path: Path, content: bytes, *, offset: int) -> None:
    """Write from that offset on and do not return before the disk has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        view = memoryview(content)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Write a new file and do not return before the disk has its bytes; its name needs `sync`."""
    with suppress(FileNotFoundError):
        path.unlink()
    write_at(path, content, offset=0)


def replace_whole(path: Path, content: bytes) -> None:
    """Give a file its content at once: after a kill there is the old file or the new one, never half of it."""
    fresh = path.with_name(f"{path.name}.new")
    write_whole(fresh, content)
    fresh.rename(path)


def append_unsynced(path: Path, content: bytes) -> None:
    """For what can be made again after a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def cut(path: Path, *, length: int) -> None:
    """Shorten a file durably; one that is not there is short enough."""
    with suppress(FileNotFoundError):
        os.truncate(path, length)
        write_at(path, b"", offset=length)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def read_range(path: Path, *, start: int, stop: int) -> bytes:
    try:
        with path.open("rb") as opened:
            opened.seek(start)
            return opened.read(max(stop - start, 0))
    except FileNotFoundError:
        return b""
