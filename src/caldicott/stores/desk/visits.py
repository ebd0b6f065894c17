"""Visits: what the server knows of a browser that signs in. The browser holds a random token and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from caldicott.stores.desk import limits
from caldicott.stores.desk.accounts import StaffAccount, valued
from caldicott.stores.desk.models import Session
from caldicott.stores.desk.sealing import digest, new_token

if TYPE_CHECKING:
    from datetime import datetime


class Stage(StrEnum):
    """How far a sign-in has come."""

    NOBODY = "nobody"
    INVITED = "invited"
    SECOND_FACTOR = "second-factor"
    SIGNED_IN = "signed-in"


class End(StrEnum):
    """Why a visit ended."""

    IDLE = "idle"
    ABSOLUTE = "absolute"
    SIGNED_OUT = "signed-out"
    EVERYWHERE = "everywhere"
    PROVIDER = "provider"
    ACCOUNT = "account"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it stands."""

    digest: str
    stage: Stage
    account: StaffAccount | None
    method: str
    started: datetime
    signed_in: datetime | None
    proved: datetime | None
    """When the person last showed that it is they: at sign-in, or when asked again."""
    seen: datetime
    ended: End | None
    provider: str
    scratch: dict[str, Any]

    @property
    def is_signed_in(self) -> bool:
        return self.stage is Stage.SIGNED_IN and self.ended is None

    def is_fresh(self, at: datetime) -> bool:
        """Whether the last proof is recent enough for what needs a sign-in of its own."""
        return self.proved is not None and at - self.proved <= limits.FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a new visit begins with."""

    stage: Stage
    account_id: str | None = None
    method: str = ""
    provider: str = ""
    provider_session: str = ""
    scratch: dict[str, Any] | None = None


def begin(opening: Opening, *, at: datetime) -> str:
    """A new visit; its token, which only the browser gets. Old rows are swept on the way."""
    _sweep(at)
    token = new_token()
    is_in = opening.stage is Stage.SIGNED_IN
    Session.objects.create(
        digest=digest(token), account_id=opening.account_id, stage=opening.stage, method=opening.method, started=at,
        signed_in=at if is_in else None, proved=at if is_in else None, seen=at,
        provider=opening.provider, provider_session=opening.provider_session, scratch=opening.scratch or {},
    )  # fmt: skip
    return token


def find(token: str, *, at: datetime) -> Visit | None:
    """The visit of a token, ended now if its time is over; None if there never was one or it is forgotten."""
    # Its key finds one row or none: `first` would put them in order besides.
    row = next(iter(Session.objects.select_related("account").filter(digest=digest(token))), None)
    if row is None:
        return None
    if not row.ended_because and (why := _over(row, at)):
        _end(Session.objects.filter(digest=row.digest), why)
        row.ended_because = why
    if not row.ended_because and at - row.seen > limits.SEEN_STEP and row.stage == Stage.SIGNED_IN:
        Session.objects.filter(digest=row.digest).update(seen=at)
    return _valued(row)


def remember(visit: Visit, **scratch: Any) -> None:
    """Keep something for the next step; None removes it."""
    kept = {name: value for name, value in {**visit.scratch, **scratch}.items() if value is not None}
    Session.objects.filter(digest=visit.digest, ended_because="").update(scratch=kept)


def prove(visit: Visit, *, at: datetime) -> None:
    """The person has shown again that it is they."""
    Session.objects.filter(digest=visit.digest, ended_because="").update(proved=at, seen=at)


def end(visit: Visit, why: End) -> None:
    _end(Session.objects.filter(digest=visit.digest), why)


def end_all(account_id: str, why: End) -> int:
    """End every visit of an account; how many of those that were signed in."""
    return _end(Session.objects.filter(account_id=account_id), why)


def end_of_provider(provider: str, *, session: str, account_id: str) -> int:
    """End what a provider says has ended: one session of its own, or all of a person's."""
    mine = Session.objects.filter(provider=provider)
    return _end(mine.filter(provider_session=session) if session else mine.filter(account_id=account_id), End.PROVIDER)


def owners_of_provider_session(provider: str, session: str) -> tuple[StaffAccount, ...]:
    """Whose live visits came with that session of the provider."""
    rows = Session.objects.select_related("account").filter(
        provider=provider, provider_session=session, ended_because="", stage=Stage.SIGNED_IN
    )
    return tuple(valued(row.account) for row in rows)


def of_account(account_id: str, *, at: datetime) -> tuple[Visit, ...]:
    """The live signed-in visits of an account, newest first."""
    rows = Session.objects.select_related("account").filter(
        account_id=account_id, ended_because="", stage=Stage.SIGNED_IN
    )
    return tuple(_valued(row) for row in rows.order_by("-signed_in") if not _over(row, at))


def last_sign_ins() -> dict[str, datetime]:
    """The latest remembered sign-in of each account."""
    rows = Session.objects.exclude(signed_in=None).order_by("signed_in").values_list("account_id", "signed_in")
    return {str(account): signed_in for account, signed_in in rows}


def _end(rows: Any, why: str) -> int:
    live = rows.filter(ended_because="")
    signed_in = int(live.filter(stage=Stage.SIGNED_IN).count())
    live.update(ended_because=why, scratch={})
    return signed_in


def _over(row: Session, at: datetime) -> str:
    if row.account is not None and row.account.ended is not None:
        return End.ACCOUNT
    if row.stage != Stage.SIGNED_IN:
        return End.IDLE if at - row.started > limits.HALF_WAY else ""
    if at - row.signed_in > limits.ABSOLUTE:
        return End.ABSOLUTE
    return End.IDLE if at - row.seen > limits.IDLE else ""


def _sweep(at: datetime) -> None:
    Session.objects.filter(started__lt=at - limits.ABSOLUTE - limits.KEEP_ENDED).delete()
    Session.objects.filter(stage=Stage.NOBODY, started__lt=at - limits.HALF_WAY).delete()


def _valued(row: Session) -> Visit:
    return Visit(
        row.digest, Stage(row.stage), valued(row.account) if row.account else None, row.method, row.started,
        row.signed_in, row.proved, row.seen, End(row.ended_because) if row.ended_because else None, row.provider,
        dict(row.scratch),
    )  # fmt: skip


def mark_told(visit: Visit) -> None:
    """That the visit is over was said and recorded; it is not recorded again."""
    Session.objects.filter(digest=visit.digest).update(scratch={"told": True})
