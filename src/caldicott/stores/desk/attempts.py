"""The lock-out: counted in the database, so that every worker counts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from caldicott.stores.desk import limits
from caldicott.stores.desk.models import Attempts

if TYPE_CHECKING:
    from datetime import datetime


def take(subject: str, *, at: datetime) -> datetime | None:
    """Count an attempt before it is judged; if the subject rests, until when instead.

    Counting first means that a hundred attempts at once are a hundred and not one.
    """
    with transaction.atomic():
        row, _ = Attempts.objects.select_for_update().get_or_create(subject=subject, defaults={"last": at})
        if row.locked_until is not None and at < row.locked_until:
            return row.locked_until  # type: ignore[no-any-return]  # Django ships no types
        row.failures = 1 if at - row.last > limits.FORGIVEN else row.failures + 1
        row.last = at
        over = row.failures - limits.FAILURES
        row.locked_until = at + min(limits.REST * 2 ** min(over, 8), limits.LONGEST_REST) if over >= 0 else None
        row.save()
    return None


def forget(subject: str) -> None:
    """It was right: nothing failed."""
    Attempts.objects.filter(subject=subject).delete()


def rests_until(subject: str, *, at: datetime) -> datetime | None:
    """Until when the subject rests; None if it does not."""
    row = Attempts.objects.filter(subject=subject).first()
    rests = row is not None and row.locked_until is not None and at < row.locked_until
    return row.locked_until if rests else None
