"""From scored pairs to links: each record its one partner, or whole groups of records that are one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.linkage.counting import one

if TYPE_CHECKING:
    import duckdb

    from caldicott.linkage.spec import Spec


def choose_links(connection: duckdb.DuckDBPyConnection, spec: Spec) -> dict[str, int]:
    """Table `link`: rec_l, rec_r, probability, weight, step. Returns counts of what was left undecided."""
    connection.execute(
        "CREATE TABLE chosen AS SELECT rec_l, rec_r, probability, weight FROM pair "
        f"WHERE NOT is_barred AND probability >= {spec.match_at}"
    )
    if spec.one_to_one:
        return _best_of_both(connection)
    if spec.group_at is None:
        connection.execute("CREATE TABLE link AS SELECT *, 'pair' AS step FROM chosen ORDER BY 1, 2")
        return {}
    connection.execute(
        "CREATE TABLE edge AS SELECT rec_l, rec_r, probability, weight FROM pair "
        f"WHERE NOT is_barred AND probability >= {spec.group_at}"
    )
    bridges = _leave_bridges(connection, spec.group_share) if spec.group_share else 0
    connected(connection, "edge", "member")
    parted = _part_the_different(connection)
    crowded = _part_the_crowded(connection, spec.group_most)
    return {
        **_pairs_within(connection),
        **({"links given up, whose records share too few neighbours": bridges} if bridges else {}),
        **({"links given up, which would have joined two people": parted} if parted else {}),
        **({"records in groups too large to be one person": crowded} if crowded else {}),
    }


def _leave_bridges(connection: duckdb.DuckDBPyConnection, share: float) -> int:
    """Records of one person are like each other all round; a link between two that share few of those whom each is
    like is the bridge by which a chain runs from one person to another.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE near AS SELECT rec_l AS rec, rec_r AS other FROM edge UNION ALL "
        "SELECT rec_r, rec_l FROM edge UNION ALL SELECT DISTINCT rec, rec FROM (SELECT rec_l AS rec FROM edge UNION ALL SELECT rec_r FROM edge)"
    )
    (dropped,) = one(
        connection,
        "DELETE FROM edge WHERE (rec_l, rec_r) IN (WITH size AS (SELECT rec, count(*) AS n FROM near GROUP BY rec), "
        "shared AS (SELECT e.rec_l, e.rec_r, count(*) AS n FROM edge e JOIN near a ON a.rec = e.rec_l "
        "JOIN near b ON b.rec = e.rec_r AND b.other = a.other GROUP BY ALL) "
        "SELECT (s.rec_l, s.rec_r) FROM shared s JOIN size l ON l.rec = s.rec_l JOIN size r ON r.rec = s.rec_r "
        f"WHERE s.n < {share} * least(l.n, r.n))",
    )
    connection.execute("DROP TABLE near")
    return int(dropped)


def connected(connection: duckdb.DuckDBPyConnection, edges: str, into: str) -> None:
    """Table `into`: rec, member_of, the lowest record that can be reached. Labels sink until none moves."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {into} AS SELECT DISTINCT rec, rec AS member_of FROM "
        f"(SELECT rec_l AS rec FROM {edges} UNION ALL SELECT rec_r FROM {edges})"
    )
    while True:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE lower AS WITH reached AS ("
            f"SELECT e.rec_l AS rec, m.member_of FROM {edges} e JOIN {into} m ON m.rec = e.rec_r UNION ALL "
            f"SELECT e.rec_r, m.member_of FROM {edges} e JOIN {into} m ON m.rec = e.rec_l), "
            f"least_of AS (SELECT rec, min(member_of) AS member_of FROM reached GROUP BY rec) "
            f"SELECT rec, m.member_of AS was, least(m.member_of, l.member_of) AS now FROM {into} m JOIN least_of l USING (rec)"
        )
        # A group's label also follows where its own root went: long chains close in a few rounds.
        connection.execute(
            f"CREATE OR REPLACE TABLE {into} AS SELECT a.rec, least(a.now, coalesce(b.now, a.now)) AS member_of "
            "FROM lower a LEFT JOIN lower b ON b.rec = a.now"
        )
        (moved,) = one(connection, f"SELECT count(*) FROM {into} m JOIN lower USING (rec) WHERE m.member_of <> was")
        if not moved:
            connection.execute("DROP TABLE lower")
            return


def _part_the_crowded(connection: duckdb.DuckDBPyConnection, most: int) -> int:
    """More records than one person can have are not one person: the weakest links go until each group is small enough."""
    crowds = f"SELECT member_of FROM member GROUP BY member_of HAVING count(*) > {most}"
    (records,) = one(connection, f"SELECT count(*) FROM member SEMI JOIN ({crowds}) USING (member_of)")
    if records:
        _drop_weakest(connection, crowds)
    return int(records)


def _part_the_different(connection: duckdb.DuckDBPyConnection) -> int:
    """A chain must not join two records that a guard calls two people: its weakest links go, until none does."""
    return _drop_weakest(
        connection,
        "SELECT DISTINCT a.member_of FROM pair p JOIN member a ON a.rec = p.rec_l JOIN member b ON b.rec = p.rec_r "
        "WHERE p.is_two AND a.member_of = b.member_of",
    )


def _drop_weakest(connection: duckdb.DuckDBPyConnection, torn: str) -> int:
    """Drops the weakest links of the groups that `torn` names, until it names none; how many."""
    given_up = 0
    while True:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE torn AS {torn}")
        (dropped,) = one(
            connection,
            "DELETE FROM edge WHERE (rec_l, rec_r) IN (SELECT (rec_l, rec_r) FROM (SELECT e.rec_l, e.rec_r, e.weight, "
            "min(e.weight) OVER (PARTITION BY m.member_of) AS weakest FROM edge e JOIN member m ON m.rec = e.rec_l "
            "SEMI JOIN torn USING (member_of)) WHERE weight = weakest)",
        )
        if not dropped:
            return given_up
        given_up += dropped
        connected(connection, "edge", "member")


def _best_of_both(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """A pair in which each is the other's single best. A tie is nobody's: an arbitrary choice would be a false link."""
    connection.execute(
        "CREATE TABLE link AS WITH ranked AS (SELECT *, "
        "rank() OVER (PARTITION BY rec_l ORDER BY weight DESC) AS place_l, "
        "rank() OVER (PARTITION BY rec_r ORDER BY weight DESC) AS place_r, "
        "count(*) OVER (PARTITION BY rec_l, weight) AS tied_l, count(*) OVER (PARTITION BY rec_r, weight) AS tied_r FROM chosen) "
        "SELECT rec_l, rec_r, probability, weight, 'best of both' AS step FROM ranked "
        "WHERE place_l = 1 AND place_r = 1 AND tied_l = 1 AND tied_r = 1 ORDER BY 1, 2"
    )
    (tied,) = one(connection, "SELECT count(DISTINCT rec_l) FROM chosen WHERE rec_l NOT IN (SELECT rec_l FROM link)")
    return {"records with a likely partner that was not its single best": tied}


def _pairs_within(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    connection.execute(
        "CREATE TABLE link AS SELECT a.rec AS rec_l, b.rec AS rec_r, p.probability, p.weight, "
        "CASE WHEN p.rec_l IS NULL THEN 'group' ELSE 'pair' END AS step "
        "FROM member a JOIN member b ON a.member_of = b.member_of AND a.rec < b.rec "
        "LEFT JOIN pair p ON p.rec_l = a.rec AND p.rec_r = b.rec ORDER BY 1, 2"
    )
    groups, largest = one(
        connection, "SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM member GROUP BY member_of)"
    )
    return {"groups": groups, "records in the largest group": largest}
