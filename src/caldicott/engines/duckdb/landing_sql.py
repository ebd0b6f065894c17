"""The SQL of one landing: every row gets its identity, its typed columns, and a place.

One pass. Three small steps, each a common table expression:
`source` the file as text; `named` the identity; then the canonical row with
`fault` (NULL means admitted) and, only for a row held back, its raw text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003  the dataclass is read at run time
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import NAMELESS, quoted, text
from caldicott.engines.duckdb.identity_sql import needs_trace, number_fault
from caldicott.facts.layout import Column, ColumnClass, ColumnType, IdentityKind, Layout
from caldicott.vocabulary.nhs_number import NhsNumberFault, NhsNumberStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM_COLUMNS = ("identity", "link_quality", "needs_trace", "record_hash", "withdrawn", "occurred_on")

# Columns of these classes may hold words; a number of ten digits that passes the check is then a leak.
_SCANNED = {
    ColumnClass.ACTIVITY, ColumnClass.CLINICAL, ColumnClass.ADMIN, ColumnClass.QUASI,
    ColumnClass.ORGANISATION, ColumnClass.PRACTICE, ColumnClass.AREA, ColumnClass.FINANCE,
}  # fmt: skip
NUMBER_LENGTH = 10
"""The bytes of the shortest text that can hold an NHS number."""
ROW, LEAK = "~row", "~leak"
_WITHHELD_WITH_IDENTITY = {
    ColumnClass.LOCAL_ID, ColumnClass.NAME, ColumnClass.ADDRESS, ColumnClass.POSTCODE, ColumnClass.BIRTH_DATE,
    ColumnClass.RECORD_KEY, ColumnClass.AREA,
}  # fmt: skip
_NO_NUMBER_NEEDED = (NhsNumberStatus.NOT_PRESENT_NOT_REQUIRED, NhsNumberStatus.POSTPONED)
_CONFLICT = (NhsNumberStatus.NO_OR_MULTIPLE_MATCH, NhsNumberStatus.TRACE_TO_BE_RESOLVED)
_SQL_TYPE = {
    ColumnType.INTEGER: "BIGINT", ColumnType.DECIMAL: "DECIMAL(18,2)", ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True)
class LandingRules:
    """What the register and the manifest say of this landing."""

    test_numbers_allowed: bool
    palindromes_need_trace: bool
    northern_ireland_numbers_need_trace: bool
    no_later_than: date
    """Nothing can have happened after the sender took the extract."""


def select(layout: Layout, *, source: str, present: frozenset[str], rules: LandingRules) -> str:
    """The whole statement over `source`, which has the file's columns as text."""
    columns = [column for column in layout.columns if column.name in present]
    typed = [f"{_typed(column)} AS {quoted(column.canonical)}" for column in kept(columns)]
    raw = ", ".join(f"{text(column.name or NAMELESS)}: s.{quoted(column.name)}" for column in columns)
    told = f'CASE WHEN "~fault" IS NOT NULL THEN to_json({{{raw}}})::VARCHAR END AS raw'
    found = [_leak_fault(column) for column in columns if scanned(column)]
    return _statement(layout, columns, rules, source=source, leaks=found, more=[told, *typed])


def select_beside(
    layout: Layout, *, source: str, present: frozenset[str], rules: LandingRules, listed: frozenset[str]
) -> str:
    """The same but for the text that is kept and the raw text: both stay with who reads the file.

    Columns that are places in a list are not looked through for numbers row by row: `source` says in LEAK which of
    them, by its place among `scanned_in`, holds one. ROW of `source` comes back, so that rows can be put together.
    """
    columns = [column for column in layout.columns if column.name in present]
    typed = [f"{_typed(c)} AS {quoted(c.canonical)}" for c in kept(columns) if c.type != ColumnType.TEXT]
    found = _leaks_by_place(scanned_in(layout, present), listed)
    return _statement(layout, columns, rules, source=source, leaks=found, more=[f"s.{quoted(ROW)}", *typed])


def _statement(
    layout: Layout, columns: list[Column], rules: LandingRules, *, source: str, leaks: list[str], more: list[str]
) -> str:
    chosen = ",\n  ".join(more)
    # Types and dates are made out once: what is wrong with them and what is kept of them are both asked later.
    made = [f"{_cast(layout, c)} AS {quoted(_as(c))}" for c in columns if c.type != ColumnType.TEXT]
    named = ", ".join(["*", f'{_number(layout)} AS "~number"', *made])
    fault = _fault(layout, columns, rules, leaks=leaks)
    return (
        f"WITH named AS (\n SELECT {named} FROM {source} s\n),\n"
        f'placed AS (\n SELECT *, {fault} AS "~fault" FROM named s\n)\n'
        f"SELECT {_identity(layout)} AS identity,\n  {_link_quality(layout, rules)} AS link_quality,\n"
        f"  {_needs_trace(layout, rules)} AS needs_trace,\n  {_record_hash(layout)} AS record_hash,\n"
        f"  {_withdrawn(layout)} AS withdrawn,\n  {_occurred(layout, columns)} AS occurred_on,\n"
        f'  "~fault" AS fault,\n  {chosen}\nFROM placed s'
    )


def kept(columns: Sequence[Column]) -> list[Column]:
    """The columns a clear row carries; the number itself is carried once, as the identity."""
    return [column for column in columns if column.column_class != ColumnClass.NHS_NUMBER]


def _s(name: str | None) -> str:
    return "NULL" if name is None else f"s.{quoted(name)}"


def _number(layout: Layout) -> str:
    if layout.identity_kind != IdentityKind.NHS_NUMBER:
        return "NULL::BIGINT"
    return f"number_of(canonical_number({quoted(layout.identity_column or '')}))"


def _is_withheld(layout: Layout) -> str:
    # '00' and blanks in the reason mean "not withheld" in several senders' files.
    return f"coalesce({_s(layout.withheld_column)} NOT IN ('', '00'), false)" if layout.withheld_column else "false"


def _fault(layout: Layout, columns: list[Column], rules: LandingRules, *, leaks: list[str]) -> str:
    cases = [
        *_identity_faults(layout, rules),
        *(_required_fault(layout, column) for column in columns if _is_asked_for(column)),
        *(_type_fault(column) for column in columns if column.type != ColumnType.TEXT),
        *_date_faults(layout, columns, rules),
        *leaks,
    ]
    return "coalesce(" + ",\n    ".join([*cases, "NULL::VARCHAR"]) + ")"


def _identity_faults(layout: Layout, rules: LandingRules) -> list[str]:
    column = layout.identity_column or ""
    if layout.identity_kind == IdentityKind.NONE:
        return []
    if layout.identity_kind != IdentityKind.NHS_NUMBER:
        return (
            []
            if layout.identity_optional
            else [f"CASE WHEN {_s(column)} IS NULL THEN {text('local_id_missing|' + column)} END"]
        )
    fault = number_fault(raw=_s(column), number='s."~number"', test_numbers_allowed=rules.test_numbers_allowed)
    status = f"coalesce({_s(layout.status_column)}, '')" if layout.status_column else "''"
    spared = f"{_is_withheld(layout)} OR ({_s(column)} IS NULL AND ({status} IN {_in(_NO_NUMBER_NEEDED)}{_or_optional(layout)}))"
    conflict = f"WHEN {status} IN {_in(_CONFLICT)} THEN {text(f'{NhsNumberFault.TRACE_CONFLICT}|{column}')}"
    return [
        f"CASE WHEN {spared} THEN NULL WHEN ({fault}) IS NOT NULL THEN ({fault}) || {text('|' + column)} {conflict} END"
    ]


def _or_optional(layout: Layout) -> str:
    return " OR true" if layout.identity_optional else ""


def _in(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(text(str(value)) for value in values) + ")"


def _is_asked_for(column: Column) -> bool:
    # A missing NHS number has faults of its own.
    return column.required and column.column_class != ColumnClass.NHS_NUMBER


def _required_fault(layout: Layout, column: Column) -> str:
    # A legally restricted record comes without its identifiers: that is not a fault [DD: withheld identity].
    spared = f" AND NOT {_is_withheld(layout)}" if column.column_class in _WITHHELD_WITH_IDENTITY else ""
    return f"CASE WHEN {_s(column.name)} IS NULL{spared} THEN {text('required_missing|' + column.name)} END"


def _type_fault(column: Column) -> str:
    code = "date_invalid" if column.type in {ColumnType.DATE, ColumnType.TIMESTAMP} else "number_invalid"
    return f"CASE WHEN {_s(column.name)} IS NOT NULL AND {_s(_as(column))} IS NULL THEN {text(code + '|' + column.name)} END"


def _date_faults(layout: Layout, columns: list[Column], rules: LandingRules) -> list[str]:
    by_name = {column.name: column for column in columns}
    limit = f"DATE '{rules.no_later_than.isoformat()}'"
    dated = [by_name[name] for name in (layout.occurred,) if name in by_name]
    dated += [
        column for column in columns if column.column_class == ColumnClass.BIRTH_DATE and column.type == ColumnType.DATE
    ]
    faults = [
        f"CASE WHEN {_s(_as(column))}::DATE > {limit} THEN {text('date_in_future|' + column.name)} END"
        for column in dated
        if column.type in {ColumnType.DATE, ColumnType.TIMESTAMP}
    ]
    pairs = [(first, last) for first, last in layout.ordered if first in by_name and last in by_name]
    return faults + [
        f"CASE WHEN {_s(_as(by_name[last]))} < {_s(_as(by_name[first]))} THEN {text('date_order|' + last)} END"
        for first, last in pairs
    ]


def scanned(column: Column) -> bool:
    """Whether a column is looked through for NHS numbers that have no business in it."""
    return column.type == ColumnType.TEXT and column.column_class in _SCANNED


def scanned_in(layout: Layout, present: frozenset[str]) -> list[Column]:
    """Those of a file, in the order of the layout."""
    return [column for column in layout.columns if column.name in present and scanned(column)]


def leaks(column: Column, value: str) -> str:
    """SQL that is true for a value of the column that holds an NHS number."""
    # Codes are short: only a text long enough to hold a number is read. A clinical code that is
    # nothing but digits is a SNOMED CT id, not a leak.
    only_digits = f" AND try_cast({value} AS UBIGINT) IS NULL" if column.column_class == ColumnClass.CLINICAL else ""
    return f"strlen({value}) >= {NUMBER_LENGTH}{only_digits} AND holds_number({value})"


def _leak_fault(column: Column) -> str:
    return f"CASE WHEN {leaks(column, _s(column.name))} THEN {_leak_text(column)} END"


def _leak_text(column: Column) -> str:
    return text("identifier_in_free_column|" + column.name)


def _leaks_by_place(columns: list[Column], listed: frozenset[str]) -> list[str]:
    """One expression: the fault of the first column, in their order, that holds a number."""
    if not columns:
        return []
    places = [
        f"CASE WHEN {leaks(column, _s(column.name))} THEN {place} END"
        for place, column in enumerate(columns, start=1)
        if (column.name or NAMELESS) not in listed
    ]
    faults = ", ".join(_leak_text(column) for column in columns)
    return [f"[{faults}][least({', '.join([*places, _s(LEAK)])})]"]


def _identity(layout: Layout) -> str:
    if layout.identity_kind == IdentityKind.NHS_NUMBER:
        return f'CASE WHEN "~fault" IS NULL AND NOT {_is_withheld(layout)} THEN "~number" END'
    return f"{_s(layout.identity_column)}::VARCHAR" if layout.identity_column else "NULL::VARCHAR"


def _link_quality(layout: Layout, rules: LandingRules) -> str:
    if layout.identity_kind == IdentityKind.NONE:
        return "'reference'"
    if layout.identity_kind != IdentityKind.NHS_NUMBER:
        return (
            f"CASE WHEN {_s(layout.identity_column)} IS NULL THEN 'reference' ELSE '{layout.identity_kind.value}' END"
        )
    verified = f"{_s(layout.status_column)} = '{NhsNumberStatus.VERIFIED}'" if layout.status_column else "false"
    return (
        f"CASE WHEN {_is_withheld(layout)} THEN 'withheld' {_about_nobody(layout)}"
        f"WHEN \"~number\" IS NULL THEN 'one_time' "
        f"WHEN {verified} AND NOT {_needs_trace(layout, rules)} THEN 'verified' ELSE 'unverified' END"
    )


def _about_nobody(layout: Layout) -> str:
    return f"WHEN {_s(layout.identity_column)} IS NULL THEN 'reference' " if layout.identity_optional else ""


def _needs_trace(layout: Layout, rules: LandingRules) -> str:
    if layout.identity_kind != IdentityKind.NHS_NUMBER:
        return "false"
    asked = needs_trace(
        '"~number"',
        palindromes=rules.palindromes_need_trace,
        northern_ireland=rules.northern_ireland_numbers_need_trace,
    )
    return f"coalesce({asked}, false)"


def _record_hash(layout: Layout) -> str:
    if not layout.record_key:
        return "NULL::UBIGINT"
    return "hash(" + ", ".join(_s(name) for name in layout.record_key) + ")"


def _withdrawn(layout: Layout) -> str:
    return (
        f"coalesce({_s(layout.update_type)} IN {_in(layout.deletes)}, false)"
        if layout.update_type and layout.deletes
        else "false"
    )


def _occurred(layout: Layout, columns: list[Column]) -> str:
    dated = [column for column in columns if column.name == layout.occurred]
    return f"{_typed(dated[0])}::DATE" if dated else "NULL::DATE"


def _as(column: Column) -> str:
    return f"~as {column.name}"


def _typed(column: Column) -> str:
    return _s(column.name) if column.type == ColumnType.TEXT else _s(_as(column))


def _cast(layout: Layout, column: Column) -> str:
    name = _s(column.name)
    if column.type == ColumnType.DECIMAL and column.column_class != ColumnClass.FINANCE:
        return f"try_cast({name} AS DOUBLE)"
    if column.to_the_penny:
        pence = f"try_cast({name} AS {_SQL_TYPE[ColumnType.DECIMAL]})"
        return f"CASE WHEN try_cast({name} AS DECIMAL(38,18)) = {pence} THEN {pence} END"
    if column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}:
        return f"try_cast({name} AS {_SQL_TYPE[column.type]})"
    formats = layout.table.date_formats if column.type == ColumnType.DATE else layout.table.timestamp_formats
    return "coalesce(" + ", ".join(_parsed(name, form, column.type) for form in formats) + ")"


def _parsed(name: str, form: str, column_type: ColumnType) -> str:
    # The plain cast reads ISO several times faster than a format string does.
    if form in {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "iso"}:
        return f"try_cast({name} AS {_SQL_TYPE[column_type]})"
    return f"try_cast(try_strptime({name}, {text(form)}) AS {_SQL_TYPE[column_type]})"
