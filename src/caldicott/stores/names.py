"""Names for files and folders that nobody has used."""

from __future__ import annotations

import secrets

_LETTERS = "bcdfghjkmnpqrstvwxz"
_LENGTH = 12


def unused_name() -> str:
    """Twelve random letters: without digits it can never be taken for an identifier, without vowels for a word."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
