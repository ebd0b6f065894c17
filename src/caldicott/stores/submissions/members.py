"""The pieces of a delivered file: itself, its lines, or the members of its archive.

Nothing is ever written to disk, so a member's path cannot do harm; a hostile one
is refused all the same, because whoever packed it meant harm. Everything read is
counted against caps before it is kept.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from caldicott.stores.submissions.faults import ReadResult, Reason, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MIB: Final = 1 << 20
_READ: Final = 1 << 16
_RECORD_KINDS: Final = (".json", ".ndjson", ".jsonl", ".xml")
# What the standard library's unpackers are known to raise on malformed input; found by the fuzzer.
_BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    NotImplementedError,  # a compression method or flag that zipfile does not know
    RuntimeError,  # an encrypted member
)


@dataclass(frozen=True)
class Caps:
    """How much one delivered file may unpack to."""

    member_bytes: int = 128 * _MIB
    line_bytes: int = 16 * _MIB
    total_bytes: int = 16 << 30
    members: int = 100_000
    ratio: int = 200
    """Unpacked to packed; real bundles reach 40 with xz."""
    ratio_from: int = 32 * _MIB
    """Below this much unpacked the ratio is not asked: small files compress oddly."""


@dataclass(frozen=True)
class Member:
    """One piece: where it lies, what kind it is, its bytes."""

    place: str
    kind: str
    content: bytes


class _Counted:
    """A stream that refuses to give more than the caps allow."""

    def __init__(self, stream: IO[bytes], *, packed: int, caps: Caps) -> None:
        self._stream, self._caps, self._given = stream, caps, 0
        self._limit = min(caps.total_bytes, max(caps.ratio_from, packed * caps.ratio))

    def read(self, size: int = -1) -> bytes:
        """As a file's read, but counted."""
        return self._count(self._stream.read(_READ if size < 0 else size))

    def readline(self, size: int) -> bytes:
        """As a file's readline, but counted."""
        return self._count(self._stream.readline(size))

    def _count(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > self._limit:
            raise Unreadable(Reason.TOO_MUCH_UNPACKED)
        return piece


def members(path: Path, result: ReadResult, caps: Caps) -> Iterator[Member]:
    """Every readable piece of the file in order; what is unreadable is noted in `result`."""
    try:
        yield from _pieces(path, result, caps)
    except Unreadable as unreadable:
        result.note("file", unreadable.reason, rows=0)
    except _BROKEN:
        result.note("file", Reason.ARCHIVE_UNREADABLE, rows=0)


def _pieces(path: Path, result: ReadResult, caps: Caps) -> Iterator[Member]:
    name = path.name.lower()
    if path.stat().st_size == 0:
        raise Unreadable(Reason.EMPTY_FILE)
    if name.endswith(".zip"):
        yield from _zip_members(path, result, caps)
    elif name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz")):
        yield from _tar_members(path, result, caps)
    else:
        yield from _file_itself(path, result, caps)


def _file_itself(path: Path, result: ReadResult, caps: Caps) -> Iterator[Member]:
    kind = _kind(path.name.lower().removesuffix(".gz").removesuffix(".xz"))
    if not kind:
        raise Unreadable(Reason.UNKNOWN_FILE_KIND)
    with _unpacked(path) as stream:
        counted = _Counted(stream, packed=path.stat().st_size, caps=caps)
        if kind == ".ndjson":
            yield from _lines(counted, place="", result=result, caps=caps)
        else:
            yield Member("file", kind, _read_whole(counted, caps.member_bytes))


def _unpacked(path: Path) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith((".gz", ".tgz")):
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads as IO[bytes]
    if name.endswith(".xz"):
        return lzma.open(path, "rb")
    return path.open("rb")


def _kind(name: str) -> str:
    kind = next((known for known in _RECORD_KINDS if name.endswith(known)), "")
    return ".ndjson" if kind == ".jsonl" else kind


def _read_whole(stream: _Counted, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := stream.read(_READ):
        size += len(piece)
        if size > limit:
            raise Unreadable(Reason.MEMBER_TOO_LARGE)
        pieces.append(piece)
    return b"".join(pieces)


def _lines(stream: _Counted, *, place: str, result: ReadResult, caps: Caps) -> Iterator[Member]:
    number = 0
    while line := stream.readline(caps.line_bytes + 1):
        number += 1
        here = f"{place} line {number}".strip()
        if len(line) > caps.line_bytes:
            result.note(here, Reason.LINE_TOO_LONG)
            _skip_to_line_end(stream, line, caps)
        elif line.strip():
            yield Member(here, ".json", line)


def _skip_to_line_end(stream: _Counted, line: bytes, caps: Caps) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(caps.line_bytes)


def _zip_members(path: Path, result: ReadResult, caps: Caps) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > caps.members:
            raise Unreadable(Reason.TOO_MANY_MEMBERS)
        budget = _Budget(path.stat().st_size, caps)
        for number, entry in enumerate(entries, start=1):
            _refuse_path(entry.filename)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise Unreadable(Reason.ARCHIVE_LINK)
            if not entry.is_dir():
                with archive.open(entry) as stream:
                    yield from _member(stream, entry.filename, number, result, budget)


def _tar_members(path: Path, result: ReadResult, caps: Caps) -> Iterator[Member]:
    with _unpacked(path) as unpacked:
        counted = _Counted(unpacked, packed=path.stat().st_size, caps=caps)
        budget = _Budget(path.stat().st_size, caps)
        with tarfile.open(fileobj=counted, mode="r|") as archive:  # type: ignore[call-overload]  # read() is all it uses
            for number, entry in enumerate(archive, start=1):
                if number > caps.members:
                    raise Unreadable(Reason.TOO_MANY_MEMBERS)
                archive.members = []  # the stream is read once; keeping every header would grow without end
                _refuse_path(entry.name)
                if entry.isdir():
                    continue
                if not entry.isreg() or entry.issparse():
                    raise Unreadable(Reason.ARCHIVE_LINK)
                stream = archive.extractfile(entry)
                if stream is not None:
                    yield from _member(stream, entry.name, number, result, budget)


@dataclass
class _Budget:
    """What all members of one archive may unpack to together."""

    packed: int
    caps: Caps
    used: int = 0

    def spend(self, size: int) -> None:
        self.used += size
        if self.used > min(self.caps.total_bytes, max(self.caps.ratio_from, self.packed * self.caps.ratio)):
            raise Unreadable(Reason.TOO_MUCH_UNPACKED)


def _refuse_path(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or name[1:2] == ":":
        raise Unreadable(Reason.ARCHIVE_PATH)


def _member(stream: IO[bytes], name: str, number: int, result: ReadResult, budget: _Budget) -> Iterator[Member]:
    place, kind = f"member {number}", _kind(name.lower())
    if not kind:
        result.note(place, Reason.UNKNOWN_MEMBER_KIND)
        return
    counted = _Counted(stream, packed=budget.packed, caps=budget.caps)
    try:
        if kind == ".ndjson":
            yield from _spent_lines(counted, place, result, budget)
        else:
            content = _read_whole(counted, budget.caps.member_bytes)
            budget.spend(len(content))
            yield Member(place, kind, content)
    except Unreadable as unreadable:
        if unreadable.reason is not Reason.MEMBER_TOO_LARGE:
            raise
        result.note(place, unreadable.reason)


def _spent_lines(counted: _Counted, place: str, result: ReadResult, budget: _Budget) -> Iterator[Member]:
    for line in _lines(counted, place=place, result=result, caps=budget.caps):
        budget.spend(len(line.content))
        yield line
