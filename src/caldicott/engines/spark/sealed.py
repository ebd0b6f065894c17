"""The encrypted store as a Spark table: workers open the files, with the store's own reader.

What is distributed is a list of places. Paths and keys travel beside the plan,
in a broadcast (encrypted wherever it touches a disk): no text of a plan, and so
no log and no page, can hold a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

PLACE = "~place"
_TASKS_A_CORE = 4
_BATCH_ROWS = 32_768
"""Arrow's batches on their way into Java: 122,880 wide rows at once would need a gigabyte there."""


class SealedFile(Protocol):
    """A file that opens itself; it has to survive pickling."""

    def opened(self) -> pa.RecordBatchReader: ...


class SealedLike(Protocol):
    """What the stores' `Sealed` is."""

    @property
    def files(self) -> Sequence[Any]: ...
    @property
    def schema(self) -> pa.Schema: ...


def unsealed(session: SparkSession, sealed: SealedLike, *, places: Sequence[int] | None = None) -> DataFrame:
    """The rows of the files, with the place that each file was given in the column `~place`."""
    carried = carried_schema(sealed.schema, with_place=places is not None)
    numbers = list(places) if places is not None else [0] * len(sealed.files)
    files = session.sparkContext.broadcast(list(zip(sealed.files, numbers, strict=True)))

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                file, place = files.value[number]
                yield from _read(file, place, carried)

    tasks = min(len(sealed.files), _TASKS_A_CORE * session.sparkContext.defaultParallelism)
    return _mapped(session.range(0, len(sealed.files), 1, tasks), rows, carried)


def carried_schema(schema: pa.Schema, *, with_place: bool = False) -> pa.Schema:
    """The types Spark has: no unsigned integers, one kind of text."""
    fields = [pa.field(field.name, _carried_type(field.type)) for field in schema]
    return pa.schema([*fields, pa.field(PLACE, pa.int64())] if with_place else fields)


def carried_column(column: Any, to: pa.DataType) -> Any:
    """A hash keeps its bits as a signed number: equal stays equal, and nothing else is asked of it."""
    return column.view(to) if column.type == pa.uint64() else column.cast(to)


def _carried_type(kind: pa.DataType) -> pa.DataType:
    if kind == pa.uint64():
        return pa.int64()
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return kind


def _read(file: SealedFile, place: int, carried: pa.Schema) -> Iterator[pa.RecordBatch]:
    with file.opened() as reader:
        for batch in reader:
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                yield _carried(batch.slice(start, _BATCH_ROWS), place, carried)


def _carried(batch: pa.RecordBatch, place: int, carried: pa.Schema) -> pa.RecordBatch:
    columns = [
        carried_column(batch.column(field.name), field.type)
        if field.name != PLACE
        else pa.repeat(pa.scalar(place, pa.int64()), batch.num_rows)
        for field in carried
    ]
    return pa.RecordBatch.from_arrays(columns, schema=carried)


def _mapped(
    source: DataFrame, rows: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]], schema: pa.Schema
) -> DataFrame:
    """`mapInArrow` without pandas: PySpark's own method asks for pandas and does not use it."""
    from pyspark.sql.classic.dataframe import DataFrame
    from pyspark.sql.pandas.functions import vectorized_udf  # type: ignore[attr-defined]  # not in its stubs
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.util import PythonEvalType

    told = from_arrow_schema(schema, prefer_timestamp_ntz=True)
    read = vectorized_udf(rows, returnType=told, functionType=PythonEvalType.SQL_MAP_ARROW_ITER_UDF)
    columns = read(*[source[name] for name in source.columns])
    return DataFrame(source._jdf.mapInArrow(columns._jc, False, None), source.sparkSession)  # noqa: SLF001, FBT003
