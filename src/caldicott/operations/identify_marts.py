"""What tracing means for marts: which rows come in, which are left out, and how both are counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.mart_files import as_one
from caldicott.facts.layout import load
from caldicott.safe_haven.identity.remainder import CONFIRMED
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.traced_rows import TRACED, of_part

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    import pyarrow as pa

    from caldicott.engines.duckdb.mart_sql import Supersession
    from caldicott.facts.layout import Layout
    from caldicott.operations.engine import Marts, Rows
    from caldicott.operations.identify import Identified
    from caldicott.operations.people import People
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord

_COUNTED = ("identity", "withdrawn", "occurred_on", "record_hash", "file_row")


def parts_with_traced(rows: Rows, identified: Identified, uid: str) -> tuple[LiveFile, ...]:
    """A submission's clear rows by month, and those whose person was found where they are no part of these."""
    clear = rows.parts(uid)
    months = {file.part for file in clear} if isinstance(rows, ClearRows) else set()
    return (*clear, *(file for file in identified.parts(uid) if file.part not in months))


def opened_with_traced(rows: Rows, identified: Identified, file: LiveFile) -> Callable[[frozenset[str]], Any]:
    """Reads a month: clear rows and traced ones as one, so that a month costs no second question."""
    beside = [one for one in identified.parts(file.owner) if one.part == file.part]
    if not beside or not isinstance(rows, ClearRows):
        return lambda wanted: rows.read(file, wanted=wanted)

    def opened(wanted: frozenset[str]) -> pa.RecordBatchReader:
        traced = of_part(identified.rows(rows, beside[0]), file.part, wanted)
        if file.kind == TRACED:
            return traced.to_reader()
        tables = [rows.read(file, wanted=wanted).read_all(), traced]
        return as_one(tables).to_reader()

    return opened


def label_of_conflicts(identified: Identified) -> str:
    """What an admitted row is called whose number is of somebody born on another day.

    Where the register has them traced and those that are not settled left out, the rest were confirmed by that step.
    """
    rules = identified.rules
    return CONFIRMED if rules is not None and rules.unsettled_numbers == "leave_out" else "conflicting"


def add_left_out(marts: Marts, rows: Rows, identified: Identified, uid: str) -> bool:
    """Have admitted rows passed over that are nobody's; whether there are any."""
    file = identified.passed_over.get(uid)
    if file is not None:
        marts.add_repeats(rows.read(file, ["file_row"]), submission=uid)
    return file is not None


def count_left_out(marts: Marts, rows: Rows, of: Counted) -> int:
    """How many rows are out only because nobody, or somebody else, was found for them."""
    file = of.people.identified.passed_over.get(of.submission.uid)
    if file is None:
        return 0
    replaced, _excluded = marts.count(rows.read(file, list(_COUNTED)), of.layout, of.alone, [])
    of.into["left out, person not known"] += file.rows - replaced
    return file.rows - replaced


def count_traced(marts: Marts, rows: Rows, of: Counted) -> None:
    """How many traced rows came in, and how many an objection of the person found keeps out."""
    file = of.people.identified.traced.get(of.submission.uid)
    if file is None:
        return
    found = rows.read(file, list(_COUNTED))
    replaced, excluded = marts.count(found, of.layout, of.alone, of.people.masks[of.submission.dataset])
    of.into.update({f"traced rows excluded {scheme}": number for scheme, number in excluded.items()})
    of.into["traced rows released"] += file.rows - replaced - sum(excluded.values())


@dataclass(frozen=True)
class Counted:
    """One submission's rows, to be counted by one activity's rules."""

    people: People
    submission: SubmissionRecord
    taken: Supersession
    into: Counter[str]

    @property
    def layout(self) -> Layout:
        return load(self.submission.layout)

    @property
    def alone(self) -> Supersession:
        """As if no row were passed over: only what a later submission replaced is gone."""
        return replace(self.taken, has_repeats=False)
