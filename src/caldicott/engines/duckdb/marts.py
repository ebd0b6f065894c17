"""Marts by DuckDB: encrypted months in, pseudonymised months out, one month in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.engines.duckdb import mart_sql
from caldicott.engines.duckdb.connection import engine_faults, text
from caldicott.engines.duckdb.mart_files import PLACE, ROW, Found, as_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from caldicott.engines.duckdb.mart_files import MonthWriter
    from caldicott.engines.duckdb.mart_sql import MartColumns, Supersession
    from caldicott.engines.duckdb.people import DuckDbPeople
    from caldicott.facts.layout import Layout


@dataclass(frozen=True)
class Source:
    """One submission's rows of a month, and how they stand."""

    opened: Callable[[frozenset[str]], pa.RecordBatchReader]
    """Reads those of the wanted columns that the rows have."""
    layout: Layout
    standing: Supersession


@dataclass(frozen=True)
class Month:
    """One month of one dataset: where its rows come from and where they go."""

    sources: tuple[Source, ...]
    to: Path


COMPRESSION = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


class DuckDbMarts:
    """Writes the marts of one activity over the people of one run."""

    def __init__(self, people: DuckDbPeople, writer: MonthWriter) -> None:
        self._db = people.connection
        self._writer = writer
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS newer (record_hash UBIGINT, since INTEGER, line VARCHAR)")
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS repeat (submission VARCHAR, file_row BIGINT)")

    def add_newer(self, rows: pa.RecordBatchReader, *, since: int, line: str) -> None:
        """Column record_hash: keys that a newer submission of that sender's line brings or withdraws."""
        self._register(rows)
        self._db.execute(
            "INSERT INTO newer SELECT DISTINCT record_hash, $since, $line FROM arriving WHERE record_hash IS NOT NULL",
            {"since": since, "line": line},
        )

    def add_repeats(self, rows: pa.RecordBatchReader, *, submission: str) -> None:
        """Column file_row: second copies, which are quarantined by a list."""
        self._register(rows)
        self._db.execute("INSERT INTO repeat SELECT $submission, file_row FROM arriving", {"submission": submission})

    def count(
        self, rows: pa.RecordBatchReader, layout: Layout, supersession: Supersession, masks: list[tuple[str, int]]
    ) -> tuple[int, dict[str, int]]:
        """How many admitted rows a later submission took the place of, and how many each scheme takes out."""
        self._register(rows)
        live = mart_sql.is_live(supersession)
        found = self._db.execute(
            f"SELECT CASE WHEN NOT ({live}) THEN '~superseded' ELSE {mart_sql.excluded_by(masks)} END AS why, count(*) "
            f"FROM arriving r {mart_sql.person_join(layout, supersession.issued)} GROUP BY 1"
        ).fetchall()
        counts = {str(why): int(number) for why, number in found if why is not None}
        return counts.pop("~superseded", 0), counts

    def write_months(self, months: Sequence[Month], *, columns: MartColumns, mask: int) -> list[int]:
        """Some months of one dataset, each to its own Parquet file; the rows of each."""
        groups: dict[tuple[str, str], list[tuple[int, Source]]] = {}
        for place, month in enumerate(months):
            for source in month.sources:
                found_by = mart_sql.person_join(source.layout, source.standing.issued)
                groups.setdefault((source.layout.id, found_by), []).append((place, source))
        made = [self._make(members, columns=columns, mask=mask) for members in groups.values()]
        return self._writer.write(made, [month.to for month in months])

    def _make(self, members: Sequence[tuple[int, Source]], *, columns: MartColumns, mask: int) -> Found:
        """Mart rows of one layout, in shuffled order.

        Only a few narrow columns pass the join; the others are taken straight from what was decrypted, once, into
        their final order. The join builds its table of a million people once for all the months.
        """
        layout = members[0][1].layout
        wanted, narrow = mart_sql.columns_read(layout, columns), mart_sql.narrow_columns(layout)
        tables = [source.opened(wanted).read_all() for _place, source in members]
        wide = as_one(tables)
        known = _numbered(wide.select([name for name in wide.column_names if name in narrow]), members, tables)
        branches = []
        for number, (standing, rows) in enumerate(known):
            self._db.register(f"arriving_{number}", rows)
            branches.append(f"SELECT r.* FROM arriving_{number} r WHERE {mart_sql.is_live(standing)}")
        union = " UNION ALL ".join(branches)
        statement = mart_sql.people_of(
            layout,
            union,
            issued=members[0][1].standing.issued,
            present=frozenset(wide.column_names),
            columns=columns,
            mask=mask,
        )
        with engine_faults("make months of a mart"):
            found = self._db.sql(statement).to_arrow_table()
        for number in range(len(known)):
            self._db.unregister(f"arriving_{number}")
        kept = [name for name in mart_sql.kept_columns(layout, columns) if name in wide.column_names]
        return Found(found, wide.select(kept))

    def writing(self) -> MonthWriter:
        """While it is open, months may be written behind; after it, they are on the disk."""
        return self._writer

    def digests(self) -> Mapping[Path, str]:
        """SHA-256 of the files that were hashed while they were written."""
        return self._writer.digests

    def settle(self) -> None:
        """Wait until every month is on its way to the disk."""
        self._writer.settle()

    def write_linked_month(self, files: Sequence[tuple[str, Path]], *, to: Path) -> int:
        """The linked mart of a month: per person and service area, contacts and cost, on the token alone.

        May be asked for another month meanwhile: each has a cursor of its own.
        """
        with engine_faults("link a month"), self._db.cursor() as db:
            linked = mart_sql.linked_of([_contacts(db, area, path) for area, path in files])
            row = db.execute(
                f"COPY (SELECT * FROM ({linked}) ORDER BY person_token, service_area) TO {text(str(to))} ({COMPRESSION})"
            ).fetchall()[0]
        return int(row[0])

    def linked_people(self, files: list[Path], areas: Sequence[str]) -> dict[int, int]:
        """How many people were met in one, two, … of these service areas."""
        paths = ", ".join(text(str(path)) for path in files)
        found = self._db.execute(mart_sql.people_by_areas(f"read_parquet([{paths}])", areas)).fetchall()
        return {int(areas): int(people) for areas, people in found}

    def _register(self, rows: pa.RecordBatchReader) -> None:
        self._db.register("arriving", rows)


def _contacts(db: duckdb.DuckDBPyConnection, area: str, path: Path) -> str:
    described = db.execute(f"DESCRIBE SELECT * FROM read_parquet({text(str(path))})").fetchall()
    has_cost = any(row[0] == "cost" for row in described)
    return mart_sql.contacts_of(area, f"read_parquet({text(str(path))})", has_cost=has_cost)


def _numbered(
    narrow: pa.Table, members: Sequence[tuple[int, Source]], tables: Sequence[pa.Table]
) -> list[tuple[Supersession, pa.Table]]:
    """The narrow rows with their number and the place of their month, together by how they stand.

    A branch of the statement for each file would cost the planner more than the rows cost the join (measured).
    """
    numbered = narrow.append_column(ROW, pa.array(np.arange(narrow.num_rows, dtype=np.int64)))
    sizes = [table.num_rows for table in tables]
    places = np.repeat(np.array([place for place, _source in members], dtype=np.uint64), sizes)
    numbered = numbered.append_column(PLACE, pa.array(places))
    pieces: dict[Supersession, list[pa.Table]] = {}
    for (_place, source), end, size in zip(members, np.cumsum(sizes).tolist(), sizes, strict=True):
        pieces.setdefault(source.standing, []).append(numbered.slice(end - size, size))
    return [(standing, pa.concat_tables(several)) for standing, several in pieces.items()]


class DuckDbExports:
    """Copies marts out: without the persons who object by now, in the order of the token."""

    def __init__(self, people: DuckDbPeople) -> None:
        self._db = people.connection

    def write_rows(self, path: Path, *, mask: int, to: Path, by_area: Mapping[str, int] | None = None) -> int:
        """One month for someone whose ceiling is pseudonymised; the rows of those who remain."""
        barring = barring_sql(mask, by_area)
        remains = (
            f"person_token IS NULL OR EXISTS (FROM person p WHERE p.token = person_token AND p.mask & {barring} = 0) "
            f"OR EXISTS (FROM person_local p WHERE p.token = person_token AND p.mask & {barring} = 0)"
        )
        statement = mart_sql.shuffled(
            f"SELECT * FROM read_parquet({text(str(path))}, hive_partitioning = false) m WHERE {remains}"
        )
        with engine_faults("export a month"):
            row = self._db.execute(f"COPY ({statement}) TO {text(str(to))} ({COMPRESSION})").fetchall()[0]
        return int(row[0])

    def grouped(self, files: dict[str, Path], *, mask: int, by_area: Mapping[str, int] | None = None) -> pa.Table:
        """Persons and contacts by month: the fixed table of those whose ceiling is aggregated."""
        # A row of the linked mart stands for several contacts and says how many.
        contacts = "coalesce(sum(contacts), 0)::BIGINT" if by_area is not None else "count(*)"
        parts = [
            f"SELECT {text(month)} AS month, count(DISTINCT person_token) AS persons, {contacts} AS contacts "
            f"FROM read_parquet({text(str(path))}, hive_partitioning = false) m "
            f"WHERE EXISTS (FROM person p WHERE p.token = m.person_token AND p.mask & {barring_sql(mask, by_area)} = 0)"
            for month, path in files.items()
        ]
        with engine_faults("group a mart"):
            return self._db.sql(" UNION ALL ".join(parts) + " ORDER BY month").to_arrow_table()


def barring_sql(mask: int, by_area: Mapping[str, int] | None) -> str:
    """Which objections take a row `m` out, as SQL."""
    # The linked mart holds several datasets, and an objection may stop one of them and not the others.
    cases = " ".join(f"WHEN {text(area)} THEN {barring | mask}" for area, barring in (by_area or {}).items())
    return f"(CASE m.service_area {cases} ELSE {mask} END)" if cases else str(mask)
