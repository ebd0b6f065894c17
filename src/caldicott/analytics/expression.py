"""The small closed language of indicator files: which rows count, and what is added up.

No SQL and no free functions. What a file can say is what this module reads:
columns, words in quotes, numbers, comparisons, `is known`, `starts with`, `in`,
`between`, `days from A to B`, plus and minus, `and`, `or`, `not`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|'(?P<text>[^']*)'|(?P<word>[a-z][a-z0-9_]*)|(?P<sign><=|>=|!=|[=<>(),+-]))"
)
_COMPARED: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
_KEPT: Final = frozenset(
    {"and", "or", "not", "is", "known", "in", "between", "starts", "with", "days", "from", "to", "true", "false"}
)
LENGTH_AT_MOST: Final = 4_000
_DIGITS_AT_MOST: Final = 9
"""Longer numbers could make a sum overflow for some rows and not for others, and the error would tell which."""
_PARTS_AT_MOST: Final = 8
_DEEP: Final = 40


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a column of the source."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A word or a number."""

    value: str | Decimal


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days from one date to another."""

    first: Column
    last: Column


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers added, or the second taken from the first."""

    left: Value
    sign: str
    right: Value


@dataclass(frozen=True, slots=True)
class Compared:
    """Two values compared."""

    left: Value
    sign: str
    right: Value


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a column has a value."""

    column: Column


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a column's value is in a list, or starts with a word of the list."""

    column: Column
    values: tuple[str | Decimal, ...]
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """Whether a value lies between two numbers, both included."""

    value: Value
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Joined:
    """Claims that must all hold (`and`), or one of which must (`or`)."""

    word: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """Every row."""


Value: TypeAlias = Column | Literal | Days | Sum
Claim: TypeAlias = Compared | Known | OneOf | Between | Not | Joined | Always


def claim(text: str, *, where: str) -> Claim:
    """What a file says of the rows that count; nothing said means every row.

    Raises:
        DoesNotHold: it is not in the language.
    """
    if not text.strip():
        return Always()
    reader = _Reader(text, where)
    found = reader.either()
    reader.end()
    return found


def value(text: str, *, where: str) -> Value:
    """What a file says is added up.

    Raises:
        DoesNotHold: it is not in the language.
    """
    reader = _Reader(text, where)
    found = reader.value()
    reader.end()
    return found


def columns(of: Claim | Value) -> Iterator[str]:
    """The columns it reads, in the order it names them."""
    match of:
        case Column(name):
            yield name
        case Days(first, last):
            yield from (first.name, last.name)
        case Sum(left, _, right) | Compared(left, _, right):
            yield from (*columns(left), *columns(right))
        case Known(column) | OneOf(column, _, _):
            yield column.name
        case Between(found, _, _):
            yield from columns(found)
        case Not(inner):
            yield from columns(inner)
        case Joined(_, claims):
            for one in claims:
                yield from columns(one)
        case Literal() | Always():
            return


class _Reader:
    """Reads from left to right, one word ahead."""

    def __init__(self, text: str, where: str) -> None:
        self._where, self._place, self._depth = where, 0, 0
        if len(text) > LENGTH_AT_MOST:
            raise self._fault("it is too long")
        self._tokens = list(self._cut(text))

    def _cut(self, text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self._fault(f"character {place + 1} is not understood")
            place = found.end()
            kind = found.lastgroup or "text"
            yield kind, found[kind]

    def either(self) -> Claim:
        return self._chain("or", self._all)

    def _all(self) -> Claim:
        return self._chain("and", self._one)

    def _chain(self, word: str, part: object) -> Claim:
        assert callable(part)  # noqa: S101  a method of this class
        claims = [part()]
        while self._take(word):
            claims.append(part())
        return claims[0] if len(claims) == 1 else Joined(word, tuple(claims))

    def _one(self) -> Claim:
        if self._take("not"):
            return Not(self._one())
        if self._take("("):
            self._depth += 1
            if self._depth > _DEEP:
                raise self._fault("its brackets are too deep")
            found = self.either()
            self._need(")")
            self._depth -= 1
            return found
        return self._said_of(self.value())

    def _said_of(self, left: Value) -> Claim:
        kind, word = self._peek()
        if kind == "sign" and word in _COMPARED:
            self._place += 1
            return Compared(left, word, self.value())
        if self._take("is"):
            is_not = self._take("not")
            self._need("known")
            known = Known(self._column(left))
            return Not(known) if is_not else known
        if self._take("between"):
            low = self._number()
            self._need("and")
            return Between(left, low, self._number())
        return self._of_list(self._column(left))

    def _of_list(self, column: Column) -> Claim:
        is_not = self._take("not")
        if self._take("starts"):
            self._need("with")
            many = self._peek()[1] == "("
            found: Claim = OneOf(column, self._list() if many else (self._literal(),), is_start=True)
        elif self._take("in"):
            found = OneOf(column, self._list())
        else:
            raise self._fault("a claim is missing after a column")
        return Not(found) if is_not else found

    def value(self) -> Value:
        left, parts = self._part(), 1
        while self._peek()[1] in {"+", "-"} and self._peek()[0] == "sign":
            sign = self._tokens[self._place][1]
            self._place += 1
            left, parts = Sum(left, sign, self._part()), parts + 1
            if parts > _PARTS_AT_MOST:
                raise self._fault(f"a sum has more than {_PARTS_AT_MOST} parts")
        return left

    def _part(self) -> Value:
        if self._take("days"):
            self._need("from")
            first = self._column(self._part())
            self._need("to")
            return Days(first, self._column(self._part()))
        kind, word = self._peek()
        if kind == "word" and word not in _KEPT:
            self._place += 1
            return Column(word)
        return Literal(self._literal())

    def _list(self) -> tuple[str | Decimal, ...]:
        self._need("(")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._need(")")
        return tuple(values)

    def _literal(self) -> str | Decimal:
        kind, word = self._peek()
        if kind not in {"number", "text"}:
            raise self._fault("a word in quotes or a number is missing")
        self._place += 1
        if kind == "number" and len(word.replace(".", "")) > _DIGITS_AT_MOST:
            raise self._fault(f"a number has more than {_DIGITS_AT_MOST} digits")
        return Decimal(word) if kind == "number" else word

    def _number(self) -> Decimal:
        found = self._literal()
        if isinstance(found, str):
            raise self._fault("a number is missing")
        return found

    def _column(self, found: Value) -> Column:
        if not isinstance(found, Column):
            raise self._fault("a column is missing")
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _take(self, word: str) -> bool:
        kind, found = self._peek()
        if kind == "text" or found != word:
            return False
        self._place += 1
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._fault(f"`{word}` is missing")

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise self._fault("it goes on after its end")

    def _fault(self, what: str) -> DoesNotHold:
        place = f" (at word {self._place + 1})" if self._place else ""
        return DoesNotHold(
            f"this is not in the language of indicators: {what}{place}", code="indicator-expression", where=self._where,
            next_step="see docs/reference/indicators.md for what can be said",
        )  # fmt: skip
