"""The audit log on disk: append-only, group commit, one signed checkpoint a commit.

An append writes the entries, their leaf hashes and the signed pending
checkpoint, waits for the disk, and commits by renaming the pending checkpoint.
Nobody is told "done" before that. Several processes may write: each append
holds the lock and first takes in what others appended.

Weak: the key that signs is on the machine that writes. Who has both can write
history anew; only checkpoints kept outside show that.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from caldicott.audit.checkpoint import Checkpoint, decode_public_key, encode_public_key, parse, public_key_of, sign
from caldicott.audit.claims import LogCopy
from caldicott.audit.entry import AuditEntry, act_id_of, decode, encode
from caldicott.audit.inspection import hash_lines, inspect
from caldicott.audit.merkle import (
    HASH_LENGTH,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from caldicott.stores import audit_recovery
from caldicott.stores.audit_files import (
    AuditFiles,
    append_unsynced,
    cut,
    locked,
    read_or_none,
    read_range,
    replace_whole,
    size_of,
    write_at,
    write_whole,
)
from caldicott.stores.audit_recovery import LogState
from caldicott.stores.key_files import sync
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from caldicott.audit.report import VerifyReport

DEFAULT_ORIGIN = "caldicott/audit"


def now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """A log open for appending. `origin` names it in every checkpoint: one name a store."""

    def __init__(
        self,
        folder: Path,
        signing_key: bytes,
        *,
        origin: str = DEFAULT_ORIGIN,
        clock: Callable[[], datetime] = now,
    ) -> None:
        if not origin.isascii() or not origin.isprintable() or set(origin) & {" ", "+"} or not origin:
            raise WrongUsage(
                "the log's name holds a space, a plus or a letter outside ASCII",
                code="audit-origin",
                where="origin",
                next_step="use a name such as caldicott/audit/example-icb",
            )
        self._files = AuditFiles(folder)
        self._key = signing_key
        self._public_key = public_key_of(signing_key)
        self._origin = origin
        self._clock = clock
        self._threads = threading.RLock()
        self._gathering = threading.local()
        self._acts: set[str] = set()
        self._acts_read_to = 0
        self.recovered: tuple[str, ...] = ()
        """What opening (or a later append) completed, set aside or made again; empty after an orderly end."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._files.lock, exclusive=True):
            self._state = self._open()

    @property
    def size(self) -> int:
        """Entries that this writer knows to be committed."""
        return self._state.tree.size

    @property
    def root(self) -> bytes:
        return self._state.checkpoint.root

    @property
    def checkpoint(self) -> bytes:
        """The newest signed checkpoint: send it outside."""
        return self._state.note

    @property
    def public_key(self) -> bytes:
        return self._public_key

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """What this thread appends within is committed together at the end of the block, also if it fails.

        For a page: its decisions and its viewing wait for the disk once. Whoever uses it tells nobody anything
        before the block has ended.
        """
        if getattr(self._gathering, "entries", None) is not None:
            yield
            return
        self._gathering.entries = []
        try:
            yield
        finally:
            waiting, self._gathering.entries = self._gathering.entries, None
            self.append_many(waiting)

    def append_many(self, entries: Sequence[AuditEntry]) -> int:
        """Commit the entries together and return the index of the first; on return they are on the disk.

        Within `gathered` they are not yet, and have no index: -1.
        """
        if (waiting := getattr(self._gathering, "entries", None)) is not None:
            waiting.extend(entries)
            return -1
        lines = [encode(entry) for entry in entries]
        with self._writing():
            first = self.size
            if lines:
                self._commit(lines)
            return first

    def append(self, entry: AuditEntry) -> int:
        return self.append_many((entry,))

    def contains_act(self, act_id: str) -> bool:
        """Whether any committed entry is of that act, also one that another process wrote."""
        with self._writing():
            covered = self._state.checkpoint.entries_length
            fresh = read_range(self._files.entries, start=self._acts_read_to, stop=covered)
            self._acts.update(act_id_of(line) for line in fresh.split(b"\n"))
            self._acts_read_to = covered
            return act_id in self._acts

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[AuditEntry]:
        return read_entries(self._files.folder, start=start, stop=stop)

    def prove_inclusion(self, index: int) -> tuple[bytes, ...]:
        """That the entry is in the log of the newest checkpoint; checked by `audit.verify_inclusion`."""
        return inclusion_proof(self._leaf_hashes(), index)

    def prove_consistency(self, old_size: int) -> tuple[bytes, ...]:
        """That the log extends its first `old_size` entries; checked by `audit.verify_consistency`."""
        return consistency_proof(self._leaf_hashes(), old_size)

    def _leaf_hashes(self) -> list[bytes]:
        stored = read_range(self._files.leaves, start=0, stop=self.size * HASH_LENGTH)
        return [stored[place : place + HASH_LENGTH] for place in range(0, len(stored), HASH_LENGTH)]

    def _open(self) -> LogState:
        self._check_public_key()
        if audit_recovery.is_new(self._files):
            state = self._sign(CompactRange(), 0)
            audit_recovery.begin(self._files, state)
            return state
        state, self.recovered = audit_recovery.recover(self._files, self._public_key)
        return state

    def _check_public_key(self) -> None:
        """It must be ours; one that is not there (a new log, or lost) is written."""
        stored = read_or_none(self._files.public_key)
        if stored is None:
            stored = encode_public_key(self._origin, self._public_key)
            replace_whole(self._files.public_key, stored)
        origin, public_key = decode_public_key(stored)
        if (origin, public_key) != (self._origin, self._public_key):
            raise DoesNotHold(
                "the log belongs to another signing key or has another name",
                code="audit-key-mismatch",
                where="audit log, public_key",
                next_step="open it with the key of its own store; if that is this key, "
                "the public key was swapped: run `caldicott audit verify` with a checkpoint kept outside",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the log alone, up to date with what other processes wrote or left behind."""
        with self._threads, locked(self._files.lock, exclusive=True):
            state = audit_recovery.catch_up(self._files, self._state, self._public_key)
            if state is None:
                audit_recovery.refuse_shrunk(self._files, self._state)
                state, self.recovered = audit_recovery.recover(self._files, self._public_key)
                self._check_extends(state)
            self._state = state
            yield

    def _check_extends(self, state: LogState) -> None:
        """A log that became another while it was open was tampered with, whatever its checkpoint says."""
        head = CompactRange().extend(self._leaf_hashes())
        if state.tree.size < head.size or head.root() != self._state.checkpoint.root:
            raise audit_recovery.tampered("it no longer extends what this program wrote before", "entries")

    def _sign(self, tree: CompactRange, entries_length: int) -> LogState:
        checkpoint = Checkpoint(
            origin=self._origin,
            size=tree.size,
            root=tree.root(),
            at=self._clock(),
            entries_length=entries_length,
            public_key=self._public_key,
        )
        return LogState(tree, sign(checkpoint, self._key), checkpoint)

    def _commit(self, lines: list[bytes]) -> None:
        hashes = [leaf_hash(line) for line in lines]
        content = b"\n".join(lines) + b"\n"
        offset = self._state.checkpoint.entries_length
        after = self._sign(self._state.tree.extend(hashes), offset + len(content))
        try:
            write_whole(self._files.pending, after.note)
            write_at(self._files.entries, content, offset=offset)
            write_at(self._files.leaves, b"".join(hashes), offset=self.size * HASH_LENGTH)
            self._files.pending.rename(self._files.checkpoint)
            sync(self._files.folder)
        except OSError as fault:
            raise self._not_written(fault) from fault
        self._state = after
        with suppress(OSError):  # the checkpoint is durable; opening the log adds it to the history
            append_unsynced(self._files.history, after.note)

    def _not_written(self, fault: OSError) -> ProgramFault:
        """Take the half append back as far as the disk lets us; what is left, the next opening sets aside."""
        if read_or_none(self._files.checkpoint) == self._state.note:
            with suppress(OSError):
                self._files.pending.unlink(missing_ok=True)
                cut(self._files.entries, length=self._state.checkpoint.entries_length)
                cut(self._files.leaves, length=self.size * HASH_LENGTH)
        return ProgramFault(
            f"the audit entries could not be written ({os.strerror(fault.errno or 0)}); the act may not be recorded",
            code="audit-not-written",
            where=f"audit log, after entry {self.size - 1}",
            next_step="free space or mend the disk, then start again; the act is looked up by its id before it is done",
        )


def read_entries(folder: Path, *, start: int = 0, stop: int | None = None) -> Iterator[AuditEntry]:
    """Committed entries by index. Needs no key, and checks no signature: that is what `verify` is for."""
    files = AuditFiles(folder)
    with locked(files.lock, exclusive=False):
        note = parse(read_or_none(files.checkpoint) or b"")
    size = note.checkpoint.size if note else 0
    if not size:
        return
    with files.entries.open("rb") as opened:
        for line in islice(opened, start, size if stop is None else min(stop, size)):
            yield decode(line.removesuffix(b"\n"))


def verify(
    folder: Path, *, public_key: bytes | None = None, checkpoint: bytes | None = None, every_signature: bool = False
) -> VerifyReport:
    """Hold the log against itself and, if given, against a key and checkpoints kept outside.

    `checkpoint` may hold several checkpoints one after the other; more of them narrow down a forgery.
    """
    files = AuditFiles(folder)
    with locked(files.lock, exclusive=False):
        entries_length = size_of(files.entries)
        leaf_file = read_range(files.leaves, start=0, stop=size_of(files.leaves))
        notes = [read_or_none(path) for path in (files.checkpoint, files.pending, files.history, files.public_key)]
    leaves, is_torn = _hash_entries(files, entries_length)
    copy = LogCopy(
        leaves_found=leaves,
        has_torn_line=is_torn,
        leaf_file=leaf_file,
        checkpoint=notes[0],
        pending=notes[1],
        history=notes[2] or b"",
        public_key=notes[3],
    )
    return inspect(copy, public_key=public_key, outside=checkpoint, every_signature=every_signature)


def _hash_entries(files: AuditFiles, length: int) -> tuple[list[bytes], bool]:
    """The leaf hashes of what stood in the file when the lock was held; later appends are not looked at."""
    if not length:
        return [], False
    with files.entries.open("rb") as opened:
        return hash_lines(_first_bytes(opened, length))


def _first_bytes(lines: Iterator[bytes], length: int) -> Iterator[bytes]:
    left = length
    for line in lines:
        if left <= 0:
            return
        yield line[:left]
        left -= len(line)
