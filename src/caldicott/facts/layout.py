"""What a sender's file looks like: its columns, what each is, which names the person.

A layout is a TOML file in `facts/layouts/`. Nothing about a sender's file is
in Python, so a new sender is a new file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from caldicott.vocabulary.errors import DoesNotHold, ProgramFault


class ColumnClass(StrEnum):
    """What a column is, which decides what becomes of it (docs/design.md has the table)."""

    NHS_NUMBER = "nhs_number"
    SUPERSEDED_NHS_NUMBER = "superseded_nhs_number"
    LOCAL_ID = "local_id"
    SOURCE_PSEUDONYM = "source_pseudonym"
    NHS_NUMBER_STATUS = "nhs_number_status"
    WITHHELD_REASON = "withheld_reason"
    NAME = "name"
    ADDRESS = "address"
    CONTACT = "contact"
    POSTCODE = "postcode"
    BIRTH_DATE = "birth_date"
    FREE_TEXT = "free_text"
    RECORD_KEY = "record_key"
    STAFF = "staff"
    OBJECTION_CODE = "objection_code"
    RESTRICTED = "restricted"
    ORGANISATION = "organisation"
    PRACTICE = "practice"
    AREA = "area"
    QUASI = "quasi"
    ACTIVITY = "activity"
    CLINICAL = "clinical"
    FINANCE = "finance"
    ADMIN = "admin"


class ColumnType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIMESTAMP = "timestamp"


class IdentityKind(StrEnum):
    """By what a row of this layout names its person."""

    NHS_NUMBER = "nhs_number"
    LOCAL = "local"
    SOURCE_PSEUDONYM = "source_pseudonym"
    NONE = "none"


@dataclass(frozen=True)
class Column:
    """One column of a sender's file."""

    name: str
    canonical: str
    type: ColumnType
    column_class: ColumnClass
    required: bool = False
    to_the_penny: bool = False
    """More than two decimals are a fault of the row: rounded, they would be another amount than was sent."""


@dataclass(frozen=True)
class TableForm:
    """How a delimited file is written."""

    delimiter: str = ","
    null_values: tuple[str, ...] = ("",)
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    timestamp_formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S",)


@dataclass(frozen=True)
class Layout:
    """A layout: columns, the record's own key, the person's identity."""

    id: str
    dataset: str
    title: str
    source: str
    reader: str
    table: TableForm
    record_key: tuple[str, ...]
    occurred: str | None
    update_type: str | None
    deletes: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...]
    identity_kind: IdentityKind
    identity_column: str | None
    identity_optional: bool
    status_column: str | None
    withheld_column: str | None
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of that file name."""
        return next(column for column in self.columns if column.name == name)

    def canonical(self, name: str | None) -> str | None:
        """The canonical name of a file column; None for none."""
        return None if name is None else self.column(name).canonical


_CANONICAL = re.compile(r"^[a-z][a-z0-9_]*$")


@cache
def load(layout_id: str) -> Layout:
    """The layout of that id.

    Raises:
        DoesNotHold: no such layout, or its file contradicts itself.
    """
    if layout_id not in known():
        raise DoesNotHold(
            f"no layout is called '{layout_id[:60]}'",
            code="layout-unknown",
            next_step="use one of: " + ", ".join(known()),
        )
    text = resources.files("caldicott.facts").joinpath("layouts", f"{layout_id}.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), layout_id)


@cache
def known() -> tuple[str, ...]:
    """Every layout id that ships, in order."""
    folder = resources.files("caldicott.facts").joinpath("layouts")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def parse(content: dict[str, Any], layout_id: str) -> Layout:
    """A layout from its TOML content; checks that every name it uses is one of its columns."""
    table, record, identity = (content.get(part, {}) for part in ("table", "record", "identity"))
    layout = Layout(
        id=content["id"],
        dataset=content["dataset"],
        title=content.get("title", layout_id),
        source=content.get("source", ""),
        reader=content.get("reader", "table"),
        table=_table_form(table),
        record_key=tuple(record.get("key", ())),
        occurred=record.get("occurred"),
        update_type=record.get("update_type"),
        deletes=tuple(record.get("deletes", ())),
        ordered=tuple((pair[0], pair[1]) for pair in record.get("ordered", ())),
        identity_kind=IdentityKind(identity.get("kind", "none")),
        identity_column=identity.get("column"),
        identity_optional=bool(identity.get("optional", False)),
        status_column=identity.get("status"),
        withheld_column=identity.get("withheld"),
        columns=tuple(_column(entry) for entry in content.get("columns", ())),
    )
    _hold_together(layout, layout_id)
    return layout


def _table_form(table: dict[str, Any]) -> TableForm:
    return TableForm(
        delimiter=table.get("delimiter", ","),
        null_values=tuple(table.get("null_values", ("",))),
        date_formats=_formats(table.get("date_format", "%Y-%m-%d")),
        timestamp_formats=_formats(table.get("timestamp_format", "%Y-%m-%d %H:%M:%S")),
    )


def _formats(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _column(entry: dict[str, Any]) -> Column:
    return Column(
        name=entry["name"],
        canonical=entry["as"],
        type=ColumnType(entry.get("type", "text")),
        column_class=ColumnClass(entry["class"]),
        required=bool(entry.get("required", False)),
        to_the_penny=bool(entry.get("to_the_penny", False)),
    )


def _hold_together(layout: Layout, layout_id: str) -> None:
    names = [column.name for column in layout.columns]
    canonicals = [column.canonical for column in layout.columns]
    used = [*layout.record_key, layout.occurred, layout.update_type, layout.identity_column]
    used += [layout.status_column, layout.withheld_column, *(name for pair in layout.ordered for name in pair)]
    faults = [f"it uses the column '{name}' which it does not list" for name in used if name and name not in names]
    faults += [f"two columns are called '{name}'" for name in {*names} if names.count(name) > 1]
    faults += [f"two columns become '{name}'" for name in {*canonicals} if canonicals.count(name) > 1]
    faults += [f"'{name}' is not a canonical name" for name in canonicals if not _CANONICAL.match(name)]
    if layout.id != layout_id:
        faults.append(f"it calls itself '{layout.id}'")
    if faults:
        raise ProgramFault(
            f"the layout does not hold: {'; '.join(sorted(faults))}",
            code="layout-broken",
            where=f"facts/layouts/{layout_id}.toml",
            next_step="correct the layout file",
        )
