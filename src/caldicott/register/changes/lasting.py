"""Whether a use goes on, on what in law it rests, and how long records are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register import words
from caldicott.register.changes.change import Change
from caldicott.vocabulary.terms import ActivityStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import ProcessingActivity


def added(after: ProcessingActivity) -> Iterator[Change]:
    starts = f" from {words.day(after.effective_from)}" if after.effective_from else ""
    is_active = after.status is ActivityStatus.ACTIVE
    sentence = f"There is a new use of information, “{after.title}”{starts}."
    yield Change("activity-added", after.id, sentence, "widens" if is_active else "neither")


def status(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    title, was, now = after.title, before.status is ActivityStatus.ACTIVE, after.status is ActivityStatus.ACTIVE
    if was and not now:
        stopped = f" on {words.day(after.effective_to)}" if after.effective_to else ""
        yield Change("status", after.id, f"“{title}” stopped{stopped}.", "narrows")
    elif now and not was:
        started = f" on {words.day(after.effective_from)}" if after.effective_from else ""
        yield Change("status", after.id, f"“{title}” started{started}.", "widens")
    elif before.status is not after.status:
        yield Change("status", after.id, f"“{title}” is now {words.STATUS[after.status]}.", "neither")
    elif before.effective_to != after.effective_to:
        yield _end(title, after.id, before.effective_to, after.effective_to)


def _end(title: str, activity: str, before: date | None, after: date | None) -> Change:
    if after is None:
        return Change("status", activity, f"“{title}” no longer has an end date.", "widens")
    widens = before is not None and after > before
    return Change("status", activity, f"“{title}” ends on {words.day(after)}.", "widens" if widens else "narrows")


def retention(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    was = before.retention.minimum if before.retention else None
    now = after.retention.minimum if after.retention else None
    if was == now:
        return
    if now is None:
        yield Change("retention", after.id, f"“{after.title}” no longer says how long records are kept.", "widens")
    elif was is None:
        yield Change("retention", after.id, f"Records of “{after.title}” are now kept for {now}.", "neither")
    else:
        sentence = f"Records of “{after.title}” are kept for {now} instead of {was}."
        yield Change("retention", after.id, sentence, words.longer(was, now))


def bases(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    was, now = words.bases(before), words.bases(after)
    if was != now:
        rests = f"“{after.title}” now rests in law on {now or 'nothing that is stated'}"
        sentence = f"{rests}; before it was {was or 'not stated'}."
        yield Change("lawful-basis", after.id, sentence, "neither")
    old_kind = before.confidentiality_basis.kind if before.confidentiality_basis else None
    new_kind = after.confidentiality_basis.kind if after.confidentiality_basis else None
    if old_kind is not new_kind:
        lets_us = (
            f"What lets us use what you told in confidence for “{after.title}” is now {words.confidence(new_kind)}"
        )
        sentence = f"{lets_us}; before it was {words.confidence(old_kind)}."
        yield Change("confidentiality-basis", after.id, sentence, "neither")
