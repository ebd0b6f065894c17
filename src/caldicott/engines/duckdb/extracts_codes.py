"""Equivalence classes by whole numbers: many ways of making columns coarser are tried, and only the one taken is SQL.

Every column is read once and its values become places in a list. To make it
coarser is to change the list, which is short; the rows keep their places. A
class is then one whole number, and a person in it another, so people, records
and sensitive values are counted by sorting numbers. What is about to leave is
measured again by SQL on its own words, whatever was found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from caldicott.disclosure.records import Criteria

Numbers: TypeAlias = npt.NDArray[np.int64]

NONE: Final = -1
_MOST: Final = 2**62
_SPARSE: Final = 4
"""Numbers that may stand empty for each record before classes are numbered anew."""


@dataclass(frozen=True, slots=True)
class Coded:
    """For each record a number from nought on that stands for its value; `NONE` where there is none."""

    of_record: npt.NDArray[Any]
    size: int

    def __repr__(self) -> str:
        return "Coded(*)"

    def through(self, other: Coded) -> Coded:
        """The same records, where each value has become another; what no value becomes stands last."""
        # Small numbers, as every step of every column is kept; a place of -1 is the last one.
        kind = np.int16 if other.size <= np.iinfo(np.int16).max else np.int32
        return Coded(other.of_record.astype(kind)[self.of_record], other.size)

    @property
    def with_none(self) -> Numbers:
        """No value as a value of its own, the last: records without one are alike."""
        return np.where(self.of_record == NONE, self.size, self.of_record).astype(np.int64)


def coded(column: pa.ChunkedArray) -> tuple[Coded, pa.Array]:
    """The column as numbers, and the values they stand for in the order of the numbers."""
    found = column.dictionary_encode().combine_chunks()
    return Coded(found.indices.fill_null(NONE).to_numpy(zero_copy_only=False), len(found.dictionary)), found.dictionary


@dataclass(frozen=True, slots=True)
class Classes:
    """Every record's class, and how many numbers classes have; not every number need be in use."""

    of_record: Numbers
    size: int

    def __repr__(self) -> str:
        return "Classes(*)"


def classes(columns: Sequence[Coded]) -> Classes:
    """Records that agree in every column are one class."""
    found = Classes(np.zeros(len(columns[0].of_record), np.int64), 1)
    for column in columns:
        size = column.size + 1
        if found.size * size > _MOST:
            found = _numbered_anew(found)
        found = Classes(found.of_record * size + column.with_none, found.size * size)
    return _dense(found)


def failing(found: Classes, criteria: Criteria, *, sensitive: Coded, person: Coded | None) -> int:
    """How many records stand in classes that are too small, too alike, or too unlike everybody."""
    records = np.bincount(found.of_record, minlength=found.size)
    people = records if person is None else _counted(found, person)
    bad = people < criteria.k
    # Where every record has a value, every class has one: that need not be counted.
    if criteria.l > 1 or (sensitive.of_record == NONE).any():
        bad |= _different(found, sensitive, person, people) < criteria.l
    if criteria.t is not None:
        bad |= _furthest(found, sensitive, records) > criteria.t
    return int(records[bad].sum())


def _dense(found: Classes) -> Classes:
    return found if found.size <= _SPARSE * len(found.of_record) else _numbered_anew(found)


def _numbered_anew(found: Classes) -> Classes:
    used, places = np.unique(found.of_record, return_inverse=True)
    return Classes(places.astype(np.int64), len(used))


def _parts(found: Classes, column: Coded) -> tuple[Classes, npt.NDArray[np.bool_], int]:
    """Records that have a value by class and value, which records these are, and by what to divide for the class."""
    has_value, size = column.of_record != NONE, max(1, column.size)
    numbers = found.of_record * size + column.of_record
    return Classes(numbers[has_value], found.size * size), has_value, size


def _counted(found: Classes, column: Coded) -> Numbers:
    """How many different values of the column each class has."""
    parts, _, size = _parts(found, column)
    ordered = np.sort(parts.of_record)
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return np.bincount(ordered[is_new] // size, minlength=found.size)


def _different(found: Classes, sensitive: Coded, person: Coded | None, people: Numbers) -> Numbers:
    """How many sensitive values each class has; one where all of its people share one, whatever else they have."""
    values = _counted(found, sensitive)
    if person is None:
        return values
    parts, has_value, size = _parts(found, sensitive)
    used, places = np.unique(parts.of_record, return_inverse=True)
    # People are counted in these as in classes.
    holders = _counted(Classes(places, len(used)), Coded(person.of_record[has_value], person.size))
    most = np.zeros(found.size, np.int64)
    np.maximum.at(most, used // size, holders)
    return np.where(most == people, 1, values)


def _furthest(found: Classes, sensitive: Coded, records: Numbers) -> npt.NDArray[np.float64]:
    """How far the shares of sensitive values in each class are from everybody's: half the sum of the differences.

    No value counts as one here. Values that a class does not have are in it as what is missing to one.
    """
    size = sensitive.size + 1
    value = sensitive.with_none
    pairs, many = np.unique(found.of_record * size + value, return_counts=True)
    where, which = pairs // size, pairs % size
    share = np.bincount(value, minlength=size) / max(1, len(value))
    apart = np.bincount(where, np.abs(many / records[where] - share[which]), minlength=found.size)
    there = np.bincount(where, share[which], minlength=found.size)
    return np.asarray(0.5 * (apart + 1 - there))
