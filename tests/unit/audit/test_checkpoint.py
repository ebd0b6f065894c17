"""A checkpoint as a signed note."""

import base64
from datetime import UTC, datetime

import pytest

from caldicott.audit.checkpoint import (
    Checkpoint,
    decode_public_key,
    encode_public_key,
    parse,
    parse_all,
    public_key_of,
    sign,
)
from caldicott.audit.merkle import EMPTY_ROOT
from caldicott.vocabulary.errors import DoesNotHold

# RFC 8032, 7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
OTHER_SEED = bytes(32)
CHECKPOINT = Checkpoint(
    origin="caldicott/audit/example-icb",
    size=7,
    root=EMPTY_ROOT,
    at=datetime(2026, 5, 1, 6, tzinfo=UTC),
    entries_length=700,
    public_key=PUBLIC,
)
NOTE = sign(CHECKPOINT, SEED)


def test_the_public_key_is_that_of_rfc_8032():
    assert public_key_of(SEED) == PUBLIC


def test_the_text_is_these_lines():
    """A person can read it aloud."""
    assert NOTE.decode().splitlines()[:7] == [
        "caldicott/audit/example-icb",
        "7",
        base64.b64encode(EMPTY_ROOT).decode(),
        "time 2026-05-01T06:00:00.000000Z",
        "bytes 700",
        f"key {base64.b64encode(PUBLIC).decode()}",
        "",
    ]
    assert NOTE.decode().splitlines()[7].startswith("— caldicott/audit/example-icb ")


def test_it_is_read_back_and_its_signature_holds():
    note = parse(NOTE)
    assert note.checkpoint == CHECKPOINT
    assert note.is_signed_by(PUBLIC)
    assert not note.is_signed_by(public_key_of(OTHER_SEED))


def test_every_changed_byte_is_seen():
    """Whatever byte is changed, the note is unreadable or its signature fails."""
    for place in range(len(NOTE)):
        for bit in (1, 32):
            altered = bytearray(NOTE)
            altered[place] ^= bit
            note = parse(bytes(altered))
            assert note is None or not note.is_signed_by(PUBLIC), place


def test_a_note_that_names_one_key_and_is_signed_by_another_fails():
    note = parse(sign(CHECKPOINT, OTHER_SEED))
    assert not note.is_signed_by(PUBLIC)
    assert not note.is_signed_by(public_key_of(OTHER_SEED))


def test_notes_one_after_the_other():
    """As in the history file, and as pasted from mails with blank lines between."""
    for between in (b"", b"\n\n"):
        notes, rest = parse_all(NOTE + between + NOTE)
        assert [note.checkpoint.size for note in notes] == [7, 7]
        assert rest == b""
    notes, rest = parse_all(NOTE + NOTE[:50])
    assert (len(notes), rest) == (1, NOTE[:50])


def test_the_public_key_as_text():
    line = encode_public_key("caldicott/audit", PUBLIC)
    assert decode_public_key(line) == ("caldicott/audit", PUBLIC)


@pytest.mark.parametrize("line", [b"", b"a+b+c", b"\xff", encode_public_key("a", PUBLIC).replace(b"a+", b"b+", 1)])
def test_a_damaged_public_key_is_refused(line):
    with pytest.raises(DoesNotHold) as fault:
        decode_public_key(line)
    assert fault.value.code == "audit-public-key"


def test_a_key_of_the_wrong_length_is_refused_without_being_shown():
    with pytest.raises(DoesNotHold) as fault:
        public_key_of(b"secret")
    assert fault.value.code == "audit-signing-key"
    assert "secret" not in str(fault.value)
