"""From a delivered file to checked rows: each kind of file by its reader, all through the same checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from caldicott.stores.submissions import mesh, records, resources, tables
from caldicott.stores.submissions.plain import PlainTable
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.engines.duckdb.landing import DuckDbLanding
    from caldicott.engines.duckdb.landing_sql import LandingRules
    from caldicott.facts.layout import Layout
    from caldicott.stores.submissions.faults import Fault

_FAULTS_NAMED = 5


def checked(path: Path, layout: Layout, rules: LandingRules, engine: DuckDbLanding) -> Iterator[pa.RecordBatch]:
    """Every row of the file with its identity, its typed columns and its place.

    Raises:
        DoesNotHold: the file as a whole cannot be what the layout says.
    """
    if layout.reader == "table":
        yield from _table(path, layout, rules, engine)
    elif layout.reader == "ndop-dat":
        yield from engine.check_batches(_answer(path), layout, rules)
    else:
        yield from _resources(path, layout, rules, engine)


def _table(path: Path, layout: Layout, rules: LandingRules, engine: DuckDbLanding) -> Iterator[pa.RecordBatch]:
    # Looked through first, not meanwhile: a broken quote can keep the engine's CSV reader busy for ever (seen).
    looked = tables.look_through(path, layout)
    _refuse(looked.faults)
    if not looked.is_plain:
        yield from engine.check_table(path, layout, rules)
        return
    table = PlainTable(path, layout, looked.names)
    yield from engine.check_listed(table.rows, layout, rules, place=path)
    if table.left_out:
        yield from engine.malformed(path, layout, expected=table.left_out)


def _answer(path: Path) -> pa.RecordBatchReader:
    allowed = mesh.read_answer(path).allowed
    return pa.table({"nhs_number": allowed}).to_reader()


def _resources(path: Path, layout: Layout, rules: LandingRules, engine: DuckDbLanding) -> Iterator[pa.RecordBatch]:
    result = resources.read(path, layout)
    rows = pa.RecordBatchReader.from_batches(records.SCHEMA, result.batches)
    yield from engine.check_batches(rows, layout, rules)
    if result.faults:
        # A resource that could not be read is a row held back; its place leads back to it in the sender's file.
        yield pa.record_batch(
            {
                "fault": [f"{fault.reason}|{fault.place}" for fault in result.faults],
                "raw": [json.dumps({"place": fault.place, "reason": str(fault.reason)}) for fault in result.faults],
            },
            schema=pa.schema([("fault", pa.string()), ("raw", pa.string())]),
        )


def _refuse(faults: list[Fault]) -> None:
    if not faults:
        return
    named = "; ".join(f"{fault.place}: {fault.reason}" for fault in faults[:_FAULTS_NAMED])
    more = f" and {len(faults) - _FAULTS_NAMED} more" if len(faults) > _FAULTS_NAMED else ""
    raise DoesNotHold(
        f"the file is not in its layout: {named}{more}",
        code=str(faults[0].reason).replace("-", "_"),
        next_step="compare the file's header with the layout, or name the right layout in the manifest",
    )
