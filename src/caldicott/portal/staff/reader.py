"""Who reads: the value that every page of staff is given, and that operations are asked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.stores.desk.trail import Actor

if TYPE_CHECKING:
    from datetime import datetime

    from caldicott.stores.desk.accounts import StaffAccount
    from caldicott.stores.desk.visits import Visit


@dataclass(frozen=True, slots=True)
class Reader:
    """A person of staff who has signed in."""

    role: str
    organisation: str
    user: str
    """The account's id: what stands in the audit trail."""
    signed_in_at: datetime
    method: str
    """`password+totp`, `password+recovery-code`, `password+passkey`, `passkey`, or `oidc:` and the provider."""
    name: str = ""
    """For the head of the page; never for the trail."""

    @property
    def actor(self) -> Actor:
        return Actor(self.user, self.role, self.organisation)


def reader_of(visit: Visit | None) -> Reader | None:
    """The reader of a visit that is signed in."""
    if visit is None or not visit.is_signed_in or visit.account is None or visit.signed_in is None:
        return None
    account = visit.account
    return Reader(account.role, account.organisation, account.id, visit.signed_in, visit.method, account.name)


def actor_of(account: StaffAccount | None) -> Actor:
    """Who it was, as far as that is known."""
    return Actor(account.id, account.role, account.organisation) if account else Actor()
