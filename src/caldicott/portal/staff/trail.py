"""Acts of sign-in: true and recorded, or neither. Nothing typed, no token and no address of a machine is recorded."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from caldicott import bootstrap
from caldicott.audit.entry import Outcome
from caldicott.stores.desk import trail as desk_trail
from caldicott.stores.desk.trail import Actor
from caldicott.stores.store import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.stores.audit_log import AuditLog

__all__ = ["Actor", "Outcome", "deliver", "note", "recorded"]


def note(
    event: str, outcome: Outcome, actor: Actor, *, reasons: tuple[str, ...] = (), references: tuple[str, ...] = (),
    activity: str = "",
) -> None:  # fmt: skip
    """One entry, within `recorded`."""
    desk_trail.put(
        event, outcome, actor=actor, at=bootstrap.now(), reasons=reasons, references=references, activity=activity,
        digest=_digest(),
    )  # fmt: skip


@contextmanager
def recorded() -> Iterator[None]:
    """All of it or nothing; when this ends, what was noted stands in the trail."""
    with transaction.atomic():
        yield
    deliver()


def deliver() -> None:
    """What waits goes into the trail."""
    desk_trail.deliver(_log(settings.PORTAL.store))


@cache
def _log(store: Path) -> AuditLog:
    return desk_trail.open_log(store, settings=StoreSettings(os.environ, Path.home()), at=bootstrap.today())


def _digest() -> str:
    from caldicott.portal.views import board

    return board().notice().register.digest
