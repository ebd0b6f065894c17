"""Links against the truth, set-wise. Ids stay here; counts leave.

A truth is a table of pairs (left_id, right_id), or of records (id, person) with any
columns to report by; `side` (left, right) where two files were linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted
from caldicott.engines.duckdb.linkage.counting import one
from caldicott.engines.duckdb.linkage.groups import connected
from caldicott.engines.duckdb.scores_inputs import SourceFile, rows_of
from caldicott.linkage.quality import BCubed, Pairs, Quality
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    import duckdb

_BARS: Final = 20


def evaluate(
    pairs: SourceFile, truth: SourceFile, *, by: tuple[str, ...] = (), two_files: bool = False,
    candidates: SourceFile | None = None,
) -> Quality:  # fmt: skip
    """The quality of these links.

    Raises:
        DoesNotHold: the pairs speak of records that the truth does not know.
    """
    connection = connect()
    with engine_faults("evaluate links"):
        two = two_files or truth.has("side")
        _read_truth(connection, truth, by, two=two)
        _read_pairs(connection, pairs, "said", two=two)
        _known(connection)
        counted = one(connection, f"SELECT {_COUNTS}")
        looked = _looked_at(connection, candidates, two=two)
        records, persons = one(connection, "SELECT count(*), count(DISTINCT person) FROM who")
        return Quality(
            records=records,
            persons=persons,
            pairs=Pairs(*counted),
            b_cubed=_b_cubed(connection),
            looked_at=looked[0] if looked else None,
            true_looked_at=looked[1] if looked else None,
            by={name: _by(connection, name) for name in by},
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
    columns = "".join(f", coalesce(trim({quoted(name)}), 'not known') AS {quoted('by_' + name)}" for name in by)
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


def _b_cubed(connection: duckdb.DuckDBPyConnection) -> BCubed:
    connection.execute("CREATE VIEW said_edge AS SELECT l AS rec_l, r AS rec_r FROM said")
    connected(connection, "said_edge", "said_group")
    precision, recall = one(
        connection,
        "WITH placed AS (SELECT w.id, w.person, coalesce(g.member_of, w.id) AS grouped FROM who w LEFT JOIN said_group g ON g.rec = w.id), "
        "shared AS (SELECT grouped, person, count(*) AS n FROM placed GROUP BY ALL), "
        "of_group AS (SELECT grouped, count(*) AS n FROM placed GROUP BY ALL), "
        "of_person AS (SELECT person, count(*) AS n FROM placed GROUP BY ALL) "
        "SELECT coalesce(sum(s.n * s.n / g.n) / sum(s.n), 1), coalesce(sum(s.n * s.n / p.n) / sum(s.n), 1) "
        "FROM shared s JOIN of_group g USING (grouped) JOIN of_person p USING (person)",
    )
    return BCubed(precision, recall)


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


def _by(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Pairs]:
    """A pair counts in the group of each of its two records, once where they share it."""
    column = quoted("by_" + name)
    rows = connection.execute(
        "WITH every AS (SELECT l, r, true AS is_said, false AS is_true FROM said UNION ALL SELECT l, r, false, true FROM true_pair), "
        "pair AS (SELECT l, r, bool_or(is_said) AS is_said, bool_or(is_true) AS is_true FROM every GROUP BY l, r), "
        f"held AS (SELECT DISTINCT l, r, is_said, is_true, {column} AS held FROM pair JOIN who ON who.id IN (pair.l, pair.r)) "
        "SELECT held, count(*) FILTER (is_said), count(*) FILTER (is_true), count(*) FILTER (is_said AND is_true) "
        "FROM held GROUP BY held ORDER BY held"
    ).fetchall()
    return {value: Pairs(said, true, right) for value, said, true, right in rows}


def _scores(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[tuple[float, int, int], ...]:
    rows = connection.execute(
        f"WITH span AS (SELECT min(score) AS low, max(score) AS high FROM {table} WHERE score IS NOT NULL), "
        f"barred AS (SELECT least({_BARS} - 1, floor((score - low) / greatest(high - low, 1e-9) * {_BARS})) AS bar, low, high, "
        f"(t.l, t.r) IN (SELECT (l, r) FROM true_pair) AS is_true FROM {table} t, span WHERE score IS NOT NULL) "
        f"SELECT round(low + bar * greatest(high - low, 1e-9) / {_BARS}, 4), count(*) FILTER (is_true), count(*) FILTER (NOT is_true) "
        "FROM barred GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return tuple((low, right, wrong) for low, right, wrong in rows)
