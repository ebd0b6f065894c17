"""The published folder on disk: replaced as a whole, never half, and old versions never changed.

A new site is written beside the old one and the two change places in one step
of the kernel, so that a reader sees the old or the new one and a crash leaves
one of them whole. What the public is to read is readable for all, whatever the
umask; everything else this program writes is for its owner alone.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caldicott.stores.key_files import sync
from caldicott.stores.names import unused_name
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
VERSIONS = "versions"
_AT_CURRENT_FOLDER = -100
_EXCHANGE = 2
_PUBLIC_FILE = 0o644
_PUBLIC_FOLDER = 0o755
_FEW = 5


@dataclass(frozen=True, slots=True)
class PublishedFolder:
    """A folder that this program publishes to, and nobody else writes in."""

    root: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """One publisher at a time; what a killed one left beside the folder is put right first."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._put_right()
            yield
        finally:
            os.close(descriptor)

    def manifest(self) -> dict[str, Any]:
        """What was published last; empty for a new folder.

        Raises:
            WrongUsage: the folder holds something that was not published by this program.
        """
        if not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir())):
            return {}
        try:
            found = json.loads((self.root / MANIFEST).read_bytes())
            listed = set(found["files"])
        except (OSError, ValueError, KeyError, TypeError):
            raise _not_ours(self.root, "it has no manifest of a published notice") from None
        present = {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if not path.is_dir()}
        strange = sorted(present - listed - {MANIFEST})
        if strange:
            raise _not_ours(self.root, f"it holds files that were not published: {', '.join(strange[:_FEW])}")
        return dict(found)

    def replace(self, files: Mapping[str, bytes], *, kept: Mapping[str, str], heading: Mapping[str, Any]) -> None:
        """Make these files, those kept of old versions and a manifest of all the whole of the folder.

        `kept` are paths of the present folder with the hash they must have.
        """
        beside = self.root.with_name(f".{self.root.name}.{unused_name()}.partial")
        try:
            self._write(beside, files, kept=kept, heading=heading)
            _change_places(beside, self.root)
        finally:
            # After the exchange this is the old site; before it, the unfinished new one.
            shutil.rmtree(beside, ignore_errors=True)

    def _write(
        self, beside: Path, files: Mapping[str, bytes], *, kept: Mapping[str, str], heading: Mapping[str, Any]
    ) -> None:
        _make_folder(beside)
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()} | dict(kept)
        manifest = {**heading, "files": dict(sorted(hashes.items()))}
        document = json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n"
        for path, content in {**files, MANIFEST: document}.items():
            _make_folder((beside / path).parent)
            _put(beside / path, content)
        for path, expected in kept.items():
            _make_folder((beside / path).parent)
            _keep(self.root / path, beside / path, expected)
        for folder in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
            sync(folder)

    def _put_right(self) -> None:
        # Without the kernel's exchange there is a moment in which the old site has stepped aside.
        aside = self.root.with_name(f".{self.root.name}.aside")
        if aside.is_dir() and not self.root.exists():
            aside.rename(self.root)
        shutil.rmtree(aside, ignore_errors=True)
        for left in self.root.parent.glob(f".{glob.escape(self.root.name)}.{'?' * len(unused_name())}.partial"):
            shutil.rmtree(left, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        one.chmod(_PUBLIC_FOLDER)


def _put(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PUBLIC_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, _PUBLIC_FILE)
        os.fsync(descriptor)


def _keep(old: Path, new: Path, expected: str) -> None:
    """The same file under its new name; what was published is not copied, so it cannot change on the way."""
    if not old.is_file() or hashlib.sha256(old.read_bytes()).hexdigest() != expected:
        raise DoesNotHold(
            "a file of an earlier version was changed or removed after it was published",
            code="kept-version-changed",
            where=str(old),
            next_step="put it back from a copy of what was published, then publish again",
        )
    try:
        os.link(old, new)
    except OSError:
        shutil.copy2(old, new)


def _not_ours(root: Path, why: str) -> WrongUsage:
    return WrongUsage(
        f"the folder cannot be published to: {why}",
        code="folder-not-published",
        where=str(root),
        next_step="name a new folder, or one that `caldicott publish` wrote and nobody added to",
    )


def _change_places(new: Path, old: Path) -> None:
    if not old.exists():
        new.rename(old)
    elif not _exchanged(new, old):
        aside = old.with_name(f".{old.name}.aside")
        old.rename(aside)
        new.rename(old)
        shutil.rmtree(aside, ignore_errors=True)
    sync(old.parent)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether kernel and file system could let the two change names in one step."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    failed = call(_AT_CURRENT_FOLDER, os.fsencode(one), _AT_CURRENT_FOLDER, os.fsencode(other), _EXCHANGE)
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL}:
        return False
    raise OSError(number, os.strerror(number))
