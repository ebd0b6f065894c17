"""Records in DuckDB: read, made coarser, measured and written, set-wise; no row passes through Python's own objects.

Which step helps most is tried in whole numbers (`extracts_codes`). What is kept
and what is about to leave is chosen and measured by SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.disclosure.records import Column, Kind, climbed, height, kind_of_words
from caldicott.engines.duckdb import extracts_codes as codes
from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldicott.disclosure.records import Criteria

_DAYS: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_S"})
_NUMBERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_LOOKED_AT: Final = 5_000
_PERSON, _ROW = "~person", "~row"
FRIENDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a set of records."""

    rows: int
    classes: int
    failing: int
    """Records in classes that are too small, too alike, or too unlike everybody."""
    k: int
    l: int  # noqa: E741
    t: float


@dataclass(frozen=True, slots=True)
class Intruder:
    """Somebody who knows the quasi-identifiers of people, looking for them in the extract."""

    looked_for: int
    found_alone: int
    right_by_guessing: float
    """Expected share of right guesses, one of the class each."""


class Records:
    """One table of records; with `person` the column that says which records are one person's."""

    def __init__(
        self, *paths: Path, person: str = "", parents: Mapping[str, Mapping[str, str]] | None = None, threads: int = 2,
        memory_limit: str = "4GB",
    ) -> None:  # fmt: skip
        self.db = connect(threads=threads, memory_limit=memory_limit)
        self._person, self._parents = person, parents or {}
        self._columns: dict[str, Column] = {}
        self._read: dict[str, tuple[codes.Coded, pa.Array]] = {}
        self._coded: dict[tuple[str, str], codes.Coded] = {}
        self._steps: dict[str, str] = {}
        with engine_faults("read the records"):
            kinds = self._kinds(_source(paths))
            # Lists and the like are words: they are alike or not, and cannot be told coarser otherwise.
            words = [f"{quoted(name)}::VARCHAR AS {quoted(name)}" for name, kind in kinds.items() if _is_nested(kind)]
            replaced = f" REPLACE ({', '.join(words)})" if words else ""
            self.db.execute(f"CREATE TABLE record AS SELECT *{replaced} FROM {_source(paths)}")
        self.types = self._kinds("record")

    def _kinds(self, relation: str) -> dict[str, str]:
        return {str(row[0]): str(row[1]) for row in self.db.execute(f"DESCRIBE FROM {relation}").fetchall()}

    @property
    def knows_people(self) -> bool:
        """Whether people are counted, and not records."""
        return bool(self._person)

    @property
    def rows(self) -> int:
        return int(self._one("SELECT count(*) FROM record"))

    def column(self, name: str) -> Column:
        """The column at the first step of its ladder."""
        if name not in self._columns:
            self._columns[name] = self._first_step(name)
        return self._columns[name]

    def _first_step(self, name: str) -> Column:
        kind = self.types[name]
        if name.lower() in self._parents:
            return Column(name, Kind.LISTED, levels=height(self._parents[name.lower()]))
        if kind in _DAYS:
            return Column(name, Kind.DAY)
        if kind in _NUMBERS or kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
            return Column(name, Kind.NUMBER)
        found = self.db.execute(
            f"SELECT DISTINCT {quoted(name)}::VARCHAR AS v FROM record WHERE v IS NOT NULL LIMIT {_LOOKED_AT}"
        ).fetchall()
        return Column(name, kind_of_words([str(row[0]) for row in found]))

    def identifiers(self, names: Sequence[str]) -> dict[str, int]:
        """In how many rows of each column something is shaped like an NHS number, a postcode, a day or a code of a person."""
        found = {}
        for name in names:
            value = f"{quoted(name)}::VARCHAR"
            shapes = [f"regexp_matches({value}, {text(shape)})" for shape in _SHAPES]
            if self.types[name] in _DAYS:
                continue  # made months before anything leaves
            number = int(self._one(f"SELECT count(*) FROM record WHERE {' OR '.join(shapes)}"))
            if number:
                found[name] = number
        return found

    def keys(self, names: Sequence[str]) -> list[str]:
        """Columns of words most of which stand for one person alone: whoever holds the same records knows them by it."""
        return [name for name in names if self.types[name] == "VARCHAR" and self._is_key(name)]

    def _is_key(self, name: str) -> bool:
        value = quoted(name)
        people = f"count(DISTINCT {quoted(self._person)})" if self._person else "count(*)"
        each = f"SELECT count(*) AS n, {people} AS people FROM record WHERE {value} IS NOT NULL GROUP BY {value}"
        alone = self._one(f"SELECT coalesce(sum(n) FILTER (people = 1) * 2 > sum(n), false)::INT FROM ({each})")
        return bool(alone)

    def coarsen(self, columns: Sequence[Column], sensitive: str, others: Sequence[str], *, k: int) -> None:
        """The view `coarse`: quasi-identifiers at their steps, the sensitive value, the other columns."""
        self._steps = {name: self._kept(name, k) for name in (sensitive, *others)}
        self._steps |= {column.name: self._expression(column, k) for column in columns}
        order = dict.fromkeys((*(column.name for column in columns), sensitive, *others))
        chosen = [f"{self._steps[name]} AS {quoted(name)}" for name in order]
        person = f"{quoted(self._person)} AS {quoted(_PERSON)}, " if self._person else ""
        self.db.execute(
            f"CREATE OR REPLACE VIEW coarse AS SELECT rowid AS {quoted(_ROW)}, {person}{', '.join(chosen)} FROM record"
        )

    def measure(self, names: Sequence[str], sensitive: str, criteria: Criteria, *, table: str = "coarse") -> Measured:
        """k, l and t of the table, and how many records stand in classes that do not do."""
        too_far = f'OR "~t" > {criteria.t}' if criteria.t is not None else ""
        bad = f'"~n" < {criteria.k} OR "~l" < {criteria.l} {too_far}'
        with engine_faults("measure the records"):
            row = self.db.execute(
                f"{self._classes(table, names, sensitive, with_t=True)} "
                f'SELECT coalesce(sum("~m"), 0), count(*), coalesce(sum("~m") FILTER ({bad}), 0), '
                'coalesce(min("~n"), 0), coalesce(min("~l"), 0), coalesce(max("~t"), 0) FROM class'
            ).fetchall()[0]
        return Measured(int(row[0]), int(row[1]), int(row[2]), int(row[3]), int(row[4]), float(row[5]))

    def failing(self, names: Sequence[str], sensitive: str, criteria: Criteria) -> int:
        """How many records of the view `coarse` stand in classes that do not do; only what is asked for is worked out."""
        self._require_read((*names, sensitive))
        found = codes.classes([self._code(name) for name in names])
        person = self._read[self._person][0] if self._person else None
        return codes.failing(found, criteria, sensitive=self._code(sensitive), person=person)

    def _require_read(self, names: Sequence[str]) -> None:
        """All columns in one reading, so that a place is the same record in each."""
        wanted = dict.fromkeys((*names, *((self._person,) if self._person else ()), *self._read))
        if wanted.keys() == self._read.keys():
            return
        with engine_faults("read the records"):
            found = self.db.sql(f"SELECT {', '.join(map(quoted, wanted))} FROM record").to_arrow_table()
        self._coded.clear()
        self._read = {name: codes.coded(found.column(place)) for place, name in enumerate(wanted)}

    def _code(self, name: str) -> codes.Coded:
        """The column at its step: what each of its values becomes is asked of SQL, once a value and not once a record."""
        step = self._steps[name]
        if (name, step) not in self._coded:
            of_record, values = self._read[name]
            every = pa.table(
                {"~place": pa.arange(0, len(values) + 1), name: pa.concat_arrays([values, pa.nulls(1, values.type)])}
            )
            self.db.register("~values", every)
            with engine_faults("make a column coarser"):
                found = self.db.sql(f'SELECT {step} AS step FROM "~values" ORDER BY "~place"').to_arrow_table()
            self.db.unregister("~values")
            self._coded[name, step] = of_record.through(codes.coded(found.column(0))[0])
        return self._coded[name, step]

    def keep(self, names: Sequence[str], sensitive: str, criteria: Criteria) -> None:
        """The table `kept`: the classes that do, whole; the others left out, whole."""
        too_far = f'AND "~t" <= {criteria.t}' if criteria.t is not None else ""
        does = f'"~n" >= {criteria.k} AND "~l" >= {criteria.l} {too_far}'
        same = " AND ".join(f"c.{quoted(name)} IS NOT DISTINCT FROM r.{quoted(name)}" for name in names)
        with engine_faults("choose the records that may leave"):
            self.db.execute(
                f"CREATE OR REPLACE TABLE kept AS {self._classes('coarse', names, sensitive, with_t=criteria.t is not None)} "
                f"SELECT r.* FROM coarse r SEMI JOIN (SELECT * FROM class WHERE {does}) c ON {same}"
            )

    def uniques(self, names: Sequence[str], table: str, *, most: int = 2) -> dict[str, int]:
        """How many records (people, where these are known) are alone with their values, by one column, two, and all."""
        sets = [*(one for size in range(1, most + 1) for one in combinations(names, size)), tuple(names)]
        return {
            " x ".join(one): int(self._one(
                f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {', '.join(map(quoted, one))} HAVING {self._people(table)} = 1)"
            ))
            for one in dict.fromkeys(sets)
        }  # fmt: skip

    def intruder(self, names: Sequence[str]) -> Intruder:
        """A thousand people of whom somebody knows every quasi-identifier, looked for in what leaves."""
        same = " AND ".join(f"f.{quoted(name)} IS NOT DISTINCT FROM c.{quoted(name)}" for name in names)
        listed = ", ".join(map(quoted, names))
        # Evenly over the records, so that the same records give the same answer.
        step = f"greatest(1, (SELECT count(*) FROM coarse) // {FRIENDS})"
        row = self.db.execute(
            f"WITH friend AS (SELECT * FROM coarse WHERE {quoted(_ROW)} % {step} = 0 LIMIT {FRIENDS}), "
            f'class AS (SELECT {listed}, {self._people("kept")} AS "~n" FROM kept GROUP BY {listed}) '
            f'SELECT (SELECT count(*) FROM friend), count(*) FILTER (c."~n" = 1), coalesce(sum(1.0 / c."~n"), 0) '
            f"FROM friend f JOIN class c ON {same}"
        ).fetchall()[0]
        looked_for = int(row[0])
        return Intruder(looked_for, int(row[1]), float(row[2]) / max(1, looked_for))

    def write(self, to: Path) -> int:
        """The kept records, in an order that tells nothing."""
        hidden = f"{quoted(_ROW)}, {quoted(_PERSON)}" if self._person else quoted(_ROW)
        shape = "FORMAT parquet" if to.suffix.lower() == ".parquet" else "FORMAT csv, HEADER"
        with engine_faults("write the extract"):
            row = self.db.execute(
                f"COPY (SELECT * EXCLUDE ({hidden}) FROM kept ORDER BY ALL) TO {text(str(to))} ({shape})"
            ).fetchall()[0]
        return int(row[0])

    def _kept(self, name: str, k: int) -> str:
        column = self.column(name)
        return self._expression(column, k) if column.kind in {Kind.DAY, Kind.CODE} else quoted(name)

    def _expression(self, column: Column, k: int) -> str:
        name, step = quoted(column.name), column.says
        if step in {"all", "as it is"}:
            return "'*'" if step == "all" else name
        if column.kind in {Kind.DAY, Kind.MONTH}:
            return _period(name, column.kind, step)
        if column.kind is Kind.LISTED:
            return self._listed(column)
        if column.kind in {Kind.NUMBER, Kind.AREA}:
            is_area = column.kind is Kind.AREA
            return f"regexp_extract({name}, '^[A-Z]+')" if is_area else _band(name, int(step.rpartition(" ")[2]))
        common = f"{name} IN (FROM {quoted(self._common(column.name, k))})"
        if column.kind is Kind.WORD:
            return f"CASE WHEN {name} IS NULL OR {common} THEN {name} ELSE 'other' END"
        return {"rare codes to three characters": f"CASE WHEN {common} THEN {name} ELSE left({name}, 3) END",
                "three characters": f"left({name}, 3)", "chapter": f"left({name}, 1)"}[step]  # fmt: skip

    def _common(self, name: str, k: int) -> str:
        """The table of values that at least k have, made once: every class is told apart by it."""
        table, column = f"common {k} {name}", quoted(name)
        self.db.execute(
            f"CREATE TABLE IF NOT EXISTS {quoted(table)} AS "
            f"SELECT {column} FROM record GROUP BY {column} HAVING {self._people('record')} >= {k}"
        )
        return table

    def _people(self, table: str) -> str:
        """How many stand behind a group: people where they are known, else records."""
        if not self._person:
            return "count(*)"
        return f"count(DISTINCT {quoted(self._person if table == 'record' else _PERSON)})"

    def _listed(self, column: Column) -> str:
        """The group a value lies in, through a table: values never go into the text of a statement."""
        name, table = quoted(column.name), f"hierarchy {column.name} {column.step}"
        parents = self._parents[column.name.lower()]
        found = sorted({*parents, *parents.values()})
        above = [climbed(value, parents, column.step) for value in found]
        self.db.register(table, pa.table({"~value": found, "~parent": above}, _PAIRS))
        return (
            f'coalesce((SELECT any_value("~parent") FROM {quoted(table)} h WHERE "~value" = {name}::VARCHAR), '
            f"CASE WHEN {name} IS NOT NULL THEN 'other' END)"
        )

    def _classes(self, table: str, names: Sequence[str], sensitive: str, *, with_t: bool) -> str:
        if self._person:
            return _classes_of_people(table, names, sensitive)
        return _classes(table, names, sensitive, with_t=with_t)

    def _one(self, statement: str) -> int:
        with engine_faults("measure the records"):
            return int(self.db.execute(statement).fetchall()[0][0])


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _period(name: str, kind: Kind, step: str) -> str:
    day = name if kind is Kind.DAY else f"strptime({name} || '-01', '%Y-%m-%d')"
    return {"month": f"strftime({day}, '%Y-%m')", "year": f"strftime({day}, '%Y')",
            "quarter": f"strftime({day}, '%Y') || '-Q' || quarter({day})"}[step]  # fmt: skip


def _band(name: str, width: int) -> str:
    low = f"(floor({name} / {width}) * {width})::BIGINT"
    return f"CASE WHEN {name} IS NOT NULL THEN {low} || '-' || ({low} + {width - 1}) END"


def _classes(table: str, names: Sequence[str], sensitive: str, *, with_t: bool) -> str:
    """Equivalence classes with their size, their number of different sensitive values, and how far they are from all.

    The distance is half the sum of differences of shares: the earth mover's distance where all values are as far from
    each other. Values that a class does not have are in it as what is missing to one.
    """
    listed, value = ", ".join(map(quoted, names)), quoted(sensitive)
    part = (
        f'WITH part AS (SELECT {listed}, {value} AS "~v", count(*) AS "~m" FROM {table} GROUP BY {listed}, {value}), '
    )
    if not with_t:
        # Twice grouped, which costs half of count(DISTINCT …) where there are nearly as many classes as records.
        size = 'sum("~m")::BIGINT'
        return f'{part}class AS (SELECT {listed}, {size} AS "~n", {size} AS "~m", count("~v") AS "~l" FROM part GROUP BY {listed})'
    return (
        f'{part}{_everybody(listed, "~n")}, class AS (SELECT {listed}, any_value("~n") AS "~n", any_value("~n") AS "~m", '
        f'count("~v") AS "~l", {_distance("~n")} AS "~t" FROM sized GROUP BY {listed})'
    )


def _everybody(listed: str, whole: str) -> str:
    """Each part of a class with everybody's share of its value, and how many records the class has."""
    return (
        'everybody AS (SELECT "~v", sum("~m") / sum(sum("~m")) OVER () AS "~q" FROM part GROUP BY "~v"), '
        f'sized AS (SELECT part.*, "~q", sum("~m") OVER (PARTITION BY {listed}) AS {quoted(whole)} '
        'FROM part JOIN everybody e ON e."~v" IS NOT DISTINCT FROM part."~v")'
    )


def _distance(whole: str) -> str:
    return f'0.5 * (sum(abs("~m" / {quoted(whole)} - "~q")) + 1 - sum("~q"))'


def _classes_of_people(table: str, names: Sequence[str], sensitive: str) -> str:
    """The same where a person may have several records: `~n` people, `~m` records.

    A sensitive value that every one of them has is told of each, however many others there are: then l is one.
    """
    listed, value, person = ", ".join(map(quoted, names)), quoted(sensitive), quoted(_PERSON)
    same = " AND ".join(f"h.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in names)
    return (
        f'WITH own AS (SELECT {listed}, {value} AS "~v", {person}, count(*) AS "~m" FROM {table} '
        f"GROUP BY {listed}, {value}, {person}), "
        f'part AS (SELECT {listed}, "~v", sum("~m")::BIGINT AS "~m", count({person}) AS "~holders" FROM own '
        f'GROUP BY {listed}, "~v"), {_everybody(listed, "~whole")}, '
        f'spread AS (SELECT {listed}, any_value("~whole") AS "~m", count("~v") AS "~every", '
        f'max("~holders") FILTER ("~v" IS NOT NULL) AS "~most", {_distance("~whole")} AS "~t" FROM sized GROUP BY {listed}), '
        f'head AS (SELECT {listed}, count({person}) AS "~n" FROM (SELECT DISTINCT {listed}, {person} FROM own) '
        f"GROUP BY {listed}), "
        'class AS (SELECT s.*, h."~n" AS "~n", CASE WHEN s."~most" = h."~n" THEN 1 ELSE s."~every" END AS "~l" '
        f"FROM spread s JOIN head h ON {same})"
    )


def _source(paths: Sequence[Path]) -> str:
    if paths[0].suffix.lower() != ".parquet":
        return f"read_csv({text(str(paths[0]))}, header = true, sample_size = 100000)"
    listed = ", ".join(text(str(path)) for path in paths)
    # Of a mart the month is the folder's name; of anybody's own file folders say nothing.
    if len(paths) > 1 or paths[0].parent.name.startswith("month="):
        return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = true, hive_types = {{'month': VARCHAR}})"
    return f"read_parquet([{listed}], hive_partitioning = false)"


_PAIRS: Final = pa.schema([("~value", pa.string()), ("~parent", pa.string())])

_SHAPES: Final = (
    r"(^|[^0-9])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}($|[^0-9])",
    r"(^|[^A-Z0-9])[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}($|[^A-Z0-9])",
    r"(^|[^0-9])(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]($|[^0-9])",
    r"(^|[^A-Z0-9])[A-Z][0-9A-HJKMNP-TV-Z]{16}[0-9A-Z]($|[^A-Z0-9])",
    r"[^@ ]+@[^@ ]+\.[a-z]{2,}",
)
"""NHS number, full postcode, calendar day, code of a person, e-mail address."""
