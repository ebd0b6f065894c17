"""From a value of one level to the group above it, and what the gate must know of that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from caldicott.analytics.dimension import dimension, levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.analytics.question import Axis

Lookups = dict[str, dict[str, str]]
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_QUARTER: Final = re.compile(r"(\d{4})-Q([1-4])")
_TENTH: Final = re.compile(r"tenth (\d{1,2})")
_APRIL: Final = 4


def above(level: str, value: str, lookups: Mapping[str, Mapping[str, str]]) -> str:
    """The group of `level` in which the value of a finer level lies; the value itself if it is one already."""
    found = dimension(level)
    if found.hierarchy == "time":
        return _period(level, value)
    if found.hierarchy == "deprivation":
        tenth = _TENTH.fullmatch(value)
        return f"fifth {(int(tenth[1]) + 1) // 2}" if tenth and level == "deprivation_fifth" else value
    pairs = lookups.get(found.lookup, {})
    if not found.lookup or value in {found.unknown, *pairs.values()}:
        return value
    return pairs.get(value, found.unknown if pairs else value)


def _period(level: str, value: str) -> str:
    month, quarter = _MONTH.fullmatch(value), _QUARTER.fullmatch(value)
    if level == "quarter" and month:
        return f"{month[1]}-Q{(int(month[2]) + 2) // 3}"
    if level == "year" and (month or quarter):
        year = int(value[:4])
        number = int(month[2]) if month else int(value[-1]) * 3
        first = year - (number < _APRIL)
        return f"{first}/{(first + 1) % 100:02}"
    return value


def with_tenths(lookups: Mapping[str, Mapping[str, str]]) -> Lookups:
    """The lookups, with fifths of deprivation made of tenths, and both named so that neither is taken for the other."""
    found = {name: dict(pairs) for name, pairs in lookups.items()}
    tenths = {area: f"tenth {int(tenth)}" for area, tenth in found.get("area-deprivation-tenth", {}).items()}
    if tenths:
        found["area-deprivation-tenth"] = tenths
        found["area-deprivation-fifth"] = {
            area: above("deprivation_fifth", tenth, {}) for area, tenth in tenths.items()
        }
    return found


def groups(axis: Axis, lookups: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """What lies in each group of a level above the second: a place has practices, and need not have whole networks."""
    found: dict[str, list[str]] = {}
    if axis.group is None and axis.name not in {"age", "time", "deprivation"}:
        for upper in levels(axis.name):
            for value, group in lookups.get(upper.lookup, {}).items() if upper.rank > 1 else ():
                found.setdefault(group, []).append(value)
    return {group: tuple(sorted(values)) for group, values in found.items()}


def parents(axis: Axis, lookups: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Which group each value of the axis lies in, for the gate; ages and periods it reads by itself."""
    if axis.group is not None or axis.name in {"age", "time"}:
        return {}
    found: dict[str, str] = {}
    if axis.name == "deprivation":
        return {f"tenth {tenth}": f"fifth {(tenth + 1) // 2}" for tenth in range(1, 11)}
    for upper in levels(axis.name):
        found |= dict(lookups.get(upper.lookup, {})) if upper.rank == 1 else {}
    return found
