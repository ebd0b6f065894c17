"""Ways to look at a list that a reader keeps for themselves: a name and the part of the address after `?`."""

from __future__ import annotations

from dataclasses import dataclass

from caldicott.stores.desk.models import SavedFilter

MOST = 20
"""A reader, in one practice: more would be a list of their own to search."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One saved filter."""

    id: int
    name: str
    query: str


def of(account_id: str, practice: str) -> tuple[Kept, ...]:
    rows = SavedFilter.objects.filter(account_id=account_id, practice=practice).order_by("name")
    return tuple(Kept(row.id, row.name, row.query) for row in rows)


def keep(account_id: str, practice: str, *, name: str, query: str) -> None:
    """Under its name; the same name again takes its place."""
    SavedFilter.objects.update_or_create(account_id=account_id, practice=practice, name=name, defaults={"query": query})


def remove(account_id: str, practice: str, filter_id: int) -> None:
    """Gone; nothing happens if it was gone, or is somebody else's."""
    SavedFilter.objects.filter(account_id=account_id, practice=practice, id=filter_id).delete()
