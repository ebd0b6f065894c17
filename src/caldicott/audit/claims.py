"""What is claimed about a log, by whom, and which claims the entries found do not meet.

A claim is a checkpoint whose signature holds under the trusted key. Nothing a
folder says of itself outranks a key or a checkpoint that came from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from caldicott.audit.checkpoint import SignedNote, decode_public_key, parse, parse_all
from caldicott.audit.merkle import CompactRange
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NEWEST_CHECKED = 2_000
"""A signature costs as much as verifying fifty entries. Older checkpoints of the history that agree with the
entries have nothing to add, so their signatures are checked only on demand; one that disagrees is always checked."""


@dataclass(frozen=True, kw_only=True)
class LogCopy:
    """The bytes of a log's files as they were found; None for a file that is not there."""

    leaves_found: Sequence[bytes]
    """Leaf hashes computed from the entries' lines, whole lines only."""
    has_torn_line: bool
    leaf_file: bytes
    checkpoint: bytes | None
    pending: bytes | None
    history: bytes
    public_key: bytes | None


class Claims:
    """The claims about one copy; each fact is worked out once."""

    def __init__(
        self, copy: LogCopy, *, public_key: bytes | None, outside: bytes | None, every_signature: bool
    ) -> None:
        self.copy = copy
        self.outside, self.outside_rest = parse_all(outside or b"")
        self.history, self.history_rest = parse_all(copy.history)
        self.current = parse(copy.checkpoint) if copy.checkpoint else None
        self._given_key = public_key
        self._every_signature = every_signature

    @property
    def is_empty(self) -> bool:
        """Whether there is no log, and nobody outside says that there was one."""
        files = (self.copy.leaves_found, self.copy.leaf_file, self.copy.checkpoint, self.copy.history)
        return not any(files) and not self.copy.has_torn_line and not self.outside

    @cached_property
    def key_in_folder(self) -> bytes | None:
        """None if it is missing or damaged."""
        try:
            return decode_public_key(self.copy.public_key or b"")[1]
        except DoesNotHold:
            return None

    @cached_property
    def key(self) -> bytes | None:
        """The given key, else that of the outside checkpoint, else (trust on sight) the one in the folder."""
        if self._given_key is not None:
            return self._given_key
        return self.outside[0].checkpoint.public_key if self.outside else self.key_in_folder

    def is_signed(self, note: SignedNote | None) -> bool:
        return note is not None and self.key is not None and note.is_signed_by(self.key)

    @cached_property
    def outside_signed(self) -> tuple[SignedNote, ...]:
        return tuple(note for note in self.outside if self.is_signed(note))

    @cached_property
    def current_signed(self) -> SignedNote | None:
        return self.current if self.is_signed(self.current) else None

    @cached_property
    def history_signed(self) -> tuple[SignedNote, ...]:
        spared = set() if self._every_signature else self._spared
        return tuple(note for place, note in enumerate(self.history) if place in spared or self.is_signed(note))

    @cached_property
    def _spared(self) -> frozenset[int]:
        """Places of old checkpoints that agree with the entries, below what a checked signature covers."""
        covered = self.current_signed.checkpoint.size if self.current_signed else 0
        older = enumerate(self.history[: max(0, len(self.history) - NEWEST_CHECKED)])
        return frozenset(place for place, note in older if note.checkpoint.size < covered and self.is_met(note))

    @property
    def signatures_spared(self) -> int:
        """How many signatures of the history were not checked."""
        return 0 if self._every_signature else len(self._spared)

    @cached_property
    def signed(self) -> tuple[SignedNote, ...]:
        """Every claim, by size."""
        current = (self.current_signed,) if self.current_signed else ()
        return tuple(
            sorted((*self.history_signed, *current, *self.outside_signed), key=lambda note: note.checkpoint.size)
        )

    @cached_property
    def end(self) -> SignedNote | None:
        """The claim that reaches furthest."""
        return self.signed[-1] if self.signed else None

    @cached_property
    def broken(self) -> tuple[SignedNote, ...]:
        """The claims that the entries found do not meet, by size."""
        return tuple(note for note in self.signed if not self.is_met(note))

    @cached_property
    def held_sizes(self) -> tuple[int, ...]:
        """Up to where the entries are as they were signed."""
        return tuple(note.checkpoint.size for note in self.signed if self.is_met(note))

    def is_met(self, note: SignedNote) -> bool:
        return self._roots.get(note.checkpoint.size) == note.checkpoint.root

    @cached_property
    def _roots(self) -> Mapping[int, bytes]:
        """The root over the entries found, at every size that a checkpoint speaks of and that they reach."""
        notes: Iterable[SignedNote] = (*self.history, *self.outside, *((self.current,) if self.current else ()))
        roots: dict[int, bytes] = {}
        tree = CompactRange()
        for size in sorted({note.checkpoint.size for note in notes}):
            if size > len(self.copy.leaves_found):
                break
            tree = tree.extend(self.copy.leaves_found[tree.size : size])
            roots[size] = tree.root()
        return roots
