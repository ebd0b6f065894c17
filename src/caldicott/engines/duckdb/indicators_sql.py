"""From the closed language of indicators to SQL. Nothing of a file or a question reaches the engine as SQL text.

Columns are those the mart was found to have; words of the file become literals;
what somebody typed goes in as a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from caldicott.analytics import expression as said
from caldicott.engines.duckdb.connection import quoted, text
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from caldicott.analytics.expression import Claim, Value

WORDS, NUMBERS, DAYS = "words", "numbers", "days"
_KINDS: Final = {"VARCHAR": WORDS, "DATE": DAYS, "TIMESTAMP": DAYS}
_TOLD: Final = {WORDS: "words (in quotes)", NUMBERS: "numbers", DAYS: "days (such as '2025-04-01')"}


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of one dataset's mart, and what kind of value each holds."""

    dataset: str
    kinds: Mapping[str, str]
    where: str
    """Which file asks, for its errors."""

    def kind(self, column: str) -> str:
        """What the column holds.

        Raises:
            DoesNotHold: the mart has no such column.
        """
        if column not in self.kinds:
            raise DoesNotHold(
                f"the mart of {self.dataset} has no column `{column}`", code="column-missing", where=self.where,
                next_step="this cannot be worked out from what senders deliver; ask for another indicator or dimension",
            )  # fmt: skip
        return self.kinds[column]

    def check(self, columns: Iterable[str]) -> None:
        """Every one of the columns is there."""
        for column in columns:
            self.kind(column)


def kind_of(type_name: str) -> str:
    """What a column of that type holds."""
    return _KINDS.get(type_name.split(" ", maxsplit=1)[0], WORDS if type_name.startswith("VARCHAR") else NUMBERS)


def claim(of: Claim, schema: Schema) -> str:  # noqa: PLR0911  one line for each form of the language
    """SQL that is true for the rows of which the claim holds; never for those of which it is not known."""
    match of:
        case said.Always():
            return "true"
        case said.Known(column):
            schema.kind(column.name)
            return f"{quoted(column.name)} IS NOT NULL"
        case said.Not(inner):
            return f"(NOT coalesce({claim(inner, schema)}, false))"
        case said.Joined(word, claims):
            return "(" + f" {word.upper()} ".join(claim(one, schema) for one in claims) + ")"
        case said.OneOf(column, values, is_start):
            return _one_of(column.name, values, is_start=is_start, schema=schema)
        case said.Between(found, low, high):
            _need(kind(found, schema), NUMBERS, schema)
            return f"({value(found, schema)} BETWEEN {low} AND {high})"
        case said.Compared(left, sign, right):
            return _compared(left, sign, right, schema)


def _compared(left: Value, sign: str, right: Value, schema: Schema) -> str:
    first, second = kind(left, schema), kind(right, schema)
    if first == DAYS and isinstance(right, said.Literal):
        return f"({value(left, schema)} {_sign(sign)} {_day(right, schema)})"
    _need(second, first, schema)
    return f"({value(left, schema)} {_sign(sign)} {value(right, schema)})"


def _one_of(name: str, values: Iterable[str | Decimal], *, is_start: bool, schema: Schema) -> str:
    held = schema.kind(name)
    for one in values:
        _need(WORDS if isinstance(one, str) else NUMBERS, held, schema)
    if is_start:
        _need(held, WORDS, schema)
        return "(" + " OR ".join(f"starts_with({quoted(name)}, {_literal(one)})" for one in values) + ")"
    return f"({quoted(name)} IN ({', '.join(_literal(one) for one in values)}))"


def value(of: Value, schema: Schema) -> str:
    """SQL of a value."""
    match of:
        case said.Column(name):
            schema.kind(name)
            return quoted(name)
        case said.Literal(found):
            return _literal(found)
        case said.Days(first, last):
            for one in (first, last):
                _need(schema.kind(one.name), DAYS, schema)
            return f"date_diff('day', {quoted(first.name)}::DATE, {quoted(last.name)}::DATE)"
        case said.Sum(left, sign, right):
            for part in (left, right):
                _need(kind(part, schema), NUMBERS, schema)
            return f"({value(left, schema)} {sign} {value(right, schema)})"


def kind(of: Value, schema: Schema) -> str:
    """What kind of value it is."""
    match of:
        case said.Column(name):
            return schema.kind(name)
        case said.Literal(found):
            return WORDS if isinstance(found, str) else NUMBERS
        case _:
            return NUMBERS


def _day(literal: said.Literal, schema: Schema) -> str:
    try:
        return f"DATE '{date.fromisoformat(str(literal.value))}'"
    except ValueError:
        raise _fault(DAYS, schema) from None


def _need(found: str, wanted: str, schema: Schema) -> None:
    if found != wanted:
        raise _fault(wanted, schema)


def _fault(wanted: str, schema: Schema) -> DoesNotHold:
    return DoesNotHold(
        f"what is compared are not both {_TOLD[wanted]}", code="indicator-kinds", where=schema.where,
        next_step="put words in quotes, leave numbers bare, and write days as '2025-04-01'",
    )  # fmt: skip


def _literal(found: str | Decimal) -> str:
    return text(found) if isinstance(found, str) else str(found)


def _sign(sign: str) -> str:
    return "<>" if sign == "!=" else sign
