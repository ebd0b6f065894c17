"""The NHS number: ten digits, the last a modulus 11 check [DD: NHS number].

The set-based rendering of the same rules is in the engine; this one is the
reference that the engine is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LENGTH: Final = 10
_MODULUS: Final = 11

SEPARATORS: Final = " -\t\r\n\u00a0\u00ad\u2007\u2009\u200b\u202f\u2010\u2011\u2012\u2013\u2014\u3000\ufeff"
"""What people and systems put between the digits: spaces of all widths, hyphens, dashes, a byte-order mark."""
FULL_WIDTH_DIGITS: Final = "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"

_CANONICAL: Final = str.maketrans(FULL_WIDTH_DIGITS, "0123456789", SEPARATORS)


class NhsNumberStatus(StrEnum):
    """NHS NUMBER STATUS INDICATOR CODE: two characters, the zero is part of it [DD]."""

    VERIFIED = "01"
    NOT_TRACED = "02"
    TRACE_REQUIRED = "03"
    NO_OR_MULTIPLE_MATCH = "04"
    TRACE_TO_BE_RESOLVED = "05"
    TRACE_IN_PROGRESS = "06"
    NOT_PRESENT_NOT_REQUIRED = "07"
    POSTPONED = "08"


class NhsNumberFault(StrEnum):
    """Why a value is not used as an NHS number."""

    MISSING = "nhs_number_missing"
    NOT_TEN_DIGITS = "nhs_number_not_ten_digits"
    SENTINEL = "nhs_number_sentinel"
    CHECK_DIGIT = "nhs_number_check_digit"
    RANGE = "nhs_number_range"
    TRACE_CONFLICT = "nhs_number_trace_conflict"


@dataclass(frozen=True, slots=True)
class NhsNumber:
    """A valid NHS number. Prints masked; the digits are reached only by asking for them."""

    digits: str

    def __post_init__(self) -> None:
        if fault_of(self.digits) is not None:
            raise ValueError("not a valid NHS number")

    def __repr__(self) -> str:
        return "NhsNumber(**********)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)


def canonicalise(text: str) -> str:
    """The text with separators gone and full-width digits made plain. Never pads, never repairs."""
    return text.translate(_CANONICAL)


def fault_of(digits: str) -> NhsNumberFault | None:
    """Why canonical text is not an NHS number by its own digits; None if it is one. Ranges are asked elsewhere."""
    if len(digits) != _LENGTH or not (digits.isascii() and digits.isdecimal()):
        return NhsNumberFault.NOT_TEN_DIGITS
    if len(set(digits)) == 1:
        # All ten repeated-digit numbers pass modulus 11; 0000000000 and 9999999999 mean "none" and "several".
        return NhsNumberFault.SENTINEL
    return None if check_digit(digits[:9]) == int(digits[9]) else NhsNumberFault.CHECK_DIGIT


def check_digit(stem: str) -> int | None:
    """The check digit of nine digits; None where it would be 10 and the number is not used."""
    total = sum(int(digit) * weight for digit, weight in zip(stem, range(_LENGTH, 1, -1), strict=True))
    digit = (_MODULUS - total % _MODULUS) % _MODULUS
    return None if digit == _LENGTH else digit


def is_palindrome(digits: str) -> bool:
    """Palindromes always pass modulus 11, so the check digit says nothing of them."""
    return digits == digits[::-1]
