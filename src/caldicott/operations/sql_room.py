"""The SQL room: statements over pseudonymised rows, whose results stay in the room.

No statement is answered with a row, a number of rows, a fault met in a row, or
the time it took: each of these tells of rows. What is wrong with a statement is
said of a run over empty tables. What the statement gave lies in the room, under
its name; it leaves through the airlock, where two people look at it. It does not
leave through the gate by itself: whoever is free to choose who is counted can
write a fact about one person as the presence or absence of ten thousand.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb import sql_room as engine
from caldicott.engines.duckdb.sql_room_child import KEPT, NOT_ALLOWED, TOO_LARGE, TOO_MANY
from caldicott.operations.extract_rows import rows_today
from caldicott.operations.perform import Act, ask, perform
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.stores.airlock import Shelf
from caldicott.stores.key_files import disk_faults
from caldicott.stores.mart_seals import intact
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.operations.perform import House
    from caldicott.policy.decision import Decision
    from caldicott.stores.catalogue import LiveFile

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_SCRATCH: Final = "room-work-"
_LONGEST: Final = 20_000
_TABLES_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Answered:
    """What may be said outside the room: what was asked, never what came of it."""

    name: str
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    seconds: int


def query(
    house: House, *, activity: str, role: str, statement: str, name: str, limits: engine.Limits | None = None
) -> Answered:
    """Run one SELECT over the marts the role may see as rows; keep what it gives in the room under `name`.

    Raises:
        Refused: the register lets the role see no pseudonymised rows of the activity.
        DoesNotHold: the statement is not allowed, does not fit the tables, or does not end over empty ones.
    """
    limits = limits or engine.Limits()
    entry = house.register.activity(activity)
    marts = marts_of(house, activity) if entry else {}
    granted = _granted(house, activity, role, sorted(marts) or ["commissioning-mart"])
    files = {dataset: marts[dataset] for dataset in granted if dataset in marts}
    if not files:
        raise _no_marts(activity)
    shelf = shelf_of(house, activity)
    earlier = [known for known in shelf.names() if known != name]
    _check(statement, name, {table_name(dataset) for dataset in files})
    columns = engine.columns_of({
        table_name(dataset): [house.store.root / file.path for file in parts] for dataset, parts in files.items()
    })  # fmt: skip
    kept = {known: table for known in earlier if (table := _asked_again(shelf, known)) is not None}
    columns |= {known: table.schema for known, table in kept.items()}
    first = _tried(statement, columns, limits)

    def compute() -> Act[Answered]:
        _remove_unfinished(house.store.root)
        with disk_faults(house.store.root), tempfile.TemporaryDirectory(dir=house.store.root, prefix=_SCRATCH) as work:
            paths = _paths(house, granted, files, kept, Path(work))
            file = shelf.put(name, _boxed(statement, first, engine.run(statement, paths, columns, limits)))
        answered = Answered(name, tuple(first.names), tuple(sorted(columns)), limits.seconds)
        said = (role, f"sha256:{hashlib.sha256(statement.encode()).hexdigest()}")
        return Act(
            answered, lambda: shelf.keep(file), references=said, format=DataFormat.PSEUDONYMISED, after=shelf.sweep
        )

    return perform(house, event="sql", activity=activity, compute=compute)


def look(house: House, *, activity: str, role: str, name: str, rows: int = 20) -> tuple[str, pa.Table | None]:
    """Inside the room: how a statement ended, and its first rows. For eyes alone, and recorded.

    Raises:
        Refused: the register lets the role see no pseudonymised rows of the activity.
    """
    _granted(house, activity, role, sorted(marts_of(house, activity)) or ["commissioning-mart"])
    shelf = shelf_of(house, activity)

    def compute() -> Act[tuple[str, pa.Table | None]]:
        how, content = _unboxed(shelf, name)
        table = engine.table_of(content).slice(0, rows) if content else None
        return Act((how, table), lambda: None, references=(role,), touches_files=False)

    return perform(house, event="look-in-room", activity=activity, compute=compute)


def shelf_of(house: House, activity: str) -> Shelf:
    """The results of whoever asks, for that activity."""
    return Shelf(house.store, f"{activity}/{house.actor}", house.today)


def kept_table(house: House, activity: str, name: str) -> pa.Table | None:
    """A result in the room of whoever asks; None if the statement gave none."""
    return _kept_table(shelf_of(house, activity), name)


def as_text(house: House, activity: str, name: str) -> str:
    """A result as CSV, for a request that two people will look at; empty where the statement gave none.

    Whoever asks is not told which: whether there are rows is a fact about rows.

    Raises:
        WrongUsage: no result can have that name.
    """
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            "this is no name of a result of the room", code="sql-result-name", where=name[:40],
            next_step="name a result such as falls_by_month; a CSV file is given with --file",
        )  # fmt: skip
    table = kept_table(house, activity, name)
    if table is None:
        return ""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(["" if cell is None else cell for cell in row.values()] for row in table.to_pylist())
    return text.getvalue()


def marts_of(house: House, activity: str) -> dict[str, list[LiveFile]]:
    """The activity's marts by dataset."""
    found: dict[str, list[LiveFile]] = {}
    for file in intact(house.store, "mart", activity):
        found.setdefault(file.part.split("/")[0], []).append(file)
    return found


def table_name(dataset: str) -> str:
    """How a dataset is called in SQL."""
    return dataset.replace("-", "_")


def _granted(house: House, activity: str, role: str, datasets: Sequence[str]) -> dict[str, Permit]:
    wanted = [Request(role, activity, dataset, DataFormat.PSEUDONYMISED, action="see") for dataset in datasets]
    answers: list[Decision] = ask(house, wanted)
    granted = {
        answer.request.dataset: answer
        for answer in answers
        if isinstance(answer, Permit) and answer.obligations.relationship is Relationship.NONE
    }
    if granted:
        return granted
    for answer in answers:
        if not isinstance(answer, Permit):
            raise Refused(explain(answer), code=answer.reasons[0].code, next_step=answer.next_step)
    raise Refused(
        "Refused. This role sees its own patients, one at a time; the room has the rows of everybody",
        code="relationship-sql",
        next_step="look patients up one at a time",
    )


def _tried(statement: str, columns: Mapping[str, pa.Schema], limits: engine.Limits) -> pa.Schema:
    ended = engine.tried(statement, columns, limits)
    if ended.how == KEPT:
        return engine.table_of(ended.rows).schema
    if ended.how == NOT_ALLOWED:
        raise DoesNotHold(
            f"the room does not know {ended.words}" if not ended.words.startswith("it ") else ended.words,
            code="sql-not-allowed",
            where="the statement",
            next_step="write one SELECT over the tables of the room, with the functions in docs/reference/sql-room.md",
        )
    if ended.how in {engine.STOPPED, TOO_LARGE, TOO_MANY}:
        raise DoesNotHold(
            "the statement does not end in the time and the memory there is, not even over empty tables, and was "
            "stopped",
            code="sql-never-ends",
            where="the statement",
            next_step="join the tables on a column; leave out what multiplies rows by rows",
        )
    raise DoesNotHold(
        f"the statement does not fit the tables{': ' + ended.words if ended.words else ''}",
        code="sql-does-not-fit",
        where="the statement",
        next_step=_what_there_is(statement, columns),
    )


def _what_there_is(statement: str, columns: Mapping[str, pa.Schema]) -> str:
    """The tables, and the columns of those that the statement names."""
    named = [name for name in sorted(columns) if re.search(rf"\b{name}\b", statement)][:_TABLES_TOLD]
    told = [f"{name} has the columns {', '.join(columns[name].names)}" for name in named]
    return "; ".join([f"the tables are {', '.join(sorted(columns))}", *told])


def _paths(
    house: House, granted: Mapping[str, Permit], files: Mapping[str, Sequence[LiveFile]], kept: Mapping[str, pa.Table],
    work: Path,
) -> dict[str, list[Path]]:  # fmt: skip
    """Files to read: those of the marts, without who objects by today; and the results that are there already."""
    remaining = rows_today(house, granted, files, work)
    paths = {table_name(dataset): found for dataset, found in remaining.items()}
    for known, table in kept.items():
        path = work / f"kept-{known}.parquet"
        pq.write_table(table, path)
        paths[known] = [path]
    return paths


def _remove_unfinished(root: Path) -> None:
    # A killed statement leaves its rows; the store is open for one writer, so nobody works there now.
    for left in root.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)


def _check(statement: str, name: str, taken: set[str]) -> None:
    if not _NAME.fullmatch(name) or name in taken:
        raise WrongUsage(
            "a result is named in small letters, digits and underscores, and not like a table that is there",
            code="sql-result-name",
            where="--as",
            next_step="name it like falls_by_month",
        )
    if len(statement) > _LONGEST:
        raise WrongUsage(
            f"the statement is longer than {_LONGEST:,} characters",
            code="sql-too-long",
            where="the statement",
            next_step="keep a part of it as a result of its own, and go on from there",
        )


def _boxed(statement: str, columns: pa.Schema, ended: engine.Ended) -> bytes:
    told = base64.b64encode(columns.serialize().to_pybytes()).decode()
    heading = json.dumps({"statement": statement, "how": ended.how, "columns": told}).encode()
    return len(heading).to_bytes(4, "little") + heading + ended.rows


def _opened(shelf: Shelf, name: str) -> tuple[dict[str, str], bytes]:
    """What is said of a result, and its rows."""
    content = shelf.open(name)
    if content is None:
        return {"how": "nothing"}, b""
    length = int.from_bytes(content[:4], "little")
    return dict(json.loads(content[4 : 4 + length])), content[4 + length :]


def _unboxed(shelf: Shelf, name: str) -> tuple[str, bytes]:
    heading, rows = _opened(shelf, name)
    return heading["how"], rows


def _kept_table(shelf: Shelf, name: str) -> pa.Table | None:
    _how, rows = _unboxed(shelf, name)
    return engine.table_of(rows) if rows else None


def _asked_again(shelf: Shelf, name: str) -> pa.Table | None:
    """A result as a table of the next statement. One that gave none is there too, and empty.

    Were it not there, the next statement would be refused, and that is told outside.
    """
    heading, rows = _opened(shelf, name)
    if rows or "columns" not in heading:
        return engine.table_of(rows) if rows else None
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(heading["columns"]))).empty_table()


def _no_marts(activity: str) -> DoesNotHold:
    return DoesNotHold(
        "there is no mart of this activity yet",
        code="mart-missing",
        next_step=f"make it first: `caldicott run REGISTER --store DIR --activity {activity}`",
    )
