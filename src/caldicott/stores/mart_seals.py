"""Marts lie open, without a key: their SHA-256 in the catalogue tells whether one is still what its run wrote.

A file is hashed while it is written where the writer can do that, else before its act makes it live. Who reads it
asks `intact` first. What this does not stop: somebody who may write both the file and the catalogue, and a change
between the question and the reading.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from caldicott.stores.key_files import sync
from caldicott.stores.submissions.manifest import sha256_of
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from caldicott.stores.catalogue import LiveFile
    from caldicott.stores.store import Store

ZONE: Final = "marts/"
_READERS: Final = 2


@dataclass(frozen=True)
class Changed:
    """One file that is not what was written."""

    activity: str
    part: str
    why: str

    @property
    def said(self) -> str:
        """`sus-apc, 2025-06, of commissioning-planning`."""
        return f"{self.part.replace('/', ', ')}, of {self.activity}"


def synced(root: Path, files: Sequence[LiveFile], *, hashed: Mapping[Path, str]) -> list[LiveFile]:
    """The files, on the disk for good, each with its SHA-256; `hashed` while they were written, or read for it now."""
    done = []
    for file in files:
        path = root / file.path
        sealed = file if file.sha256 else replace(file, sha256=hashed.get(path) or sha256_of(path))
        sync(path)
        done.append(sealed)
    return done


def seal_of(files: Iterable[LiveFile]) -> str:
    """One SHA-256 over those of the files, whatever their order: for the trail."""
    lines = sorted(f"{file.part} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def intact(store: Store, kind: str, owner: str) -> tuple[LiveFile, ...]:
    """The live files of that kind, every one still what its run wrote.

    Raises:
        DoesNotHold: one was changed, is gone, or was never sealed; it is named by dataset and month.
    """
    files = store.catalogue.files(kind, owner)
    found = changed(store.root, files)
    if found:
        others = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise DoesNotHold(
            f"a file of the marts {found[0].why}: {found[0].said}{others}; nothing is read from it",
            code="mart-changed",
            where=owner,
            next_step="find out who could write to the store, then make the marts anew: "
            f"`caldicott run REGISTER --store DIR --activity {owner}`",
        )
    return files


def changed(root: Path, files: Iterable[LiveFile]) -> list[Changed]:
    """Those of the files that are not what was written, in the order they came."""
    sealed = [file for file in files if file.path.startswith(ZONE)]
    with ThreadPoolExecutor(_READERS) as pool:
        faults = pool.map(lambda file: _fault(root / file.path, file.sha256), sealed)
        return [Changed(file.owner, file.part, why) for file, why in zip(sealed, faults, strict=True) if why]


def _fault(path: Path, sha256: str) -> str:
    if not sha256:
        return "was made before its SHA-256 was kept"
    try:
        about = path.lstat()
        stamp = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        return "" if _sha256_at(path, stamp) == sha256 else "was changed since its run wrote it"
    except FileNotFoundError:
        return "is gone"
    except OSError:
        return "cannot be read"


@lru_cache(maxsize=65_536)
def _sha256_at(path: Path, _stamp: tuple[int, int, int, int]) -> str:
    # A page must not hash a gigabyte again that nobody has touched since the page before.
    return sha256_of(path)
