"""What opening a log does with what a kill or a power cut left behind.

The newest valid checkpoint says what the log is. Behind it there may be an
append that was never acknowledged: if its signed pending checkpoint fits the
bytes, the append is completed; if not, the bytes are set aside in a file of
their own. Anything wrong with what the checkpoint covers is tampering or a
damaged disk, and is never repaired here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.audit.checkpoint import Checkpoint, SignedNote, parse, parse_all
from caldicott.audit.inspection import hash_lines
from caldicott.audit.merkle import HASH_LENGTH, CompactRange
from caldicott.stores.audit_files import (
    AuditFiles,
    append_unsynced,
    cut,
    read_or_none,
    read_range,
    size_of,
    write_at,
    write_whole,
)
from caldicott.stores.key_files import sync
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator

_HISTORY_END = 4_096
"""Some ten checkpoints: opening must not cost more the longer the history is."""
_SIGNATURE_LINE = re.compile("\n— [^\n]+\n".encode())
_VERIFY = "run `caldicott audit verify` with a checkpoint kept outside, and do not go on with this copy"


@dataclass(frozen=True, slots=True)
class LogState:
    """What the writer knows of the log: the tree so far and the checkpoint that covers it."""

    tree: CompactRange
    note: bytes
    checkpoint: Checkpoint


def recover(files: AuditFiles, public_key: bytes) -> tuple[LogState, tuple[str, ...]]:
    """The log as its newest checkpoint has it, and in plain words what was completed, set aside or made again."""
    note = _signed_note(files, public_key)
    tree, remade = _tree(files, note)
    state, completed = _complete(files, LogState(tree, note.raw, note.checkpoint), public_key)
    done = (*remade, *completed, *_set_tail_aside(files, state), *_mend_history(files, state))
    if done:
        sync(files.folder)
    return state, done


def catch_up(files: AuditFiles, known: LogState, public_key: bytes) -> LogState | None:
    """The state after what another writer appended; None if that is more than an orderly append."""
    raw = read_or_none(files.checkpoint)
    is_tidy = not files.pending.exists()
    if raw == known.note:
        is_tidy = is_tidy and size_of(files.entries) == known.checkpoint.entries_length
        return known if is_tidy and size_of(files.leaves) == known.tree.size * HASH_LENGTH else None
    note = parse(raw or b"")
    if note is None or not is_tidy or not note.is_signed_by(public_key) or note.checkpoint.size <= known.tree.size:
        return None
    tree = known.tree.extend(_leaf_hashes(files, known.tree.size, note.checkpoint.size))
    if tree.root() != note.checkpoint.root or size_of(files.entries) != note.checkpoint.entries_length:
        return None
    return LogState(tree, note.raw, note.checkpoint)


def refuse_shrunk(files: AuditFiles, known: LogState) -> None:
    """Raise before anything is set aside if the checkpoint went back behind what this program wrote."""
    note = parse(read_or_none(files.checkpoint) or b"")
    if note is None or note.checkpoint.size < known.tree.size:
        raise tampered("it no longer reaches as far as this program wrote before", "checkpoint")


def tampered(what: str, where: str) -> DoesNotHold:
    return DoesNotHold(what, code="audit-log-tampered", where=f"audit log, {where}", next_step=_VERIFY)


def _signed_note(files: AuditFiles, public_key: bytes) -> SignedNote:
    note = parse(read_or_none(files.checkpoint) or b"")
    if note is None or not note.is_signed_by(public_key):
        raise tampered("the checkpoint was changed or signed by another key", "checkpoint")
    newest, _ = _newest_in_history(files)
    if newest is not None and newest.checkpoint.size > note.checkpoint.size and newest.is_signed_by(public_key):
        raise tampered("the checkpoint is older than the newest of the history", "checkpoint")
    return note


def _newest_in_history(files: AuditFiles) -> tuple[SignedNote | None, int]:
    """The last readable checkpoint of the history, and where the first unreadable byte stands."""
    length = size_of(files.history)
    start = max(0, length - _HISTORY_END)
    history = read_range(files.history, start=start, stop=length)
    if start:
        # Begin behind the first signature line seen; if a long tear hides it, read all after all.
        first = _SIGNATURE_LINE.search(history)
        notes, rest = parse_all(history[first.end() :] if first else b"")
        if notes:
            return notes[-1], length - len(rest)
        history = read_range(files.history, start=0, stop=length)
    notes, rest = parse_all(history)
    return (notes[-1] if notes else None), length - len(rest)


def _tree(files: AuditFiles, note: SignedNote) -> tuple[CompactRange, tuple[str, ...]]:
    """The tree from the leaf file if that leads to the signed root, else from the entries."""
    checkpoint = note.checkpoint
    if size_of(files.entries) < checkpoint.entries_length:
        raise tampered("entries that the checkpoint covers are gone", "entries")
    tree = CompactRange().extend(_leaf_hashes(files, 0, checkpoint.size))
    if tree.size == checkpoint.size and tree.root() == checkpoint.root:
        return tree, ()
    covered = read_range(files.entries, start=0, stop=checkpoint.entries_length)
    leaves, is_torn = hash_lines(_lines(covered))
    tree = CompactRange().extend(leaves)
    if is_torn or tree.size != checkpoint.size or tree.root() != checkpoint.root:
        raise tampered("the entries do not lead to the root that was signed", "entries")
    write_whole(files.leaves, b"".join(leaves))
    return tree, ("The file of leaf hashes did not match and was written again from the entries.",)


def _complete(files: AuditFiles, state: LogState, public_key: bytes) -> tuple[LogState, tuple[str, ...]]:
    """Make a pending append valid if all of it reached the disk; it was decided and recorded, only not acknowledged."""
    raw = read_or_none(files.pending)
    if raw is None:
        return state, ()
    note = parse(raw)
    if note is not None and note.is_signed_by(public_key) and note.checkpoint.size > state.tree.size:
        appended = read_range(files.entries, start=state.checkpoint.entries_length, stop=note.checkpoint.entries_length)
        leaves, is_torn = hash_lines(_lines(appended))
        tree = state.tree.extend(leaves)
        if not is_torn and tree.size == note.checkpoint.size and tree.root() == note.checkpoint.root:
            write_at(files.leaves, b"".join(leaves), offset=state.tree.size * HASH_LENGTH)
            write_at(files.entries, b"", offset=note.checkpoint.entries_length)
            files.pending.rename(files.checkpoint)
            return LogState(tree, note.raw, note.checkpoint), (
                f"An append of {len(leaves)} entries had been cut short before its commit and was completed.",
            )
    # An old pending note must go before the next append, or it would be taken for that append's.
    files.pending.rename(files.set_aside(files.pending.name))
    return state, ("A checkpoint of an append that never came to be was set aside.",)


def _set_tail_aside(files: AuditFiles, state: LogState) -> tuple[str, ...]:
    covered = state.checkpoint.entries_length
    tail = read_range(files.entries, start=covered, stop=size_of(files.entries))
    cut_leaves = size_of(files.leaves) > state.tree.size * HASH_LENGTH
    if cut_leaves:
        cut(files.leaves, length=state.tree.size * HASH_LENGTH)
    if not tail:
        return ("Leaf hashes without an entry were cut off.",) if cut_leaves else ()
    aside = files.set_aside(files.entries.name)
    write_whole(aside, tail)
    sync(files.folder)
    cut(files.entries, length=covered)
    return (
        f"{len(tail)} bytes behind entry {state.tree.size - 1} were never committed; they are kept in {aside.name}.",
    )


def _mend_history(files: AuditFiles, state: LogState) -> tuple[str, ...]:
    """The history is written without waiting for the disk: after a power cut its end may be torn or missing."""
    newest, sound = _newest_in_history(files)
    done: tuple[str, ...] = ()
    rest = read_range(files.history, start=sound, stop=size_of(files.history))
    if rest:
        aside = files.set_aside(files.history.name)
        write_whole(aside, rest)
        cut(files.history, length=sound)
        done = (f"The torn end of the history of checkpoints is kept in {aside.name}.",)
    if newest is None or newest.checkpoint.size < state.tree.size:
        append_unsynced(files.history, state.note)
    return done


def _leaf_hashes(files: AuditFiles, start: int, stop: int) -> Iterator[bytes]:
    stored = read_range(files.leaves, start=start * HASH_LENGTH, stop=stop * HASH_LENGTH)
    return (stored[place : place + HASH_LENGTH] for place in range(0, len(stored), HASH_LENGTH))


def _lines(content: bytes) -> list[bytes]:
    """Lines by line feed alone, each with its end."""
    lines = content.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def is_new(files: AuditFiles) -> bool:
    """Whether there is no log yet; a log never has entries or a history without a checkpoint."""
    if files.checkpoint.exists():
        return False
    if size_of(files.entries) or size_of(files.history) or size_of(files.leaves):
        raise tampered("the checkpoint is missing while the log is not empty", "checkpoint")
    return True


def begin(files: AuditFiles, state: LogState) -> None:
    """Make the checkpoint of a log without entries durable."""
    write_whole(files.pending, state.note)
    files.pending.rename(files.checkpoint)
    append_unsynced(files.history, state.note)
    sync(files.folder)
