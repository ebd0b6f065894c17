"""The release ledger: every table that ever went to one audience, so that the next one is judged with them all.

A ledger is a folder for one audience (an organisation, or the public). It holds
the true counts of what was asked, because only they say what a later
difference would give away: keep it where the tables themselves are kept, and
never hand it out. In a store every entry is sealed under a key of the store.
Each entry names the hash of the one before; an entry that is missing or changed
stops the ledger, for a memory with a hole proves nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caldicott.stores import key_files
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.stores.store import Store

_HEAD: Final = "head.json"
_FIRST: Final = "0" * 64
_NONCE: Final = 12
PLACE: Final = "ledgers"
"""Where a store keeps its ledgers, one folder an audience."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One row of a released table: its values, what was counted, and what an attacker may at most know."""

    values: tuple[str, ...]
    count: int
    people: int | None
    state: str
    is_guarded: bool

    def __repr__(self) -> str:
        return "KeptRow(*)"


@dataclass(frozen=True, slots=True)
class KeptTable:
    """One released table of one measure."""

    name: str
    measure: str
    dimensions: tuple[str, ...]
    rows: tuple[KeptRow, ...]
    several: tuple[str, ...] = ()
    """Dimensions at several values of which one person may be counted."""
    of: str = ""
    """Which records it counts."""


@dataclass(frozen=True, slots=True)
class Release:
    """One answer, with what it was asked and the files that were handed over."""

    request: str
    rule: str
    tables: tuple[KeptTable, ...]
    files: Mapping[str, str]
    certificate: str = ""
    """Hash of the entry as it lies in the ledger; under a seal it gives away nothing of the counts."""


@dataclass(frozen=True, slots=True)
class Seal:
    """AES-GCM over whole entries, each bound to its ledger and its place in it."""

    key: bytes = field(repr=False)
    scope: str

    def close(self, content: bytes, name: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, content, self._bound_to(name))

    def open(self, content: bytes, name: str) -> bytes:
        try:
            return AESGCM(self.key).decrypt(content[:_NONCE], content[_NONCE:], self._bound_to(name))
        except (InvalidTag, ValueError):
            raise _broken(name) from None

    def _bound_to(self, name: str) -> bytes:
        return f"{self.scope}/{name}".encode()


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger; used only while it is held."""

    folder: Path
    seal: Seal | None = None

    def releases(self) -> tuple[Release, ...]:
        """Every release in order.

        Raises:
            DoesNotHold: an entry is missing or was changed.
        """
        previous, found = _FIRST, []
        for path in self._paths():
            content = self._read(path)
            entry = _parsed(self._opened(content, path.name), path.name)
            if entry.get("previous") != previous:
                raise _broken(path.name)
            previous = hashlib.sha256(content).hexdigest()
            found.append(replace(_release(entry, path.name), certificate=previous))
        if self._head() != {"entries": len(found), "last": previous}:
            raise _broken(_HEAD)
        return tuple(found)

    def length(self) -> int:
        """How many releases it remembers."""
        return int(self._head()["entries"])

    def append(self, release: Release) -> Release:
        """Remember a release; it may be handed over only after this returns, with its certificate."""
        head = self._head()
        if not head["entries"]:
            key_files.put(self.folder / _HEAD, json.dumps(head).encode())
        entry = {"previous": head["last"], **asdict(release)}
        del entry["certificate"]
        name = f"{head['entries'] + 1:06}.json"
        content = json.dumps(entry, ensure_ascii=False, sort_keys=True).encode()
        if self.seal:
            content = self.seal.close(content, name)
        key_files.put(self.folder / name, content)
        last = hashlib.sha256(content).hexdigest()
        key_files.put(self.folder / _HEAD, json.dumps({"entries": head["entries"] + 1, "last": last}).encode())
        return replace(release, certificate=last)

    def _opened(self, content: bytes, name: str) -> bytes:
        return self.seal.open(content, name) if self.seal else content

    def _paths(self) -> Sequence[Path]:
        """A killed writer may leave an entry that the head does not name: it was never handed over."""
        entries = self._head()["entries"]
        return [self.folder / f"{number:06}.json" for number in range(1, entries + 1)]

    def _head(self) -> dict[str, Any]:
        path = self.folder / _HEAD
        if not path.exists():
            # A removed head must not look like a new ledger; a new one has its head before its first entry.
            if (self.folder / "000001.json").exists():
                raise _broken(_HEAD)
            return {"entries": 0, "last": _FIRST}
        found = _parsed(self._read(path), _HEAD)
        if set(found) != {"entries", "last"} or not isinstance(found["entries"], int):
            raise _broken(_HEAD)
        return found

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise _broken(path.name) from None


@contextmanager
def held_in(store: Store, audience: str, *, today: date) -> Iterator[Ledger]:
    """The store's own ledger for that audience, sealed; for one writer at a time."""
    with _held_under(store, folder_of(store, audience), today=today) as ledger:
        yield ledger


def folder_of(store: Store, audience: str) -> Path:
    """Where the store keeps the ledger of that audience."""
    return store.root / PLACE / hashlib.sha256(audience.encode()).hexdigest()[:32]


def is_begun(store: Store, audience: str) -> bool:
    """Whether anything was ever told to that audience."""
    return length(store, audience) > 0


def length(store: Store, audience: str) -> int:
    """How many answers that audience was told, by the head alone: no entry is opened."""
    return Ledger(folder_of(store, audience)).length()


def all_but(store: Store, audience: str, *, today: date) -> tuple[Release, ...]:
    """What every other ledger of the store remembers, also one whose audience nobody can name any more.

    Raises:
        DoesNotHold: an entry of one of them is missing or was changed.
    """
    own, found = folder_of(store, audience), list[Release]()
    for folder in sorted(path for path in (store.root / PLACE).glob("*") if path.is_dir() and path != own):
        with _held_under(store, folder, today=today) as ledger:
            found += ledger.releases()
    return tuple(found)


@contextmanager
def _held_under(store: Store, folder: Path, *, today: date) -> Iterator[Ledger]:
    scope = f"{PLACE}/{folder.name}"
    seal = Seal(store.key(scope, created=today).use("entries"), scope)
    with held(folder, seal=seal) as ledger:
        yield ledger


@contextmanager
def held(folder: Path, *, seal: Seal | None = None) -> Iterator[Ledger]:
    """The ledger in that folder, new if there is none, for one writer at a time."""
    if folder.is_file():
        raise DoesNotHold(
            "the ledger is a folder, and this is a file",
            code="ledger-broken",
            where=str(folder.name),
            next_step="name a new or empty folder, or the folder of an earlier ledger",
        )
    with key_files.locked(folder):
        yield Ledger(folder, seal)


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise _broken(name) from None
    if not isinstance(found, dict):
        raise _broken(name)
    return found


def _release(entry: Mapping[str, Any], name: str) -> Release:
    try:
        tables = tuple(
            KeptTable(
                table["name"],
                table["measure"],
                tuple(table["dimensions"]),
                tuple(
                    KeptRow(tuple(row["values"]), row["count"], row["people"], row["state"], row["is_guarded"])
                    for row in table["rows"]
                ),
                # Entries of before tell of neither.
                tuple(table.get("several", ())),
                table.get("of", ""),
            )
            for table in entry["tables"]
        )
        return Release(entry["request"], entry["rule"], tables, dict(entry["files"]))
    except (KeyError, TypeError):
        raise _broken(name) from None


def _broken(name: str) -> DoesNotHold:
    return DoesNotHold(
        "an entry of the ledger is missing or was changed",
        code="ledger-broken",
        where=f"ledger/{name}",
        next_step="restore the ledger from its backup; without its memory nothing more can go to this audience",
    )
