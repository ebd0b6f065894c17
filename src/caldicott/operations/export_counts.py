"""The counts of an export: true tables to the gate, and what it let go in the words that receivers know."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.table import CountTable, Row
from caldicott.operations import protect_files as files
from caldicott.operations.protect_release import NOTHING, release_counts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit

PERSONS, CONTACTS, NETWORK, PRACTICE = "persons", "contacts", "network", "practice"
_UNKNOWN: Final = "unknown"


def write_counts(house: House, tables: Mapping[str, pa.Table], *, permit: Permit, partial: Path) -> str:
    """All counts of one export are judged together; the certificate of what left.

    Raises:
        Refused: no protected form of them could be proved safe.
    """
    asked = [_asked(dataset, table) for dataset, table in tables.items() if table.num_rows]
    leaving = release_counts(house, asked, permit=permit) if asked else NOTHING
    for dataset, table in tables.items():
        text = _named_again(leaving.answer.files.get(_file(dataset), ""), table)
        (partial / _file(dataset)).write_text(text, encoding="utf-8", newline="")
    return leaving.certificate


def _file(dataset: str) -> str:
    return f"{dataset}.csv"


def _asked(dataset: str, table: pa.Table) -> CountTable:
    """True counts as the gate takes them: people, and events where there are any. A practice tells its network."""
    dimensions = _dimensions(table)
    rows = tuple(
        Row(
            tuple(_word(row[name]) for name in dimensions),
            line,
            int(row[CONTACTS] if CONTACTS in row else row[PERSONS]),
            int(row[PERSONS]) if CONTACTS in row else None,
        )
        for line, row in enumerate(table.to_pylist(), 2)
    )
    return CountTable(_file(dataset), dimensions, rows)


def _dimensions(table: pa.Table) -> tuple[str, ...]:
    follows = {PERSONS, CONTACTS} | ({NETWORK} if PRACTICE in table.column_names else set())
    return tuple(name for name in table.column_names if name not in follows)


def _word(value: object) -> str:
    return _UNKNOWN if value in (None, "") else str(value)


def _named_again(text: str, table: pa.Table) -> str:
    """The gate's answer under the columns of the export: persons, contacts, and each practice's network."""
    networks = dict(zip(*(table.column(name).to_pylist() for name in (PRACTICE, NETWORK)), strict=True)) if (
        NETWORK in table.column_names
    ) else {}  # fmt: skip
    written = {PERSONS: files.PEOPLE if CONTACTS in table.column_names else files.COUNT, CONTACTS: files.COUNT}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in csv.DictReader(io.StringIO(text)):
        writer.writerow(_cell(row, name, written, networks) for name in table.column_names)
    return out.getvalue()


def _cell(row: Mapping[str, str], name: str, written: Mapping[str, str], networks: Mapping[str, str]) -> str:
    if name == NETWORK and networks:
        # A practice told as its network has the network's name already.
        return networks.get(row[PRACTICE], row[PRACTICE]) or _UNKNOWN
    return row[written.get(name, name)]
