"""A record and the persons it may be of, side by side: what agrees, what nearly does, what differs, what is not said.

For the eye of a reviewer only. It weighs nothing and decides nothing: two people
do. So no score is in it, for a score beside a case is an answer before the question.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from caldicott.safe_haven.identity.review import Case

FIELDS: Final = {
    "number": "nhs_number",
    "family": "family",
    "given": "given",
    "other_given": "other_given",
    "birth_date": "birth_date",
    "gender": "gender",
    "postcode": "postcode",
}
"""What a person is known by, and what the same is called in a record."""
_SEX: Final = {"1": "male", "M": "male", "MALE": "male", "2": "female", "F": "female", "FEMALE": "female"}
_NO_DAY: Final = frozenset({"1900-01-01", "1800-01-01"})
"""Days that stand for "we do not know" [linkage, missing values]."""
_SHORTEST: Final = 3


class Mark(StrEnum):
    """How a value stands to the record's, in words: colour alone says nothing to some readers."""

    SAME = "same"
    WRITTEN = "same, written differently"
    NEAR = "nearly the same"
    DIFFERS = "differs"
    NOT_SAID = "the record does not say"
    NOT_HELD = "not known"


@dataclass(frozen=True, repr=False)
class Cell:
    """One value of one candidate."""

    value: str | None
    mark: Mark

    def __repr__(self) -> str:
        return f"Cell({self.mark.value})"


@dataclass(frozen=True, repr=False)
class Row:
    """One thing that people are known by: as the record has it, and as each candidate has it."""

    field: str
    said: str | None
    cells: tuple[Cell, ...]

    def __repr__(self) -> str:
        return f"Row({self.field})"


def beside(case: Case) -> tuple[Row, ...]:
    """The rows of a case; one that neither the record nor a candidate says anything of is left out."""
    rows = [_row(field, case) for field in FIELDS]
    return tuple(row for row in rows if row.said or any(cell.value for cell in row.cells))


def _row(field: str, case: Case) -> Row:
    said = _stated(case.record, FIELDS[field])
    cells = tuple(Cell(value, mark(field, said, value)) for value in (_stated(c, field) for c in case.candidates))
    return Row(field, said, cells)


def _stated(values: Mapping[str, str | None], field: str) -> str | None:
    return (values.get(field) or "").strip() or None


def mark(field: str, said: str | None, held: str | None) -> Mark:
    """How a candidate's value stands to what the record says."""
    if not held or (field == "birth_date" and held in _NO_DAY):
        return Mark.NOT_HELD
    if not said or (field == "birth_date" and said in _NO_DAY):
        return Mark.NOT_SAID
    if said.upper() == held.upper():
        return Mark.SAME
    tidy = _TIDY.get(field, _letters)
    one, other = tidy(said), tidy(held)
    if one and one == other:
        return Mark.WRITTEN
    return Mark.NEAR if _NEAR.get(field, _alike)(one, other) else Mark.DIFFERS


def is_one_slip(one: str, other: str) -> bool:
    """One letter or digit too many, too few or wrong, or two beside each other changed over."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    start = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    changed_over = short[start : start + 2] == long[start : start + 2][::-1]
    return short[start + 1 :] == long[start + 1 :] or (changed_over and short[start + 2 :] == long[start + 2 :])


def _alike(one: str, other: str) -> bool:
    """In a name of two letters one slip is another name."""
    return min(len(one), len(other)) >= _SHORTEST and is_one_slip(one, other)


def _two_parts_agree(one: str, other: str) -> bool:
    """Of day, month and year two are the same, or day and month are changed over."""
    try:
        a, b = date.fromisoformat(one), date.fromisoformat(other)
    except ValueError:
        return is_one_slip(one, other)
    agree = (a.day == b.day) + (a.month == b.month) + (a.year == b.year)
    return agree == 2 or (a.year, a.month, a.day) == (b.year, b.day, b.month)  # noqa: PLR2004  two of three


def _same_area(one: str, other: str) -> bool:
    """The outward half is the same: the same few thousand addresses."""
    return one[:-3] == other[:-3] or is_one_slip(one, other)


def _letters(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value).upper()
    return "".join(letter for letter in plain if letter.isalnum())


def _sex(value: str) -> str:
    return _SEX.get(value.upper(), value.upper())


def _never(_one: str, _other: str) -> bool:
    return False


_TIDY: Final[dict[str, Callable[[str], str]]] = {"birth_date": str.strip, "gender": _sex}
_NEAR: Final[dict[str, Callable[[str, str], bool]]] = {
    "birth_date": _two_parts_agree,
    "gender": _never,
    "postcode": _same_area,
}
