"""One cell of a published workbook: whether it is filled, which number it holds, how the tables write that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACES: Final = {"money": Decimal("0.01"), "percent": Decimal("0.01"), "factor": Decimal("0.000001")}
_LARGEST: Final = Decimal(10_000_000)
_FACTOR_LEAST, _FACTOR_MOST = Decimal("0.5"), Decimal(2)
"""No provider's factor was ever near these: what lies beyond is another column."""


def is_filled(folded: str, empty: Sequence[str]) -> bool:
    return folded not in {"", *empty}


def number_in(folded: str, kind: str) -> Decimal | None:
    """The number, if it is one that a column of this kind can have."""
    try:
        amount = Decimal(folded.replace("£", "").replace(",", "").removesuffix("%").strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        return None
    is_right = {
        "whole": amount == int(amount),
        "factor": not folded.endswith("%") and _FACTOR_LEAST <= amount <= _FACTOR_MOST,
    }
    return amount if is_right.get(kind, True) else None


def written(amount: Decimal, kind: str) -> str:
    """The number as the tables write it, halves up."""
    if kind == "whole":
        return str(int(amount))
    return str(amount.quantize(_PLACES[kind], ROUND_HALF_UP))


@dataclass(frozen=True)
class Percentages:
    """By column, whether its numbers are fractions: a cell that shows 30% holds 0.3. Mixed columns cannot be told."""

    fractions: frozenset[int]
    mixed: frozenset[int]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], columns: set[int]) -> Percentages:
        held = {column: [one for one in (_plain(row, column) for row in rows) if one] for column in columns}
        small = {column for column, found in held.items() if any(one <= 1 for one in found)}
        large = {column for column, found in held.items() if any(one > 1 for one in found)}
        return cls(frozenset(small - large), frozenset(small & large))

    def of_cell(self, column: int, folded: str, amount: Decimal | None) -> Decimal | None:
        """The percentage; None where it cannot be told."""
        if amount is None or folded.endswith("%") or not amount:
            return amount
        if column in self.mixed and amount <= 1:
            return None
        return amount * 100 if column in self.fractions else amount


def _plain(row: Sequence[Any], column: int) -> Decimal | None:
    value = row[column - 1] if column <= len(row) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(str(value))
    return amount if amount.is_finite() else None


def place_of(sheet: str, row: int, column: int) -> str:
    """A place as a person names it; a nought leaves its part out."""
    parts = [f"sheet '{sheet}'", f"row {row}" if row else "", f"column {_letters(column)}" if column else ""]
    return ", ".join(part for part in parts if part)


def _letters(number: int) -> str:
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
