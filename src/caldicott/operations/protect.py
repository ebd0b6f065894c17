"""Protect tables of counts that someone hands in: prove, withhold, remember, write.

Needs no store and no register. The ledger folder stands for one audience:
everything ever released with it is taken to be in the same hands.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from caldicott.disclosure import gate
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.lattice import Released
from caldicott.disclosure.primary import is_dominated
from caldicott.disclosure.system import State
from caldicott.disclosure.table import CountTable, Row
from caldicott.disclosure.zeros import with_every_cell
from caldicott.facts import disclosure as rules
from caldicott.operations import protect_files as files
from caldicott.operations.protect_coarser import attempts
from caldicott.stores import key_files, ledger
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from caldicott.disclosure.gate import Outcome, Protected
    from caldicott.facts.disclosure import DisclosureRule

REPORT: Final = "report.json"
PERSONS, EVENTS, AMOUNTS = "people", "events", "amounts"
NOT_PROVED: Final = "not-proved-safe"
_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Request:
    """Which tables, by which rule, remembered where, written where."""

    tables: tuple[Path, ...]
    rule: str
    to: Path
    hierarchy: Path | None = None
    ledger: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The files as they were handed over."""

    files: Mapping[str, str]

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.files[REPORT]))


def protect(request: Request, told: Callable[[str], None] = lambda _step: None) -> Answer:
    """Protect the tables together and write them with their report.

    Raises:
        DoesNotHold: a table, the hierarchy, the rule or the ledger does not hold.
        Refused: no protected form of these tables could be proved safe; nothing was written.
    """
    rule = rules.rule(request.rule)
    _check_places(request)
    told("reading the tables")
    tables = [files.read_table(path) for path in request.tables]
    hierarchies = files.read_hierarchies(request.hierarchy) if request.hierarchy else Hierarchies()
    with ledger.held(request.ledger) if request.ledger else nullcontext() as memory:
        known = judged(tables, rule, hierarchies=hierarchies, memory=memory, told=told)
        _write(request.to, known.files)
    return Answer(known.files)


def judged(
    tables: Sequence[CountTable], rule: DisclosureRule, *, hierarchies: Hierarchies, memory: ledger.Ledger | None,
    joined: Hierarchies | None = None, told: Callable[[str], None] = lambda _step: None,
) -> ledger.Release:  # fmt: skip
    """The tables as they may leave, remembered before anybody has them; asked again, the stored answer.

    `joined` are the hierarchies with all that values told before add to them: no part of the request.

    Raises:
        DoesNotHold: the tables contradict each other or the ledger.
        Refused: no protected form of these tables could be proved safe.
    """
    earlier = memory.releases() if memory else ()
    _check_rule(earlier, rule)
    asked = _fingerprint(tables, hierarchies, rule)
    known = next((found for found in earlier if found.request == asked), None)
    if known is not None:
        return known
    told("proving what may leave")
    found = replace(decided(tables, rule, hierarchies=joined or hierarchies, earlier=earlier), request=asked)
    return memory.append(found) if memory else found


@dataclass(frozen=True, slots=True)
class _Measures:
    """What became of people, events and amounts; each is a system of its own."""

    people: Outcome
    events: Outcome
    amounts: Outcome
    by_events: Mapping[int, Protected]
    by_amounts: Mapping[int, Protected]


def decided(
    tables: Sequence[CountTable], rule: DisclosureRule, *, hierarchies: Hierarchies, earlier: Sequence[ledger.Release]
) -> ledger.Release:
    """The same, remembered by nobody: what would leave, as a finding for people who decide.

    Raises:
        DoesNotHold: the tables contradict each other or the earlier ones.
        Refused: no protected form of these tables could be proved safe.
    """
    asked = _fingerprint(tables, hierarchies, rule)
    if rule.withholds_zeros:
        tables = [with_every_cell(table, hierarchies) for table in tables]
    tables, found, done = _first_safe(tables, rule, hierarchies, earlier)
    written = {table.name: _text(table, number, found, rule) for number, table in enumerate(tables)}
    kept = [_kept(table, PERSONS) for table in found.people.tables]
    kept += [_kept(table, EVENTS) for table in found.events.tables]
    for number, table in found.by_amounts.items():
        kept.append(_kept(table, AMOUNTS, _guarded(tables[number], found.people.tables[number], rule)))
    written[REPORT] = json.dumps(_report(tables, rule, found, done), indent=2, ensure_ascii=False) + "\n"
    return ledger.Release(asked, rule.name, tuple(kept), written)


def _first_safe(
    tables: Sequence[CountTable], rule: DisclosureRule, hierarchies: Hierarchies, earlier: Sequence[ledger.Release]
) -> tuple[Sequence[CountTable], _Measures, Sequence[str]]:
    """As asked if that can be proved, else the least coarse form that can."""
    refusal = None
    for attempt in attempts(tables, hierarchies):
        try:
            return attempt.tables, _measured_apart(attempt.tables, rule, hierarchies, earlier), attempt.done
        except Refused as found:
            refusal = refusal or found
    raise refusal or _not_proved()


def _measured_apart(
    tables: Sequence[CountTable], rule: DisclosureRule, hierarchies: Hierarchies, earlier: Sequence[ledger.Release]
) -> _Measures:
    people = gate.protect(
        [_of_people(table) for table in tables], rule, hierarchies=hierarchies, earlier=_remembered(earlier, PERSONS)
    )
    _check_safe(people)
    with_events = [number for number, table in enumerate(tables) if table.rows[0].people is not None]
    events = gate.protect(
        [_of_events(tables[number]) for number in with_events], rule, hierarchies=hierarchies,
        earlier=_remembered(earlier, EVENTS),
    )  # fmt: skip
    _check_safe(events)
    with_amounts = [number for number, table in enumerate(tables) if table.rows[0].amount is not None]
    sums = [
        Released(_of_amounts(tables[number]), guarded=_guarded(tables[number], people.tables[number], rule))
        for number in with_amounts
    ]
    amounts = gate.protect_amounts(sums, rule, hierarchies=hierarchies, earlier=_remembered(earlier, AMOUNTS))
    _check_safe(amounts)
    by_events = dict(zip(with_events, events.tables, strict=True))
    return _Measures(people, events, amounts, by_events, dict(zip(with_amounts, amounts.tables, strict=True)))


def _guarded(table: CountTable, people: Protected, rule: DisclosureRule) -> tuple[bool, ...]:
    """Sums behind which stand too few people, or nearly all of which is one contributor's."""
    return tuple(
        printed == rule.shown_as or is_dominated(row, rule)
        for row, printed in zip(table.rows, people.printed, strict=True)
    )


def _of_amounts(table: CountTable) -> CountTable:
    """The same table with its sums in pence in the place of counts."""
    rows = tuple(Row(row.values, row.line, round(100 * (row.amount or 0.0))) for row in table.rows)
    return replace(table, rows=rows, several=frozenset())


def _of_events(table: CountTable) -> CountTable:
    """The same table; an event is counted once."""
    return replace(table, several=frozenset())


def _of_people(table: CountTable) -> CountTable:
    """The same table counting people, where its `count` counts events."""
    if table.rows[0].people is None:
        return table
    rows = tuple(replace(row, count=row.people or 0, people=None) for row in table.rows)
    return replace(table, rows=rows)


def _text(table: CountTable, number: int, found: _Measures, rule: DisclosureRule) -> str:
    people = found.people.tables[number].printed
    columns = {files.COUNT: people}
    if number in found.by_events:
        # Events of a withheld group of people are withheld as well, whatever their number.
        events = found.by_events[number].printed
        hidden = tuple(
            rule.shown_as if persons == rule.shown_as else count for count, persons in zip(events, people, strict=True)
        )
        columns = {files.COUNT: hidden, files.PEOPLE: people}
    if number in found.by_amounts:
        columns[table.amount_name] = tuple(
            rule.shown_as if rule.shown_as in {pence, persons} else str(int(pence) // 100)
            for pence, persons in zip(found.by_amounts[number].printed, people, strict=True)
        )
    cells = list(zip(*columns.values(), strict=True))
    return files.table_text(table.dimensions, tuple(columns), _rows(table, cells))


def _rows(table: CountTable, printed: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(row.values, cells) for row, cells in zip(table.rows, printed, strict=True)]


def _kept(found: Protected, measure: str, guarded: Sequence[bool] = ()) -> ledger.KeptTable:
    rows = tuple(
        ledger.KeptRow(row.values, row.count, row.people, state.value, bool(guarded and guarded[place]))
        for place, (row, state) in enumerate(zip(found.table.rows, found.states, strict=True))
    )
    table = found.table
    return ledger.KeptTable(table.name, measure, table.dimensions, rows, tuple(sorted(table.several)), table.of)


def _remembered(earlier: Sequence[ledger.Release], measure: str) -> list[Released]:
    return [
        Released(
            CountTable(
                table.name,
                table.dimensions,
                tuple(Row(row.values, number, row.count, row.people) for number, row in enumerate(table.rows, 2)),
                several=frozenset(table.several),
                of=table.of,
            ),
            tuple(State(row.state) for row in table.rows),
            tuple(row.is_guarded for row in table.rows),
        )
        for release in earlier
        for table in release.tables
        if table.measure == measure
    ]


def _report(
    tables: Sequence[CountTable], rule: DisclosureRule, found: _Measures, done: Sequence[str]
) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "marker": rule.shown_as,
        "rounded_to": rule.round_to,
        "made_coarser": list(done),
        "proof": {
            "result": "proved",
            "against": "somebody who has every table of this answer and of the ledger, knows the rule and this "
            "program, and is told which withheld cells are small and which only protect others",
            # Sealed sums are guarded as well; counted here, they would be told from those that only protect others.
            "groups_guarded": sum(one.groups_guarded - one.sealed for one in (found.people, found.events)),
            "whole_values_left_possible_at_least": rule.possible_values_of_small,
            "amounts_guarded": found.amounts.groups_guarded,
            "amounts_uncertain_by_at_least_percent": rule.dominance_percent,
        },
        "tables": [_of_table(table, number, found, rule) for number, table in enumerate(tables)],
    }


def _of_table(table: CountTable, number: int, found: _Measures, rule: DisclosureRule) -> dict[str, Any]:
    people = found.people.tables[number]
    # A small sum of which less is told stands among those that protect others: that it is small would settle its parts.
    small = sum(state is State.SMALL for state in people.states)
    shown = sum(printed != rule.shown_as for printed in people.printed)
    entry: dict[str, Any] = {
        "name": table.name,
        "dimensions": list(table.dimensions),
        "counts": "events and people" if number in found.by_events else "people",
        "cells": len(table.rows),
        "primary": small,
        "secondary": len(table.rows) - shown - small,
        "rounded": sum(printed not in {"0", rule.shown_as} for printed in people.printed),
        "zero": sum(printed == "0" for printed in people.printed),
        "proof": "proved",
    }
    if number in found.by_events:
        entry["events_withheld"] = found.by_events[number].withheld
    if number in found.by_amounts:
        entry["amounts_withheld"] = found.by_amounts[number].withheld
    if any(files.neutral(value) != value for row in table.rows for value in row.values):
        entry["remark"] = "values that a spreadsheet would run as a formula have an apostrophe in front"
    return entry


def _fingerprint(tables: Sequence[CountTable], hierarchies: Hierarchies, rule: DisclosureRule) -> str:
    """The request as such: the order of rows and of files is no part of it."""
    asked: dict[str, Any] = {
        "rule": rule.name,
        "hierarchies": {name: dict(sorted(found.items())) for name, found in sorted(hierarchies.parents.items())},
        "tables": sorted(
            (
                table.name,
                table.dimensions,
                sorted((row.values, *(str(cell) for cell in _measured(row))) for row in table.rows),
            )
            for table in tables
        ),
    }
    if hierarchies.groups:
        asked["groups"] = {name: dict(sorted(found.items())) for name, found in sorted(hierarchies.groups.items())}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _measured(row: Row) -> tuple[object, ...]:
    return row.count, row.people, row.amount, row.largest, row.second


def _check_places(request: Request) -> None:
    files.refuse_same_names(request.tables, REPORT)
    if any(path.resolve().parent == request.to.resolve() for path in request.tables):
        raise WrongUsage(
            "the protected tables would overwrite the true ones",
            code="usage",
            where="--to",
            next_step="name another folder",
        )
    if request.to.exists() and not request.to.is_dir():
        raise WrongUsage("this is a file", code="usage", where="--to", next_step="name a folder")
    if request.ledger is not None and _lie_together(request.ledger.resolve(), request.to.resolve()):
        raise WrongUsage(
            "the ledger holds true counts and must not lie where the answer is handed over",
            code="usage",
            where="--ledger",
            next_step="name another folder, neither inside the other",
        )
    _check_empty(request)


def _lie_together(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _check_empty(request: Request) -> None:
    """What lies there is handed over with the answer: nothing else of these names, and no table judged apart."""
    names = {path.name for path in request.tables}
    if not (request.to / REPORT).exists():
        strangers = sorted(name for name in names if (request.to / name).exists())
        what = "a file of this name is there already, and no report of an earlier answer"
    elif request.ledger is None:
        strangers = sorted({path.name for path in request.to.glob("*.csv")} - names)
        what = "tables of another answer are there already, which this one would not be judged with"
    else:
        strangers = []
    if strangers:
        raise WrongUsage(
            what, code="usage", where=f"--to, {strangers[0]}",
            next_step="name an empty folder; tables that go to the same readers belong into one call or one --ledger",
        )  # fmt: skip


def _check_rule(earlier: Sequence[ledger.Release], rule: DisclosureRule) -> None:
    other = next((found.rule for found in earlier if found.rule != rule.name), None)
    if other is not None:
        raise DoesNotHold(
            f"this ledger was begun under the rule {other}",
            code="ledger-other-rule",
            where="--rule",
            next_step=f"ask with --rule {other}; the stricter rule for one audience needs a ledger of its own "
            "from the start",
        )


def _check_safe(outcome: Outcome) -> None:
    if not outcome.is_safe:
        raise _not_proved()


def _not_proved() -> Refused:
    return Refused(
        "These tables cannot be released together with what this audience already has: neither withholding cells nor "
        "larger groups could be proved safe. Ask for larger groups, fewer dimensions or another selection. "
        "Nothing was written",
        code=NOT_PROVED,
        next_step="ask for larger groups, fewer dimensions or another selection",
    )


def _write(folder: Path, written: Mapping[str, str]) -> None:
    with key_files.disk_faults(folder):
        folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        for name, text in written.items():
            key_files.put(folder / name, text.encode())
