"""One entry of the trail: who asked for what, when, under which register, and what came of it.

The canonical bytes of an entry are the leaf of the Merkle tree, so they are
deterministic: JSON with sorted keys, no spaces, ASCII only, one line. `act_id`
sorts first; `act_id_of` relies on that to read it without parsing the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from caldicott.audit.guard import LARGEST_COUNT, refuse_identifying
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
_EVENT = re.compile(r"[a-z][a-z0-9-]*")
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}|")
_NAMES = ("act_id", "actor", "role", "organisation", "event", "activity", "dataset", "format")
_START = b'{"act_id":"'
_encode_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class Outcome(StrEnum):
    """How it ended."""

    PERMIT = "permit"
    REFUSAL = "refusal"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What happened, without one value of a row. Construction refuses anything that looks like one."""

    at: datetime
    act_id: str
    """Names the act across entries and restarts; a UUID or a slug. One act may leave several entries."""
    actor: str
    role: str
    organisation: str
    event: str
    """decision, admit, run, export, reidentify, key-destroyed, ...: lower case with hyphens."""
    outcome: Outcome
    activity: str = ""
    dataset: str = ""
    format: str = ""
    register_digest: str = ""
    reasons: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)
    references: tuple[str, ...] = ()
    """Ids of what else to look at: submissions, instruments, keys, runs."""
    days: tuple[date, ...] = ()
    """Days that texts of this entry may state, because the register or the act states them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))
        for name in ("reasons", "references"):
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        object.__setattr__(self, "days", tuple(sorted(set(self.days))))
        object.__setattr__(self, "counts", MappingProxyType(dict(sorted(self.counts.items()))))
        self._check_form()
        refuse_identifying(self._free_texts(), days=self.days)

    def _check_form(self) -> None:
        if self.at.tzinfo is None or self.at.utcoffset() != UTC.utcoffset(None):
            raise _malformed("at", "the time is not in UTC", "pass a datetime with the UTC time zone")
        if not self.act_id or '"' in self.act_id or "\\" in self.act_id or not self.act_id.isascii():
            raise _malformed("act_id", "the act has no usable id", "pass a UUID or a slug")
        if not _EVENT.fullmatch(self.event):
            raise _malformed("event", "the event is not a slug", "use lower case letters, digits and hyphens")
        if not _DIGEST.fullmatch(self.register_digest):
            raise _malformed("register_digest", "the digest is not SHA-256 in hexadecimal", "pass Register.digest")
        if not all(type(count) is int and 0 <= count <= LARGEST_COUNT for count in self.counts.values()):
            raise _malformed("counts", "a count is not a whole number below a thousand million", "count rows or people")

    def _free_texts(self) -> list[tuple[str, str]]:
        texts = [(name, getattr(self, name)) for name in _NAMES]
        texts += [("reasons", text) for text in self.reasons]
        texts += [("references", text) for text in self.references]
        texts += [("counts", name) for name in self.counts]
        return texts

    def as_record(self) -> dict[str, Any]:
        """As JSON types, for `audit show --json`; the canonical bytes are made from this."""
        return {
            "v": VERSION,
            "at": write_moment(self.at),
            **{name: str(getattr(self, name)) for name in _NAMES},
            "outcome": self.outcome.value,
            "register_digest": self.register_digest,
            "reasons": list(self.reasons),
            "counts": dict(self.counts),
            "references": list(self.references),
            "days": [day.isoformat() for day in self.days],
        }


def write_moment(at: datetime) -> str:
    """UTC to the microsecond, always 27 letters."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_moment(text: str) -> datetime:
    """More lenient than `write_moment`: who reads compares with what would be written."""
    return datetime.fromisoformat(text)


def encode(entry: AuditEntry) -> bytes:
    """The canonical bytes, without a line end."""
    return _encode_json(entry.as_record()).encode("ascii")


def decode(line: bytes) -> AuditEntry:
    """The entry of canonical bytes; raises if they are not exactly what `encode` writes."""
    try:
        record = json.loads(line)
        entry = _from_record(record)
        is_canonical = encode(entry) == line
    except (ValueError, KeyError, TypeError, AttributeError):
        is_canonical = False
    if not is_canonical:
        raise DoesNotHold(
            "the line is not an audit entry in canonical form",
            code="audit-entry-malformed",
            where="audit log",
            next_step="run `caldicott audit verify` to see whether the log was changed",
        )
    return entry


def act_id_of(line: bytes) -> str:
    """The act's id, cut from canonical bytes without parsing them; empty if they are something else."""
    if not line.startswith(_START):
        return ""
    return line[len(_START) : line.find(b'"', len(_START))].decode("ascii", "replace")


def _from_record(record: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        at=read_moment(record["at"]),
        **{name: record[name] for name in _NAMES},
        outcome=Outcome(record["outcome"]),
        register_digest=record["register_digest"],
        reasons=tuple(record["reasons"]),
        counts=record["counts"],
        references=tuple(record["references"]),
        days=tuple(date.fromisoformat(day) for day in record["days"]),
    )


def _texts(name: str, value: Iterable[str]) -> tuple[str, ...]:
    # A lone string is a sequence of letters to Python: the slip is caught here, not read later as 40 reasons.
    texts = () if isinstance(value, str) else tuple(value)
    if isinstance(value, str) or not all(isinstance(text, str) for text in texts):
        raise _malformed(name, "it is not a list of texts", "pass a tuple of strings")
    return texts


def _malformed(name: str, what: str, next_step: str) -> DoesNotHold:
    return DoesNotHold(what, code="audit-entry-malformed", where=f"audit entry, {name}", next_step=next_step)
