"""A checkpoint says, signed: so many entries, with this root, at this time.

It is text in the form of a signed note [C2SP: signed-note, tlog-checkpoint], so
that it can be mailed, printed and read. Three more lines follow the root: the
time, the length of the entries' file, and the whole public key, so that someone
who kept only a checkpoint outside can also tell when the key was swapped.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from caldicott.audit.entry import read_moment, write_moment
from caldicott.audit.merkle import HASH_LENGTH
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from datetime import datetime

KEY_LENGTH = 32
_ED25519 = b"\x01"
_KEY_ID_LENGTH = 4
_SIGNATURE_LENGTH = 64
_NOTE = re.compile(
    rb"(?P<text>(?P<origin>[!-~]+)\n(?P<size>0|[1-9]\d{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    rb"time (?P<time>[0-9T:.\-]{26}Z)\nbytes (?P<length>0|[1-9]\d{0,18})\nkey (?P<key>[A-Za-z0-9+/]{43}=)\n)"
    rb"\n\xe2\x80\x94 (?P<signer>[!-~]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A claim about the first `size` entries."""

    origin: str
    size: int
    root: bytes
    at: datetime
    entries_length: int
    """Bytes of the entries' file that it covers: tells at once where an uncovered tail begins."""
    public_key: bytes

    def text(self) -> bytes:
        """What is signed."""
        lines = (
            self.origin,
            str(self.size),
            _base64(self.root),
            f"time {write_moment(self.at)}",
            f"bytes {self.entries_length}",
            f"key {_base64(self.public_key)}",
        )
        return "".join(f"{line}\n" for line in lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A checkpoint as read, with its signature not yet checked."""

    checkpoint: Checkpoint
    signature: bytes
    raw: bytes

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether that key signed it, and it names no other key."""
        if self.checkpoint.public_key != public_key:
            return False
        expected_id = key_id(self.checkpoint.origin, public_key)
        if self.signature[:_KEY_ID_LENGTH] != expected_id:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature[_KEY_ID_LENGTH:], self.checkpoint.text()
            )
        except InvalidSignature:
            return False
        return True


def public_key_of(signing_key: bytes) -> bytes:
    """The 32 bytes that may be given to anyone, from the 32 that may not."""
    return _private(signing_key).public_key().public_bytes_raw()


def key_id(origin: str, public_key: bytes) -> bytes:
    """Four bytes that say which key signed [C2SP: signed-note]."""
    return sha256(origin.encode("ascii") + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_LENGTH]


def sign(checkpoint: Checkpoint, signing_key: bytes) -> bytes:
    """The note, ready to keep or to send."""
    text = checkpoint.text()
    signature = key_id(checkpoint.origin, checkpoint.public_key) + _private(signing_key).sign(text)
    return text + f"\n— {checkpoint.origin} {_base64(signature)}\n".encode()


def parse(note: bytes) -> SignedNote | None:
    """The note, or None if the bytes are not exactly one."""
    match = _NOTE.fullmatch(note)
    return _as_note(match) if match else None


def parse_all(notes: bytes) -> tuple[tuple[SignedNote, ...], bytes]:
    """The notes one after the other, and what is left where the first unreadable one begins."""
    read: list[SignedNote] = []
    place = 0
    while match := _NOTE.match(notes, place):
        note = _as_note(match)
        if note is None:
            break
        read.append(note)
        place = match.end()
        while notes[place : place + 1] == b"\n":  # notes pasted from mails stand with blank lines between
            place += 1
    return tuple(read), notes[place:]


def encode_public_key(origin: str, public_key: bytes) -> bytes:
    """The key as a line of text: name, key id, key."""
    return f"{origin}+{key_id(origin, public_key).hex()}+{_base64(_ED25519 + public_key)}\n".encode("ascii")


def decode_public_key(line: bytes) -> tuple[str, bytes]:
    """Origin and key of such a line; raises if it is damaged."""
    try:
        origin, identifier, encoded = line.decode("ascii").strip().split("+", 2)
        public_key = base64.b64decode(encoded, validate=True)[len(_ED25519) :]
        is_sound = len(public_key) == KEY_LENGTH and identifier == key_id(origin, public_key).hex()
    except ValueError:
        is_sound = False
    if not is_sound:
        raise DoesNotHold(
            "the public key beside the log cannot be read",
            code="audit-public-key",
            where="public_key",
            next_step="restore it from a checkpoint kept outside: each names the key",
        )
    return origin, public_key


def _as_note(match: re.Match[bytes]) -> SignedNote | None:
    if match["signer"] != match["origin"]:
        return None
    try:
        moment = read_moment(match["time"].decode())
    except ValueError:
        return None
    checkpoint = Checkpoint(
        origin=match["origin"].decode(),
        size=int(match["size"]),
        root=base64.b64decode(match["root"]),
        at=moment,
        entries_length=int(match["length"]),
        public_key=base64.b64decode(match["key"]),
    )
    signature = base64.b64decode(match["signature"])
    is_whole = (
        checkpoint.text() == match["text"]  # base64 has two spellings of some values; only ours is taken
        and len(signature) == _KEY_ID_LENGTH + _SIGNATURE_LENGTH
        and len(checkpoint.root) == HASH_LENGTH
    )
    return SignedNote(checkpoint, signature, match.group()) if is_whole else None


def _private(signing_key: bytes) -> Ed25519PrivateKey:
    if len(signing_key) != KEY_LENGTH:
        raise DoesNotHold(
            f"the signing key of the audit log is not {KEY_LENGTH} bytes",
            code="audit-signing-key",
            where="signing key",
            next_step="take it from the store's key ring",
        )
    return Ed25519PrivateKey.from_private_bytes(signing_key)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
