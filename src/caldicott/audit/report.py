"""What an inspection of the log found, in sentences an IG officer can act on."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written."""

    code: str
    what: str
    where: str
    next_step: str
    first: int | None = None
    """Index of the first entry concerned, counted from 0; None if it is not about entries."""
    last: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. Next: {self.next_step} ({self.code})"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The answer of `verify`. `ok` speaks of what the checkpoints cover; `covered_outside` says how far that is."""

    size: int
    root: bytes
    checkpoint_at: datetime | None
    covered_outside: int
    """Entries vouched for by a checkpoint from outside; 0 means nobody outside can contradict this copy."""
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    """What is worth knowing but no fault, such as an append that a kill cut short."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """Index of the first entry that is not as it was written, as far as it can be told."""
        return min((finding.first for finding in self.findings if finding.first is not None), default=None)

    def as_record(self) -> dict[str, Any]:
        """The same, for `--json`."""
        return {
            "ok": self.ok,
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "checkpoint_at": self.checkpoint_at.isoformat() if self.checkpoint_at else None,
            "covered_outside": self.covered_outside,
            "findings": [asdict(finding) for finding in self.findings],
            "remarks": list(self.remarks),
        }


def name_entries(first: int, last: int) -> str:
    """`entry 7` or `entries 7 to 9`, counted from 0."""
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def runs(indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending indices as first-last pairs of neighbours."""
    first = last = None
    for index in indices:
        if last is not None and index == last + 1:
            last = index
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = index
    if first is not None and last is not None:
        yield first, last
