"""Files that come and go over MESH: the National Data Opt-out check and the mailbox.

The opt-out service answers with the people who have *not* opted out: everybody
asked about and not answered is out. So a broken answer must never be read as a
short one [Dorset notice 2018; NHS England: check for national data opt-outs].
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.vocabulary.errors import CaldicottError, DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LINE: Final = re.compile(rb"\d{10},", flags=re.ASCII)
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ANSWER_BYTES: Final = 2 << 30  # 150 million lines, twice the country
_BODY_BYTES: Final = 1 << 30
_WAIT: Final = "treat everyone as opted out until a good answer arrives; send the request again and land its answer"


@dataclass(frozen=True)
class Answer:
    """The people whom the national service allows, by number; nobody else of the request is."""

    allowed: pa.Array
    lines: int
    carriage_returns: int
    repeated: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Message:
    """One MESH message with its body put together and unpacked."""

    message_id: str
    workflow_id: str
    sender: str
    file_name: str
    is_delivered: bool
    body: bytes

    def __repr__(self) -> str:
        return f"Message({len(self.body)} bytes)"


def read_answer(path: Path) -> Answer:
    """The answer to an opt-out request.

    Raises:
        DoesNotHold: anything in it is not ten digits, a comma and a line end; then it says nothing about anyone.
    """
    if path.stat().st_size > _ANSWER_BYTES:
        raise _no_answer("the opt-out answer is larger than two gigabytes", "answer_too_large", path)
    return parse_answer(path.read_bytes(), path)


def parse_answer(content: bytes, path: Path | None = None) -> Answer:
    """As `read_answer`, for a body that came as a message."""
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise _broken(content, len(lines) + 1, path)
    carriage_returns = sum(line.endswith(b"\r") for line in lines)
    stripped = [line.removesuffix(b"\r") for line in lines] if carriage_returns else lines
    for number, line in enumerate(stripped, start=1):
        if not _LINE.fullmatch(line):
            raise _broken(content, number, path)
    numbers = sorted({line[:10].decode("ascii") for line in stripped})
    warnings = () if numbers else ("the answer is empty: nobody is allowed",)
    return Answer(pa.array(numbers, pa.string()), len(lines), carriage_returns, len(lines) - len(numbers), warnings)


def _broken(content: bytes, line: int, path: Path | None) -> DoesNotHold:
    if line == 1 and content.rstrip(b"\r\n").count(b"\n") == 0 and not content[:10].isdigit():
        return _no_answer("the opt-out service answered with an error instead of a list", "answer_is_error", path)
    return _no_answer(f"line {line} of the opt-out answer is not ten digits and a comma", "answer_broken", path)


def _no_answer(what: str, code: str, path: Path | None) -> DoesNotHold:
    where = "" if path is None else _place(path)
    return DoesNotHold(f"{what}; everyone is out until a good answer arrives", code=code, where=where, next_step=_WAIT)


def _place(path: Path) -> str:
    """The file by its kind only: a sender may have put a number into the name."""
    return f"the {path.suffix or 'unnamed'} file"


def write_request(numbers: Iterable[str]) -> bytes:
    """The request file: each number once, in order, ten digits, a comma, LF.

    Raises:
        DoesNotHold: one is not ten digits; the service would answer the whole file with an error.
    """
    distinct = sorted(set(numbers))
    if not all(len(number) == 10 and number.isascii() and number.isdigit() for number in distinct):  # noqa: PLR2004
        raise DoesNotHold(
            "a number for the opt-out request is not ten digits",
            code="request-broken",
            next_step="request only verified NHS numbers; the service refuses a file with any other",
        )
    return "".join(f"{number},\n" for number in distinct).encode("ascii")


def read_mailbox(folder: Path, workflow_id: str | None = None) -> list[Message]:
    """The messages of a mailbox's `in` folder, oldest first, each with its parts in order.

    Raises:
        DoesNotHold: a message's metadata or a part of its body is missing, broken or too large.
    """
    metadata = sorted(path for path in folder.glob("*.json") if path.is_file() and not path.is_symlink())
    read = [(_metadata(path), path.with_suffix("")) for path in metadata]
    wanted = [(entry, body) for entry, body in read if workflow_id in (None, entry["workflow_id"])]
    wanted.sort(key=lambda pair: (pair[0]["created_timestamp"], pair[0]["message_id"]))
    return [_message(entry, body) for entry, body in wanted]


def _metadata(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise _bad_message("the metadata of a message is not JSON") from None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _NEEDED):
        raise _bad_message("the metadata of a message lacks " + ", ".join(_NEEDED))
    if not _MESSAGE_ID.fullmatch(entry["message_id"]) or entry["message_id"] != path.stem:
        raise _bad_message("a message is not called what its metadata says")
    return entry


_NEEDED: Final = ("message_id", "workflow_id", "created_timestamp")


def _message(entry: dict[str, Any], folder: Path) -> Message:
    chunks = entry.get("total_chunks")
    if not isinstance(chunks, int) or not 1 <= chunks <= 10_000:  # noqa: PLR2004  MESH's own parts are 100 MB
        raise _bad_message("a message does not say how many parts it has")
    packed = b"".join(_part(folder / str(number)) for number in range(1, chunks + 1))
    details = entry.get("metadata")
    details = details if isinstance(details, dict) else {}
    is_packed = details.get("content_encoding") == "gzip" or details.get("is_compressed") is True
    return Message(
        message_id=entry["message_id"],
        workflow_id=entry["workflow_id"],
        sender=_mailbox_of(entry.get("sender")),
        file_name=str(details.get("file_name", "")),
        is_delivered=_latest_status(entry) != "undeliverable",
        body=_gunzip(packed) if is_packed else packed,
    )


def _mailbox_of(party: object) -> str:
    return str(party.get("mailbox_id", "")) if isinstance(party, dict) else ""


def _latest_status(entry: dict[str, Any]) -> str:
    events = entry.get("events")
    dated = [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    latest = max(dated, key=lambda event: str(event.get("timestamp", "")), default={})
    return str(latest.get("status", ""))


def _part(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise _bad_message("a part of a message is missing")
    if path.stat().st_size > _BODY_BYTES:
        raise _bad_message("a part of a message is larger than one gigabyte")
    return path.read_bytes()


def _gunzip(packed: bytes) -> bytes:
    """Every gzip member there is: MESH may compress the whole and cut it, or compress each part [mesh-sandbox]."""
    bodies: list[bytes] = []
    size = 0
    while packed or not bodies:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            bodies.append(unpacker.decompress(packed, _BODY_BYTES - size + 1))
        except zlib.error:
            raise _bad_message("a message says it is compressed and cannot be unpacked") from None
        size += len(bodies[-1])
        if size > _BODY_BYTES or not unpacker.eof:
            raise _bad_message("a compressed message is cut short or too large")
        packed = unpacker.unused_data
    return b"".join(bodies)


def _bad_message(what: str) -> CaldicottError:
    return DoesNotHold(what, code="message-broken", next_step="fetch the message again from the mailbox")


def pack(body: bytes) -> bytes:
    """The body as MESH sends it compressed; the same body always gives the same bytes."""
    return gzip.compress(body, mtime=0)
