"""One statement in a process of its own: asked first over empty tables, then over rows, and stopped in time.

What the first run says depends on the statement alone, so it may be told to
anybody. What the second run says, and how long it took, depends on rows.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess  # the locked-down process is one of ours, started with fixed arguments
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb import sql_room_child as child
from caldicott.engines.duckdb.connection import engine_faults, text
from caldicott.engines.duckdb.marts import barring_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from caldicott.engines.duckdb.people import DuckDbPeople

STOPPED: Final = "stopped"
_CHILD: Final = "caldicott.engines.duckdb.sql_room_child"
_DRY_SECONDS: Final = 10
_START_SECONDS: Final = 60
_TO_END: Final = 0.5
"""After the time is up, to stop the process and clear up."""
_LARGEST: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one statement may take."""

    seconds: int = 20
    megabytes: int = 1_000
    rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a statement ended; `rows` is an Arrow stream, empty unless it was kept."""

    how: str
    words: str = ""
    rows: bytes = field(default=b"", repr=False)


def columns_of(files: Mapping[str, Sequence[Path]]) -> dict[str, pa.Schema]:
    """The columns of each table, from its files."""
    return {
        name: pa.unify_schemas([pq.read_schema(path) for path in paths], promote_options="permissive")
        for name, paths in files.items()
    }


def tried(statement: str, columns: Mapping[str, pa.Schema], limits: Limits) -> Ended:
    """Checked and run over empty tables of the same columns: says what is wrong with the statement itself."""
    with _asked(statement, {}, columns, replace(limits, seconds=_DRY_SECONDS)) as running:
        return _read(running, _DRY_SECONDS)


def run(statement: str, files: Mapping[str, Sequence[Path]], columns: Mapping[str, pa.Schema], limits: Limits) -> Ended:
    """The statement over the rows. Comes back when the time is up and no sooner: its length would tell of rows."""
    with _asked(statement, files, columns, limits) as running:
        until = time.monotonic() + limits.seconds
        ended = _read(running, limits.seconds)
    time.sleep(max(0.0, until + _TO_END - time.monotonic()))
    return ended


@contextmanager
def _asked(
    statement: str, files: Mapping[str, Sequence[Path]], columns: Mapping[str, pa.Schema], limits: Limits
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, from the moment at which it begins with the statement."""
    question = {
        "statement": statement,
        "files": {name: [str(path.resolve()) for path in paths] for name, paths in files.items()},
        "columns": {name: schema.serialize().to_pybytes().hex() for name, schema in columns.items()},
        "rows": limits.rows, "megabytes": limits.megabytes, "seconds": limits.seconds,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="room-") as empty:
        running = subprocess.Popen(  # noqa: S603  fixed arguments; the statement goes by standard input
            [sys.executable, "-I", "-m", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd=empty, env={}, close_fds=True, start_new_session=True,
        )  # fmt: skip
        try:
            with suppress(BrokenPipeError):
                _stream(running.stdin).write(json.dumps(question).encode())
                _stream(running.stdin).close()
            _received(running, _START_SECONDS, most=1)
            yield running
        finally:
            _end(running)


def _stream(found: IO[bytes] | None) -> IO[bytes]:
    if found is None:
        raise ValueError("every stream is asked for as a pipe")
    return found


def _received(running: subprocess.Popen[bytes], seconds: float, *, most: int) -> bytes | None:
    """So many bytes, or all until the end; None if the time is up before."""
    until, parts, got = time.monotonic() + seconds, [], 0
    stream = _stream(running.stdout).fileno()
    while got < most:
        ready, _w, _x = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(stream, min(1 << 20, most - got))
        if not part:
            break
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def _read(running: subprocess.Popen[bytes], seconds: float) -> Ended:
    said = _received(running, seconds, most=_LARGEST)
    if said is None:
        return Ended(STOPPED)
    start = struct.calcsize("<I")
    if len(said) < start or len(said) == _LARGEST:
        return Ended(child.FAILED)
    length = struct.unpack_from("<I", said)[0]
    heading = json.loads(said[start : start + length])
    return Ended(heading["ended"], heading["words"], said[start + length :])


def _end(running: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for stream in (running.stdin, running.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def table_of(rows: bytes) -> pa.Table:
    """The rows of a kept answer."""
    with pa.ipc.open_stream(pa.BufferReader(rows)) as stream:
        return stream.read_all()


def has_barred(people: DuckDbPeople, path: Path, *, mask: int, by_area: Mapping[str, int] | None) -> bool:
    """Whether a mart's file holds anybody who objects by now."""
    barring = barring_sql(mask, by_area)
    with engine_faults("look for objectors in a mart"):
        found = people.connection.execute(
            f"SELECT EXISTS (FROM read_parquet({text(str(path))}, hive_partitioning = false) m "
            "WHERE m.person_token IS NOT NULL "
            f"AND NOT EXISTS (FROM person p WHERE p.token = m.person_token AND p.mask & {barring} = 0) "
            f"AND NOT EXISTS (FROM person_local l WHERE l.token = m.person_token AND l.mask & {barring} = 0))"
        ).fetchall()
    return bool(found[0][0])
