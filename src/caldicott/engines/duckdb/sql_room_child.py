"""The locked-down process of the SQL room: one statement, some tables, one answer, and then it is gone.

Run as `python -m`, with an empty environment, in an empty folder. It reads its
question from standard input and writes its answer to standard output; it can
write no file, start no process, load no extension and open no path but the
files it was given.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from caldicott.engines.duckdb.sql_room_words import NotAllowed, check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

KEPT, FAILED, TOO_MANY, TOO_LARGE = "kept", "failed", "too-many-rows", "too-large"
NOT_ALLOWED, NOT_BOUND = "not-allowed", "not-bound"
_MEGABYTE: Final = 1 << 20
_ROOM_BESIDE_THE_ENGINE: Final = 3 << 30
_BATCH: Final = 10_000
_DEPTH: Final = 5_000
_TO_START: Final = 30
_READY: Final = b"!"


@dataclass(frozen=True)
class Question:
    """One statement over some tables. Without files it runs over empty tables of the same columns."""

    statement: str
    files: Mapping[str, list[str]]
    columns: Mapping[str, bytes]
    """For each table its schema, as Arrow writes it."""
    rows: int
    megabytes: int
    seconds: int


def lock_down(question: Question) -> None:
    """What the process itself may no longer do; not to be undone."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = question.megabytes * _MEGABYTE + _ROOM_BESIDE_THE_ENGINE
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    processor = _TO_START + 2 * question.seconds
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))


def connected(question: Question) -> duckdb.DuckDBPyConnection:
    """A connection that has the tables of the room as views, and nothing else, for good."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": f"{question.megabytes}MB",
        "max_temp_directory_size": "0KiB",
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_unsigned_extensions": False,
    }
    db = duckdb.connect(":memory:", config=config)
    db.execute("SET enable_progress_bar = false")
    for name, schema in question.columns.items():
        files = question.files.get(name)
        if files:
            listed = ", ".join(_text(path) for path in files)
            source = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
            db.execute(f"CREATE VIEW {_name(name)} AS SELECT * FROM {source}")
        else:
            db.register("arriving", pa.ipc.read_schema(pa.BufferReader(schema)).empty_table())
            db.execute(f"CREATE TABLE {_name(name)} AS FROM arriving")
            db.unregister("arriving")
    allowed = ", ".join(_text(path) for files in question.files.values() for path in files)
    db.execute(f"SET allowed_paths = [{allowed}]")
    db.execute("SET python_enable_replacements = false")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def answered(question: Question, db: duckdb.DuckDBPyConnection) -> tuple[str, str, bytes]:
    """How it ended, in words without any value, and the rows."""
    try:
        parsed = json.loads(db.execute("SELECT json_serialize_sql(?)", [question.statement]).fetchall()[0][0])
        check(parsed, question.columns)
    except NotAllowed as refused:
        return NOT_ALLOWED, refused.what, b""
    except (duckdb.Error, RecursionError, ValueError):
        return NOT_ALLOWED, "it cannot be read as SQL", b""
    try:
        reader = db.execute(question.statement).to_arrow_reader(_BATCH)
        return _taken(reader, question.rows)
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError):
        return TOO_LARGE, "", b""
    except (duckdb.Error, pa.ArrowException) as fault:
        # Over empty tables the engine's words can quote only the statement; over rows they could quote a row.
        words = "" if question.files else str(fault).partition("\n")[0][:300]
        return (FAILED if question.files else NOT_BOUND), words, b""


def _taken(reader: pa.RecordBatchReader, most: int) -> tuple[str, str, bytes]:
    out, rows = io.BytesIO(), 0
    with pa.ipc.new_stream(out, reader.schema) as writer:
        for batch in reader:
            rows += batch.num_rows
            if rows > most:
                return TOO_MANY, "", b""
            writer.write_batch(batch)
    return KEPT, "", out.getvalue()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def write_answer(to: BinaryIO, ended: str, words: str, rows: bytes) -> None:
    """Length, heading, rows."""
    heading = json.dumps({"ended": ended, "words": words}).encode()
    to.write(struct.pack("<I", len(heading)) + heading + rows)
    to.flush()


def read_question(text: bytes) -> Question:
    """The question as `ask` wrote it."""
    found: dict[str, Any] = json.loads(text)
    columns = {name: bytes.fromhex(schema) for name, schema in found["columns"].items()}
    return Question(
        found["statement"], found["files"], columns, found["rows"], found["megabytes"], found["seconds"]
    )  # fmt: skip


def main() -> None:
    """One question, one answer."""
    sys.setrecursionlimit(_DEPTH)
    question = read_question(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    lock_down(question)
    db = connected(question)
    answers.write(_READY)
    answers.flush()
    ended, words, rows = answered(question, db)
    write_answer(answers, ended, words, rows)
    # Without the interpreter's own farewell: whatever it would write has no place here.
    os._exit(0)


if __name__ == "__main__":
    main()
