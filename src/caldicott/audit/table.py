"""The trail as a table that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.audit.entry import AuditEntry

HEADINGS = ("time", "who", "what", "outcome", "reasons", "counts")


def render(entries: Iterable[AuditEntry]) -> Iterator[tuple[str, ...]]:
    """One row an entry, under `HEADINGS`; times in UTC to the second."""
    for entry in entries:
        yield (
            entry.at.strftime("%Y-%m-%d %H:%M:%S"),
            f"{entry.actor} ({entry.role}, {entry.organisation})",
            " ".join(part for part in (entry.event, entry.activity, entry.dataset, entry.format) if part),
            entry.outcome.value,
            "; ".join(entry.reasons),
            ", ".join(f"{name} {count:,}" for name, count in entry.counts.items()),
        )
