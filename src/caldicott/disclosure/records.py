"""Single records that may leave: how each column is made coarser, step by step, and when a set of them is enough.

Equivalence classes are the records that agree in every quasi-identifier. Where
one person may have several records, it is the people behind them that count. An
intruder who knows these of somebody is left with the class: at least `k`
records, with at least `l` different sensitive values, whose spread is within
`t` of everybody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CODE: Final = re.compile(r"[A-Z]\d[0-9A-Z](\d|\.[0-9A-Z]{1,4})?")
"""ICD-10, with or without its point; OPCS-4 has the same shape. A practice's code has six places."""
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_OUTWARD: Final = re.compile(r"[A-Z]{1,2}\d[0-9A-Z]?")
MOSTLY: Final = 0.95


class Kind(Enum):
    """What a column holds, as far as making it coarser goes."""

    DAY = "day"
    MONTH = "month"
    NUMBER = "number"
    LISTED = "listed"
    CODE = "code"
    AREA = "area"
    WORD = "word"


LADDERS: Final[Mapping[Kind, tuple[str, ...]]] = {
    # A day never leaves: the first step is taken whatever else holds.
    Kind.DAY: ("month", "quarter", "year", "all"),
    Kind.MONTH: ("as it is", "quarter", "year", "all"),
    Kind.NUMBER: ("as it is", "bands of 5", "bands of 10", "bands of 20", "all"),
    Kind.CODE: ("rare codes to three characters", "three characters", "chapter", "all"),
    Kind.AREA: ("as it is", "postcode area", "all"),
    Kind.WORD: ("rare values together", "all"),
}


@dataclass(frozen=True, slots=True)
class Criteria:
    """When records may leave."""

    k: int = 5
    l: int = 2  # noqa: E741  its name since 2006
    t: float | None = None
    """Reported; held to only where it is given."""
    left_out_at_most: float = 0.04


@dataclass(frozen=True, slots=True)
class Column:
    """One quasi-identifier at one step of its ladder."""

    name: str
    kind: Kind
    step: int = 0
    levels: int = 0
    """Of a column with a hierarchy of its own: how many times a value can be brought to the group it lies in."""

    @property
    def ladder(self) -> tuple[str, ...]:
        if self.kind is Kind.LISTED:
            return ("as it is", *(f"{number} up in its hierarchy" for number in range(1, self.levels + 1)), "all")
        return LADDERS[self.kind]

    @property
    def says(self) -> str:
        return self.ladder[self.step]

    def coarser(self) -> Column | None:
        """The next step, if there is one."""
        return replace(self, step=self.step + 1) if self.step + 1 < len(self.ladder) else None


def kind_of_words(values: Sequence[str]) -> Kind:
    """What a column of text holds, by nearly all of its different values."""
    if not values:
        return Kind.WORD
    for kind, shape in ((Kind.MONTH, _MONTH), (Kind.CODE, _CODE), (Kind.AREA, _OUTWARD)):
        if sum(bool(shape.fullmatch(value)) for value in values) >= MOSTLY * len(values):
            return kind
    return Kind.WORD


def climbed(value: str, parents: Mapping[str, str], times: int) -> str:
    """The group that the value lies in, so many times over; where the hierarchy ends, what stands at its top."""
    for _ in range(times):
        value = parents.get(value, value)
    return value


def height(parents: Mapping[str, str]) -> int:
    """The most groups that a value of the hierarchy lies in, one within the other."""
    most = 0
    for value in parents:
        seen = [value]
        while (above := parents.get(seen[-1])) is not None and above not in seen:
            seen.append(above)
        most = max(most, len(seen) - 1)
    return most


def candidates(columns: Sequence[Column]) -> list[tuple[Column, ...]]:
    """Every way to make one column one step coarser, in the order of the columns."""
    found = []
    for place, column in enumerate(columns):
        coarser = column.coarser()
        if coarser is not None:
            found.append((*columns[:place], coarser, *columns[place + 1 :]))
    return found


def loss(columns: Sequence[Column]) -> float:
    """How much of the detail is gone: the mean share of each ladder that was climbed."""
    return sum(column.step / (len(column.ladder) - 1) for column in columns) / max(1, len(columns))
