"""From a draft of events to the rows a sender writes: identity columns, faults, dates as text.

A draft knows what happened to whom; here it gets what every extract has in
common, and the mess. The layout says which columns are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import faults, identity
from caldicott.synth.arrays import NO_DAY
from caldicott.synth.texts import IMPOSSIBLE_DAY, dates, pick, put
from caldicott.synth.world import EXTRACTED_DAY

if TYPE_CHECKING:
    from caldicott.facts.layout import Layout
    from caldicott.synth.arrays import Bools, Ints, Texts
    from caldicott.synth.sources import Source
    from caldicott.synth.world import Extract

_FORMULAS = ("=HYPERLINK(A1)", "@SUM(A1:A9)", "+1+1")


@dataclass(frozen=True)
class Draft:
    """Events in order of sender. Every column is by its canonical name."""

    person: Ints
    sender: Ints
    days: dict[str, Ints]
    columns: dict[str, Texts]
    is_birth: Bools | None = None
    is_after_death: Bools | None = None
    practice: Ints | None = None
    """The practice where it is not the one of the day."""

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Rows:
    """What is written: a table by file column, and what is wrong with which row."""

    table: Texts
    person: Ints
    sender: Ints
    fault: Ints
    natural: dict[str, Bools] = field(default_factory=dict)
    is_not_plain: Bools | None = None


def finish(extract: Extract, draft: Draft, rng: np.random.Generator, *, chunk: int) -> Rows:
    """The rows of a draft, with the mess that its kind of extract has."""
    source, layout = extract.source, extract.layout
    fault = _drawn_faults(rng, source, layout, draft, once_each=chunk == 0)
    occurred = layout.canonical(layout.occurred) or ""
    shown = identity.columns_for(extract, draft, fault, rng)
    days = _spoiled_days(rng, layout, {**draft.days, **shown.days}, fault, occurred)
    columns = {**shown.columns, **draft.columns}
    columns |= {name: dates(value, layout.table.date_formats[0]) for name, value in days.items()}
    columns |= _spoiled_texts(extract, draft, columns, fault)
    natural = {**shown.natural}
    if draft.is_after_death is not None:
        natural["activity_after_death"] = draft.is_after_death
    table = as_table(layout, columns, len(draft))
    return Rows(table, draft.person, draft.sender, fault, natural, shown.is_not_plain)


def as_table(layout: Layout, columns: dict[str, Texts], count: int) -> Texts:
    """The columns under their names and in their order in the file; null where nothing was made."""
    made = [columns.get(column.canonical) for column in layout.columns]
    arrays = [pa.nulls(count, pa.string()) if array is None else array for array in made]
    return pa.table(arrays, names=[column.name for column in layout.columns])


def _drawn_faults(rng: np.random.Generator, source: Source, layout: Layout, draft: Draft, *, once_each: bool) -> Ints:
    if not source.fault_group:
        return np.zeros(len(draft), np.int64)
    impossible = faults.impossible(
        layout, leak_column=source.leak_column, free_column=source.free_column, has_order=bool(_ordered_pair(layout))
    )
    fault = faults.draw(rng, len(draft), group=source.fault_group, impossible=impossible, once_each=once_each)
    if draft.is_after_death is not None:
        fault[draft.is_after_death] = 0
    return fault


def _ordered_pair(layout: Layout) -> tuple[str, str] | None:
    """The two dates that must be in order and of which one says when the row occurred."""
    occurred = layout.canonical(layout.occurred)
    pairs = [(layout.canonical(start) or "", layout.canonical(end) or "") for start, end in layout.ordered]
    return next((pair for pair in pairs if occurred in pair), None)


def _spoiled_days(
    rng: np.random.Generator, layout: Layout, days: dict[str, Ints], fault: Ints, occurred: str
) -> dict[str, Ints]:
    spoiled = {name: value.copy() for name, value in days.items()}
    impossible, future = faults.at(fault, "date_impossible"), faults.at(fault, "date_in_future")
    spoiled[occurred][impossible] = IMPOSSIBLE_DAY
    spoiled[occurred][future] = EXTRACTED_DAY + rng.integers(30, 700, len(future))
    pair = _ordered_pair(layout)
    if pair:
        _disorder(rng, spoiled, pair, fault)
    return spoiled


def _disorder(rng: np.random.Generator, days: dict[str, Ints], pair: tuple[str, str], fault: Ints) -> None:
    start, end = pair
    future = faults.at(fault, "date_in_future")
    days[end][future] = np.where(
        days[end][future] == NO_DAY, NO_DAY, np.maximum(days[end][future], days[start][future])
    )
    wrong = faults.at(fault, "date_end_before_start")
    days[end][wrong] = np.where(days[end][wrong] == NO_DAY, days[start][wrong], days[end][wrong])
    days[start][wrong] = np.maximum(days[start][wrong], days[end][wrong])
    days[end][wrong] = days[start][wrong] - rng.integers(1, 6, len(wrong))


def _spoiled_texts(extract: Extract, draft: Draft, columns: dict[str, Texts], fault: Ints) -> dict[str, Texts]:
    """The text columns with identifiers where none belong, and words that a spreadsheet takes for a formula."""
    source, spoiled = extract.source, {}
    number = extract.world.persons.number[draft.person]
    if source.leak_column:
        at = faults.at(fault, "identifier_leaked")
        spoiled[source.leak_column] = put(columns[source.leak_column], at, identity.leaked_text(number[at]))
    if source.free_column:
        column = spoiled.get(source.free_column, columns[source.free_column])
        at, formula = faults.at(fault, "identifier_in_free_text"), faults.at(fault, "formula_text")
        column = put(column, at, identity.leaked_text(number[at]))
        spoiled[source.free_column] = put(column, formula, pick(_FORMULAS, formula % len(_FORMULAS)))
    return spoiled
