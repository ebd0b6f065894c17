"""Second factors: one-time codes [RFC 6238] and passkeys [WebAuthn 3]. What is checked is checked by kept libraries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyotp
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from caldicott.stores.desk.accounts import valued
from caldicott.stores.desk.models import Account, Passkey
from caldicott.stores.desk.sealing import seal, unseal

if TYPE_CHECKING:
    from datetime import datetime

    from caldicott.stores.desk.accounts import StaffAccount

_STEP: Final = 30
_NEIGHBOURS: Final = (0, -1, 1)
"""The code of the half minute before or after is taken too: telephones' clocks differ."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys belong: the host's name, and the origin a browser states."""

    host: str
    origin: str
    name: str


def new_totp_secret() -> str:
    return pyotp.random_base32()


def totp_address(secret: str, *, name: str, site: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=site)


def totp_step(secret: str, code: str, *, at: datetime) -> int | None:
    """The half minute whose code this is; None if it is of no neighbour of now."""
    bare = "".join(code.split())
    now = int(at.timestamp()) // _STEP
    right = (now + beside for beside in _NEIGHBOURS if pyotp.TOTP(secret).verify(bare, for_time=(now + beside) * _STEP))
    return next(right, None)


def keep_totp(account_id: str, secret: str, *, key: str, step: int = 0) -> None:
    """Keep the secret, sealed, for this account only."""
    sealed = seal(secret, key=key, bound_to=account_id)
    Account.objects.filter(id=account_id).update(totp_sealed=sealed, totp_last_step=step)


def use_totp(account_id: str, code: str, *, key: str, at: datetime) -> bool:
    """Whether the code is right and was not used before: a code seen over a shoulder opens nothing."""
    row = Account.objects.filter(id=account_id, ended=None).exclude(totp_sealed=None).first()
    if row is None:
        return False
    step = totp_step(unseal(bytes(row.totp_sealed), key=key, bound_to=str(row.id)), code, at=at)
    if step is None:
        return False
    return bool(Account.objects.filter(id=row.id, totp_last_step__lt=step).update(totp_last_step=step))


def totp_now(sign_in_name: str, *, key: str, at: datetime) -> str | None:
    """The code that the account's app shows now; for the command line of a demo alone."""
    row = Account.objects.filter(sign_in_name=sign_in_name, ended=None).exclude(totp_sealed=None).first()
    if row is None:
        return None
    return pyotp.TOTP(unseal(bytes(row.totp_sealed), key=key, bound_to=str(row.id))).at(at)


def registration(site: Site, *, account_id: str, name: str) -> tuple[dict[str, Any], str]:
    """What a browser needs to make a passkey, and the challenge to be remembered."""
    options = webauthn.generate_registration_options(
        rp_id=site.host, rp_name=site.name, user_id=account_id.encode(), user_name=name, user_display_name=name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id))
            for one in Passkey.objects.filter(account_id=account_id)
        ],
    )  # fmt: skip
    return json.loads(webauthn.options_to_json(options)), bytes_to_base64url(options.challenge)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser has made and that holds."""

    credential_id: str
    public_key: bytes
    sign_count: int


def registered(answer: str, *, challenge: str, site: Site) -> NewPasskey | None:
    """The passkey of a browser's answer; None if it does not hold."""
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=base64url_to_bytes(challenge), expected_rp_id=site.host,
            expected_origin=site.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    return NewPasskey(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)


def keep_passkey(account_id: str, made: NewPasskey, *, at: datetime) -> bool:
    """Keep it; False if the same passkey is kept already."""
    _, is_new = Passkey.objects.get_or_create(
        credential_id=made.credential_id,
        defaults={
            "account_id": account_id, "public_key": made.public_key, "sign_count": made.sign_count, "created": at,
        },
    )  # fmt: skip
    return bool(is_new)


def question(site: Site, account_id: str | None = None) -> tuple[dict[str, Any], str]:
    """What a browser needs to ask for a passkey, of one account or of any, and the challenge to be remembered."""
    mine = Passkey.objects.filter(account_id=account_id) if account_id else ()
    options = webauthn.generate_authentication_options(
        rp_id=site.host, user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id)) for one in mine],
    )  # fmt: skip
    return json.loads(webauthn.options_to_json(options)), bytes_to_base64url(options.challenge)


def use_passkey(answer: str, *, challenge: str, site: Site) -> StaffAccount | None:
    """The live account whose passkey answered the challenge; None if none did."""
    row = _named(answer)
    if row is None or row.account.ended is not None:
        return None
    try:
        proof = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=base64url_to_bytes(challenge), expected_rp_id=site.host,
            expected_origin=site.origin, credential_public_key=bytes(row.public_key),
            credential_current_sign_count=row.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    Passkey.objects.filter(id=row.id).update(sign_count=proof.new_sign_count)
    return valued(row.account)


def _named(answer: str) -> Passkey | None:
    try:
        named = json.loads(answer)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    found: Passkey | None = Passkey.objects.select_related("account").filter(credential_id=str(named)).first()
    return found
