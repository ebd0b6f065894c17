"""From a question to what must be counted, and from the true counts to the tables that go to the gate."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from caldicott.analytics.cube import Cube
from caldicott.analytics.definition import Figure, Unit
from caldicott.facts import indicators as facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.analytics.cube import Cell
    from caldicott.analytics.definition import Indicator
    from caldicott.analytics.question import Axis, Question

BAND: Final = "band"
EVERYBODY: Final = ("everybody", "all of them")
"""The one dimension of a table that is by nothing."""
_WORD: Final = 16
PART, WHOLE, BEFORE, AFTER, BANDS = "part", "whole", "before", "after", "bands"


@dataclass(frozen=True, slots=True)
class Count:
    """One row of a table that goes to the gate: true counts."""

    values: tuple[str, ...]
    count: int
    people: int | None = None
    amount: float | None = None
    largest: float | None = None
    second: float | None = None
    contributors: int | None = None

    def __repr__(self) -> str:
        return "Count(*)"


@dataclass(frozen=True, slots=True)
class Table:
    """One table that goes to the gate."""

    name: str
    dimensions: tuple[str, ...]
    rows: tuple[Count, ...]
    several: tuple[str, ...] = ()
    """Dimensions at several values of which one person may be counted."""
    of: str = ""
    """Which records it counts: their dataset, and a word for what is claimed of them."""


def cubes(asked: Question) -> dict[str, Cube]:
    """What is to be counted, by the name of its place in the figure."""
    found, where = asked.indicator, f"{asked.indicator.id}.toml"
    needs_amount = found.figure in {Figure.SUM, Figure.MEAN}
    main = Cube(
        found.id, found.source, asked.axes, found.numerator, found.amount if needs_amount else None, found.linked,
        groups=found.groups, where=where,
    )  # fmt: skip
    if found.figure is Figure.PERCENTILE:
        banded = Cube(
            found.id, found.source, asked.axes, amount=found.amount, edges=found.edges, groups=found.groups, where=where
        )
        return {WHOLE: main, BANDS: banded}
    if found.denominator is not None:
        return {PART: main, WHOLE: Cube(found.id, found.denominator, whole_axes(asked), where=where)}
    return {WHOLE: main}


def whole_axes(asked: Question) -> tuple[Axis, ...]:
    """What a separate denominator can be told apart by: what people are, not what happened to them."""
    return tuple(axis for axis in asked.axes if axis.of_person)


def tables(asked: Question, counted: Mapping[str, Sequence[Cell]]) -> list[tuple[str, Table]]:
    """The tables of true counts by the names of their places, in a fixed order."""
    figure, is_people = asked.indicator.figure, asked.indicator.counts is Unit.PEOPLE
    rows = counted[main(asked)]
    of = {
        WHOLE: [_whole(cell, asked, is_people=is_people) for cell in counted[WHOLE]],
        PART: [_count(cell.values, cell.events_part, cell.people_part, is_people=is_people) for cell in rows],
    }
    if figure in {Figure.RATE, Figure.NEED}:
        of[PART] = [_count(cell.values, cell.events, cell.people, is_people=is_people) for cell in counted[PART]]
        of[WHOLE] = [Count(cell.values, cell.people) for cell in counted[WHOLE]]
    elif figure is Figure.CHANGE:
        of |= {name: [Count(cell.values, *cell.linked[name]) for cell in rows] for name in (BEFORE, AFTER)}
    elif figure is Figure.PERCENTILE:
        of[BANDS] = [Count(cell.values, cell.events, cell.people) for cell in counted[BANDS]]
    return [(name, _table(asked, name, of[name])) for name in names(figure)]


def main(asked: Question) -> str:
    """The place of the indicator's own rows."""
    return PART if asked.indicator.denominator is not None else WHOLE


def populations(asked: Question) -> tuple[str, ...]:
    """The datasets of whose people it tells, its own first: what is told of any of these is judged together.

    A share of registered people tells of both; people of one dataset who have something in another are people of both.
    """
    found = dict[str, None]()
    for source in asked.indicator.sources:
        found |= dict.fromkeys(people_of(name) for name in (source.dataset, source.persons) if name)
    return tuple(found)


def people_of(dataset: str) -> str:
    """The dataset whose people stand behind the rows of this one."""
    return str(tomllib.loads(facts.text("people.toml")).get(dataset, dataset))


def names(figure: Figure) -> tuple[str, ...]:
    """The tables a figure is made of."""
    more = {
        Figure.SHARE: (PART,), Figure.RATE: (PART,), Figure.NEED: (PART,), Figure.CHANGE: (BEFORE, AFTER),
        Figure.PERCENTILE: (BANDS,),
    }  # fmt: skip
    return (WHOLE, *more.get(figure, ()))


def file_name(asked: Question, name: str) -> str:
    """What a table is called among the files of the gate."""
    return f"{asked.indicator.id}-{name}.csv"


def axes_of(asked: Question, name: str) -> tuple[Axis, ...]:
    """What a table is by."""
    is_apart = asked.indicator.denominator is not None and name == WHOLE
    return whole_axes(asked) if is_apart else asked.axes


def _whole(cell: Cell, asked: Question, *, is_people: bool) -> Count:
    if asked.indicator.figure in {Figure.PEOPLE, Figure.CHANGE}:
        return Count(cell.values, cell.people)
    if cell.amount is not None:
        return Count(
            cell.values, cell.events, cell.people, cell.amount, cell.largest, cell.second, cell.contributors
        )  # fmt: skip
    return _count(cell.values, cell.events, cell.people, is_people=is_people)


def _count(values: tuple[str, ...], events: int, people: int, *, is_people: bool) -> Count:
    return Count(values, people) if is_people else Count(values, events, people)


def _table(asked: Question, name: str, rows: Sequence[Count]) -> Table:
    axes = axes_of(asked, name)
    band = (BAND,) if name == BANDS else ()
    dimensions = (*(axis.name for axis in axes), *band)
    events = {*(axis.name for axis in axes if not axis.of_person), *band}
    if not dimensions:
        dimensions, rows = EVERYBODY[:1], [_of_everybody(row) for row in rows]
    found = tuple(rows) or (_nobody(asked, dimensions),)
    # In a table of one month alone nobody is counted in two.
    listed = [len({row.values[place] for row in found}) for place in range(len(dimensions))]
    several = tuple(name for name, values in zip(dimensions, listed, strict=True) if name in events and values > 1)
    return Table(file_name(asked, name), dimensions, found, several, _records(asked.indicator, name))


def _records(one: Indicator, name: str) -> str:
    """The records that a table counts, as the indicator claims them; what it is limited to is among its columns."""
    linked = next((found for found in one.linked if found.name == name), None)
    source = (one.denominator if name == WHOLE else None) or one.source
    claimed = {PART: one.numerator if one.figure is Figure.SHARE else None, BANDS: one.amount}
    word = hashlib.sha256(repr((source, linked or claimed.get(name))).encode()).hexdigest()[:_WORD]
    return f"{linked.source.dataset if linked else source.dataset}:{word}"


def _of_everybody(row: Count) -> Count:
    return replace(row, values=EVERYBODY[1:])


def _nobody(asked: Question, dimensions: Sequence[str]) -> Count:
    """Nobody at all: one row says so, under the names that were asked for."""
    limits = {axis.name: axis.limits[0][1] for axis in asked.axes if axis.limits}
    return Count(tuple(limits.get(name, EVERYBODY[1]) for name in dimensions), 0)
