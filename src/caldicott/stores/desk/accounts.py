"""Accounts of staff: found, made, ended. What leaves here are values without secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction

from caldicott.stores.desk import limits
from caldicott.stores.desk.models import Account, Passkey, RecoveryCode
from caldicott.stores.desk.sealing import digest
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from datetime import datetime

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
TAKEN = "sign-in-name-taken"
_CODE_LENGTH = 16
"""80 random bits, written in fours."""


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """Who works here, as what, for whom."""

    id: str
    name: str
    role: str
    organisation: str
    provider: str
    created: datetime
    ended: datetime | None
    has_totp: bool

    @property
    def is_live(self) -> bool:
        return self.ended is None


def valued(row: Account) -> StaffAccount:
    """The account without what opens it."""
    return StaffAccount(
        str(row.id), row.name, row.role, row.organisation, row.provider, row.created, row.ended,
        row.totp_sealed is not None,
    )  # fmt: skip


def with_id(account_id: str) -> StaffAccount | None:
    """The account of that id."""
    row = Account.objects.filter(id=account_id).first()
    return valued(row) if row else None


def every() -> tuple[StaffAccount, ...]:
    """All accounts, also ended ones, by name."""
    return tuple(valued(row) for row in Account.objects.order_by("name", "id"))


def fold(sign_in_name: str) -> str:
    """A sign-in name as it is compared: capitals and blanks around it do not matter."""
    return sign_in_name.strip().casefold()


def is_taken(sign_in_name: str) -> bool:
    return bool(Account.objects.filter(sign_in_name=fold(sign_in_name)).exists())


def with_password(sign_in_name: str, password: str) -> StaffAccount | None:
    """The live account whose name and password these are; as much work is done for a name that nobody has."""
    row = Account.objects.filter(sign_in_name=fold(sign_in_name), ended=None).first()
    right = check_password(password, row.password if row else _nobodys())
    return valued(row) if row is not None and right else None


def has_password(account_id: str, password: str) -> bool:
    """Whether that is the password of this live account."""
    row = Account.objects.filter(id=account_id, ended=None).first()
    return bool(check_password(password, row.password if row else _nobodys()))


def hashed(password: str) -> str:
    """What is kept of a password."""
    return str(make_password(password))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A local account to be made, its password already hashed."""

    id: str
    name: str
    role: str
    organisation: str
    sign_in_name: str
    password_hash: str


def make(new: NewAccount, *, at: datetime) -> StaffAccount:
    """The account. Its second factor has to be kept in the same transaction.

    Raises:
        DoesNotHold: the sign-in name was taken meanwhile.
    """
    try:
        with transaction.atomic():
            row = Account.objects.create(
                id=new.id, name=new.name, role=new.role, organisation=new.organisation,
                sign_in_name=fold(new.sign_in_name), password=new.password_hash, created=at,
            )  # fmt: skip
    except IntegrityError:
        raise DoesNotHold(
            "that sign-in name is taken",
            code=TAKEN,
            next_step="open the link of your invitation again and choose another name",
        ) from None
    return valued(row)


def federated(*, provider: str, subject: str, name: str, role: str, organisation: str, at: datetime) -> StaffAccount:
    """The account behind a provider's subject, made on first sight; its name, role and organisation as told now."""
    known = {"name": name, "role": role, "organisation": organisation}
    row, _ = Account.objects.update_or_create(
        provider=provider, subject=subject, defaults=known, create_defaults={**known, "created": at}
    )
    return valued(row)


def end(account_id: str, *, at: datetime) -> bool:
    """The account opens nothing from now on. False if it had ended or is unknown."""
    return bool(Account.objects.filter(id=account_id, ended=None).update(ended=at))


def give_back_name(account_id: str) -> None:
    """The sign-in name of an account that has ended may be chosen again."""
    Account.objects.filter(id=account_id).exclude(ended=None).update(sign_in_name=f"ended-{account_id}")


def new_recovery_codes(account_id: str) -> tuple[str, ...]:
    """Fresh codes; the old ones are void. They are told once and kept as digests."""
    codes = tuple(_code() for _ in range(limits.RECOVERY_CODES))
    with transaction.atomic():
        RecoveryCode.objects.filter(account_id=account_id).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(account_id=account_id, digest=digest(_bare(one))) for one in codes
        )
    return codes


def use_recovery_code(account_id: str, code: str, *, at: datetime) -> bool:
    """Whether the code was one of the account's that is left; it is used up."""
    mine = RecoveryCode.objects.filter(account_id=account_id, digest=digest(_bare(code)), used=None)
    return bool(mine.update(used=at))


def recovery_codes_left(account_id: str) -> int:
    return int(RecoveryCode.objects.filter(account_id=account_id, used=None).count())


def passkeys_of(account_id: str) -> int:
    return int(Passkey.objects.filter(account_id=account_id).count())


def looks_like_recovery_code(text: str) -> bool:
    return len(_bare(text)) == _CODE_LENGTH


def _code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    return "-".join(letters[place : place + 4] for place in range(0, _CODE_LENGTH, 4))


def _bare(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())


_kept: list[str] = []


def _nobodys() -> str:
    # Made once: a hash that no password meets, so that an unknown name takes as long as a wrong password.
    if not _kept:
        _kept.append(make_password(secrets.token_hex()))
    return _kept[0]


def with_subject(*, provider: str, subject: str) -> StaffAccount | None:
    """The account behind a provider's subject."""
    row = Account.objects.filter(provider=provider, subject=subject).first()
    return valued(row) if row else None


def has_subject(account_id: str, *, provider: str, subject: str) -> bool:
    """Whether that subject of the provider is this live account."""
    mine = Account.objects.filter(id=account_id, provider=provider, subject=subject, ended=None)
    return bool(mine.exists())
