"""What changed between two registers, in sentences for the people the data are about.

Pure. Each change says whether it widens or narrows what may be seen, so that a
reviewer can read the widening ones first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register.changes import deciding, lasting, objecting, seeing, whole
from caldicott.register.changes.change import Change, Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import ProcessingActivity, Register

__all__ = ["Change", "Effect", "diff"]


def diff(old: Register, new: Register) -> tuple[Change, ...]:
    """Every change that matters to people, activity by activity, then the whole register."""
    found: list[Change] = []
    for activity_id in dict.fromkeys(entry.id for entry in (*new.activities, *old.activities)):
        found.extend(_activity(old.activity(activity_id), new.activity(activity_id), old, new))
    found += [*deciding.answers(old, new), *deciding.identity(old, new)]
    return (*found, *whole.instruments(old, new), *whole.contacts(old, new), *whole.processors(old, new))


def _activity(
    before: ProcessingActivity | None, after: ProcessingActivity | None, old: Register, new: Register
) -> Iterator[Change]:
    if before is None and after is not None:
        yield from lasting.added(after)
    elif after is None and before is not None:
        yield Change("activity-removed", before.id, f"“{before.title}” is no longer something we do.", "narrows")
    elif before is not None and after is not None:
        yield from lasting.status(before, after)
        yield from seeing.ceilings(before, after, old, new)
        yield from seeing.requirements(before, after, old, new)
        yield from seeing.identifiers(before, after)
        yield from seeing.recipients(before, after, old, new)
        yield from seeing.small_numbers(before, after)
        yield from objecting.objections(before, after)
        yield from objecting.exemptions(before, after)
        yield from lasting.retention(before, after)
        yield from lasting.bases(before, after)
