"""Pseudonymisation at source: a keyed code that a sender computes, so that no NHS number leaves it.

Keyed codes are weaker than tokens. There are only 272,727,273 NHS numbers that
can be live in England and Wales, so whoever has the key has every number in
minutes. Therefore: a key for each source, agreement and epoch, sealed for the
way; and on landing the code counts as an identifier of kind `source_pseudonym`
and is replaced by the domain's random token like any other [linkage notes 6.4].
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

KEY_BYTES = 32
CODE_BYTES = 16
SALT_BYTES = 16
NONCE_BYTES = 12
FEWEST_CHARACTERS = 16
"""A sealed key travels, and can be guessed at for ever: a longer passphrase than for a store."""

_KIND = "caldicott-at-source-v1"


@dataclass(frozen=True)
class AtSourceKey:
    """The key of one source under one agreement in one epoch."""

    source: str
    agreement: str
    epoch: int
    _secret: bytes = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self._secret) != KEY_BYTES:
            raise WrongUsage(
                "a key at source is 32 random bytes", code="key-length", next_step="take them from the system's source"
            )

    def mac_key(self) -> bytes:
        """Bound to source, agreement and epoch: the same secret used twice by mistake still gives other codes."""
        info = json.dumps([_KIND, self.source, self.agreement, self.epoch]).encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled")


def pseudonymise(numbers: pa.Array | pa.ChunkedArray, key: AtSourceKey) -> pa.Array:
    """A code of 32 hex digits for each canonical NHS number; null stays null.

    Canonical means ten ASCII digits that are not all the same. Anything else
    refuses the whole batch: two spellings of a number would be two persons, and
    a filler such as ten zeros would make many persons one.
    """
    _require_canonical(numbers)
    distinct = pc.unique(numbers)
    mac_key = key.mac_key()
    codes = [None if number is None else code_of(number.encode(), mac_key) for number in distinct.to_pylist()]
    return pa.array(codes, pa.string()).take(pc.index_in(numbers, value_set=distinct)).cast(pa.string())


def code_of(message: bytes, mac_key: bytes) -> str:
    """HMAC-SHA-256 [RFC 4231], its first 128 bits as hex."""
    return hmac.digest(mac_key, message, "sha256")[:CODE_BYTES].hex()


def persons_of(codes: pa.Array, *, numbers: pa.Array, persons: pa.Array, key: AtSourceKey) -> pa.Array:
    """The person of each code, found by coding the numbers already known; null for a code of nobody known.

    For the person index of the safe haven, which holds numbers and the sender's
    key: it learns who a row is about, and the row never carried a number.
    """
    known = pseudonymise(numbers, key)
    return persons.take(pc.index_in(codes, value_set=known, skip_nulls=True))


def seal(key: AtSourceKey, *, passphrase: str, salt: bytes, nonce: bytes) -> bytes:
    """The package to send: readable label, unreadable key. The passphrase goes by another way."""
    if len(passphrase) < FEWEST_CHARACTERS or len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise WrongUsage(
            f"sealing needs a passphrase of {FEWEST_CHARACTERS} characters, {SALT_BYTES + NONCE_BYTES} random bytes",
            code="passphrase-short",
            next_step="choose a longer passphrase and send it by another way than the package",
        )
    label = {"kind": _KIND, "source": key.source, "agreement": key.agreement, "epoch": key.epoch}
    sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, key._secret, _bound(label))  # noqa: SLF001  its own key
    texts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    return json.dumps(label | {name: base64.b64encode(octets).decode() for name, octets in texts.items()}).encode()


def unseal(package: bytes, *, passphrase: str) -> AtSourceKey:
    """The key out of a package; DoesNotHold if the passphrase is wrong or the label was edited."""
    try:
        fields: dict[str, Any] = json.loads(package)
        salt, nonce, sealed = (
            base64.b64decode(fields.pop(name), validate=True) for name in ("salt", "nonce", "sealed")
        )
        secret = AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, _bound(fields))
        return AtSourceKey(fields["source"], fields["agreement"], fields["epoch"], secret)
    except (InvalidTag, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise DoesNotHold(
            "the key package does not open",
            code="package-does-not-open",
            next_step="check the passphrase; if it is right, ask the sender for the package again: it was changed",
        ) from None


def open_pseudonymiser(texts: pa.Array, *, salt: str, is_allowed: bool = False) -> pa.Array:
    """SHA-256 of text and salt, as OpenPseudonymiser computes it: only to match codes that others made.

    Off unless the caller allows it: a salt is not a key, and the salt of a
    project is held by every sender of it.
    """
    if not is_allowed:
        raise Refused(
            "salted hashes without a key are switched off",
            code="open-pseudonymiser-off",
            next_step="use pseudonymisation at source with a key; allow this only to match codes made elsewhere",
        )
    made = [None if text is None else hashlib.sha256((text + salt).encode()).hexdigest() for text in texts.to_pylist()]
    return pa.array(made, pa.string())


def _require_canonical(numbers: pa.Array | pa.ChunkedArray) -> None:
    is_ten_digits = pc.and_(pc.match_substring_regex(numbers, "^[0-9]{10}$"), pc.equal(pc.binary_length(numbers), 10))
    is_filler = pc.match_substring_regex(numbers, "^(0{10}|1{10}|2{10}|3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10})$")
    wrong = pc.sum(pc.or_(pc.invert(is_ten_digits), is_filler)).as_py()
    if wrong:
        raise DoesNotHold(
            f"{wrong} of {len(numbers)} values are not NHS numbers of ten digits",
            code="nhs-number-not-canonical",
            next_step="remove blanks and dashes, and leave out numbers that are missing, before making codes",
        )


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Argon2id(salt=salt, length=KEY_BYTES, iterations=3, lanes=4, memory_cost=65536).derive(passphrase.encode())


def _bound(label: dict[str, Any]) -> bytes:
    return json.dumps(label, sort_keys=True).encode()
