"""From outcomes to rows: which records become traced rows, which admitted rows are left out, what each is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.identity import only_rows
from caldicott.facts.layout import ColumnClass, load
from caldicott.safe_haven.identity.remainder import REVIEWED, SCORED
from caldicott.stores.traced_rows import PART, PASSED_OVER, TRACED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.engines.duckdb.identity import IdentityTracing
    from caldicott.register.model import IdentityRules
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord
    from caldicott.stores.clear_rows import ClearRows
    from caldicott.stores.traced_rows import TracedRows

_VERIFIED = "01"


@dataclass(repr=False)
class Judged:
    """What is to happen with each record of one submission, by its place in the sender's file."""

    found: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Rows that enter with another number than they came with, or with one at all: the number, and by which step."""
    passed_over: set[int] = field(default_factory=set)
    """Admitted rows that are left out."""
    said: dict[int, str] = field(default_factory=dict)
    """In the report's words."""

    def __repr__(self) -> str:
        return f"Judged({len(self.found)} found, {len(self.passed_over)} left out)"


def judge(
    mine: pa.Table, decided: Mapping[int, int | None], rules: IdentityRules, *, repeats: frozenset[int]
) -> Judged:
    """A step that says who it is is believed; what only weighs is believed once two people, or the register, say so."""
    judged = Judged()
    for row in mine.to_pylist():
        place, was_admitted = row["file_row"], row["given_number"] is not None
        if was_admitted and place in repeats:
            judged.said[place] = "second copy"
            continue
        person, step = _whose(row, decided, rules)
        judged.said[place] = f"found by {step}" if person is not None else _why_not(row, decided)
        if person is not None and not (was_admitted and row["stays"]):
            judged.found[place] = (person, step)
        if was_admitted and ((person is None and rules.unsettled_numbers == "leave_out") or place in judged.found):
            judged.passed_over.add(place)
    return judged


def _whose(row: Mapping[str, Any], decided: Mapping[int, int | None], rules: IdentityRules) -> tuple[int | None, str]:
    if row["kind"] == "person":
        return row["person"], row["step"]
    if row["file_row"] in decided:
        return decided[row["file_row"]], REVIEWED
    if (
        row["kind"] == "doubtful"
        and row["step"] == SCORED
        and row["person"] is not None
        and rules.scored_links_in_marts
    ):
        return row["person"], row["step"]
    return None, ""


def _why_not(row: Mapping[str, Any], decided: Mapping[int, int | None]) -> str:
    if row["file_row"] in decided:
        return "not known: reviewers found nobody"
    if row["kind"] == "doubtful":
        return f"for review: {row['reason']}"
    return f"not known: {row['reason']}"


@dataclass(frozen=True)
class Traced:
    """Writes the traced rows of one submission."""

    rows: ClearRows
    kept: TracedRows
    engine: IdentityTracing
    submission: SubmissionRecord
    held: pa.Table | None

    def write(self, judged: Judged) -> tuple[LiveFile | None, dict[str, int], int]:
        """The file, how many rows each month has, and how many were second copies of rows that are there already."""
        tables = [self._from_held(judged), self._from_admitted(judged)]
        found = [table for table in tables if table is not None and table.num_rows]
        if not found:
            return None, {}, 0
        rows = pa.concat_tables(found, promote_options="permissive")
        second = self._second_copies(rows)
        rows = rows.filter(pc.invert(pc.is_in(rows.column("file_row"), value_set=second)))
        placed = self.engine.parts(rows, self.submission.period_from, self.submission.period_to)
        months = {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(placed.column(PART))}
        return self.kept.write(TRACED, self.submission, placed), months, len(second)

    def write_passed_over(self, judged: Judged) -> LiveFile | None:
        """The admitted rows that are left out."""
        if not judged.passed_over:
            return None
        found = only_rows(self.engine.conflicting(self.submission.uid), judged.passed_over)
        return self.kept.write(PASSED_OVER, self.submission, found)

    def _from_held(self, judged: Judged) -> pa.Table | None:
        if self.held is None:
            return None
        sound = self.held.filter(pc.is_null(self.held.column("fault")))
        return self._named(only_rows(sound, judged.found).drop_columns(["fault", "raw"]), judged)

    def _from_admitted(self, judged: Judged) -> pa.Table | None:
        moved = judged.found.keys() & judged.passed_over
        if not moved:
            return None
        parts = [only_rows(self.rows.read(file).read_all(), moved) for file in self.rows.parts(self.submission.uid)]
        rows = self._named(pa.concat_tables(parts, promote_options="permissive"), judged)
        # Below nought: the row at that place is passed over, and this one, which stands in for it, is not.
        places = pc.negate(rows.column("file_row"))
        return rows.set_column(rows.column_names.index("file_row"), "file_row", places)

    def _named(self, rows: pa.Table, judged: Judged) -> pa.Table:
        """The rows under the number that was found, saying by which step."""
        found = [judged.found[place] for place in rows.column("file_row").to_pylist()]
        columns = {
            "identity": pa.array([person for person, _step in found], pa.int64()),
            "link_quality": pa.array([step for _person, step in found], pa.string()),
            "needs_trace": pa.array([False] * len(found), pa.bool_()),
        }
        for column in load(self.submission.layout).columns:
            if column.column_class is ColumnClass.NHS_NUMBER_STATUS and column.canonical in rows.column_names:
                columns[column.canonical] = pa.array([_VERIFIED] * len(found), pa.string())
        for name, values in columns.items():
            rows = rows.set_column(rows.column_names.index(name), name, values)
        return rows

    def _second_copies(self, rows: pa.Table) -> pa.Array:
        mine = rows.select(["file_row", "record_hash", "identity"])
        return self.engine.repeats(self.submission.uid, mine).column("file_row").combine_chunks()
