"""The vault: which token a person has in a domain, and which person a token means.

Two stores under two keys for each domain and epoch. Whoever holds the index
key alone can follow persons the system knows by number only; whoever holds the
re-identification key alone can turn tokens into those numbers; neither holds an
NHS number. Files are written once; the caller makes them live in its own
transaction and says on every call which are live.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.safe_haven.pseudonyms.bridging import BridgingApproval, require_approval
from caldicott.safe_haven.pseudonyms.lookup import PAIRS, Index, distinct_persons, index_of, reidentification_of
from caldicott.safe_haven.pseudonyms.tokens import bytes_for, draw, order_of
from caldicott.stores import clear, key_files
from caldicott.stores.key_encryption import framed
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date
    from pathlib import Path

    from caldicott.register.model import PseudonymDomain
    from caldicott.safe_haven.pseudonyms.lookup import Persons
    from caldicott.stores.key_records import Certificate
    from caldicott.stores.keys import KeyRing

NewFiles = tuple[str, ...]
"""Paths below the vault's folder, synced and waiting for the caller's transaction."""

INDEX = "index"
REIDENTIFICATION = "reidentification"


class _FileName(NamedTuple):
    """`index.<key id>.<turn>.<random>.parquet`: all that is needed to open the file but the key."""

    kind: str
    key_id: str
    turn: int
    random: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.key_id}.{self.turn:06d}.{self.random}.parquet"


@dataclass(frozen=True)
class Vault:
    """The vault of one store."""

    folder: Path
    keyring: KeyRing
    store_id: str
    entropy: Callable[[int], bytes] = os.urandom

    def tokens_for(
        self,
        persons: pa.Array | pa.ChunkedArray,
        domain: PseudonymDomain,
        *,
        created: date,
        live_files: Collection[str],
    ) -> tuple[pa.Table, NewFiles]:
        """Every person once with the token of the domain, persons ascending; new tokens are in the new files.

        The table is true only once the new files are live.
        """
        wanted = distinct_persons(persons)
        index = self._index(domain, live_files)
        newcomers = wanted[index.positions(wanted) < 0]
        if not len(newcomers):
            return _pairs(wanted, index.tokens_of(wanted)), ()
        fresh = _pairs(newcomers, self._draw(domain, index, len(newcomers)))
        files = self._write_both(domain, fresh, fresh, turn=0, created=created)
        if len(newcomers) == len(wanted):
            return fresh, files
        everybody = index_of([(0, _pairs(index.persons, index.tokens)), (0, fresh)])
        return _pairs(wanted, everybody.tokens_of(wanted)), files

    def persons_for(
        self, tokens: pa.Array | pa.ChunkedArray, domain: PseudonymDomain, *, live_files: Collection[str]
    ) -> pa.Table:
        """The tokens as given, each with its person; null for one this domain and epoch does not know."""
        asked = tokens.combine_chunks() if isinstance(tokens, pa.ChunkedArray) else tokens
        known = self._reidentification(domain, live_files)
        at = pc.index_in(asked, value_set=known["token"].combine_chunks(), skip_nulls=True)
        return pa.table([known["person_id"].combine_chunks().take(at), asked], schema=PAIRS)

    def merge(
        self, superseded: int, survivor: int, domain: PseudonymDomain, *, created: date, live_files: Collection[str]
    ) -> NewFiles:
        """Two persons were one: the superseded one's token is retired and means the survivor from now on."""
        index = self._index(domain, live_files)
        old, kept = index.tokens_of(np.array([superseded, survivor], np.int64))
        if not old.is_valid or old == kept:
            return ()
        token = kept if kept.is_valid else old
        holders = np.union1d(index.holders_of(pa.array([old.as_py()])), [survivor]).astype(np.int64)
        known = self._reidentification(domain, live_files)
        pointing = known["token"].filter(pc.is_in(known["person_id"], value_set=pa.array([superseded], pa.int64())))
        return self._write_both(
            domain,
            _pairs(holders, pa.array([token.as_py()] * len(holders), pa.string())),
            _pairs(np.full(len(pointing), survivor), pointing.combine_chunks()),
            turn=self._next_turn(domain, live_files),
            created=created,
        )

    def split(
        self, persons: pa.Array, domain: PseudonymDomain, *, created: date, live_files: Collection[str]
    ) -> NewFiles:
        """One person was several: all who held the token get new ones, and the old token means nobody."""
        index = self._index(domain, live_files)
        asked = distinct_persons(persons)
        old = pc.drop_null(pc.unique(index.tokens_of(asked)))
        parted = np.union1d(index.holders_of(old), asked)
        fresh = _pairs(parted, self._draw(domain, index, len(parted)))
        nobody = pa.table([pa.nulls(len(old), pa.int64()), old], schema=PAIRS)
        turn = self._next_turn(domain, live_files)
        return self._write_both(domain, fresh, pa.concat_tables([fresh, nobody]), turn=turn, created=created)

    def crosswalk(
        self,
        old: PseudonymDomain,
        new: PseudonymDomain,
        *,
        approval: BridgingApproval | None,
        at: date,
        live_files: Collection[str],
    ) -> pa.Table:
        """Old token beside new token, in the new tokens' order; Refused without an approval of exactly this."""
        require_approval(approval, old=old, new=new, at=at)
        known = self._reidentification(old, live_files)
        known = known.filter(pc.is_valid(known["person_id"]))
        tokens = self._index(new, live_files).tokens_of(known["person_id"].to_numpy())
        bridge = pa.table({"old_token": known["token"].combine_chunks(), "new_token": tokens})
        return bridge.filter(pc.is_valid(tokens)).sort_by("new_token")

    def destroy(self, domain: PseudonymDomain, *, at: date, reason: str) -> tuple[Certificate, ...]:
        """End the epoch: without its keys no token leads back to a person, nor a person to a token."""
        scopes = [_scope(domain, kind) for kind in (INDEX, REIDENTIFICATION)]
        for scope in scopes:
            for key_id in self.keyring.ids_of(scope):
                self.keyring.destroy(key_id, at=at, reason=reason)
        return tuple(proof for proof in self.keyring.certificates() if proof.scope in scopes)

    def _draw(self, domain: PseudonymDomain, index: Index, wanted: int) -> pa.Array:
        return draw(self.entropy(bytes_for(wanted)), domain.letter, wanted=wanted, taken=index.issued)

    def _index(self, domain: PseudonymDomain, live_files: Collection[str]) -> Index:
        return index_of(self._read(domain, INDEX, live_files))

    def _reidentification(self, domain: PseudonymDomain, live_files: Collection[str]) -> pa.Table:
        return reidentification_of(self._read(domain, REIDENTIFICATION, live_files))

    def _read(self, domain: PseudonymDomain, kind: str, live_files: Collection[str]) -> list[tuple[int, pa.Table]]:
        names = self._live(domain, kind, live_files)
        return [(name.turn, self._read_file(domain, name)) for name in names]

    def _read_file(self, domain: PseudonymDomain, name: _FileName) -> pa.Table:
        key = self.keyring.open(name.key_id).use(f"file/{name}")
        path = self.folder / _place(domain) / str(name)
        return clear.read_table(path, key=key, aad=self._aad(domain, name)).select(PAIRS.names)

    def _write_both(
        self, domain: PseudonymDomain, index: pa.Table, reidentification: pa.Table, *, turn: int, created: date
    ) -> NewFiles:
        # Each file in its own column's order: neither tells the order in which persons came.
        by_person = index.sort_by("person_id")
        by_token = reidentification.take(pa.array(order_of(reidentification["token"].combine_chunks())))
        return (
            self._write(domain, INDEX, by_person, turn=turn, created=created),
            self._write(domain, REIDENTIFICATION, by_token, turn=turn, created=created),
        )

    def _write(self, domain: PseudonymDomain, kind: str, pairs: pa.Table, *, turn: int, created: date) -> str:
        key_id = self.keyring.key_for(_scope(domain, kind), created=created)
        name = _FileName(kind, key_id, turn, os.urandom(8).hex())
        place = self.folder / _place(domain)
        with key_files.disk_faults(place):
            place.mkdir(mode=key_files.PRIVATE_FOLDER, parents=True, exist_ok=True)
        key = self.keyring.open(key_id).use(f"file/{name}")
        aad = self._aad(domain, name)
        with clear.EncryptedWriter(place / str(name), PAIRS, key=key, aad=aad) as writer:
            writer.write(pairs)
        return f"{_place(domain)}/{name}"

    def _live(self, domain: PseudonymDomain, kind: str, live_files: Iterable[str]) -> list[_FileName]:
        place = f"{_place(domain)}/"
        below = (path.removeprefix(place) for path in live_files if path.startswith(place))
        names = (_parsed(name) for name in sorted(below))
        return [name for name in names if name.kind == kind]

    def _next_turn(self, domain: PseudonymDomain, live_files: Collection[str]) -> int:
        turns = [name.turn for kind in (INDEX, REIDENTIFICATION) for name in self._live(domain, kind, live_files)]
        return 1 + max(turns, default=0)

    def _aad(self, domain: PseudonymDomain, name: _FileName) -> bytes:
        return framed("caldicott-vault-v1", self.store_id, _place(domain), name.kind, str(name))


def _place(domain: PseudonymDomain) -> str:
    return f"{domain.name}/{domain.recipient}/{domain.agreement}/epoch-{domain.epoch:04d}"


def _scope(domain: PseudonymDomain, kind: str) -> str:
    return f"vault/{_place(domain)}/{kind}"


def _pairs(persons: Persons, tokens: pa.Array) -> pa.Table:
    return pa.table([pa.array(persons, pa.int64()), tokens], schema=PAIRS)


def _parsed(name: str) -> _FileName:
    parts = name.split(".")
    if len(parts) != len(_FileName._fields) + 1 or not parts[2].isdecimal():
        raise DoesNotHold(
            "a live file of the vault has a name that is not the vault's",
            code="vault-file-name",
            where=name,
            next_step="run `caldicott status` on a copy of the store; the catalogue names a file it should not",
        )
    return _FileName(parts[0], parts[1], int(parts[2]), parts[3])
