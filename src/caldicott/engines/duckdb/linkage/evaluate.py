"""Links against the truth, set-wise. Ids stay here; counts leave.

A truth is a table of pairs (left_id, right_id), or of records (id, person) with any
columns to report by; `side` (left, right) where two files were linked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted
from caldicott.engines.duckdb.linkage import told_apart
from caldicott.engines.duckdb.linkage.counting import one
from caldicott.engines.duckdb.linkage.groups import connected
from caldicott.engines.duckdb.scores_inputs import SourceFile, rows_of
from caldicott.linkage.quality import BCubed, Pairs, Quality
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    import duckdb

_BARS: Final = 20


@dataclass(frozen=True)
class Judged:
    """What is judged, by what, and for whom it is told apart."""

    pairs: SourceFile
    truth: SourceFile
    by: tuple[str, ...] = ()
    records: tuple[SourceFile, ...] = ()
    two_files: bool = False
    candidates: SourceFile | None = None

    @property
    def two(self) -> bool:
        return self.two_files or self.truth.has("side")


def evaluate(judged: Judged) -> Quality:
    """The quality of these links.

    Raises:
        DoesNotHold: the pairs speak of records that the truth does not know.
    """
    connection = connect()
    with engine_faults("evaluate links"):
        _read_truth(connection, judged.truth, judged.by, two=judged.two)
        _read_pairs(connection, judged.pairs, "said", two=judged.two)
        _known(connection)
        told = told_apart.attach(connection, judged.truth, judged.records, judged.by, two=judged.two)
        counted = one(connection, f"SELECT {_COUNTS}")
        looked = _looked_at(connection, judged.candidates, two=judged.two)
        _place(connection)
        records, persons = one(connection, "SELECT count(*), count(DISTINCT person) FROM who")
        return Quality(
            records=records,
            persons=persons,
            pairs=Pairs(*counted),
            b_cubed=BCubed(*one(connection, f"SELECT {told_apart.CUBED} FROM placed")),
            looked_at=looked[0] if looked else None,
            true_looked_at=looked[1] if looked else None,
            by={name: told_apart.by(connection, name, is_looked=looked is not None) for name in told},
            scores=_scores(connection, "looked" if looked else "said"),
        )


_COUNTS: Final = "(SELECT count(*) FROM said), (SELECT count(*) FROM true_pair), (SELECT count(*) FROM said SEMI JOIN true_pair USING (l, r))"


def _key(side: str, column: str, *, two: bool) -> str:
    """An id with its side before it, so that 7 of one file is not 7 of the other."""
    return f"'{side}' || trim({quoted(column)})" if two else f"'L' || trim({quoted(column)})"


def _ordered(*, two: bool) -> str:
    left, right = _key("L", "left_id", two=two), _key("R", "right_id", two=two)
    return f"{left} AS l, {right} AS r" if two else f"least({left}, {right}) AS l, greatest({left}, {right}) AS r"


def _read_truth(connection: duckdb.DuckDBPyConnection, truth: SourceFile, by: tuple[str, ...], *, two: bool) -> None:
    rows = rows_of(truth, keep_rejects=True)
    if not truth.has("person"):
        connection.execute(f"CREATE TABLE true_pair AS SELECT DISTINCT {_ordered(two=two)} FROM {rows}")
        connection.execute("CREATE VIEW edge AS SELECT l AS rec_l, r AS rec_r FROM true_pair")
        connected(connection, "edge", "found")
        connection.execute("CREATE TABLE who AS SELECT rec AS id, member_of AS person FROM found")
        return
    side = "CASE WHEN lower(trim(side)) IN ('right', 'r', '1') THEN 'R' ELSE 'L' END" if truth.has("side") else "'L'"
    columns = "".join(
        f", coalesce(trim({quoted(name)}), 'not known') AS {quoted('by_' + name)}" for name in by if truth.has(name)
    )
    connection.execute(f"CREATE TABLE who AS SELECT {side} || trim(id) AS id, person{columns} FROM {rows}")
    across = "AND a.id[1] = 'L' AND b.id[1] = 'R'" if two else "AND a.id < b.id"
    connection.execute(
        f"CREATE TABLE true_pair AS SELECT a.id AS l, b.id AS r FROM who a JOIN who b ON a.person = b.person {across}"
    )


def _read_pairs(connection: duckdb.DuckDBPyConnection, source: SourceFile, into: str, *, two: bool) -> None:
    score = "max(try_cast(score AS DOUBLE))" if source.has("score") else "NULL::DOUBLE"
    connection.execute(
        f"CREATE TABLE {into} AS SELECT l, r, any_value(score) AS score FROM "
        f"(SELECT {_ordered(two=two)}, {score} AS score FROM {rows_of(source, keep_rejects=True)} GROUP BY 1, 2) GROUP BY l, r"
    )


def _known(connection: duckdb.DuckDBPyConnection) -> None:
    """A record the truth does not know cannot be judged; with a truth of pairs it is simply nobody's partner."""
    (unknown,) = one(
        connection,
        "SELECT count(*) FROM (SELECT l AS id FROM said UNION SELECT r FROM said) ANTI JOIN who USING (id)",
    )
    (by_person,) = one(connection, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'found'")
    if unknown and by_person:
        connection.execute(
            "INSERT INTO who SELECT id, 'alone ' || id FROM (SELECT l AS id FROM said UNION SELECT r FROM said) ANTI JOIN who USING (id)"
        )
    elif unknown:
        raise DoesNotHold(
            f"{unknown:,} records of the pairs are not in the truth",
            code="truth-incomplete",
            where="TRUTH",
            next_step="give the truth of every record that was linked, with `side` where two files were linked",
        )


def _place(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `placed`: for each record, how much of its group is its person, and how much of its person its group."""
    connection.execute("CREATE VIEW said_edge AS SELECT l AS rec_l, r AS rec_r FROM said")
    connected(connection, "said_edge", "said_group")
    connection.execute(
        "CREATE TABLE placed AS "
        "WITH put AS (SELECT w.id, w.person, coalesce(g.member_of, w.id) AS grouped FROM who w LEFT JOIN said_group g ON g.rec = w.id), "
        "shared AS (SELECT grouped, person, count(*) AS n FROM put GROUP BY ALL), "
        "of_group AS (SELECT grouped, count(*) AS n FROM put GROUP BY ALL), "
        "of_person AS (SELECT person, count(*) AS n FROM put GROUP BY ALL) "
        "SELECT p.id, s.n / g.n AS pure, s.n / w.n AS whole "
        "FROM put p JOIN shared s USING (grouped, person) JOIN of_group g USING (grouped) JOIN of_person w USING (person)"
    )


def _looked_at(
    connection: duckdb.DuckDBPyConnection, candidates: SourceFile | None, *, two: bool
) -> tuple[int, int] | None:
    if candidates is None:
        return None
    _read_pairs(connection, candidates, "looked", two=two)
    looked, true = one(
        connection,
        "SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM looked SEMI JOIN true_pair USING (l, r))",
    )
    return looked, true


def _scores(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[tuple[float, int, int], ...]:
    rows = connection.execute(
        f"WITH span AS (SELECT min(score) AS low, max(score) AS high FROM {table} WHERE score IS NOT NULL), "
        f"barred AS (SELECT least({_BARS} - 1, floor((score - low) / greatest(high - low, 1e-9) * {_BARS})) AS bar, low, high, "
        f"(t.l, t.r) IN (SELECT (l, r) FROM true_pair) AS is_true FROM {table} t, span WHERE score IS NOT NULL) "
        f"SELECT round(low + bar * greatest(high - low, 1e-9) / {_BARS}, 4), count(*) FILTER (is_true), count(*) FILTER (NOT is_true) "
        "FROM barred GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return tuple((low, right, wrong) for low, right, wrong in rows)
