"""What is kept in the secure environment until people have looked at it: results, requests, their history.

A shelf holds sealed results, one a name. A history is a chain of sealed entries
that can only grow: each names the hash of the one before, and one that is
missing or changed stops it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott.stores import key_files
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.ledger import Seal
from caldicott.stores.names import unused_name
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from caldicott.stores.store import Store

ROOM, AIRLOCK = "room", "airlock"
_BLOCK: Final = 64 * 1024
_LENGTH: Final = struct.Struct("<Q")
_FIRST: Final = "0" * 64


def padded(content: bytes) -> bytes:
    """Filled up to whole blocks, so that a file's size tells little of what is in it."""
    framed = _LENGTH.pack(len(content)) + content
    return framed + bytes(-len(framed) % _BLOCK)


def unpadded(framed: bytes) -> bytes:
    """What `padded` was given."""
    length = _LENGTH.unpack_from(framed)[0]
    return framed[_LENGTH.size : _LENGTH.size + length]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Results of one person's work for one activity, sealed, by name."""

    store: Store
    owner: str
    today: date

    def names(self) -> tuple[str, ...]:
        """What lies on the shelf."""
        mine = (file for file in self.store.catalogue.files(ROOM) if file.owner.rpartition("/")[0] == self.owner)
        return tuple(sorted(file.owner.rpartition("/")[2] for file in mine))

    def put(self, name: str, content: bytes) -> LiveFile:
        """Sealed in a new file; on the shelf once the caller's transaction says so."""
        folder = self.store.root / ROOM
        folder.mkdir(mode=key_files.PRIVATE_FOLDER, exist_ok=True)
        path = folder / f"{unused_name()}.sealed"
        key_files.put(path, self._seal().close(padded(content), path.name))
        return LiveFile(str(path.relative_to(self.store.root)), ROOM, f"{self.owner}/{name}", "", 0)

    def keep(self, file: LiveFile) -> None:
        """Inside the caller's transaction: it takes the place of what had the name."""
        self.store.catalogue.retire_files(ROOM, file.owner)
        self.store.catalogue.add_files([file])

    def open(self, name: str) -> bytes | None:
        """What lies there under the name."""
        found = self.store.catalogue.files(ROOM, f"{self.owner}/{name}")
        if not found:
            return None
        path = self.store.root / found[0].path
        return unpadded(self._seal().open(path.read_bytes(), path.name))

    def sweep(self) -> None:
        """Remove what no act put there, or what something newer replaced."""
        live = self.store.catalogue.live_paths()
        for path in (self.store.root / ROOM).glob("*.sealed"):
            if str(path.relative_to(self.store.root)) not in live:
                key_files.remove(path)

    def _seal(self) -> Seal:
        return Seal(self.store.key(ROOM, created=self.today).use("results"), ROOM)


@dataclass(frozen=True, slots=True)
class History:
    """One request's entries, oldest first; used only while it is held."""

    folder: Path
    seal: Seal

    def entries(self) -> tuple[dict[str, Any], ...]:
        """Everything that ever happened to the request.

        Raises:
            DoesNotHold: an entry is missing or was changed.
        """
        previous, found = _FIRST, []
        for number, path in enumerate(self._paths(), 1):
            if path.name != _name(number):
                raise _broken(path.name)
            content = path.read_bytes()
            entry = json.loads(unpadded(self._open(content, path.name)))
            if entry.pop("previous") != previous:
                raise _broken(path.name)
            previous = hashlib.sha256(content).hexdigest()
            found.append(entry)
        return tuple(found)

    def append(self, entry: dict[str, Any]) -> str:
        """Add an entry; its hash, which goes into the trail and so notices a history that lost its end."""
        paths = self._paths()
        previous = hashlib.sha256(paths[-1].read_bytes()).hexdigest() if paths else _FIRST
        name = _name(len(paths) + 1)
        content = json.dumps({"previous": previous, **entry}, ensure_ascii=False, sort_keys=True).encode()
        sealed = self.seal.close(padded(content), name)
        key_files.put(self.folder / name, sealed)
        return hashlib.sha256(sealed).hexdigest()

    def last(self) -> str:
        """The hash of the last entry."""
        paths = self._paths()
        return hashlib.sha256(paths[-1].read_bytes()).hexdigest() if paths else _FIRST

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.sealed"))

    def _open(self, content: bytes, name: str) -> bytes:
        try:
            return self.seal.open(content, name)
        except DoesNotHold:
            raise _broken(name) from None


def requests(store: Store) -> tuple[str, ...]:
    """Every request for release, oldest first."""
    folder = store.root / AIRLOCK
    return tuple(sorted(path.name for path in folder.glob("r[0-9]*"))) if folder.is_dir() else ()


@contextmanager
def new_request(store: Store, *, today: date) -> Iterator[tuple[str, History]]:
    """A number nobody has, and its empty history."""
    folder = store.root / AIRLOCK
    with key_files.locked(folder):
        number = f"r{len(requests(store)) + 1:05}"
        (folder / number).mkdir(mode=key_files.PRIVATE_FOLDER)
        key_files.sync(folder)
        yield number, _history(store, number, today)


@contextmanager
def held(store: Store, number: str, *, today: date) -> Iterator[History]:
    """The history of a request, for one writer at a time."""
    if number not in requests(store):
        raise DoesNotHold(
            "there is no such request",
            code="airlock-unknown",
            where=number[:20],
            next_step="see the requests there are: `caldicott airlock review REGISTER --store DIR`",
        )
    with key_files.locked(store.root / AIRLOCK):
        yield _history(store, number, today)


def _history(store: Store, number: str, today: date) -> History:
    scope = f"{AIRLOCK}/{number}"
    return History(store.root / AIRLOCK / number, Seal(store.key(AIRLOCK, created=today).use(scope), scope))


def _name(number: int) -> str:
    return f"{number:06}.sealed"


def _broken(name: str) -> DoesNotHold:
    return DoesNotHold(
        "an entry of the request's history is missing or was changed",
        code="airlock-broken",
        where=f"airlock/{name}",
        next_step="restore the store from its backup; a request with a hole in its history is not released",
    )
