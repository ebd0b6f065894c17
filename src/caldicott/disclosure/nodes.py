"""Which values of a dimension contain which: totals, bands of numbers, periods, and registered hierarchies.

Everything is brought down to *leaves*: the smallest groups that the values in
use can tell apart. Two tables with bands 15-44 and 15-49 make the leaf 45-49,
printed or not, because subtraction makes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Leaves = frozenset[int]
Span = tuple[int, int]

_NO_END: Final = 10**9
_TOTALS: Final = frozenset({"all", "any", "both", "everyone", "grand total", "overall", "sum", "total", "totals"})
_BAND: Final = re.compile(r"^(?:age[ds]? )?(\d{1,6})\s*(?:-|to|–)\s*(\d{1,6})(?: years)?$")
_FROM: Final = re.compile(r"^(?:age[ds]? )?(\d{1,6})\s*(?:\+|and over|or over|plus|or more)$")
_UNDER: Final = re.compile(r"^(?:under |<\s*)(\d{1,6})$")
_ONE: Final = re.compile(r"^\d{1,3}$")
_MONTH: Final = re.compile(r"^(\d{4})-(\d{2})$")
_QUARTER: Final = re.compile(r"^(\d{4})[- ]?[qQ]([1-4])$")
_YEAR: Final = re.compile(r"^(\d{4})$")
_FINANCIAL: Final = re.compile(r"^(\d{4})[/-](\d{2})$")
_APRIL: Final = 3
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension over all tables: the leaves of each value in use."""

    name: str
    leaves_of: Mapping[str, Leaves]
    everything: Leaves


def is_total(value: str, dimension: str) -> bool:
    """`All`, `Total`, or `All practices` in the column `practice`."""
    plain = value.strip().lower()
    if plain in _TOTALS:
        return True
    first, _space, rest = plain.partition(" ")
    stem = dimension.strip().lower().replace("_", " ").rstrip("s")
    return first in {"all", "total"} and (rest.rstrip("s") == stem or rest in {"ages", "persons", "people", "patients"})


def resolve(
    name: str, values: Iterable[str], *, children: Mapping[str, tuple[str, ...]], totals: Iterable[str] = ()
) -> Dimension:
    """The leaves of each value; `children` is the registered hierarchy, `totals` are values known to be everything."""
    used = sorted(set(values))
    everything = {value for value in used if is_total(value, name) and value not in children} | set(totals)
    named = {value: _bottom(value, children, name) for value in used if value not in everything}
    for value in children:
        named.setdefault(value, _bottom(value, children, name))
    parts = _spans({leaf for bottom in named.values() for leaf in bottom})
    raw = {value: frozenset(part for leaf in bottom for part in parts[leaf]) for value, bottom in named.items()}
    return _told_apart(name, raw, used, everything)


def _told_apart(name: str, raw: dict[str, frozenset[object]], used: list[str], totals: set[str]) -> Dimension:
    """Raw parts that no value in use separates become one leaf."""
    holders: dict[object, list[str]] = {}
    for value in used:
        for part in raw.get(value, ()):
            holders.setdefault(part, []).append(value)
    numbers = {holding: place for place, holding in enumerate(sorted({tuple(found) for found in holders.values()}))}
    leaf_of = {part: numbers[tuple(found)] for part, found in holders.items()}
    every = frozenset(range(len(numbers))) or frozenset({0})
    leaves = {value: every if value in totals else frozenset(leaf_of[part] for part in raw[value]) for value in used}
    return Dimension(name, leaves, every)


def _bottom(value: str, children: Mapping[str, tuple[str, ...]], dimension: str) -> frozenset[str]:
    """The values below it that have nothing below themselves."""
    found: set[str] = set()
    waiting = [(value, 0)]
    while waiting:
        current, depth = waiting.pop()
        if depth > len(children):
            raise DoesNotHold(
                "the hierarchy goes round in a ring",
                code="hierarchy-ring",
                where=dimension,
                next_step="give each value one parent, and none that stands below it",
            )
        below = children.get(current, ())
        found.update(() if below else (current,))
        waiting.extend((child, depth + 1) for child in below)
    return frozenset(found)


def _spans(values: set[str]) -> dict[str, frozenset[object]]:
    """Bands and periods cut where any of them begins or ends; other values stay whole."""
    for reading in (_months, _numbers):
        spans = {value: span for value in values if (span := reading(value)) is not None}
        # One lone number or band among names is a name that happens to be a number.
        if len(spans) > 1 and 2 * len(spans) > len(values):
            return _cut(spans) | {value: frozenset({value}) for value in values if value not in spans}
    return {value: frozenset({value}) for value in values}


def _cut(spans: Mapping[str, Span]) -> dict[str, frozenset[object]]:
    edges = sorted({edge for span in spans.values() for edge in span})
    pieces = list(pairwise(edges))
    return {
        value: frozenset((low, high) for low, high in pieces if start <= low and high <= end)
        for value, (start, end) in spans.items()
    }


def _numbers(value: str) -> Span | None:
    """A band as the half-open span of its whole numbers."""
    plain = value.strip().lower()
    if found := _BAND.match(plain):
        low, high = int(found[1]), int(found[2])
        return (low, high + 1) if low <= high else None
    if found := _FROM.match(plain):
        return int(found[1]), _NO_END
    if found := _UNDER.match(plain):
        return (0, int(found[1])) if int(found[1]) else None
    return (int(plain), int(plain) + 1) if _ONE.match(plain) else None


def _months(value: str) -> Span | None:
    """A month, quarter, year or financial year as the half-open span of its months."""
    plain = value.strip()
    if found := _FINANCIAL.match(plain):
        # 2009-10 is a month as well as a financial year; a month is what most tables mean.
        is_financial = "/" in plain or int(found[2]) > _MONTHS
        if is_financial and int(found[2]) == (int(found[1]) + 1) % 100:
            start = int(found[1]) * _MONTHS + _APRIL
            return start, start + _MONTHS
    if (found := _MONTH.match(plain)) and 1 <= int(found[2]) <= _MONTHS:
        start = int(found[1]) * _MONTHS + int(found[2]) - 1
        return start, start + 1
    if found := _QUARTER.match(plain):
        start = int(found[1]) * _MONTHS + (int(found[2]) - 1) * 3
        return start, start + 3
    if found := _YEAR.match(plain):
        return int(found[1]) * _MONTHS, (int(found[1]) + 1) * _MONTHS
    return None
