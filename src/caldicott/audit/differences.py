"""Where two lists of leaf hashes part: what was altered, removed, inserted, moved."""

from __future__ import annotations

from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from caldicott.audit.report import Finding, name_entries, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RANGES_NAMED = 20
"""After so many ranges of one kind a list helps nobody: the copy as a whole is wrong."""

_RESTORE = (
    "take the copy out of use, keep it as evidence, restore the log from a backup that `verify` accepts, "
    "and report an incident"
)


def differences(found: Sequence[bytes], written: Sequence[bytes]) -> tuple[Finding, ...]:
    """What stands in the log (`found`) against what was signed (`written`)."""
    found_set, written_set = set(found), set(written)
    foreign = [index for index, leaf in enumerate(found) if leaf not in written_set]
    missing = [index for index, leaf in enumerate(written) if leaf not in found_set]
    altered = sorted(set(foreign) & set(missing))
    findings = [
        *_named("audit-entry-altered", "{} no longer as it was signed", altered),
        *_named("audit-entry-removed", "{} gone", _without(missing, altered)),
        *_named("audit-entry-inserted", "{} never signed and was put in", _without(foreign, altered)),
    ]
    findings += _moved(
        [leaf for leaf in found if leaf in written_set], [leaf for leaf in written if leaf in found_set], found, written
    )
    return tuple(findings)


def lost_range(first: int, last: int, *, what: str, code: str) -> Finding:
    """Entries of which only the range is known."""
    return Finding(
        code=code, what=what, where=f"log, {name_entries(first, last)}", next_step=_RESTORE, first=first, last=last
    )


def _named(code: str, sentence: str, indices: Iterable[int]) -> Iterator[Finding]:
    for first, last in islice(runs(indices), RANGES_NAMED):
        verb = "is" if first == last else "are"
        yield lost_range(first, last, code=code, what=sentence.format(f"{name_entries(first, last)} {verb}"))


def _moved(
    common_found: list[bytes], common_written: list[bytes], found: Sequence[bytes], written: Sequence[bytes]
) -> list[Finding]:
    """Entries that are all genuine but stand elsewhere, or twice, or once instead of twice."""
    if common_found == common_written:
        return []
    pairs = enumerate(zip_longest(found, written))
    first = next(index for index, (here, there) in pairs if here != there)
    if len(common_found) > len(common_written):
        return [lost_range(first, first, code="audit-entry-inserted", what="a genuine entry stands here again")]
    if len(common_found) < len(common_written):
        return [lost_range(first, first, code="audit-entry-removed", what="one of several equal entries is gone")]
    last = max(index for index, (here, there) in enumerate(zip_longest(found, written)) if here != there)
    return [lost_range(first, last, code="audit-entry-moved", what="the entries stand in another order than signed")]


def _without(indices: Sequence[int], others: Sequence[int]) -> list[int]:
    left_out = set(others)
    return [index for index in indices if index not in left_out]
