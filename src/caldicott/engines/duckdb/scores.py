"""Scores by DuckDB: two looks at the codes, then small tables only.

The first look counts every row by reason and normalises each distinct code once.
The second ORs the bits of each person's codes, by span of time. What is kept
grows with the number of people, not of rows, so memory is bounded; nothing spills.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.scores_features import load_features
from caldicott.engines.duckdb.scores_inputs import (
    SourceFile,
    as_date,
    filled,
    last_day_before,
    months_before,
    rows_of,
    unreadable_dates,
)
from caldicott.engines.duckdb.scores_sql import (
    EVER,
    Slots,
    band_of,
    slots_of,
    tier_of,
    value_of,
)
from caldicott.stratification.score import Match, Score

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import duckdb


@dataclass(frozen=True)
class Question:
    """What is asked: scores in the order of computing, which of them are answered, as of which day."""

    scores: tuple[Score, ...]
    asked: tuple[str, ...]
    on: date | None = None
    external: tuple[tuple[str, str], ...] = ()
    """Names whose values are brought, each with its disclaimer."""
    bands: bool = False
    any_age: bool = False
    tiers_of: tuple[str, ...] = ()
    percentile_tiers: tuple[tuple[str, float], ...] = ()
    absolute_tiers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Sources:
    """The files, each looked through before."""

    codes: SourceFile
    persons: SourceFile | None = None
    spells: SourceFile | None = None
    medicines: SourceFile | None = None
    external: SourceFile | None = None


@dataclass
class Account:
    """What was read and what came of it: counts only."""

    persons: int = 0
    rows_by: Counter[str] = field(default_factory=Counter)
    """Code rows by what became of them; together they are all rows."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows of the other files that could not be used, by file and reason."""
    valued: dict[str, int] = field(default_factory=dict)
    """How many persons have a value, by score."""

    @property
    def rows(self) -> int:
        return self.rows_by.total()


class ScoreEngine:
    """One file of codes, read once into masks; scored as often as wished, on any day the masks hold."""

    def __init__(self, question: Question, sources: Sources, *, threads: int = 2, memory_limit: str = "3GB") -> None:
        self.question = question
        self.sources = sources
        self.account = Account()
        self.slots = slots_of(question.scores, dated=self.is_dated)
        self._by_month = False
        self._connection = connect(threads=threads, memory_limit=memory_limit)
        self._connection.execute("SET preserve_insertion_order = false")

    @property
    def is_dated(self) -> bool:
        """Whether windows apply: the codes have dates and a day is asked about."""
        return self.question.on is not None and self.sources.codes.has("date")

    @property
    def is_aged(self) -> bool:
        persons = self.sources.persons
        return persons is not None and persons.has("age", "birth_date") and not self.question.any_age

    def prepare(self, *, months: bool = False) -> None:
        """Read everything. With `months`, masks are kept month by month, so that any earlier day can be asked.

        Raises:
            DoesNotHold: a date that is needed cannot be read, or a person is in a list twice.
        """
        with engine_faults("look at the codes"):
            self._look_at_codes()
            _make_code_masks(self._connection, self.slots)
            self._count_rows()
        with engine_faults("gather the persons"):
            self._by_month = months and self.is_dated
            self._connection.execute(self._masks_by_month() if self._by_month else self._masks())
        with engine_faults("read the other files"):
            load_features(self._connection, self.question, self.sources, self.account)

    def write(self, out: Path) -> Account:
        """One row a person, in the order of their ids."""
        with engine_faults("score"):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {self._answer()}")
            self._count_values()
            written = text(str(out))
            self._connection.execute(f"COPY (FROM answer ORDER BY person_id) TO {written} (FORMAT csv, HEADER true)")
        return self.account

    def table(self, *, months_ago: int = 0) -> Any:
        """The answer as an Arrow table, as of that many months before the day asked about."""
        with engine_faults("score"):
            return self._connection.sql(f"{self._answer(months_ago)} ORDER BY person_id").to_arrow_table()

    def _answer(self, months_ago: int = 0) -> str:
        return f"SELECT {', '.join(quoted(name) for name in self.columns())} FROM ({self.statement(months_ago)})"

    def columns(self) -> tuple[str, ...]:
        """The columns of the answer: person_id, then each score asked for and what belongs to it."""
        disclaimed = {name for name, _ in self.question.external}
        banded = {score.name for score in self.question.scores if score.bands} if self.question.bands else set()
        names = ["person_id"]
        for name in self.question.asked:
            names += [name, *([f"{name}-band"] if name in banded else [])]
            names += [f"{name}-disclaimer"] if name in disclaimed else []
        for name in self.question.tiers_of:
            names += [f"{name}-percent-above", f"{name}-percentile-tier"]
            names += [f"{name}-absolute-tier"] if self._is_probability(name) else []
        return tuple(names)

    def statement(self, months_ago: int = 0) -> str:
        """The whole answer as one statement: masks, features, scores, bands, tiers."""
        layer = self._base(months_ago)
        for score in self.question.scores:
            value = value_of(score, self.slots, aged=self.is_aged)
            layer = f"SELECT *, {value} AS {quoted(score.name)} FROM ({layer})"
        added = self._bands() + self._disclaimers() + self._ranks()
        layer = f"SELECT {', '.join(['*', *added])} FROM ({layer})"
        return f"SELECT {', '.join(['*', *self._tiers()])} FROM ({layer})"

    def _rows(self, *, keep_rejects: bool) -> str:
        """The codes with their day, each date read once a row; null where it is none or none is needed."""
        day = as_date("date") if self.is_dated else "NULL::DATE"
        dated = f"({day} IS NOT NULL OR {filled('date')})" if self.is_dated else "false"
        rows = rows_of(self.sources.codes, keep_rejects=keep_rejects)
        return f"(SELECT person_id, code, {filled('person_id')} AS has_person, {dated} AS has_date, {day} AS day FROM {rows})"

    def _look_at_codes(self) -> None:
        after = f"day > DATE '{self.question.on}'" if self.is_dated else "false"
        no_date = "NOT has_date" if self.is_dated else "false"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE raw_code AS SELECT code, {filled('code')} AS has_code, count(*) AS n, "
            "count(*) FILTER (NOT has_person) AS no_person, "
            "count(*) FILTER (has_person AND has_date AND day IS NULL) AS unreadable_date, "
            f"count(*) FILTER (has_person AND {no_date}) AS no_date, "
            f"count(*) FILTER (has_person AND {after}) AS after_day "
            f"FROM {self._rows(keep_rejects=True)} GROUP BY code"
        )
        unreadable = _number(self._connection, "SELECT sum(unreadable_date) FROM raw_code")
        if unreadable:
            raise unreadable_dates("CODES", "date", unreadable)

    def _count_rows(self) -> None:
        usable = "n - no_person - no_date - after_day"
        icd = all(group.match is Match.PREFIX for score in self.question.scores for group in score.groups)
        shaped = "regexp_full_match(key, '[A-Z][0-9][0-9A-Z]{1,5}')" if icd else "true"
        found = self._connection.execute(
            "SELECT sum(no_person), sum(n - no_person) FILTER (NOT has_code), "
            "sum(no_date) FILTER (has_code), sum(after_day) FILTER (has_code), "
            f"sum({usable}) FILTER (has_code AND NOT {shaped} AND NOT counts), "
            f"sum({usable}) FILTER (has_code AND {shaped} AND NOT counts), "
            f"sum({usable}) FILTER (has_code AND counts) FROM code_mask"
        ).fetchall()[0]
        reasons = ("no-person", "no-code", "no-date", "after-the-day", "not-a-code", "in-no-score-asked", "counted")
        for reason, number in zip(reasons, found, strict=True):
            self.account.rows_by[reason] = int(number or 0)
        if not self.sources.codes.is_parquet:
            self.account.rows_by["broken-line"] = _number(
                self._connection, "SELECT count(DISTINCT (scan_id, file_id, line)) FROM reject_errors"
            )

    def _masks(self) -> str:
        """One row a person: the bits of the codes that count on the day asked about, each word in its own window."""
        words = "".join(
            f", coalesce(bit_or({f'CASE WHEN {day} THEN w{word} END' if day else f'w{word}'}), 0) AS w{word}"
            for word, day in enumerate(map(self._counts_in, self.slots.windows))
        )
        # Every code keeps its person, also one that does not count: later than the day, without one, or in no score.
        return (
            f"CREATE OR REPLACE TEMP TABLE person_span AS SELECT person_id{words} FROM {self._rows(keep_rejects=False)} r "
            "LEFT JOIN (FROM code_mask WHERE counts) m ON m.code = r.code WHERE has_person GROUP BY person_id"
        )

    def _counts_in(self, window: int) -> str:
        """Whether a code of this day is in a window that ends on the day asked about; empty where no day is asked."""
        if not self.is_dated or self.question.on is None:
            return ""
        until = f"day <= DATE '{self.question.on}'"
        # A comparison of days says the same as a count of months, and is asked of every row.
        return until if window == EVER else f"{until} AND day > DATE '{last_day_before(window, self.question.on)}'"

    def _masks_by_month(self) -> str:
        """A row for each person and month, by whole months before the day asked about."""
        assert self.question.on is not None  # noqa: S101  it is only kept by month where it is dated
        words = "".join(f", coalesce(bit_or(w{word}), 0) AS w{word}" for word in range(self.slots.words))
        span = f"coalesce(greatest({months_before('day', self.question.on)}, 0), 0)"
        return (
            f"CREATE OR REPLACE TEMP TABLE person_span AS SELECT r.person_id, {span} AS span{words} "
            f"FROM {self._rows(keep_rejects=False)} r LEFT JOIN (FROM code_mask WHERE counts) m "
            f"ON m.code = r.code AND day <= DATE '{self.question.on}' WHERE has_person GROUP BY ALL"
        )

    def _person_masks(self, months_ago: int) -> str:
        if not self._by_month:
            return "SELECT * FROM person_span"
        masks = []
        for word, window in enumerate(self.slots.windows):
            limits = [f"span >= {months_ago}"] if months_ago else []
            limits += [f"span < {months_ago + window}"] if window != EVER else []
            only = f" FILTER ({' AND '.join(limits)})" if limits else ""
            masks.append(f", coalesce(bit_or(w{word}){only}, 0) AS w{word}")
        return f"SELECT person_id{''.join(masks)} FROM person_span GROUP BY person_id"

    def _base(self, months_ago: int) -> str:
        base = self._person_masks(months_ago)
        lists = [name for name in ("person", "external_value") if self._has_table(name)]
        if lists:  # a person without a single code is still a person
            others = " UNION ".join(f"SELECT person_id FROM {name}" for name in lists)
            zeros = "".join(f", coalesce(w{word}, 0) AS w{word}" for word in range(self.slots.words))
            base = f"SELECT coalesce(b.person_id, o.person_id) AS person_id{zeros} FROM ({base}) b FULL JOIN ({others}) o ON o.person_id = b.person_id"
        return f"SELECT * FROM ({base}) LEFT JOIN feature USING (person_id)" if self._has_table("feature") else base

    def _bands(self) -> list[str]:
        if not self.question.bands:
            return []
        return [f"{band_of(score)} AS {quoted(score.name + '-band')}" for score in self.question.scores if score.bands]

    def _disclaimers(self) -> list[str]:
        return [
            f"CASE WHEN {quoted(name)} IS NOT NULL THEN {text(words)} END AS {quoted(name + '-disclaimer')}"
            for name, words in self.question.external
        ]

    def _ranks(self) -> list[str]:
        """The share of people with a higher value: equal values get equal places."""
        group = "f_tier_group, " if self._has_column("f_tier_group") else ""
        return [
            f"CASE WHEN {quoted(name)} IS NOT NULL THEN 100.0 * (rank() OVER (PARTITION BY {group}{quoted(name)} IS NULL "
            f"ORDER BY {quoted(name)} DESC) - 1) / count(*) OVER (PARTITION BY {group}{quoted(name)} IS NULL) END "
            f"AS {quoted('~' + name)}"
            for name in self.question.tiers_of
        ]

    def _tiers(self) -> list[str]:
        added = []
        for name in self.question.tiers_of:
            rank = quoted("~" + name)
            added.append(f"{rank}::DECIMAL(18, 4) AS {quoted(name + '-percent-above')}")
            added.append(f"{tier_of(rank, self.question.percentile_tiers)} AS {quoted(name + '-percentile-tier')}")
            if self._is_probability(name):
                cases = " ".join(
                    f"WHEN {quoted(name)} >= {share} THEN {text(tier)}" for tier, share in self.question.absolute_tiers
                )
                added.append(f"CASE {cases} END AS {quoted(name + '-absolute-tier')}")
        return added

    def _is_probability(self, name: str) -> bool:
        return any(score.name == name and score.link.value == "logistic" for score in self.question.scores)

    def _count_values(self) -> None:
        counts = ", ".join(f"count({quoted(name)})" for name in self.question.asked)
        row = self._connection.execute(f"SELECT count(*), {counts} FROM answer").fetchall()[0]
        self.account.persons = int(row[0])
        self.account.valued = dict(zip(self.question.asked, (int(one) for one in row[1:]), strict=True))

    def _has_table(self, name: str) -> bool:
        return bool(_number(self._connection, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {text(name)}"))

    def _has_column(self, name: str) -> bool:
        return bool(
            _number(self._connection, f"SELECT count(*) FROM duckdb_columns() WHERE column_name = {text(name)}")
        )


def _make_code_masks(connection: duckdb.DuckDBPyConnection, slots: Slots) -> None:
    """Each distinct code once: upper case, letters and digits only, then the bits of every group it is in."""
    connection.execute("CREATE OR REPLACE TEMP TABLE listed (matches VARCHAR, code VARCHAR, word INTEGER, bit BIGINT)")
    rows = slots.code_rows()
    if rows:
        connection.execute(
            "INSERT INTO listed SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::INTEGER[]), unnest($4::BIGINT[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
    words = "".join(f", bit_or(bit) FILTER (word = {word}) AS w{word}" for word in range(slots.words))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE code_mask AS WITH normal AS ("
        "SELECT *, upper(regexp_replace(code, '[^0-9A-Za-z]', '', 'g')) AS key FROM raw_code), "
        "keys AS (SELECT DISTINCT key FROM normal), "
        "lengths AS (SELECT DISTINCT length(code) AS n FROM listed WHERE matches = 'prefix'), "
        # By equality of beginnings, length by length: a file with millions of different codes stays a hash join.
        "found AS (SELECT key, word, bit FROM keys JOIN listed ON listed.code = key WHERE matches = 'exact' UNION ALL "
        "SELECT key, word, bit FROM (SELECT key, n, left(key, n) AS beginning FROM keys, lengths WHERE length(key) >= n) "
        "JOIN listed ON listed.code = beginning AND length(listed.code) = n WHERE matches = 'prefix'), "
        f"masks AS (SELECT key, true AS counts{words} FROM found GROUP BY key) "
        "SELECT normal.*, coalesce(counts, false) AS counts, masks.* EXCLUDE (key, counts) FROM normal LEFT JOIN masks USING (key)"
    )


def _number(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    # All of it is fetched: an answer half read keeps the connection busy.
    return int(connection.execute(statement).fetchall()[0][0] or 0)
