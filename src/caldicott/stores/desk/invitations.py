"""Invitations: the only way to a local account. A link works once and for three days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.stores.desk import limits
from caldicott.stores.desk.models import Invitation
from caldicott.stores.desk.sealing import digest, new_token

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """Who may make an account, as what, until when."""

    digest: str
    name: str
    role: str
    organisation: str
    login: str
    expires: datetime


def invite(*, name: str, role: str, organisation: str, at: datetime, login: str = "") -> tuple[str, Invited]:
    """A new invitation and its token, told once."""
    token = new_token()
    row = Invitation.objects.create(
        digest=digest(token), name=name, role=role, organisation=organisation, login=login,
        created=at, expires=at + limits.INVITATION,
    )  # fmt: skip
    return token, _valued(row)


def find(token: str, *, at: datetime) -> Invited | None:
    """The invitation of a link that still works."""
    return with_digest(digest(token), at=at)


def with_digest(kept: str, *, at: datetime) -> Invited | None:
    row = Invitation.objects.filter(digest=kept, used=None, expires__gt=at).first()
    return _valued(row) if row else None


def use(invited: Invited, *, at: datetime) -> bool:
    """Use it up; False if somebody else was first."""
    return bool(Invitation.objects.filter(digest=invited.digest, used=None, expires__gt=at).update(used=at))


def _valued(row: Invitation) -> Invited:
    return Invited(row.digest, row.name, row.role, row.organisation, row.login, row.expires)
