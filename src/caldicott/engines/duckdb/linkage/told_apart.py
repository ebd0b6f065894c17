"""Quality for each kind of people: age, sex, ethnicity, deprivation, name. A linkage that misses some of us more is unfair.

What is told apart comes from the truth's columns, or from the records themselves; a
record that says nothing is told apart too, as "not known".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import quoted
from caldicott.engines.duckdb.scores_inputs import SourceFile, as_date, rows_of
from caldicott.facts import linkage as facts
from caldicott.linkage.quality import BCubed, Group, Pairs

if TYPE_CHECKING:
    import duckdb

# Rounded, as a sum of shares depends in its last digit on the order that threads add them in.
CUBED: Final = "coalesce(round(avg(pure), 12), 1), coalesce(round(avg(whole), 12), 1)"


def attach(
    connection: duckdb.DuckDBPyConnection, truth: SourceFile, records: tuple[SourceFile, ...], by: tuple[str, ...],
    *, two: bool,
) -> tuple[str, ...]:  # fmt: skip
    """Columns by_… of `who`; which there are: what was asked for, then every reported group the records have."""
    if not records:
        return by
    found: dict[str, str] = {}
    for source in records:
        found |= {name: sql for name, sql in (_asked(source, by) | _reported(source)).items() if not truth.has(name)}
    parts = []
    for place, source in enumerate(records):
        has = {**_asked(source, by), **_reported(source)}
        columns = ", ".join(f"{has.get(name, 'NULL')} AS {quoted('by_' + name)}" for name in found)
        keys = _sides(source, place, several=len(records) > 1, two=two)
        parts.append(
            f"SELECT {keys} || trim(id) AS id, {columns or 'NULL AS nothing'} FROM {rows_of(source, keep_rejects=True)}"
        )
    connection.execute("CREATE TABLE told AS SELECT * FROM (" + " UNION ALL BY NAME ".join(parts) + ")")
    held = ", ".join(
        f"coalesce(any_value({quoted('by_' + name)}), 'not known') AS {quoted('by_' + name)}" for name in found
    )
    if found:
        connection.execute(
            f"CREATE OR REPLACE TABLE who AS SELECT w.*, {held} FROM who w LEFT JOIN told t USING (id) GROUP BY ALL"
        )
    return (*by, *(name for name in found if name not in by))


def by(connection: duckdb.DuckDBPyConnection, name: str, *, is_looked: bool) -> dict[str, Group]:
    """A pair counts in the group of each of its two records, once where they share it; a record in its own."""
    column = quoted("by_" + name)
    looked = "(pair.l, pair.r) IN (SELECT (l, r) FROM looked)" if is_looked else "NULL::BOOLEAN"
    rows = connection.execute(
        "WITH every AS (SELECT l, r, true AS is_said, false AS is_true FROM said UNION ALL SELECT l, r, false, true FROM true_pair), "
        "pair AS (SELECT l, r, bool_or(is_said) AS is_said, bool_or(is_true) AS is_true FROM every GROUP BY l, r), "
        f"held AS (SELECT DISTINCT l, r, is_said, is_true, {looked} AS is_looked, {column} AS held FROM pair JOIN who ON who.id IN (pair.l, pair.r)), "
        "of_pairs AS (SELECT held, count(*) FILTER (is_said) AS said, count(*) FILTER (is_true) AS really, "
        "count(*) FILTER (is_said AND is_true) AS found, count(*) FILTER (is_true AND is_looked) AS looked FROM held GROUP BY held), "
        f"of_records AS (SELECT {column} AS held, count(*) AS records, {CUBED.replace(', coalesce', ' AS pure, coalesce')} AS whole "
        f"FROM who JOIN placed USING (id) GROUP BY {column}) "
        "SELECT held, records, coalesce(said, 0), coalesce(really, 0), coalesce(found, 0), pure, whole, coalesce(looked, 0) "
        "FROM of_records LEFT JOIN of_pairs USING (held) ORDER BY held"
    ).fetchall()
    return {
        held: Group(records, Pairs(said, really, found), BCubed(pure, whole), looked if is_looked else None)
        for held, records, said, really, found, pure, whole, looked in rows
    }


def _sides(source: SourceFile, place: int, *, several: bool, two: bool) -> str:
    """The letters before an id: which file it is of; one file of records without a side may speak of both."""
    if not two:
        return "'L'"
    if source.has("side"):
        return "CASE WHEN lower(trim(side)) IN ('right', 'r', '1') THEN 'R' ELSE 'L' END"
    return ("'L'", "'R'")[place] if several else "unnest(['L', 'R'])"


def _asked(source: SourceFile, by: tuple[str, ...]) -> dict[str, str]:
    return {name: f"nullif(trim({quoted(name)}), '')" for name in by if source.has(name)}


def _reported(source: SourceFile) -> dict[str, str]:
    """The published groups that this file can tell apart, as SQL."""
    found: dict[str, str] = {}
    for name, rule in facts.reported().items():
        column = next((one for one in rule["from"] if source.has(one)), None)
        if column and rule.get("instead_of") not in found:
            found[name] = _WORKED_OUT.get(name, "nullif(trim({column}), '')").format(
                column=quoted(column), day=as_date(column)
            )
    return found


_WORKED_OUT: Final = {
    "born": "(year({day}) // 10 * 10)::VARCHAR || ' to ' || (year({day}) // 10 * 10 + 9)::VARCHAR",
    "name_form": (
        "CASE WHEN nullif(trim({column}), '') IS NULL THEN NULL "
        "WHEN regexp_matches({column}, '[^\\p{{Latin}}\\p{{M}}\\p{{N}}\\p{{P}}\\p{{Z}}]') THEN 'another script' "
        "WHEN regexp_matches({column}, '[^\\x00-\\x7F]') THEN 'with accents' "
        "WHEN regexp_matches(trim({column}), '[^A-Za-z]') THEN 'of two parts, or with a mark' ELSE 'plain letters' END"
    ),
}
