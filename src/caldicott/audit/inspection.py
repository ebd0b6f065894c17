"""The check of a log by someone who trusts at most a checkpoint kept outside. Pure: bytes in, report out.

Three independent records are held against each other: the entries, the file of
their leaf hashes, and the signed checkpoints. The signed ones decide. The leaf
hashes, where they still lead to a signed root, say exactly which entry differs;
otherwise the checkpoints of the history narrow it to one group commit.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

from caldicott.audit.checkpoint import parse
from caldicott.audit.claims import Claims, LogCopy
from caldicott.audit.differences import differences, lost_range
from caldicott.audit.merkle import EMPTY_ROOT, HASH_LENGTH, CompactRange
from caldicott.audit.report import Finding, VerifyReport, name_entries, runs

if TYPE_CHECKING:
    from collections.abc import Iterable

_OUTSIDE_NEXT = "compare with the checkpoints kept outside, keep this copy as evidence and report an incident"


def hash_lines(lines: Iterable[bytes]) -> tuple[list[bytes], bool]:
    """The leaf hash of every whole line, and whether a last line without its end follows."""
    leaves: list[bytes] = []
    add = leaves.append
    for line in lines:
        if line[-1] != 10:  # noqa: PLR2004  the line feed; only the last line can lack it
            return leaves, True
        add(sha256(b"\x00" + line[:-1]).digest())
    return leaves, False


def inspect(
    copy: LogCopy, *, public_key: bytes | None = None, outside: bytes | None = None, every_signature: bool = False
) -> VerifyReport:
    """Everything that is wrong with the copy, as far as the trusted key and the outside checkpoints reach."""
    claims = Claims(copy, public_key=public_key, outside=outside, every_signature=every_signature)
    return _Inspection(claims).report()


class _Inspection:
    """The steps of one inspection; each fact is worked out once."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.copy = claims.copy
        self.findings: list[Finding] = []
        self.remarks: list[str] = []

    def report(self) -> VerifyReport:
        self._check_key()
        self._check_outside()
        self._check_checkpoint()
        self._check_history()
        if self.claims.broken:
            self._locate()
        else:
            self._check_leaf_file()
            self._check_tail()
        if self.claims.signatures_spared:
            self.remarks.append(
                f"{self.claims.signatures_spared} older checkpoints of the history agree with the entries; "
                "their signatures were not checked one by one (ask for every signature to do so)."
            )
        if self.claims.end is None and not self.findings:
            self._find("audit-log-absent", "there is no log", "folder", "check the path of the store")
        end = self.claims.end.checkpoint if self.claims.end else None
        return VerifyReport(
            size=end.size if end else 0,
            root=end.root if end else EMPTY_ROOT,
            checkpoint_at=end.at if end else None,
            covered_outside=max((note.checkpoint.size for note in self.claims.outside_signed), default=0),
            findings=tuple(self.findings),
            remarks=tuple(self.remarks),
        )

    # The checks

    def _check_key(self) -> None:
        if self.claims.key_in_folder is None and not self.claims.is_empty:
            self._find(
                "audit-public-key",
                "it is missing or cannot be read",
                "public key beside the log",
                "give the key, or a checkpoint kept outside, to `verify`; then put the key back",
            )
        elif self.claims.key_in_folder != self.claims.key and not self.claims.is_empty:
            self._find(
                "audit-key-swapped",
                "it is not the key that is trusted: the log may have been written anew and signed by someone else",
                "public key beside the log",
                _OUTSIDE_NEXT,
            )

    def _check_outside(self) -> None:
        if self.claims.outside_rest.strip():
            self._find(
                "audit-outside-unreadable",
                "it is not a checkpoint, or was changed",
                "checkpoint from outside",
                "look for an undamaged copy; a checkpoint has ten short lines",
            )
        if len(self.claims.outside_signed) != len(self.claims.outside):
            self._find(
                "audit-outside-unsigned",
                "its signature does not hold under the trusted key",
                "checkpoint from outside",
                "make sure that it and the public key belong to this log",
            )
        origins = {note.checkpoint.origin for note in self.claims.outside_signed}
        if self.claims.current_signed and origins - {self.claims.current_signed.checkpoint.origin}:
            self._find(
                "audit-origin",
                "it names another log",
                "checkpoint from outside",
                "give the checkpoint of this store, or verify the other store",
            )

    def _check_checkpoint(self) -> None:
        if self.claims.current_signed is None:
            if self.claims.is_empty:
                return
            what = "is missing" if self.copy.checkpoint is None else "was changed, or signed by another key"
            self._find("audit-checkpoint", f"it {what}", "checkpoint beside the log", _OUTSIDE_NEXT)
        elif self.claims.history_signed and self.claims.current_signed.checkpoint.size < max(
            note.checkpoint.size for note in self.claims.history_signed
        ):
            self._find(
                "audit-checkpoint-older",
                "it is older than the newest of the history: an old one was put back",
                "checkpoint beside the log",
                _OUTSIDE_NEXT,
            )

    def _check_history(self) -> None:
        if self.claims.history_rest:
            self._find(
                "audit-history",
                f"what follows checkpoint {len(self.claims.history)} cannot be read",
                "history of checkpoints",
                "after a power cut open the log once, which sets it aside; otherwise " + _OUTSIDE_NEXT,
            )
        signed = set(map(id, self.claims.history_signed))
        for first, last in runs(place for place, note in enumerate(self.claims.history) if id(note) not in signed):
            place = f"checkpoint {first}" if first == last else f"checkpoints {first} to {last}"
            self._find(
                "audit-history",
                "the signature does not hold under the trusted key",
                f"history of checkpoints, {place}",
                _OUTSIDE_NEXT,
            )
        sizes = [note.checkpoint.size for note in self.claims.history]
        if any(later <= earlier for earlier, later in pairwise(sizes)):
            self._find(
                "audit-history", "the checkpoints do not follow one another", "history of checkpoints", _OUTSIDE_NEXT
            )

    def _check_leaf_file(self) -> None:
        covered = self.claims.end.checkpoint.size if self.claims.end else 0
        stored = self.copy.leaf_file
        expected = b"".join(self.copy.leaves_found[:covered])
        if stored[: len(expected)] == expected and (len(stored) == len(expected) or self._pending_fits()):
            return
        first = next(
            (
                place // HASH_LENGTH
                for place in range(0, len(expected), HASH_LENGTH)
                if stored[place : place + HASH_LENGTH] != expected[place : place + HASH_LENGTH]
            ),
            covered,
        )
        self._find(
            "audit-leaf-file",
            f"it differs from entry {first} on, while the entries are as they were signed",
            "file of leaf hashes",
            "open the log once, which writes it again from the entries; find out who changed it",
            first=first,
        )

    def _check_tail(self) -> None:
        covered = self.claims.end.checkpoint.size if self.claims.end else 0
        extra = len(self.copy.leaves_found) - covered
        if extra <= 0 and not self.copy.has_torn_line:
            return
        if self._pending_fits():
            self.remarks.append(
                f"An append after entry {covered - 1} was cut short and never acknowledged. "
                "Opening the log completes it or sets it aside."
            )
            return
        self._find(
            "audit-tail-unsigned",
            f"{max(extra, 0)} whole and {int(self.copy.has_torn_line)} torn lines follow that no checkpoint covers",
            f"log, after entry {covered - 1}",
            "after a power cut open the log once, which sets them aside; otherwise someone added them: report it",
            first=covered,
        )

    def _pending_fits(self) -> bool:
        """Whether a signed but not yet valid checkpoint explains what lies behind the last valid one."""
        pending = parse(self.copy.pending) if self.copy.pending else None
        if pending is None or self.claims.end is None or not self.claims.is_signed(pending):
            return False
        whole = len(self.copy.leaves_found) + int(self.copy.has_torn_line)
        return self.claims.end.checkpoint.size < pending.checkpoint.size and whole <= pending.checkpoint.size

    # The place

    def _locate(self) -> None:
        exact = self._exact_differences()
        self.findings += exact or [self._narrowed()]
        outside = [note for note in self.claims.outside_signed if not self.claims.is_met(note)]
        if outside and self.claims.current_signed and self.claims.is_met(self.claims.current_signed):
            self._find(
                "audit-log-forked",
                "the log agrees with the checkpoint beside it but not with the one from outside: "
                "an old copy was put back, or history was written anew with the signing key",
                "log as a whole",
                _OUTSIDE_NEXT,
            )

    def _exact_differences(self) -> tuple[Finding, ...]:
        """By the leaf file, if it still leads to the root of a broken claim, the furthest first."""
        stored = [
            self.copy.leaf_file[place : place + HASH_LENGTH]
            for place in range(0, len(self.copy.leaf_file) // HASH_LENGTH * HASH_LENGTH, HASH_LENGTH)
        ]
        for note in reversed(self.claims.broken):
            size = note.checkpoint.size
            if size <= len(stored) and CompactRange().extend(stored[:size]).root() == note.checkpoint.root:
                found = self.copy.leaves_found if note is self.claims.end else self.copy.leaves_found[:size]
                return differences(found, stored[:size])
        return ()

    def _narrowed(self) -> Finding:
        """By the checkpoints: between the last that still holds and the first that does not."""
        broken = self.claims.broken[0].checkpoint.size
        held = max((size for size in self.claims.held_sizes if size < broken), default=0)
        found = len(self.copy.leaves_found)
        if found == held:
            return lost_range(
                found, self.claims.broken[-1].checkpoint.size - 1, code="audit-log-cut", what="the entries are gone"
            )
        return lost_range(
            held,
            max(held, broken - 1),
            code="audit-range-altered",
            what=f"something in {name_entries(held, max(held, broken - 1))} was altered, removed, inserted or moved",
        )

    def _find(self, code: str, what: str, where: str, next_step: str, *, first: int | None = None) -> None:
        self.findings.append(Finding(code=code, what=what, where=where, next_step=next_step, first=first))
