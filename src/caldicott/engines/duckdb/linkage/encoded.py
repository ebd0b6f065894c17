"""Reading records for encoding, and encoded files for matching. Beside a filter stands only the sender's own row id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb.connection import connect, engine_faults
from caldicott.engines.duckdb.linkage.prepare import read_records
from caldicott.linkage import bloom
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from caldicott.engines.duckdb.scores_inputs import SourceFile
    from caldicott.linkage.spec import Spec

_MOST: Final = 100_000
"""Every record is compared with every other; beyond this an encoded blocking is needed, which is not built."""


def encode_file(spec: Spec, source: SourceFile, to: Path, key: bytes) -> tuple[int, int, float]:
    """Writes id and filter of every record that says enough; counts of written, left out, and how full they are."""
    bloom.check_key(key)
    bloom.check_spec(spec)
    connection = connect()
    with engine_faults("encode"):
        read_records(connection, spec, (source,))
        names = [field.name for field in spec.fields]
        stated = " + ".join(f"({name} IS NOT NULL)::INTEGER" for name in names)
        least = max(spec.fields_least, bloom.rules()["known_least"])
        rows = connection.sql(
            f"SELECT id, {', '.join(names)} FROM record WHERE {stated} >= {least} ORDER BY hash(id)"
        ).to_arrow_table()
        every = connection.execute("SELECT count(*) FROM record").fetchall()[0][0]
    columns = [(field.kind, rows.column(field.name).to_pylist()) for field in spec.fields]
    filters = bloom.encode(columns, key) if len(rows) else np.zeros((0, bloom.rules()["bits"] // 8), np.uint8)
    width = filters.shape[1]
    packed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(rows), [None, pa.py_buffer(np.ascontiguousarray(filters).tobytes())]
    )
    made = pa.table({"id": rows.column("id"), "filter": packed})
    pq.write_table(made.replace_schema_metadata(bloom.made_by(spec, key)), to)
    full = float(np.unpackbits(filters, axis=1).mean()) if len(rows) else 0.0
    return len(rows), every - len(rows), full


def match_files(left: Path, right: Path, to: Path, *, at_least: float) -> int:
    """Writes the pairs of two encoded files; how many."""
    left_ids, left_filters = _read(left, "LEFT")
    right_ids, right_filters = _read(right, "RIGHT")
    _same_project(left, right)
    a, b, dice = bloom.best_pairs(left_filters, right_filters, at_least=at_least)
    found = pa.table(
        {
            "left_id": left_ids.take(pa.array(a)),
            "right_id": right_ids.take(pa.array(b)),
            "score": np.round(dice, 4),
        }
    ).sort_by([("left_id", "ascending"), ("right_id", "ascending")])
    import pyarrow.csv as pacsv

    pacsv.write_csv(found, to)
    return len(found)


def _same_project(left: Path, right: Path) -> None:
    """Filters of two keys, or of other fields, are alike by chance only: an answer would be read as "nobody in common"."""
    here, there = (pq.read_schema(path).metadata or {} for path in (left, right))
    for what, name in ((b"project", "key"), (b"fields", "spec")):
        if here.get(what) != there.get(what):
            raise DoesNotHold(
                f"the two files were not encoded with the same {name}",
                code="encoded-apart",
                where="LEFT and RIGHT",
                next_step=f"encode both with the same {name}; each project has a key of its own",
            )


def _read(path: Path, role: str) -> tuple[pa.ChunkedArray, NDArray[np.uint8]]:
    width = bloom.rules()["bits"] // 8
    try:
        table = pq.read_table(path, columns=["id", "filter"])
        filters = np.frombuffer(b"".join(table.column("filter").to_pylist()), dtype=np.uint8).reshape(-1, width)
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException):
        filters = None
    if filters is None or len(filters) != len(table):
        raise DoesNotHold(
            "the file was not written by `caldicott link encode`",
            code="not-encoded",
            where=role,
            next_step="encode it with the same spec and the same key as the other one",
        )
    if len(table) > _MOST:
        raise DoesNotHold(
            f"more than {_MOST:,} encoded records cannot be compared yet",
            code="encoded-too-many",
            where=role,
            next_step="cut both files by something both may know, such as the year of birth's tenth",
        )
    return table.column("id"), filters
