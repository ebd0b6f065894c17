"""Risk scores over pseudonymised marts: one row a token, tiers by practice, history by month, counts by group.

Works on a connection of its own that has never seen an identifier.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.features import Features, Marts
from caldicott.engines.duckdb.scores import Question, ScoreEngine, Sources
from caldicott.engines.duckdb.scores_sql import tier_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.stratification.score import Score

COUNTS: Final = ("emergency-admissions-12-months", "emergency-attendances-12-months")
"""Plain counts of the last 12 months, made here; every other score comes from its table."""
_OLDEST_BAND: Final = 90
_ROW_GROUP: Final = 20_000


@dataclass(frozen=True)
class Plan:
    """Which scores are made and which of them make tiers. The first of `ranked` makes the tier of the list."""

    scores: tuple[Score, ...]
    asked: tuple[str, ...]
    segment: str
    ranked: tuple[str, ...]
    tiers: tuple[tuple[str, float], ...]

    @property
    def banded(self) -> tuple[str, ...]:
        """Scores with bands of their own: the absolute tiers."""
        return tuple(score.name for score in self.scores if score.bands and score.name in self.asked)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The counts, then every score that is a number."""
        return (*COUNTS, *(name for name in self.asked if name != self.segment))


@dataclass(frozen=True)
class Scored:
    """The answer of one month: the rows by token, and of how many persons each score has a value."""

    rows: pa.Table
    valued: dict[str, int]


class RiskScores:
    """Scores of one activity's marts on one day."""

    def __init__(self, plan: Plan, marts: Marts, *, threads: int = 2, memory_limit: str = "2GB") -> None:
        self._plan, self._marts, self._threads = plan, marts, threads
        self._db = connect(threads=threads, memory_limit=memory_limit)

    def score(self, population: pa.Table, scratch: Path) -> Scored:
        """`population`: person_token, practice. Intermediate files of tokens go below `scratch` and are removed."""
        self._db.register("arriving", population.select(["person_token", "practice"]))
        self._db.execute("CREATE OR REPLACE TEMP TABLE population AS FROM arriving")
        self._db.unregister("arriving")
        with tempfile.TemporaryDirectory(dir=scratch, prefix="scoring-") as folder:
            features = Features(self._db, self._marts, Path(folder))
            self._made_of_tables(features)
            counts = features.make_counts()
        with engine_faults("put the scores together"):
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE scored AS {self._together(counts)}")
            rows = self._db.sql(f"{self._with_tiers()} ORDER BY person_token").to_arrow_table()
        return Scored(rows, {name: rows.num_rows - rows.column(name).null_count for name in self._plan.numbers})

    def _made_of_tables(self, features: Features) -> None:
        """Runs the score engine over those scores whose inputs the marts have; the others are null."""
        persons, codes, medicines = features.persons(), features.codes(), features.medicines()
        wanted = [
            score
            for score in self._plan.scores
            if _is_fed(score, codes=codes is not None, medicines=medicines is not None)
        ]
        asked = tuple(name for name in self._plan.asked if name in {score.name for score in wanted})
        self._computed: frozenset[str] = frozenset(asked)
        if not asked:
            return
        question = Question(scores=tuple(wanted), asked=asked, on=self._marts.on, bands=True)
        sources = Sources(codes=codes or features.no_codes(), persons=persons, medicines=medicines)
        engine = ScoreEngine(question, sources, threads=self._threads)
        engine.prepare()
        answer = engine.table()
        self._db.register("arriving", answer)
        self._db.execute("CREATE OR REPLACE TEMP TABLE answer AS FROM arriving")
        self._db.unregister("arriving")

    def _together(self, counts: dict[str, str]) -> str:
        columns = [f"coalesce({table}.n, 0) AS {quoted(name)}" for name, table in counts.items()]
        columns += [f"NULL::BIGINT AS {quoted(name)}" for name in COUNTS if name not in counts]
        columns += [self._column(name, "DOUBLE") for name in self._plan.asked if name != self._plan.segment]
        columns += [self._column(f"{name}-band", "VARCHAR") for name in self._plan.banded]
        segment = f"answer.{quoted(self._plan.segment)}" if self._plan.segment in self._computed else "NULL::VARCHAR"
        joins = "".join(f" LEFT JOIN {table} USING (person_token)" for table in counts.values())
        joins += " LEFT JOIN answer ON answer.person_id = population.person_token" if self._computed else ""
        band = (
            f"CASE WHEN age >= {_OLDEST_BAND} THEN '{_OLDEST_BAND}+' "
            "WHEN age IS NOT NULL THEN ((age // 5) * 5) || '-' || ((age // 5) * 5 + 4) END"
        )
        return (
            f"SELECT population.person_token, practice, {band} AS age_band, {segment} AS segment, {', '.join(columns)} "
            f"FROM population LEFT JOIN aged USING (person_token){joins}"
        )

    def _column(self, name: str, kind: str) -> str:
        base = name.removesuffix("-band")
        found = f"answer.{quoted(name)}::{kind}" if base in self._computed else f"NULL::{kind}"
        return f"{found} AS {quoted(name)}"

    def _with_tiers(self) -> str:
        """The share of the practice's people above, score by score; ties are never cut apart."""
        ranks, tiers = [], []
        for name in self._plan.ranked:
            value, rank = quoted(name), quoted(f"{name}-percent-above")
            place = f"PARTITION BY practice, {value} IS NULL"
            ranks.append(
                f"CASE WHEN {value} IS NOT NULL AND practice IS NOT NULL THEN 100.0 * (rank() OVER ({place} "
                f"ORDER BY {value} DESC) - 1) / count(*) OVER ({place}) END::DOUBLE AS {rank}"
            )
            # Where nearly nobody has any, those with none tie high up: having none is never a high tier.
            last = text(self._plan.tiers[-1][0])
            tiers.append(
                f"CASE WHEN {rank} IS NULL THEN NULL WHEN {value} <= 0 THEN {last} "
                f"ELSE {tier_of(rank, self._plan.tiers)} END AS {quoted(f'{name}-tier')}"
            )
        first = quoted(f"{self._plan.ranked[0]}-tier")
        return f"SELECT *, {first} AS tier FROM (SELECT *, {', '.join(tiers)} FROM (SELECT *, {', '.join(ranks)} FROM scored))"


def _is_fed(score: Score, *, codes: bool, medicines: bool) -> bool:
    return (codes or not score.needs_codes) and (medicines or "medicines" not in score.features)


def write(rows: pa.Table, path: Path) -> None:
    """Rows to a new Parquet file, in groups small enough that one token is found without reading them all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)


def without(path: Path, remaining: pa.Table) -> pa.Table | None:
    """An earlier month without those who do not remain; None if everybody in it does."""
    db = connect()
    db.register("remaining", remaining)
    with engine_faults("look through earlier scores"):
        kept = db.sql(
            f"SELECT m.* FROM read_parquet({text(str(path))}, hive_partitioning = false) m "
            "SEMI JOIN remaining USING (person_token) ORDER BY person_token"
        ).to_arrow_table()
    return None if kept.num_rows == pq.read_metadata(path).num_rows else kept


def with_change(rows: pa.Table, before: Path | None) -> pa.Table:
    """The rows beside the tier that each person had in the month before."""
    if before is None:
        return rows.append_column("tier_before", pa.nulls(rows.num_rows, pa.string()))
    db = connect()
    db.register("now", rows)
    with engine_faults("compare with the month before"):
        return db.sql(
            f"SELECT now.*, b.tier AS tier_before FROM now LEFT JOIN read_parquet({text(str(before))}, "
            "hive_partitioning = false) b ON b.person_token = now.person_token AND b.practice IS NOT DISTINCT FROM "
            "now.practice ORDER BY now.person_token"
        ).to_arrow_table()


def moved(lists: Sequence[Path], earlier: Sequence[Path], population: pa.Table) -> pa.Table:
    """Token and former practice of those who were on a practice's list once and are registered elsewhere now."""
    paths = ", ".join(text(str(path)) for path in (*lists, *earlier))
    if not paths:
        return pa.table({"person_token": pa.array([], pa.string()), "practice": pa.array([], pa.string())})
    db = connect()
    db.register("population", population)
    with engine_faults("see who has moved"):
        return db.sql(
            "SELECT DISTINCT was.person_token, was.practice "
            f"FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false) was "
            "JOIN population now ON now.person_token = was.person_token "
            "WHERE now.practice IS DISTINCT FROM was.practice ORDER BY ALL"
        ).to_arrow_table()


def grouped(path: Path, networks: Sequence[tuple[str, str]]) -> pa.Table:
    """Persons by network, practice, tier and segment: one table of cells without totals."""
    db = connect()
    db.register("member", pa.table({"practice": [p for p, _ in networks], "network": [n for _, n in networks]}))
    with engine_faults("count the scores"):
        return db.sql(
            "SELECT m.month, network, practice, tier, segment, count(*) AS persons "
            f"FROM read_parquet({text(str(path))}, hive_partitioning = false) m JOIN member USING (practice) "
            "GROUP BY ALL ORDER BY ALL"
        ).to_arrow_table()


def rows_of(paths: Iterable[Path], tokens: Sequence[str]) -> list[dict[str, object]]:
    """The rows of a few tokens, month by month, read by row group."""
    found: list[dict[str, object]] = []
    for path in paths:
        found += pq.read_table(path, filters=[("person_token", "in", [*tokens])], partitioning=None).to_pylist()
    return found
