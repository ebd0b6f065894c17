"""The answer: figures made from what the gate let go, and from nothing else."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.analytics import figures
from caldicott.analytics.definition import Figure
from caldicott.analytics.dimension import dimension
from caldicott.analytics.levels import above
from caldicott.analytics.tables import BAND, axes_of, file_name, names
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.analytics.figures import Printed
    from caldicott.analytics.question import Question

Cell: TypeAlias = str | float | int | None
WITHHELD: Final = "*"
NONE: Final = "–"
"""Where there is nothing to divide by."""
_MEASURES: Final = ("count", "people", "sum")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the answer."""

    name: str
    title: str
    kind: str
    """`group`, `count`, `pounds`, `number`, `percent` or `word`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A table as it may be shown; `*` stands for what is withheld."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    withheld: int
    """How many rows have anything withheld."""
    made_coarser: tuple[str, ...]
    overall: float | None
    """For a share or rate: all groups together, of what is shown."""
    is_too_few: bool = False
    """Fewer than ten people, or nobody, are behind the whole table: then not even its groups are named."""

    def without_rows(self) -> Answer:
        """The same, where so few people are behind it that the names of their groups would tell of them."""
        return Answer(self.headings, (), 0, (), None, is_too_few=True)

    def column(self, name: str) -> list[Cell]:
        """One column, by name."""
        place = [one.name for one in self.headings].index(name)
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Cell]]:
        """Each row by the names of its columns."""
        return [dict(zip((one.name for one in self.headings), row, strict=True)) for row in self.rows]


def answer(
    asked: Question, files: Mapping[str, str], made_coarser: Sequence[str], *,
    lookups: Mapping[str, Mapping[str, str]], marker: str = WITHHELD,
) -> Answer:  # fmt: skip
    """The answer to the question, from the files that the gate handed over."""
    printed = {name: _read(files[file_name(asked, name)], marker) for name in names(asked.indicator.figure)}
    if asked.indicator.figure is Figure.NEED:
        _require_growth(asked, lookups)
    is_compared = asked.indicator.compared == "funnel" and not any(axis.group for axis in asked.axes)
    made = figures.of(asked.indicator, _joined(asked, printed), _growth(lookups), is_compared=is_compared)
    groups = [Heading(name, title_of(asked, name), "group") for name in asked.by]
    rows = [(*_groups(asked, one.values, lookups), *one.cells) for one in made.rows]
    hidden = sum(WITHHELD in row for row in rows)
    headings = (*groups, *(Heading(*one) for one in made.headings))
    return Answer(headings, tuple(rows), hidden, tuple(dict.fromkeys(made_coarser)), made.overall)


def title_of(asked: Question, name: str) -> str:
    """A dimension as people say it."""
    group = asked.indicator.group(name)
    return group.title if group else dimension(name).title


def _read(text: str, marker: str) -> dict[tuple[str, ...], dict[str, Printed]]:
    """A table of the gate: what is printed of each group; None where it is withheld."""
    found: dict[tuple[str, ...], dict[str, Printed]] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        values = tuple(value for name, value in row.items() if name not in _MEASURES)
        measures = {name: None if row[name] == marker else int(row[name]) for name in _MEASURES if name in row}
        found[values] = measures
    return found


def _joined(
    asked: Question, printed: Mapping[str, Mapping[tuple[str, ...], Mapping[str, Printed]]]
) -> list[figures.Group]:
    """Every group of the widest table with what all the tables print of it."""
    order = names(asked.indicator.figure)
    apart = asked.indicator.denominator is not None
    widest = order[-1] if apart else order[0]
    if BAND in {*order} or asked.indicator.figure is Figure.PERCENTILE:
        return _banded(printed[order[0]], printed[order[1]])
    places = [axis.name for axis in asked.axes]
    found = []
    for values in printed[widest]:
        told: dict[str, Mapping[str, Printed]] = {}
        for name in order:
            own = [axis.name for axis in axes_of(asked, name)]
            key = tuple(values[places.index(one)] for one in own) if own else next(iter(printed[name]))
            told[name] = printed[name].get(
                values if len(own) == len(places) else key, {"count": 0, "people": 0, "sum": 0}
            )
        found.append(figures.Group(values if places else (), told))
    return found


def _banded(
    whole: Mapping[tuple[str, ...], Mapping[str, Printed]], bands: Mapping[tuple[str, ...], Mapping[str, Printed]]
) -> list[figures.Group]:
    found = []
    for values, told in whole.items():
        own = {key[-1]: row["count"] for key, row in bands.items() if key[:-1] == values or len(key) == 1}
        found.append(figures.Group(values, {"whole": told}, own))
    return found


def _groups(asked: Question, values: Sequence[str], lookups: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """What is shown of a group, in the order that was asked for."""
    shown: dict[str, str] = {}
    for axis, value in zip(asked.axes, values, strict=False):
        for level in axis.shown:
            shown[level] = value if axis.group or level == axis.level else above(level, value, lookups)
            if not axis.group:
                shown[level] = dimension(level).label(shown[level])
    return tuple(shown[name] for name in asked.by)


def _growth(lookups: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Growth of age groups, and of the bands in them."""
    named = dict(lookups.get("growth", {}))
    bands = lookups.get("age-group", {})
    return {band: named[group] for band, group in bands.items() if group in named} | named


def _require_growth(asked: Question, lookups: Mapping[str, Mapping[str, str]]) -> None:
    if not any(axis.name == "age" for axis in asked.axes):
        raise DoesNotHold(
            "need is projected by age, and the question is not by age", code="need-without-age",
            where=asked.indicator.id, next_step="ask by age_group or age_band as well",
        )  # fmt: skip
    if not lookups.get("growth"):
        raise DoesNotHold(
            "there is no table of growth to project need with", code="lookup-missing", where="growth",
            next_step="put growth.csv (value: age group, parent: factor) into the folder of lookups",
        )  # fmt: skip
