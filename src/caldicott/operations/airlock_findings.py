"""What a program can see in a table that somebody wants to take out: for two people, who decide.

Findings are words and numbers of cells. They block only what no checker may
let pass: rows of persons, and what looks like an identifier.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott.audit.guard import identifying_shape
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.operations import protect_files as files
from caldicott.operations.protect import decided
from caldicott.operations.protect_told import in_hierarchies
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.facts.disclosure import DisclosureRule
    from caldicott.stores.ledger import Release

_TOKEN: Final = re.compile(r"\b[A-Z][0-9A-HJKMNP-TV-Z]{16}[0-9A-Z]\b", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,15}")
_PERSON: Final = frozenset({"person_token", "person_id", "nhs_number", "pseudonym"})
ROWS_AT_MOST: Final = 50_000
PROVED, NOT_PROVED, NO_TABLE_OF_COUNTS = "proved", "not proved", "no table of counts"


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one table."""

    name: str
    columns: tuple[str, ...]
    rows: int
    gate: str
    """Whether it can go through the gate, together with everything that left before."""
    withheld: int
    """How many cells the gate would withhold."""
    small: int
    """How many cells are a number that the rule calls too few people, whatever the column is about."""
    identifiers: int
    """How many cells look like an NHS number, a postcode, a birth date or a code of a person."""
    long_texts: int
    blocking: tuple[str, ...]

    @property
    def is_counts(self) -> bool:
        """What leaves is then the gate's own answer, not the table as it came."""
        return self.gate == PROVED

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


_LONG: Final = 200
_NO_TABLE: Final = "it is no table: it has no rows, or its lines differ in length"


def find(
    name: str, text: str, rule: DisclosureRule, earlier: Sequence[Release], within: Hierarchies | None = None
) -> Findings:
    """Everything a program can say of one CSV table."""
    header, rows = read(text)
    if not rows:
        return Findings(name, (), 0, NO_TABLE_OF_COUNTS, 0, 0, 0, 0, (_NO_TABLE,))
    cells = [cell for row in rows for cell in row]
    identifiers = sum(_identifies(cell) for cell in cells)
    blocking = []
    if _PERSON & {column.strip().lower() for column in header}:
        blocking.append("it has a row for each person; rows leave only as an extract (`caldicott extract`)")
    if identifiers:
        blocking.append("cells look like identifiers or codes of persons")
    if len(rows) > ROWS_AT_MOST:
        blocking.append(f"it has more than {ROWS_AT_MOST:,} rows; nobody can check them")
    gate, withheld = _through_the_gate(counts_of(name, header, rows), rule, earlier, within or Hierarchies())
    if gate == NOT_PROVED:
        blocking.append("its counts could not be proved safe together with what left before")
    return Findings(
        name, tuple(header), len(rows), gate, withheld, sum(_is_small(cell, rule) for cell in cells), identifiers,
        sum(len(cell) > _LONG for cell in cells), tuple(blocking),
    )  # fmt: skip


def read(text: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows; nothing where it is no table."""
    try:
        lines = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error:
        return [], []
    is_table = len(lines) > 1 and len({len(row) for row in lines}) == 1
    return (lines[0], lines[1:]) if is_table else ([], [])


def counts_of(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> CountTable | None:
    """The table as the gate takes it; None if it is not one of dimensions and `count`."""
    names = [column.strip().lower() for column in header]
    if names.count(files.COUNT) != 1 or len(set(names)) < len(names) or set(names) & set(files.AMOUNTS):
        return None
    place = names.index(files.COUNT)
    people = names.index(files.PEOPLE) if files.PEOPLE in names else None
    measures = {place, people}
    found = []
    for line, row in enumerate(rows, 2):
        if not all(_WHOLE.fullmatch(row[at]) for at in measures if at is not None):
            return None
        values = tuple(cell or "unknown" for at, cell in enumerate(row) if at not in measures)
        found.append(Row(values, line, int(row[place]), None if people is None else int(row[people])))
    if len({row.values for row in found}) < len(found):
        return None
    dimensions = tuple(column for at, column in enumerate(names) if at not in measures)
    return CountTable(name, dimensions, tuple(found)) if dimensions else None


def _through_the_gate(
    table: CountTable | None, rule: DisclosureRule, earlier: Sequence[Release], within: Hierarchies
) -> tuple[str, int]:
    if table is None:
        return NO_TABLE_OF_COUNTS, 0
    try:
        answer = decided([in_hierarchies(table)], rule, hierarchies=within, earlier=earlier)
    except (Refused, DoesNotHold, ProgramFault):
        return NOT_PROVED, 0
    return PROVED, sum(
        cell == rule.shown_as for line in answer.files[table.name].splitlines()[1:] for cell in line.split(",")
    )


def _is_small(cell: str, rule: DisclosureRule) -> bool:
    return bool(_WHOLE.fullmatch(cell)) and rule.suppress_from <= int(cell) <= rule.suppress_to


def _identifies(cell: str) -> bool:
    return bool(_TOKEN.search(cell) or identifying_shape(cell))
