"""Small files that must never be half there: key records, intents, certificates.

Every change of the disk ends in a function of `os`, so that a test can end the
world at each one of them in turn.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def put(path: Path, content: bytes) -> None:
    """Make `content` the whole of the file: after a kill it is as before or as after, never between."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def wipe(path: Path) -> None:
    """Overwrite, sync, unlink, sync. A file that is already gone is what was wanted.

    The overwriting reaches the blocks only where the file system writes in
    place; docs/reference/keys.md says what to do about copies.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        _write_all(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    remove(path)


def remove(path: Path) -> None:
    """Unlink and make the unlinking last."""
    path.unlink()
    sync(path.parent)


def sync(path: Path) -> None:
    """What a file holds, and a name that is new in a folder, survive a power cut only once they are synced."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time in the folder, over processes; sweeps what a killed writer left."""
    with disk_faults(folder):
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for leftover in folder.glob(".*.tmp"):
                leftover.unlink()
            yield
        finally:
            os.close(descriptor)


@contextmanager
def disk_faults(place: Path) -> Iterator[None]:
    """Turn what the disk says into what a person can act on."""
    try:
        yield
    except OSError as fault:
        raise ProgramFault(
            f"the disk did not do what was asked ({fault.strerror})",
            code="disk-fault",
            where=str(place),
            next_step="check free space and permissions there, then run the same command again; nothing is half done",
        ) from fault


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
