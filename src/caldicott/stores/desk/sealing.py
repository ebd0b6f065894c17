"""What is kept of secrets: a digest where only equality is asked, a sealed value where it is needed again."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caldicott.stores.key_encryption import derive
from caldicott.vocabulary.errors import ProgramFault

_NONCE_BYTES = 12
TOKEN_BYTES = 32
"""256 bits; ASVS 5.0 7.2.3 asks for 128."""


def new_token() -> str:
    """A secret for a link or a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What is kept of a random token. Plain SHA-256 is enough: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_digest(text: str, key: str) -> str:
    """What is kept of a text that could be guessed, such as a sign-in name."""
    return hmac.new(derive(key.encode(), "desk", "names"), text.encode(), hashlib.sha256).hexdigest()


def seal(secret: str, *, key: str, bound_to: str) -> bytes:
    """The secret, readable only with the portal's key and only for whom it was made."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret.encode(), bound_to.encode())


def unseal(sealed: bytes, *, key: str, bound_to: str) -> str:
    """The secret again.

    Raises:
        ProgramFault: the portal's key is not the one it was sealed with.
    """
    try:
        return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode()).decode()
    except InvalidTag:
        raise ProgramFault(
            "a sealed secret does not open with the portal's key",
            code="desk-key-differs",
            where="desk",
            next_step="put the portal's old secret key back, or invite the people concerned again",
        ) from None


def _cipher(key: str) -> AESGCM:
    return AESGCM(derive(key.encode(), "desk", "sealing"))
