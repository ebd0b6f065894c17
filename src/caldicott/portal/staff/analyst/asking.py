"""What an address asks: dimensions, filters and whether to show the answer. Every view is a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from caldicott.analytics.dimension import dimension, levels, registered
from caldicott.analytics.levels import above
from caldicott.operations.indicators import PLANNING
from caldicott.operations.indicators_library import lookups_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caldicott.analytics.definition import Indicator
    from caldicott.operations.perform import House

SHOW, BY, DATASET, MEASURE = "show", "by", "dataset", "measure"
_NODES_AT_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of an address after `?`, read."""

    by: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]
    is_shown: bool
    dataset: str = ""
    measure: str = ""

    def written(self) -> str:
        """The part after `?` again."""
        table = [(DATASET, self.dataset), (MEASURE, self.measure)] if self.dataset else []
        return urlencode([*table, *((BY, one) for one in self.by), *self.filters, (SHOW, "1")])

    def value(self, name: str) -> str:
        """What is typed into a filter."""
        return dict(self.filters).get(name, "")


def asked_in(sent: Any) -> Asked:
    """What an address asks; words that are not known are left to the question, which says so."""
    filters = [
        (name, value.strip())
        for name, values in sent.lists()
        for value in values
        if name not in {BY, SHOW, DATASET, MEASURE, "csrfmiddlewaretoken", "name"} and value.strip()
    ]
    by = tuple(dict.fromkeys(one for one in sent.getlist(BY) if one))
    return Asked(by, tuple(filters), sent.get(SHOW) == "1", sent.get(DATASET, ""), sent.get(MEASURE, ""))


@dataclass(frozen=True, slots=True)
class Choice:
    """One dimension as the form shows it."""

    name: str
    title: str
    is_by: bool
    value: str
    nodes: tuple[tuple[str, str], ...]
    """The values that are known beforehand, from registered hierarchies; none where they are typed."""


@dataclass(frozen=True, slots=True)
class Family:
    """The levels of one hierarchy."""

    title: str
    choices: tuple[Choice, ...]


def families(house: House, indicator: Indicator, asked: Asked) -> tuple[Family, ...]:
    """The dimensions of an indicator, by hierarchy, with what is chosen."""
    nodes = _nodes(house)
    found = []
    for hierarchy in dict.fromkeys(registered()[name].hierarchy for name in indicator.dimensions):
        known = [one for one in levels(hierarchy) if one.name in indicator.dimensions]
        choices = tuple(
            Choice(one.name, one.title, one.name in asked.by, asked.value(one.name), nodes.get(one.name, ()))
            for one in known
        )
        found.append(Family(known[0].title if len(known) == 1 else _TITLES.get(hierarchy, known[0].title), choices))
    for group in indicator.groups:
        values = tuple((value, value) for value in group.values)
        found.append(
            Family(
                group.title, (Choice(group.name, group.title, group.name in asked.by, asked.value(group.name), values),)
            )
        )
    return tuple(found)


_TITLES: Final = {
    "practice": "Practice and area", "age": "Age", "deprivation": "Deprivation of the area", "time": "Time",
    "provider": "Provider", "service": "Service",
}  # fmt: skip


def _nodes(house: House) -> dict[str, tuple[tuple[str, str], ...]]:
    """The nodes of registered hierarchies; never read from people's rows."""
    lookups = lookups_of(house)
    members = sorted(one.ods for one in house.register.controller.member_practices)
    months = _months(house)
    found: dict[str, Iterable[str]] = {
        "practice": members,
        "month": months,
        "quarter": dict.fromkeys(above("quarter", one, {}) for one in months),
        "year": dict.fromkeys(above("year", one, {}) for one in months),
        "age_band": lookups["age-group"],
        "sex": ("1", "2", "9", "0"),
        "deprivation_tenth": (f"tenth {number}" for number in range(1, 11)),
        "deprivation_fifth": (f"fifth {number}" for number in range(1, 6)),
    }
    for name, one in registered().items():
        if one.lookup in lookups and name not in found:
            found[name] = dict.fromkeys(lookups[one.lookup].values())
    return {name: _labelled(name, values) for name, values in found.items()}


def _months(house: House) -> list[str]:
    """The months that the marts of planning have."""
    parts = {one.part.partition("/")[2] for one in house.store.catalogue.files("mart", PLANNING)}
    return sorted(part for part in parts if part)


def _labelled(name: str, values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    found = tuple((value, dimension(name).label(value)) for value in values)
    return found if len(found) <= _NODES_AT_MOST else ()


def labels(indicator: Indicator) -> Mapping[str, str]:
    """Each dimension as people say it."""
    return {name: one.title for name, one in registered().items()} | {one.name: one.title for one in indicator.groups}
