"""An entry and its canonical bytes."""

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from caldicott.audit import AuditEntry, Outcome, decode, encode
from caldicott.audit.entry import act_id_of
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

ENTRY = AuditEntry(
    at=datetime(2026, 5, 1, 6, 30, tzinfo=UTC),
    act_id="act-1",
    actor="analyst-7",
    role=Role.COMMISSIONING_ANALYST,
    organisation="example-icb",
    event="decision",
    outcome=Outcome.REFUSAL,
    activity="commissioning-planning",
    dataset="sus-apc",
    format=DataFormat.IDENTIFIABLE,
    register_digest="ab" * 32,
    reasons=("the ceiling of the role is pseudonymised",),
    counts={"rows": 12, "files": 1},
    references=("dars-dsa",),
)
BYTES = (
    b'{"act_id":"act-1","activity":"commissioning-planning","actor":"analyst-7","at":"2026-05-01T06:30:00.000000Z",'
    b'"counts":{"files":1,"rows":12},"dataset":"sus-apc","days":[],"event":"decision","format":"identifiable",'
    b'"organisation":"example-icb","outcome":"refusal","reasons":["the ceiling of the role is pseudonymised"],'
    b'"references":["dars-dsa"],"register_digest":"' + b"ab" * 32 + b'","role":"commissioning_analyst","v":1}'
)


def changed(**changes):
    return AuditEntry(**({name: getattr(ENTRY, name) for name in ENTRY.__dataclass_fields__} | changes))


def test_the_bytes_are_these():
    """The form of version 1 is fixed for ever: old roots depend on it."""
    assert encode(ENTRY) == BYTES


def test_decode_gives_the_entry_back():
    assert decode(BYTES) == ENTRY


def test_the_order_of_counts_does_not_matter():
    assert encode(changed(counts={"files": 1, "rows": 12})) == BYTES


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        BYTES + b" ",
        BYTES.replace(b'"v":1', b'"v":2'),
        BYTES.replace(b'"v":1', b'"v":1,"x":1'),
        BYTES.replace(b":12}", b":12.0}"),
        json.dumps(json.loads(BYTES)).encode(),
        BYTES.replace(b"refusal", b"perhaps"),
        b"\xff",
    ],
)
def test_only_canonical_bytes_are_read(line):
    """One entry has one spelling; anything else is not an entry."""
    with pytest.raises(DoesNotHold) as fault:
        decode(line)
    assert fault.value.code == "audit-entry-malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"at": datetime(2026, 5, 1)},
        {"at": datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=1)))},
        {"act_id": ""},
        {"act_id": 'a"b'},
        {"act_id": "a\\b"},
        {"event": "Key Destroyed"},
        {"event": ""},
        {"register_digest": "abc"},
        {"reasons": "one text"},
        {"references": (UUID(int=1),)},
    ],
)
def test_a_malformed_entry_is_not_made(changes):
    with pytest.raises(DoesNotHold) as fault:
        changed(**changes)
    assert fault.value.code == "audit-entry-malformed"


def test_an_unknown_outcome_is_not_made():
    with pytest.raises(ValueError, match="perhaps"):
        changed(outcome="perhaps")


def test_an_entry_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        ENTRY.actor = "someone-else"
    with pytest.raises(TypeError):
        ENTRY.counts["rows"] = 0


def test_the_act_is_read_without_parsing():
    assert act_id_of(BYTES) == "act-1"
    assert act_id_of(b"something else") == ""


@pytest.mark.parametrize("at", [datetime(9, 1, 2, tzinfo=UTC), datetime(2026, 5, 1, 6, 30, 0, 7, tzinfo=UTC)])
def test_every_moment_is_written_at_full_length(at):
    """Early years and whole seconds included: one moment has one spelling."""
    assert len(changed(at=at).as_record()["at"]) == 27
    assert decode(encode(changed(at=at))).at == at
