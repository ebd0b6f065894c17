"""What is asked of an indicator: by what, and of whom; checked before anything is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.analytics.dimension import Dimension, dimension
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from caldicott.analytics.definition import Group, Indicator

DIMENSIONS_AT_MOST: Final = 4
_VALUE_AT_MOST: Final = 80


@dataclass(frozen=True, slots=True)
class Axis:
    """One hierarchy in a question: the finest level asked for, what is shown of it, and what it is limited to."""

    name: str
    """The hierarchy, or the indicator's own group: what the gate knows it by."""
    level: str
    """The level that is counted by."""
    shown: tuple[str, ...]
    limits: tuple[tuple[str, str], ...]
    """Level and value."""
    group: Group | None = None

    @property
    def dimension(self) -> Dimension | None:
        """The registered level that is counted by; None for the indicator's own group."""
        return None if self.group else dimension(self.level)

    @property
    def of_person(self) -> bool:
        """Whether each person has one value."""
        found = self.dimension
        return found is not None and found.of_person

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level the question names."""
        return tuple(dict.fromkeys((self.level, *self.shown, *(level for level, _ in self.limits))))


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one indicator."""

    indicator: Indicator
    by: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]
    axes: tuple[Axis, ...]

    def key(self, *, snapshot: str, activity: str, rule: str) -> str:
        """The question as such; the same question of the same snapshot has the same key."""
        asked = [self.indicator.digest, sorted(self.by), sorted(self.filters), snapshot, activity, rule]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def question(indicator: Indicator, by: Iterable[str] | None, filters: Iterable[tuple[str, str]] = ()) -> Question:
    """A question that can be asked of the indicator.

    Raises:
        WrongUsage: it is shown or limited by what the indicator does not have, or by too much at once.
    """
    shown = tuple(dict.fromkeys(indicator.by if by is None else by))
    limits = tuple(dict.fromkeys((name, value.strip()) for name, value in filters))
    for name in (*shown, *(level for level, _ in limits)):
        _check(indicator, name)
    _check_limits(limits)
    axes = tuple(_axes(indicator, shown, limits))
    if len(axes) > DIMENSIONS_AT_MOST:
        raise WrongUsage(
            f"at most {DIMENSIONS_AT_MOST} dimensions can be asked for at once", code="dimensions-too-many",
            where="--by", next_step="ask for fewer, or for two tables",
        )  # fmt: skip
    return Question(indicator, shown, limits, axes)


def _check(indicator: Indicator, name: str) -> None:
    if indicator.group(name) is None:
        dimension(name, (*indicator.dimensions, *(one.name for one in indicator.groups)))


def _check_limits(limits: Sequence[tuple[str, str]]) -> None:
    names = [name for name, _ in limits]
    for name, value in limits:
        if not value or len(value) > _VALUE_AT_MOST or "\0" in value:
            raise WrongUsage(
                "a filter has one value, and not a long one", code="filter-unreadable", where=name[:40],
                next_step="write it as --filter age_group=85+",
            )  # fmt: skip
        if names.count(name) > 1:
            raise WrongUsage(
                "a filter names one group of a hierarchy, not several", code="filter-twice", where=name,
                next_step="show the table by it, or choose the group above",
            )  # fmt: skip


def _axes(indicator: Indicator, shown: Sequence[str], limits: Sequence[tuple[str, str]]) -> Iterable[Axis]:
    """The levels of one hierarchy are one axis, counted by the finest."""
    named: dict[str, list[str]] = {}
    for name in (*shown, *(level for level, _ in limits)):
        hierarchy = name if indicator.group(name) else dimension(name).hierarchy
        named.setdefault(hierarchy, []).append(name)
    for hierarchy, names in named.items():
        group = indicator.group(hierarchy)
        finest = hierarchy if group else min(names, key=lambda one: dimension(one).rank)
        yield Axis(
            hierarchy, finest, tuple(one for one in dict.fromkeys(names) if one in shown),
            tuple(one for one in limits if one[0] in names), group,
        )  # fmt: skip


def in_words(asked: Question, labels: Mapping[str, str]) -> str:
    """`by GP practice and sex, where age group is 85+`."""

    def told(name: str, value: str) -> str:
        return value if asked.indicator.group(name) else dimension(name).label(value)

    by = " and ".join(_within(labels[name]) for name in asked.by)
    limits = " and ".join(f"{_within(labels[name])} is {told(name, value)}" for name, value in asked.filters)
    return ", ".join(part for part in (f"by {by}" if by else "", f"where {limits}" if limits else "") if part)


def _within(label: str) -> str:
    """As it stands inside a sentence: `GP practice` keeps its letters."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
