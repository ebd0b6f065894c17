"""Marts by Spark: workers decrypt, join and write whole months; the driver sees counts only."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from caldicott.engines.duckdb import mart_sql
from caldicott.engines.duckdb.connection import quoted
from caldicott.engines.duckdb.mart_files import MonthWriter, common_types
from caldicott.engines.duckdb.marts import DuckDbMarts
from caldicott.engines.spark.dialect import carried
from caldicott.engines.spark.sealed import PLACE, unsealed
from caldicott.engines.spark.session import spark_faults
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from caldicott.engines.duckdb.mart_sql import MartColumns, Supersession
    from caldicott.engines.duckdb.marts import Month, Source
    from caldicott.engines.duckdb.people import DuckDbPeople
    from caldicott.engines.spark.connection import SparkConnection
    from caldicott.facts.layout import Layout

_ORDER = "~order"


class SparkMarts:
    """Writes the marts of one activity over the people of one run."""

    def __init__(self, people: DuckDbPeople) -> None:
        self._db: SparkConnection = people.connection  # type: ignore[assignment]  # the people of this engine
        # Supersession and counts are those very steps.
        self._steps = DuckDbMarts(people, MonthWriter())

    def writing(self) -> AbstractContextManager[object]:
        """Months are on the disk when `write_months` returns."""
        return nullcontext()

    def add_newer(self, rows: Any, *, since: int, line: str) -> None:
        """Column record_hash: keys that a newer submission of that sender's line brings or withdraws."""
        self._steps.add_newer(rows, since=since, line=line)

    def add_repeats(self, rows: Any, *, submission: str) -> None:
        """Column file_row: second copies, which are quarantined by a list."""
        self._steps.add_repeats(rows, submission=submission)

    def count(
        self, rows: Any, layout: Layout, supersession: Supersession, masks: list[tuple[str, int]]
    ) -> tuple[int, dict[str, int]]:
        """How many admitted rows a later submission took the place of, and how many each scheme takes out."""
        return self._steps.count(rows, layout, supersession, masks)

    def write_months(self, months: Sequence[Month], *, columns: MartColumns, mask: int) -> list[int]:
        """Some months of one dataset, each to its own Parquet file; the rows of each."""
        groups: dict[tuple[str, str], list[tuple[int, Source]]] = {}
        for place, month in enumerate(months):
            for source in month.sources:
                groups.setdefault((source.layout.id, source.standing.issued), []).append((place, source))
        made = [self._make(members, columns=columns, mask=mask) for members in groups.values()]
        with spark_faults("make months of a mart"):
            return self._write(_together(made), [month.to for month in months])

    def write_linked_month(self, files: Sequence[tuple[str, Path]], *, to: Path) -> int:
        """The linked mart of a month: per person and service area, contacts and cost, on the token alone."""
        parts = []
        with spark_faults("link a month"):
            for number, (area, path) in enumerate(files):
                part = self._db.session.read.parquet(str(path))
                part.createOrReplaceTempView(f"part_{number}")
                parts.append(mart_sql.contacts_of(area, f"part_{number}", has_cost="cost" in part.columns))
            linked = self._select(mart_sql.linked_of(parts)).orderBy("person_token", "service_area")
            return self._put(linked.coalesce(1), {0: to})[0]

    def digests(self) -> Mapping[Path, str]:
        """None: workers write, and the driver reads what they wrote to hash it."""
        return {}

    def linked_people(self, files: list[Path], areas: Sequence[str]) -> dict[int, int]:
        """How many people were met in one, two, … of these service areas."""
        with spark_faults("count linked people"):
            self._db.session.read.parquet(*map(str, files)).createOrReplaceTempView("linked")
        found = self._db.execute(mart_sql.people_by_areas("linked", areas)).fetchall()
        return {int(areas): int(people) for areas, people in found}

    def _make(self, members: Sequence[tuple[int, Source]], *, columns: MartColumns, mask: int) -> DataFrame:
        """Mart rows of one layout with their month's place and their order inside it."""
        layout, standing = members[0][1].layout, members[0][1].standing
        with spark_faults("make months of a mart"):
            live = [self._live(several, columns) for several in _by_submission(members)]
            rows = live[0]
            for more in live[1:]:
                rows = rows.unionByName(more, allowMissingColumns=True)
            rows.createOrReplaceTempView("live")
            chosen = mart_sql.columns_of_people(layout, present=frozenset(rows.columns), columns=columns)
            kept = [f"r.{quoted(name)}" for name in mart_sql.kept_columns(layout, columns) if name in rows.columns]
            order = f"coalesce(xxhash64(p.token), xxhash64(rand())) AS {quoted(_ORDER)}"
            return self._select(
                f"SELECT r.{quoted(PLACE)}, {order}, {', '.join([*chosen, *kept])} FROM live r "
                f"{mart_sql.person_join(layout, standing.issued)} WHERE {mart_sql.remains(mask)}"
            )

    def _live(self, members: Sequence[tuple[int, Source]], columns: MartColumns) -> DataFrame:
        """The rows of one submission that no later one took the place of, all its months at once."""
        wanted = mart_sql.columns_read(members[0][1].layout, columns)
        opened = [(place, source.opened(wanted)) for place, source in members]
        alike: dict[Any, list[tuple[int, Any]]] = {}
        for place, sealed in opened:
            alike.setdefault(sealed.schema, []).append((place, sealed))
        rows = None
        for several in alike.values():
            part = unsealed(self._db.session, _joined(several), places=[place for place, _sealed in several])
            rows = part if rows is None else rows.unionByName(part, allowMissingColumns=True)
        assert rows is not None  # noqa: S101  a submission without files is no member
        rows.createOrReplaceTempView("arriving")
        return self._select(f"SELECT r.* FROM arriving r WHERE {mart_sql.is_live(members[0][1].standing)}")

    def _select(self, statement: str) -> DataFrame:
        (told,) = carried(statement)
        return self._db.session.sql(told.text)

    def _write(self, rows: DataFrame, to: Sequence[Path]) -> list[int]:
        # A month is one file, so one worker has the whole of it, and no order but the token's.
        placed = rows.repartition(PLACE).sortWithinPartitions(PLACE, _ORDER).drop(_ORDER)
        return self._put(placed, dict(enumerate(to)), by=PLACE)

    def _put(self, rows: DataFrame, to: dict[int, Path], *, by: str = "") -> list[int]:
        """Write beside the final place, then give each file its name; nothing is live before the run's transaction."""
        aside = to[0].parent / "being-written"
        try:
            writer = rows.write.mode("error")
            (writer.partitionBy(by) if by else writer).parquet(str(aside))
            return [self._take(rows, aside / f"{by}={place}" if by else aside, path) for place, path in to.items()]
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _take(self, rows: DataFrame, folder: Path, to: Path) -> int:
        written = sorted(folder.glob("*.parquet"))
        if len(written) > 1:
            raise ProgramFault(
                "the engine wrote a month in several files",
                code="month-in-parts",
                next_step="run it with --engine duckdb and report this as a fault of the program",
            )
        if not written:
            pq.write_table(_schema(rows.drop(PLACE)).empty_table(), to)
            return 0
        written[0].replace(to)
        return int(pq.read_metadata(to).num_rows)


def _by_submission(members: Sequence[tuple[int, Source]]) -> list[list[tuple[int, Source]]]:
    found: dict[str, list[tuple[int, Source]]] = {}
    for place, source in members:
        found.setdefault(source.standing.submission, []).append((place, source))
    return list(found.values())


@dataclass(frozen=True)
class _Joined:
    """Files of one schema, as one."""

    files: tuple[Any, ...]
    schema: pa.Schema


def _joined(several: Sequence[tuple[int, Any]]) -> _Joined:
    files = tuple(file for _place, sealed in several for file in sealed.files)
    return _Joined(files, several[0][1].schema)


def _together(made: Sequence[DataFrame]) -> DataFrame:
    """Rows of several layouts as one, columns of one name in one type."""
    common = common_types([_schema(rows) for rows in made])
    rows = _cast(made[0], common)
    for more in made[1:]:
        rows = rows.unionByName(_cast(more, common), allowMissingColumns=True)
    return rows


def _cast(rows: DataFrame, common: dict[str, pa.DataType]) -> DataFrame:
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import IntegerType, LongType

    told = {name: from_arrow_type(kind, prefer_timestamp_ntz=True) for name, kind in common.items()}
    # DuckDB counts years in 64 bits.
    years = {field.name: LongType() for field in rows.schema if isinstance(field.dataType, IntegerType)}
    return rows.withColumns(
        {
            name: rows[quoted_by_spark(name)].cast(kind)
            for name, kind in {**years, **told}.items()
            if name in rows.columns
        }
    )


def quoted_by_spark(name: str) -> str:
    """A column's name where Spark would read a dot as a path."""
    return "`" + name.replace("`", "``") + "`"


def _schema(rows: DataFrame) -> pa.Schema:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(rows.schema, timezone=None)
