"""Plain CSV: text that every reader cuts into the same values, read with columns of few values as places in a list.

Readers of CSV differ where the text is broken: a quote inside a value that has
none around it, words after a closing quote, line ends of two kinds. Where
nothing of that is found, Arrow's reader may be used instead of the engine's: it
is a third cheaper, and makes the lists while it parses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from caldicott.safe_haven.landing.value_lists import of_few_values
from caldicott.stores.submissions.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from caldicott.facts.layout import Layout

_QUOTE: Final = ord('"')
_LF: Final = ord("\n")
_CR: Final = ord("\r")
_BLOCK: Final = 2 << 20
"""Read at a time: more than the longest line that is let in, and no more than the processor's own memory likes."""
_FIRST: Final = 8 << 20
"""Looked at to see which columns say few things."""
_LIST = pa.dictionary(pa.int32(), pa.string())


@dataclass
class Plainness:
    """Evidence gathered while a file is looked through, piece by piece.

    Quotes open and close by turns. An opening one stands at the start of a value, a closing one at its end, or the two
    touch: a quote written twice. Line ends are all of one kind. There are as many delimiters as the lines must have:
    one line may still have one too many and another one too few. Looked at as bits, a word of 64 bytes at a time: some
    senders put quotes around every value, and to list where they all stand takes five times as long (measured).
    """

    delimiter: str
    is_open: bool = False
    """Whether the last quote so far has not been closed."""
    delimiters: int = 0
    line_ends: int = 0
    _is_broken: bool = False
    _starts: bool = True
    """Whether the next byte is the first of a value, or follows a quote."""
    _must_end: bool = False
    """Whether the last byte was a closing quote, so that the next must end the value."""
    _ends_with_cr: bool | None = None
    _awaits_lf: bool = False
    _is_ended: bool = True
    """Whether the last byte ended a line."""

    def see(self, piece: bytes) -> None:
        """The next bytes of the file."""
        found = np.frombuffer(piece, np.uint8)
        self._see_quotes(found, has_cr=b"\r" in piece)
        self._see_line_ends(found, has_cr=b"\r" in piece)

    def holds(self, columns: int) -> bool:
        """Once everything was seen, for lines of so many columns."""
        is_one_byte = len(self.delimiter.encode()) == 1
        lines = self.line_ends + (not self._is_ended)
        is_even = is_one_byte and self.delimiters == lines * (columns - 1)
        return is_even and not (self._is_broken or self.is_open or self._awaits_lf)

    def _see_quotes(self, found: np.ndarray, *, has_cr: bool) -> None:
        quotes, line_ends = _bits(found == _QUOTE), _bits(found == _LF)
        delimiters = _bits(found == ord(self.delimiter[:1]))
        before = delimiters | line_ends | quotes
        after = before | _bits(found == _CR) if has_cr else before
        opens = _parity(quotes) ^ (_ALL if self.is_open else _NONE)
        opening, closing = quotes & opens, quotes & ~opens
        last = len(found) - 1
        is_closing = _bit(closing, last)
        closing[last // 64] &= ~(_ONE << np.uint64(last % 64))  # its right neighbour is in the next piece
        self._is_broken |= self._must_end and not _bit(after, 0)
        self._is_broken |= bool((opening & ~_right(before, self._starts)).any() or (closing & ~_left(after)).any())
        self.is_open, self._starts, self._must_end = _bit(opens, last), _bit(before, last), is_closing
        self.delimiters += int(np.bitwise_count(delimiters & ~opens).sum())
        self.line_ends += int(np.bitwise_count(line_ends & ~opens).sum())
        self._is_ended = _bit(line_ends, last)

    def _see_line_ends(self, found: np.ndarray, *, has_cr: bool) -> None:
        if not has_cr and not self._ends_with_cr:
            if self._ends_with_cr is None and (found == _LF).any():
                self._ends_with_cr = False
            return
        expected = np.flatnonzero(found == _CR) + 1
        if self._awaits_lf:
            expected = np.insert(expected, 0, 0)
        self._awaits_lf = bool(len(expected)) and expected[-1] == len(found)
        told = expected[:-1] if self._awaits_lf else expected
        self._is_broken |= self._ends_with_cr is False or not np.array_equal(told, np.flatnonzero(found == _LF))
        self._ends_with_cr = True


_ONE, _NONE, _ALL = np.uint64(1), np.uint64(0), ~np.uint64(0)
_TOP: Final = np.uint64(63)


def _bits(is_set: np.ndarray) -> np.ndarray:
    """One bit a byte, the first the lowest; nothing after the last."""
    packed = np.packbits(is_set, bitorder="little")
    return np.pad(packed, (0, -len(packed) % 8)).view(np.uint64)


def _bit(bits: np.ndarray, at: int) -> bool:
    return bool(bits[at // 64] >> np.uint64(at % 64) & _ONE)


def _right(bits: np.ndarray, carried: bool) -> np.ndarray:  # noqa: FBT001  the bit that comes in
    """Every bit one place further on: what stands to the left of each byte."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _TOP
    moved[0] |= np.uint64(carried)
    return moved


def _left(bits: np.ndarray) -> np.ndarray:
    """What stands to the right of each byte."""
    moved = bits >> _ONE
    moved[:-1] |= bits[1:] << _TOP
    return moved


def _parity(bits: np.ndarray) -> np.ndarray:
    """Of each byte: whether the number of bits up to it, itself included, is odd."""
    odd = bits.copy()
    for places in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(places)
    carried = np.bitwise_xor.accumulate(odd >> _TOP)
    odd[1:] ^= _NONE - carried[:-1]
    return odd


@dataclass
class PlainTable:
    """The rows of a plain file; lines with too few or too many columns are left out, and counted as they are met."""

    path: Path
    layout: Layout
    names: Sequence[str]
    left_out: int = field(default=0, init=False)

    def rows(self) -> pa.RecordBatchReader:
        """All columns text, those of few values as places in a list.

        Raises:
            ArrowException: Arrow does not read it, now or later.
        """
        with self.path.open("rb") as stream:
            first = stream.read(_FIRST)
        _header, _end, lines = first.partition(b"\n")
        lists = self._lists(first)
        schema = pa.schema([(name, _LIST if name in lists else pa.string()) for name in self.names])
        if not lines.strip(b"\r\n"):  # Arrow does not read a file of no rows
            return pa.RecordBatchReader.from_batches(schema, [])
        read = pa_csv.open_csv(self.path, **self._options(dict(zip(schema.names, schema.types, strict=True))))
        return pa.RecordBatchReader.from_batches(schema, ahead(iter(read)))

    def _lists(self, first: bytes) -> frozenset[str]:
        whole, end, _rest = first.rpartition(b"\n")
        options = self._options(dict.fromkeys(self.names, pa.string()))
        try:
            return frozenset(of_few_values(pa_csv.read_csv(pa.BufferReader(whole + end), **options)))
        except pa.ArrowException:  # cut inside a value, or nothing but a header
            return frozenset()
        finally:
            self.left_out = 0  # these lines are read again

    def _leave_out(self, _line: pa_csv.InvalidRow) -> str:
        self.left_out += 1
        return "skip"

    def _options(self, types: dict[str, pa.DataType]) -> dict[str, Any]:
        return {
            "read_options": pa_csv.ReadOptions(block_size=_BLOCK, column_names=list(self.names), skip_rows=1),
            "parse_options": pa_csv.ParseOptions(
                delimiter=self.layout.table.delimiter, newlines_in_values=True, invalid_row_handler=self._leave_out
            ),
            "convert_options": pa_csv.ConvertOptions(
                column_types=types,
                null_values=list(self.layout.table.null_values),
                strings_can_be_null=True,
                check_utf8=False,  # it was looked through
            ),
        }
