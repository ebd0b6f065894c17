"""Records in DuckDB: read, made coarser, measured and written, set-wise; no row passes through Python."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.records import Column, Kind, kind_of_words
from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    """One table of records."""

    def __init__(self, path: Path, *, threads: int = 2, memory_limit: str = "4GB") -> None:
        self.db = connect(threads=threads, memory_limit=memory_limit)
        source = (
            f"read_parquet({text(str(path))}, hive_partitioning = false)" if path.suffix.lower() == ".parquet"
            else f"read_csv({text(str(path))}, header = true, sample_size = 100000)"
        )  # fmt: skip
        with engine_faults("read the records"):
            self.db.execute(f"CREATE TABLE record AS SELECT * FROM {source}")
        self.types = {str(row[0]): str(row[1]) for row in self.db.execute("DESCRIBE record").fetchall()}

    @property
    def rows(self) -> int:
        return int(self._one("SELECT count(*) FROM record"))

    def column(self, name: str) -> Column:
        """The column at the first step of its ladder."""
        kind = self.types[name]
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

    def coarsen(self, columns: Sequence[Column], sensitive: str, others: Sequence[str], *, k: int) -> None:
        """The view `coarse`: quasi-identifiers at their steps, the sensitive value, the other columns."""
        chosen = [f"{self._expression(column, k)} AS {quoted(column.name)}" for column in columns]
        kept = [self._kept(name, k) for name in dict.fromkeys((sensitive, *others))]
        self.db.execute(
            f"CREATE OR REPLACE VIEW coarse AS SELECT rowid AS row_number, {', '.join([*chosen, *kept])} FROM record"
        )

    def measure(self, names: Sequence[str], sensitive: str, criteria: Criteria, *, table: str = "coarse") -> Measured:
        """k, l and t of the table, and how many records stand in classes that do not do."""
        too_far = f"OR t > {criteria.t}" if criteria.t is not None else ""
        row = self.db.execute(
            f"{_classes(table, names, sensitive, with_t=True)} "
            f"SELECT coalesce(sum(n), 0), count(*), coalesce(sum(n) FILTER (n < {criteria.k} OR l < {criteria.l} {too_far}), 0), "
            "coalesce(min(n), 0), coalesce(min(l), 0), coalesce(max(t), 0) FROM class"
        ).fetchall()[0]
        return Measured(int(row[0]), int(row[1]), int(row[2]), int(row[3]), int(row[4]), float(row[5]))

    def failing(self, names: Sequence[str], sensitive: str, criteria: Criteria) -> int:
        """How many records stand in classes that do not do; without t where none is asked for, which is quicker."""
        too_far = f"OR t > {criteria.t}" if criteria.t is not None else ""
        return int(self._one(
            f"{_classes('coarse', names, sensitive, with_t=criteria.t is not None)} "
            f"SELECT coalesce(sum(n), 0) FROM class WHERE n < {criteria.k} OR l < {criteria.l} {too_far}"
        ))  # fmt: skip

    def keep(self, names: Sequence[str], sensitive: str, criteria: Criteria) -> None:
        """The table `kept`: the classes that do, whole; the others left out, whole."""
        too_far = f"AND t <= {criteria.t}" if criteria.t is not None else ""
        same = " AND ".join(f"c.{quoted(name)} IS NOT DISTINCT FROM r.{quoted(name)}" for name in names)
        with engine_faults("choose the records that may leave"):
            self.db.execute(
                f"CREATE OR REPLACE TABLE kept AS {_classes('coarse', names, sensitive, with_t=criteria.t is not None)} "
                f"SELECT r.* FROM coarse r SEMI JOIN (SELECT * FROM class WHERE n >= {criteria.k} AND l >= {criteria.l} {too_far}) c "
                f"ON {same}"
            )

    def uniques(self, names: Sequence[str], table: str, *, most: int = 2) -> dict[str, int]:
        """How many records are alone with their values, by one column, by every two, and by all."""
        sets = [*(one for size in range(1, most + 1) for one in combinations(names, size)), tuple(names)]
        return {
            " x ".join(one): int(self._one(
                f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {', '.join(map(quoted, one))} HAVING count(*) = 1)"
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
            f"WITH friend AS (SELECT * FROM coarse WHERE row_number % {step} = 0 LIMIT {FRIENDS}), "
            f"class AS (SELECT {listed}, count(*) AS n FROM kept GROUP BY {listed}) "
            f"SELECT (SELECT count(*) FROM friend), count(*) FILTER (c.n = 1), coalesce(sum(1.0 / c.n), 0) "
            f"FROM friend f JOIN class c ON {same}"
        ).fetchall()[0]
        looked_for = int(row[0])
        return Intruder(looked_for, int(row[1]), float(row[2]) / max(1, looked_for))

    def write(self, to: Path) -> int:
        """The kept records, in an order that tells nothing."""
        shape = "FORMAT parquet" if to.suffix.lower() == ".parquet" else "FORMAT csv, HEADER"
        with engine_faults("write the extract"):
            row = self.db.execute(
                f"COPY (SELECT * EXCLUDE (row_number) FROM kept ORDER BY ALL) TO {text(str(to))} ({shape})"
            ).fetchall()[0]
        return int(row[0])

    def _kept(self, name: str, k: int) -> str:
        column = self.column(name)
        return (
            f"{self._expression(column, k) if column.kind in {Kind.DAY, Kind.CODE} else quoted(name)} AS {quoted(name)}"
        )

    def _expression(self, column: Column, k: int) -> str:
        name, step = quoted(column.name), column.says
        if step == "all":
            return "'*'"
        if column.kind is Kind.DAY:
            return {"month": f"strftime({name}, '%Y-%m')", "year": f"strftime({name}, '%Y')",
                    "quarter": f"strftime({name}, '%Y') || '-Q' || quarter({name})"}[step]  # fmt: skip
        if column.kind is Kind.NUMBER:
            return name if step == "as it is" else _band(name, int(step.rpartition(" ")[2]))
        if column.kind is Kind.AREA:
            return name if step == "as it is" else f"regexp_extract({name}, '^[A-Z]+')"
        common = f"{name} IN (SELECT {name} FROM record GROUP BY {name} HAVING count(*) >= {k})"
        if column.kind is Kind.WORD:
            return f"CASE WHEN {name} IS NULL OR {common} THEN {name} ELSE 'other' END"
        return {"rare codes to three characters": f"CASE WHEN {common} THEN {name} ELSE left({name}, 3) END",
                "three characters": f"left({name}, 3)", "chapter": f"left({name}, 1)"}[step]  # fmt: skip

    def _one(self, statement: str) -> int:
        with engine_faults("measure the records"):
            return int(self.db.execute(statement).fetchall()[0][0])


def _band(name: str, width: int) -> str:
    low = f"(floor({name} / {width}) * {width})::BIGINT"
    return f"CASE WHEN {name} IS NOT NULL THEN {low} || '-' || ({low} + {width - 1}) END"


def _classes(table: str, names: Sequence[str], sensitive: str, *, with_t: bool) -> str:
    """Equivalence classes with their size, their number of different sensitive values, and how far they are from all.

    The distance is half the sum of differences of shares: the earth mover's distance where all values are as far from
    each other. Values that a class does not have are in it as what is missing to one.
    """
    listed, value = ", ".join(map(quoted, names)), quoted(sensitive)
    if not with_t:
        return f"WITH class AS (SELECT {listed}, count(*) AS n, count(DISTINCT {value}) AS l FROM {table} GROUP BY {listed})"
    return (
        f"WITH part AS (SELECT {listed}, {value} AS v, count(*) AS m FROM {table} GROUP BY {listed}, {value}), "
        "everybody AS (SELECT v, sum(m) / sum(sum(m)) OVER () AS q FROM part GROUP BY v), "
        f"sized AS (SELECT part.*, q, sum(m) OVER (PARTITION BY {listed}) AS n "
        "FROM part JOIN everybody e ON e.v IS NOT DISTINCT FROM part.v), "
        f"class AS (SELECT {listed}, any_value(n) AS n, count(v) AS l, "
        f"0.5 * (sum(abs(m / n - q)) + 1 - sum(q)) AS t FROM sized GROUP BY {listed})"
    )


_SHAPES: Final = (
    r"(^|[^0-9])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}($|[^0-9])",
    r"(^|[^A-Z0-9])[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}($|[^A-Z0-9])",
    r"(^|[^0-9])(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]($|[^0-9])",
    r"(^|[^A-Z0-9])[A-Z][0-9A-HJKMNP-TV-Z]{16}[0-9A-Z]($|[^A-Z0-9])",
    r"[^@ ]+@[^@ ]+\.[a-z]{2,}",
)
"""NHS number, full postcode, calendar day, code of a person, e-mail address."""
