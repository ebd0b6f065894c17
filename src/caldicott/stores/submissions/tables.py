"""Looking at a plain table before the engine reads it.

The header is read with nothing loaded, and the bytes are looked through once for
what would make two readers see two tables: NULs, another encoding, a quote that
never closes. A fault names a column by its position, because the first line of a
file without a header is a person.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.stores.submissions.faults import Fault, Reason, Unreadable
from caldicott.stores.submissions.plain import Plainness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.facts.layout import Layout

COLUMNS_MOST: Final = 5_000  # the widest real landing table has 454
LINE_MOST: Final = 1 << 20
_READ: Final = 1 << 20
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UNPACKED_MOST: Final = 256 << 30
_BROKEN: Final = (EOFError, OSError, zlib.error)


def header(path: Path, layout: Layout) -> list[str]:
    """The column names as the file has them; an unnamed column is empty text.

    Raises:
        Unreadable: the file has no header that can be trusted.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet_names(path)
    with _opened(path) as stream:
        return _csv_names(stream, layout.table.delimiter)


@dataclass(frozen=True)
class Looked:
    """What one look through a file found."""

    faults: list[Fault]
    """Everything that speaks against letting an engine read it."""
    names: list[str] = field(default_factory=list)
    """Its columns, where it has a header that can be trusted."""
    is_plain: bool = False
    """Whether every reader of CSV cuts it into the same rows and values."""


def preflight(path: Path, layout: Layout) -> list[Fault]:
    """Everything that speaks against letting the engine read this file; nothing is loaded."""
    return look_through(path, layout).faults


def look_through(path: Path, layout: Layout) -> Looked:
    """The same, and whether it is plain."""
    try:
        names = header(path, layout)
        faults = _against_layout(names, layout)
        if path.suffix.lower() == ".parquet":
            return Looked(faults, names)
        plainness = Plainness(layout.table.delimiter)
        _look_through(path, plainness)
    except Unreadable as unreadable:
        return Looked([Fault("file", unreadable.reason, rows=0)])
    except _BROKEN:
        return Looked([Fault("file", Reason.ARCHIVE_UNREADABLE, rows=0)])
    # A table of one column may have rows of nothing, which readers tell from empty lines in their own ways.
    is_plain = len(names) > 1 and plainness.holds(len(names)) and path.suffix.lower() != ".gz"
    return Looked(faults, names, is_plain)


def count_rows(path: Path, layout: Layout) -> int:
    """How many data rows the table has, blank lines not counted.

    Raises:
        Unreadable: it cannot be read to its end.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet(path).metadata.num_rows  # type: ignore[no-any-return]
    csv.field_size_limit(LINE_MOST)
    with _opened(path) as stream, codecs.getreader("utf-8-sig")(stream) as lines:
        try:
            return sum(bool(row) for row in csv.reader(lines, delimiter=layout.table.delimiter)) - 1
        except UnicodeDecodeError:
            raise Unreadable(Reason.NOT_UTF8) from None
        except csv.Error:
            raise Unreadable(Reason.LINE_TOO_LONG) from None


def _opened(path: Path) -> IO[bytes]:
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".txt", ".txt.gz")):
        raise Unreadable(Reason.UNKNOWN_FILE_KIND)
    if path.stat().st_size == 0:
        raise Unreadable(Reason.EMPTY_FILE)
    return gzip.open(path, "rb") if name.endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError):
        raise Unreadable(Reason.NOT_PARQUET) from None


def _parquet_names(path: Path) -> list[str]:
    return _sound(list(_parquet(path).schema_arrow.names))


def _csv_names(stream: IO[bytes], delimiter: str) -> list[str]:
    piece = stream.read(LINE_MOST + 1)
    if piece.startswith(_UTF16) or b"\0" in piece:
        raise Unreadable(Reason.NUL_BYTE)
    line = _first_record(piece.removeprefix(codecs.BOM_UTF8))
    try:
        rows = list(csv.reader([line.decode()], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        raise Unreadable(Reason.NOT_UTF8) from None
    except csv.Error:
        raise Unreadable(Reason.UNCLOSED_QUOTE) from None
    return _sound(rows[0] if rows else [])


def _first_record(piece: bytes) -> bytes:
    """The first line; a quoted line end inside a column name is refused as an unclosed quote."""
    line, found, _ = piece.partition(b"\n")
    if not found and len(piece) > LINE_MOST:
        raise Unreadable(Reason.LINE_TOO_LONG)
    return line.removesuffix(b"\r")


def _sound(names: list[str]) -> list[str]:
    if not any(names):
        raise Unreadable(Reason.EMPTY_FILE)
    if len(names) > COLUMNS_MOST:
        raise Unreadable(Reason.TOO_MANY_COLUMNS)
    if len(set(names)) != len(names):
        raise Unreadable(Reason.DUPLICATE_COLUMN)
    return names


def _against_layout(names: list[str], layout: Layout) -> list[Fault]:
    listed = {column.name for column in layout.columns}
    unknown = [number for number, name in enumerate(names, start=1) if name not in listed]
    present = set(names)
    missing = [column.name for column in layout.columns if column.required and column.name not in present]
    return [
        *(Fault(f"column {number}", Reason.UNKNOWN_COLUMN, rows=0) for number in unknown),
        *(Fault(f"column '{name}'", Reason.MISSING_COLUMN, rows=0) for name in missing),
    ]


def _look_through(path: Path, plainness: Plainness) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_length = 0
    for piece in _pieces(path):
        if b"\0" in piece:
            raise Unreadable(Reason.NUL_BYTE)
        try:
            # Most pieces are plain ASCII, and to see that takes a tenth of the time (measured).
            if decoder.getstate()[0] or not piece.isascii():
                decoder.decode(piece)
        except UnicodeDecodeError:
            raise Unreadable(Reason.NOT_UTF8) from None
        line_length = _longest_line(piece, line_length)
        plainness.see(piece)
    if plainness.is_open:  # a doubled quote inside a quoted field counts twice, so a sound file is even
        raise Unreadable(Reason.UNCLOSED_QUOTE)
    _finish(decoder)


def _finish(decoder: codecs.IncrementalDecoder) -> None:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Unreadable(Reason.NOT_UTF8) from None


def _pieces(path: Path) -> Iterator[bytes]:
    given = 0
    with _opened(path) as stream:
        while piece := stream.read(_READ):
            given += len(piece)
            if given > _UNPACKED_MOST or given > max(1 << 28, path.stat().st_size * 400):
                raise Unreadable(Reason.TOO_MUCH_UNPACKED)
            yield piece


def _longest_line(piece: bytes, carried: int) -> int:
    """The length of the line still open at the end of the piece; refuses one that is too long."""
    ends = piece.find(b"\n")
    if ends < 0:
        carried += len(piece)
        _refuse_long(carried)
        return carried
    _refuse_long(carried + ends)
    # Lines inside a piece of LINE_MOST bytes cannot exceed it.
    return len(piece) - piece.rfind(b"\n") - 1


def _refuse_long(length: int) -> None:
    if length > LINE_MOST:
        raise Unreadable(Reason.LINE_TOO_LONG)
