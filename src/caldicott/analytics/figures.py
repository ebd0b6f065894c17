"""Shares, rates, means, percentiles, changes and needs, each from printed counts, with its interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.analytics import intervals
from caldicott.analytics.definition import Figure, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.analytics.definition import Indicator

Printed: TypeAlias = int | None
Shown: TypeAlias = str | float | int | None
_STAR: Final = "*"
_NONE: Final = "–"
_HUNDRED: Final = 100
_OLDER: Final = 5


@dataclass(frozen=True, slots=True)
class Group:
    """What the tables print of one group."""

    values: tuple[str, ...]
    printed: Mapping[str, Mapping[str, Printed]]
    bands: Mapping[str, Printed] = field(default_factory=dict)

    def count(self, name: str, measure: str = "count") -> Printed:
        """What a table prints of it."""
        return self.printed[name].get(measure)


@dataclass(frozen=True, slots=True)
class Made:
    """A group with its figures."""

    values: tuple[str, ...]
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All groups with their figures, and the columns these stand in: name, title and kind."""

    headings: tuple[tuple[str, str, str], ...]
    rows: tuple[Made, ...]
    overall: float | None = None


def of(  # noqa: PLR0911  one for each kind of figure
    indicator: Indicator, groups: Sequence[Group], growth: Mapping[str, str], *, is_compared: bool = False
) -> Figures:
    """The figures of an indicator."""
    match indicator.figure:
        case Figure.PEOPLE:
            return Figures((("people", "People", "count"),), _each(groups, lambda one: (_told(one.count("whole")),)))
        case Figure.EVENTS:
            return Figures(_ACTIVITY, _each(groups, _activity))
        case Figure.SUM | Figure.MEAN:
            return _amounts(indicator, groups)
        case Figure.SHARE | Figure.RATE:
            return _rates(indicator, groups, is_compared=is_compared)
        case Figure.PERCENTILE:
            return _percentiles(indicator, groups)
        case Figure.CHANGE:
            return _changes(groups)
        case Figure.NEED:
            return _needs(groups, growth)


_ACTIVITY: Final = (("events", "Events", "count"), ("people", "People", "count"))


def _each(groups: Sequence[Group], made: object) -> tuple[Made, ...]:
    assert callable(made)  # noqa: S101  given above
    return tuple(Made(one.values, made(one)) for one in groups)


def _activity(one: Group) -> tuple[Shown, ...]:
    return _told(one.count("whole")), _told(one.count("whole", "people"))


def _told(found: Printed) -> Shown:
    return _STAR if found is None else found


def _amounts(indicator: Indicator, groups: Sequence[Group]) -> Figures:
    kind = "pounds" if indicator.amount_in == "pounds" else "number"
    name, title = ("cost", "Cost in pounds") if kind == "pounds" else ("amount", indicator.amount_in.capitalize())
    mean = ("mean", f"Mean {indicator.amount_in}", "decimal")
    headings = (*_ACTIVITY, (name, title, kind), mean)

    def cells(one: Group) -> tuple[Shown, ...]:
        amount, events = one.count("whole", "sum"), one.count("whole")
        return (*_activity(one), _told(amount), _divided(amount, events, 1))

    return Figures(headings, _each(groups, cells))


def _divided(part: Printed, whole: Printed, per: int) -> Shown:
    """The quotient of printed numbers; a marker where one is withheld, a dash where there is nothing to divide by."""
    if part is None or whole is None:
        return _STAR
    return round(per * part / whole, 2) if whole else _NONE


def _rates(indicator: Indicator, groups: Sequence[Group], *, is_compared: bool) -> Figures:
    per, is_share = indicator.per, indicator.figure is Figure.SHARE
    overall = _overall(groups)
    what = "People" if indicator.counts is Unit.PEOPLE else "Events"
    title = "Per cent" if per == _HUNDRED else f"For every {per:,}"
    headings = [
        ("whole", f"{what} in all" if is_share else "People registered", "count"),
        ("part", f"{what} that count", "count"),
        ("rate", title, "decimal"), ("low", "From", "decimal"), ("high", "To", "decimal"),
    ]  # fmt: skip
    if is_compared:
        headings.append(("compared", "Against all together", "word"))
    is_capped = is_share or indicator.counts is Unit.PEOPLE

    def cells(one: Group) -> tuple[Shown, ...]:
        part, whole = one.count("part"), one.count("whole")
        found = (_told(whole), _told(part), *_rate(part, whole, per, is_capped=is_capped))
        return (*found, _against(part, whole, overall, is_capped=is_capped)) if is_compared else found

    return Figures(tuple(headings), _each(groups, cells), None if overall is None else per * overall)


def _rate(part: Printed, whole: Printed, per: int, *, is_capped: bool) -> tuple[Shown, Shown, Shown]:
    if part is None or whole is None:
        return _STAR, _STAR, _STAR
    if not whole:
        return _NONE, _NONE, _NONE
    # Both are rounded by themselves, so a part may be printed larger than its whole.
    part = min(part, whole) if is_capped else part
    if is_capped:
        found = intervals.wilson(part, whole)
    else:
        count = intervals.byar(part)
        found = intervals.Interval(count.low / whole, count.high / whole)
    return round(per * part / whole, 2), round(per * found.low, 2), round(per * found.high, 2)


def _overall(groups: Sequence[Group]) -> float | None:
    """All groups together, of those that show both numbers."""
    both = [
        (part, whole) for one in groups if (part := one.count("part")) is not None and (whole := one.count("whole"))
    ]
    whole = sum(found for _, found in both)
    return sum(part for part, _ in both) / whole if whole else None


def _against(part: Printed, whole: Printed, overall: float | None, *, is_capped: bool) -> Shown:
    """In words, where the funnel chart shows it as a place."""
    if part is None or whole is None:
        return _STAR
    if not whole or overall is None:
        return _NONE
    limits = limits_of(overall, whole, is_capped=is_capped)
    rate = part / whole
    return "lower" if rate < limits.low else "higher" if rate > limits.high else "as expected"


def limits_of(overall: float, whole: float, *, is_capped: bool, z: float = intervals.Z998) -> intervals.Interval:
    """Where a group of that size lies by chance alone, 998 times in 1,000."""
    if is_capped and overall <= 1:
        return intervals.funnel(overall, whole, z)
    found = intervals.byar(overall * whole, z)
    return intervals.Interval(found.low / whole, found.high / whole)


def _percentiles(indicator: Indicator, groups: Sequence[Group]) -> Figures:
    unit = indicator.amount_in or "amount"
    headings = (
        *_ACTIVITY, ("low", f"{indicator.percentile} in 100 are below: from {unit}", "word"),
        ("high", f"to {unit}", "word"),
    )  # fmt: skip
    order = [f"{edge}-{later - 1}" for edge, later in zip(indicator.edges, indicator.edges[1:], strict=False)]
    order.append(f"{indicator.edges[-1]}+")
    return Figures(
        headings, _each(groups, lambda one: (*_activity(one), *_percentile(one, order, indicator.percentile)))
    )


def _percentile(one: Group, order: Sequence[str], percent: int) -> tuple[Shown, Shown]:
    """The bands between which it lies: withheld bands may hold what is missing, at the low or at the high end."""
    whole = one.count("whole")
    if whole is None:
        return _STAR, _STAR
    shown = {band: one.bands.get(band, 0) for band in order}
    known = sum(count for count in shown.values() if count is not None)
    hidden = [band for band, count in shown.items() if count is None]
    if not known and not hidden:
        return _NONE, _NONE
    missing = max(whole - known, 0) if hidden else 0
    low = _reached(order, {**shown, **_put(hidden[:1], missing)}, percent)
    high = _reached(order, {**shown, **_put(hidden[-1:], missing)}, percent)
    return low.rstrip("+").split("-")[0], high.rpartition("-")[2]


def _put(bands: Sequence[str], missing: int) -> dict[str, Printed]:
    return dict.fromkeys(bands, missing)


def _reached(order: Sequence[str], counts: Mapping[str, Printed], percent: int) -> str:
    total = sum(count or 0 for count in counts.values())
    so_far = 0
    for band in order:
        so_far += counts[band] or 0
        if so_far * _HUNDRED >= percent * total and total:
            return band
    return order[-1]


def _changes(groups: Sequence[Group]) -> Figures:
    headings = (
        ("people", "People", "count"), ("before", "Events before", "count"), ("after", "Events after", "count"),
        ("ratio", "After for each before", "decimal"), ("low", "From", "decimal"), ("high", "To", "decimal"),
        ("read", "What it shows", "word"),
    )  # fmt: skip
    return Figures(headings, _each(groups, _change))


def _change(one: Group) -> tuple[Shown, ...]:
    before, after = one.count("before"), one.count("after")
    first = (_told(one.count("whole")), _told(before), _told(after))
    if before is None or after is None:
        return (*first, _STAR, _STAR, _STAR, _STAR)
    found = intervals.ratio(after, before)
    if found is None:
        return (*first, _NONE, _NONE, _NONE, "too few to say")
    read = "fewer after" if found.high < 1 else "more after" if found.low > 1 else "no clear change"
    return (*first, round(after / before, 2), round(found.low, 2), round(found.high, 2), read)


def _needs(groups: Sequence[Group], growth: Mapping[str, str]) -> Figures:
    headings = (
        ("whole", "People registered", "count"), ("part", "People now", "count"), ("growth", "Grows by", "decimal"),
        ("expected", "People expected", "number"), ("low", "From", "number"), ("high", "To", "number"),
    )  # fmt: skip
    return Figures(headings, _each(groups, lambda one: _need(one, growth)))


def _need(one: Group, growth: Mapping[str, str]) -> tuple[Shown, ...]:
    part, whole = one.count("part"), one.count("whole")
    factor = next((float(growth[value]) for value in one.values if value in growth), None)
    first = (_told(whole), _told(part), _NONE if factor is None else factor)
    if part is None or whole is None:
        return (*first, _STAR, _STAR, _STAR)
    if not whole or factor is None:
        return (*first, _NONE, _NONE, _NONE)
    found, grown = intervals.wilson(min(part, whole), whole), whole * factor
    return (*first, *(_to_five(grown * share) for share in (min(part, whole) / whole, found.low, found.high)))


def _to_five(expected: float) -> int:
    """Expected people are told no more finely than those they are made of."""
    return round(expected / _OLDER) * _OLDER
