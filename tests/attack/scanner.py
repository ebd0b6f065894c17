"""Looks for identifiers in every file of a folder: as bytes, and in what Parquet and SQLite files hold when decoded.

Each value is looked for in every form a careless program could have written it
in. Letters count as the same in both cases. The first six bytes of every form
go into a bit table; a file is one pass over it, and only hits are compared.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
import struct
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_FIRST = 6
_TABLE_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HASHES = ("md5", "sha1", "sha256", "sha512")
_PIECE = 1 << 22


@dataclass(frozen=True)
class Leak:
    """Where something was found: whose, which value, in which form. Never the value."""

    where: str
    person: int
    kind: str
    form: str


def forms(kind: str, value: str) -> Iterator[tuple[str, bytes]]:
    """Every way of writing a value; numbers and postcodes in some more."""
    plain = value.encode()
    yield "plain", plain
    yield "reversed", plain[::-1]
    yield "hex", plain.hex().encode()
    yield "utf-16", value.encode("utf-16-le")
    yield "percent", "".join(f"%{byte:02x}" for byte in plain).encode()
    if quote(value) != value:
        yield "url", quote(value).encode()
        yield "url +", quote(value).replace("%20", "+").encode()
    for shift in range(3):
        yield "base64", _base64_inside(plain, shift)
    if " " in value:
        yield from (("tight", value.replace(" ", "").encode()), ("hyphenated", value.replace(" ", "-").encode()))
        yield "underscored", value.replace(" ", "_").encode()
    if kind == "number":
        yield from _number_forms(value)
    if kind == "born":
        year, month, day = value.split("-")
        yield from (("born dmy", f"{day}/{month}/{year}".encode()), ("born tight", f"{year}{month}{day}".encode()))


def _base64_inside(plain: bytes, shift: int) -> bytes:
    # The characters that do not depend on the neighbours, for each place the value can begin at.
    written = base64.b64encode(bytes(shift) + plain)
    begin = (8 * shift + 5) // 6
    return written[begin : 8 * (shift + len(plain)) // 6]


def _number_forms(number: str) -> Iterator[tuple[str, bytes]]:
    groups = number[:3], number[3:6], number[6:]
    for name, between in (("spaced", " "), ("3-3-4", "-"), ("dotted", "."), ("underscored", "_")):
        yield name, between.join(groups).encode()
    yield "spaced url", "%20".join(groups).encode()
    yield "spaced reversed", " ".join(groups)[::-1].encode()
    yield "integer", struct.pack("<q", int(number))
    yield "integer be", struct.pack(">q", int(number))
    for algorithm in _HASHES:
        for name, hashed in (
            (algorithm, hashlib.new(algorithm, number.encode())),
            (f"hmac {algorithm}", hmac.new(b"", number.encode(), algorithm)),
            (f"{algorithm} of spaced", hashlib.new(algorithm, " ".join(groups).encode())),
        ):
            yield name, hashed.hexdigest().encode()
            yield f"{name} raw", hashed.digest()
            yield f"{name} base64", base64.b64encode(hashed.digest())


class Scanner:
    """Knows the values of so many persons: kind and value of each."""

    def __init__(self, persons: Iterable[dict[str, str]]) -> None:
        self._by_first: dict[bytes, list[tuple[bytes, int, str, str]]] = {}
        self._table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        self._numbers: dict[int, int] = {}
        self._born: dict[date, int] = {}
        for place, values in enumerate(persons):
            for kind, value in values.items():
                self._know(place, kind.split("_")[0], value)

    def _know(self, place: int, kind: str, value: str) -> None:
        if kind == "number":
            self._numbers[int(value)] = place
        if kind == "born":
            self._born[date.fromisoformat(value)] = place
        for form, written in forms(kind, value):
            needle = written.lower()
            assert len(needle) >= _FIRST, f"{kind} as {form} is too short to be told from chance"
            self._by_first.setdefault(needle[:_FIRST], []).append((needle, place, kind, form))
            self._table[_mixed(np.frombuffer(needle[:_FIRST], np.uint8))] = True

    def scan(self, folder: Path, *, leaving_out: tuple[str, ...] = ()) -> list[Leak]:
        """Every leak below the folder, names of files and folders included."""
        found: list[Leak] = []
        for path in sorted(folder.rglob("*")):
            where = str(path.relative_to(folder))
            if where.startswith(leaving_out):
                continue
            found += self.in_bytes(where.encode(), where=f"name of {where[:12]}…")
            if path.is_file() and not path.is_symlink():
                found += self.in_file(path, where)
        return found

    def in_file(self, path: Path, where: str) -> list[Leak]:
        """Leaks of one file: its bytes, and its decoded values if it is plain Parquet or SQLite."""
        content = path.read_bytes()
        found = self.in_bytes(content, where=where)
        if content[:4] == b"PAR1":
            found += self.in_table(pq.read_table(path, partitioning=None), where=where)
        elif content[:6] == b"SQLite":
            found += self.in_bytes(_sqlite_words(path), where=f"{where} (decoded)")
        return found

    def in_bytes(self, content: bytes, *, where: str) -> list[Leak]:
        """Leaks of these bytes."""
        found, longest = set(), 160
        for begin in range(0, max(len(content), 1), _PIECE):
            piece = content[begin : begin + _PIECE + longest].lower()
            for at in self._candidates(piece):
                for needle, place, kind, form in self._by_first.get(piece[at : at + _FIRST], ()):
                    if piece.startswith(needle, at):
                        found.add(Leak(where, place, kind, form))
        return sorted(found, key=str)

    def _candidates(self, piece: bytes) -> list[int]:
        if len(piece) < _FIRST:
            return []
        return np.flatnonzero(self._table[_mixed(np.frombuffer(piece, np.uint8))]).tolist()  # type: ignore[no-any-return]

    def in_table(self, table: pa.Table, *, where: str) -> list[Leak]:
        """Leaks of decoded columns: text and bytes as such, whole numbers and days by value, names of columns too."""
        found = self.in_bytes("\0".join(table.column_names).encode(), where=f"{where} (column names)")
        for name in table.column_names:
            column, place = table.column(name), f"{where}, column {name}"
            values = column.unique().drop_null().to_pylist()
            found += self.in_bytes(b"\0".join(_as_bytes(value) for value in values), where=place)
            found += [Leak(place, self._numbers[v], "number", "value") for v in values if _is_int(v, self._numbers)]
            days = [value.date() if isinstance(value, datetime) else value for value in values]
            found += [
                Leak(place, self._born[v], "born", "value") for v in days if isinstance(v, date) and v in self._born
            ]
        return found


def _is_int(value: object, known: dict[int, int]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in known


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _mixed(piece: np.ndarray) -> np.ndarray:
    """For each place, which bit of the table its six bytes fall on."""
    length = len(piece) - _FIRST + 1
    packed = np.zeros(length, np.uint64)
    for place in range(_FIRST):
        packed |= piece[place : place + length].astype(np.uint64) << np.uint64(8 * place)
    return (packed * _MIX) >> np.uint64(64 - _TABLE_BITS)


def _sqlite_words(path: Path) -> bytes:
    opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in opened.execute(f'SELECT * FROM "{name}"')]
    finally:
        opened.close()
    return b"\0".join(_as_bytes(value) for row in rows for value in row)
