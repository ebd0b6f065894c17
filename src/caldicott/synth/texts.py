"""Columns of text made without a loop over rows: pools and indices, dates, ids, and rows put in place."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.synth.arrays import _EPOCH, NO_DAY, Bools, Ints, Texts, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

IMPOSSIBLE_DAY = 10**6
"""The day that is written as the thirtieth of February."""

_FIRST_DAY, _LAST_DAY = -25_567, 25_567  # 1900 to 2039, the days that can be written


def pick(pool: Sequence[str] | Texts, index: Ints, *, missing: Bools | None = None) -> Texts:
    """The pool's entry at each index; null where missing."""
    indices = pa.array(index.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(pool, pa.string())).cast(pa.string())


def repeated(value: str, count: int) -> Texts:
    """The same text in every row."""
    return pick([value], np.zeros(count, np.int64))


def numerals(values: Ints, *, missing: Bools | None = None) -> Texts:
    """Whole numbers; null where missing."""
    return pa.array(values, mask=missing)


def pounds(values: npt.NDArray[np.float64]) -> Texts:
    """Money with at most two decimals."""
    return pa.array(np.round(values, 2))


def dates(days: Ints, form: str = "%Y-%m-%d") -> Texts:
    """Days as text in that form; no day is null, the impossible day is the thirtieth of February."""
    pool = _calendar(form)
    index = np.where(days == IMPOSSIBLE_DAY, len(pool) - 1, days - _FIRST_DAY)
    missing = days == NO_DAY
    return pick(pool, np.where(missing, 0, index), missing=missing)


@cache
def _calendar(form: str) -> Texts:
    known = [(_EPOCH + timedelta(days=number)).strftime(form) for number in range(_FIRST_DAY, _LAST_DAY + 1)]
    impossible = (_EPOCH.replace(year=2025, month=2, day=28)).strftime(form).replace("28", "30")
    return pa.array([*known, impossible], pa.string())


def put(column: Texts, at: Ints, replacement: Texts) -> Texts:
    """The column with the rows `at` replaced, in order; `at` must ascend."""
    if len(at) == 0:
        return column
    mask = np.zeros(len(column), np.bool_)
    mask[at] = True
    return pc.replace_with_mask(column, mask, replacement)


def blanked(column: Texts, mask: Bools) -> Texts:
    """The column with null where the mask says."""
    return pc.if_else(pa.array(mask), pa.scalar(None, column.type), column) if mask.any() else column


def only_at(at: Ints, small: Texts, count: int) -> Texts:
    """A column that is null but for the rows `at`, which hold `small`."""
    index = np.zeros(count, np.int64)
    absent = np.ones(count, np.bool_)
    index[at], absent[at] = np.arange(len(at)), False
    return small.take(pa.array(index, mask=absent)) if len(at) else pa.nulls(count, pa.string())


def joined(*parts: Texts | str, separator: str = "") -> Texts:
    """The parts side by side; null where any part is null."""
    return pc.binary_join_element_wise(*parts, separator)


_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint8).reshape(256, 2)
_DIGIT_PLACES = np.array([place for place in range(36) if place not in {8, 13, 18, 23}])


def guids(high: Words, low: Words) -> Texts:
    """Two words as one 36-character id."""
    count = len(high)
    octets = np.stack([high, low], axis=1).view(np.uint8).reshape(count, 16)
    letters = np.full((count, 36), ord("-"), np.uint8)
    letters[:, _DIGIT_PLACES] = _HEX[octets].reshape(count, 32)
    return fixed_width(letters)


def fixed_width(letters: npt.NDArray[np.uint8]) -> Texts:
    """A matrix of ASCII codes as one text a row."""
    count, width = letters.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.Array.from_buffers(pa.large_string(), count, buffers).cast(pa.string())
