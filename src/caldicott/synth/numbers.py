"""Invented NHS numbers: the never-issued 9xx range, right check digits, no two alike [DD: NHS number].

And the ways in which a number is written wrongly, each as a function from right numbers to texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth.texts import fixed_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from caldicott.synth.arrays import Ints, Texts

_ELEVEN, _NO_CHECK_DIGIT = 11, 10
_WEIGHTS = np.arange(10, 1, -1)
_FIRST_STEM, _LAST_STEM = 900_000_000, 999_999_999
SENTINELS = ("0000000000", "9999999999", "1111111111")


def check_digits(stems: Ints) -> Ints:
    """Modulus 11 over nine digits; 10 means that the stem cannot be used."""
    remainder = _ELEVEN - (_digits(stems, 9) * _WEIGHTS).sum(axis=1) % _ELEVEN
    return np.where(remainder == _ELEVEN, 0, remainder)


def _digits(values: Ints, width: int) -> Ints:
    return values[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10


def invent_numbers(rng: np.random.Generator, count: int) -> Ints:
    """That many different valid numbers, none of them the same read backwards."""
    wanted = int(count * 1.15) + 200  # one stem in eleven has no check digit
    stems = rng.integers(_FIRST_STEM, _LAST_STEM, wanted, endpoint=True)
    numbers = np.unique(_valid(stems))
    while len(numbers) < count:
        more = rng.integers(_FIRST_STEM, _LAST_STEM, wanted, endpoint=True)
        numbers = np.unique(np.concatenate([numbers, _valid(more)]))
    return np.asarray(rng.permutation(numbers)[:count])


def _valid(stems: Ints) -> Ints:
    digits = check_digits(stems)
    numbers = (stems * 10 + digits)[digits != _NO_CHECK_DIGIT]
    return np.asarray(numbers[~is_palindrome(numbers)])


def is_palindrome(numbers: Ints) -> npt.NDArray[np.bool_]:
    """Whether the ten digits read the same backwards; every such number passes modulus 11."""
    digits = _digits(numbers, 10)
    return np.asarray((digits[:, :5] == digits[:, :4:-1]).all(axis=1))


def palindromes(rng: np.random.Generator, count: int) -> Ints:
    """Different valid numbers that read the same backwards; never the sentinel 9999999999."""
    halves = _digits(rng.choice(9_999, size=min(count, 9_999), replace=False), 4)
    front = np.concatenate([np.full((len(halves), 1), 9), halves], axis=1)
    return np.asarray(np.concatenate([front, front[:, ::-1]], axis=1) @ 10 ** np.arange(9, -1, -1))


def plain(numbers: Ints) -> Texts:
    """Ten ASCII digits."""
    return pa.array(numbers).cast(pa.string())


def with_wrong_check_digit(numbers: Ints) -> Texts:
    """Ten digits that fail modulus 11; a stem has only one right digit, so any other is wrong."""
    return plain(numbers - numbers % 10 + (numbers + 1 + numbers // 10 % 9) % 10)


def without_first_digit(numbers: Ints) -> Texts:
    """Nine digits, as a spreadsheet leaves a number that began with nought."""
    return _written(_digits(numbers, 10)[:, 1:])


def as_float(numbers: Ints) -> Texts:
    """As a spreadsheet writes a number it took for a quantity."""
    digits = _digits(numbers, 10) + ord("0")
    point, exponent = (np.full((len(numbers), 1), ord(mark)) for mark in (".", "E"))
    nine = np.full((len(numbers), 1), ord("9"))
    return fixed_width(np.concatenate([digits[:, :1], point, digits[:, 1:], exponent, nine], axis=1).astype(np.uint8))


def separated(numbers: Ints, mark: str) -> Texts:
    """Three, three and four digits with a mark between."""
    digits = _digits(numbers, 10) + ord("0")
    between = np.full((len(numbers), 1), ord(mark))
    parts = [digits[:, :3], between, digits[:, 3:6], between, digits[:, 6:]]
    return fixed_width(np.concatenate(parts, axis=1).astype(np.uint8))


def full_width(numbers: Ints) -> Texts:
    """The digits of an East Asian keyboard; few rows, so a plain translation."""
    wide = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
    return pa.array([str(number).translate(wide) for number in numbers], pa.string())


def never_issued(rng: np.random.Generator, count: int) -> Texts:
    """Right check digits in 8600000000-8999999999, which no country has been given."""
    stems = rng.integers(860_000_000, 899_999_999, count * 4 + 20, endpoint=True)
    digits = check_digits(stems)
    return plain((stems * 10 + digits)[digits != _NO_CHECK_DIGIT][:count])


def _written(digits: Ints) -> Texts:
    return fixed_width((digits + ord("0")).astype(np.uint8))
