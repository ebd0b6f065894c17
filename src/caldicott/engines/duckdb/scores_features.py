"""The features beside codes: persons, spells, medicines and values brought from outside, one row a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import quoted, text
from caldicott.engines.duckdb.scores_inputs import (
    LAST_SPELL,
    SourceFile,
    age_on,
    as_date,
    as_number,
    filled,
    rows_of,
    spells,
    unreadable_dates,
)
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    import duckdb

    from caldicott.engines.duckdb.scores import Account, Question, Sources

MEDICINE_MONTHS = 12


def load_features(
    connection: duckdb.DuckDBPyConnection, question: Question, sources: Sources, account: Account
) -> None:
    """One table `feature` with a column a feature, from whichever files were given."""
    tables = []
    if sources.persons:
        _persons(connection, question, sources.persons, account)
        tables.append("person")
    if sources.spells:
        _spells(connection, question, sources.spells, account)
        tables.append("spell_feature")
    if sources.medicines:
        _medicines(connection, question, sources.medicines, account)
        tables.append("medicine_feature")
    if sources.external:
        _external(connection, question, sources.external, account)
        tables.append("external_value")
    if tables:
        ids = " UNION ".join(f"SELECT person_id FROM {name}" for name in (*tables, "person_span"))
        joins = " ".join(f"LEFT JOIN {name} USING (person_id)" for name in tables)
        # Whoever is in the codes and has no medicine in a file of medicines has none.
        none = "* REPLACE (coalesce(f_medicines, 0) AS f_medicines)" if sources.medicines else "*"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE feature AS SELECT {none} FROM ({ids}) {joins}")


def _persons(connection: duckdb.DuckDBPyConnection, question: Question, source: SourceFile, account: Account) -> None:
    columns = ["person_id"]
    if source.has("age"):
        columns.append(f"{as_number('age')} AS f_age")
    elif source.has("birth_date") and question.on is not None:
        _refuse_unreadable(connection, source, "PERSONS", "birth_date")
        born = as_date("birth_date")
        columns.append(f"CASE WHEN {born} <= DATE '{question.on}' THEN {age_on(born, question.on)} END AS f_age")
    columns += [f"{as_number(name)} AS f_{name}" for name in ("imd_decile", "imd_score_2007") if source.has(name)]
    columns += ["trim(practice) AS f_tier_group"] if source.has("practice") else []
    _load(
        connection,
        "person",
        f"SELECT {', '.join(columns)} FROM {rows_of(source, keep_rejects=True)}",
        "PERSONS",
        account,
    )
    _refuse_repeats(connection, "person", "person_id", "PERSONS")
    if "f_age" in " ".join(columns):
        connection.execute("ALTER TABLE person ADD COLUMN f_age_squared DOUBLE")
        connection.execute("UPDATE person SET f_age_squared = f_age * f_age")


def _spells(connection: duckdb.DuckDBPyConnection, question: Question, source: SourceFile, account: Account) -> None:
    _load(connection, "spell_row", spells(source), "SPELLS", account)
    unreadable = _count(connection, "FROM spell_row WHERE has_began AND began IS NULL OR has_ended AND ended IS NULL")
    if unreadable:
        raise unreadable_dates("SPELLS", "admission_date or discharge_date", unreadable)
    later = f"ended > DATE '{question.on}'" if question.on else "false"
    reasons = (
        ("no-admission-date", "NOT has_began"),
        ("not-ended", "has_began AND NOT has_ended"),
        ("ends-before-it-begins", "ended < began"),
        ("ends-after-the-day", f"ended >= began AND {later}"),
    )
    for reason, condition in reasons:
        account.left_out[f"SPELLS {reason}"] = _count(connection, f"FROM spell_row WHERE {condition}")
    usable = f"has_began AND has_ended AND ended >= began AND NOT ({later})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE spell AS SELECT DISTINCT * EXCLUDE (has_began, has_ended) "
        f"FROM spell_row WHERE {usable}"
    )
    repeated = _count(connection, f"FROM spell_row WHERE {usable}") - _count(connection, "FROM spell")
    account.left_out["SPELLS repeated"] = repeated
    connection.execute(f"CREATE OR REPLACE TEMP TABLE spell_feature AS {LAST_SPELL}")


def _medicines(connection: duckdb.DuckDBPyConnection, question: Question, source: SourceFile, account: Account) -> None:
    dated = question.on is not None and source.has("date")
    if dated:
        _refuse_unreadable(connection, source, "MEDICINES", "date")
    day = as_date("date") if dated else "NULL::DATE"
    rows = rows_of(source, keep_rejects=True)
    _load(
        connection,
        "medicine_row",
        f"SELECT person_id, lower(trim(medicine)) AS medicine, {day} AS day FROM {rows}",
        "MEDICINES",
        account,
    )
    usable = "medicine <> ''"
    account.left_out["MEDICINES no-medicine"] = _count(
        connection, "FROM medicine_row WHERE coalesce(medicine, '') = ''"
    )
    if dated:
        on = f"DATE '{question.on}'"
        inside = f"day <= {on} AND day > {on} - INTERVAL {MEDICINE_MONTHS} MONTH"
        account.left_out["MEDICINES outside-the-window"] = _count(
            connection, f"FROM medicine_row WHERE {usable} AND ({inside}) IS NOT TRUE"
        )
        usable += f" AND {inside}"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE medicine_feature AS SELECT person_id, count(DISTINCT medicine) "
        f"FILTER ({usable}) AS f_medicines FROM medicine_row GROUP BY person_id"
    )


def _external(connection: duckdb.DuckDBPyConnection, question: Question, source: SourceFile, account: Account) -> None:
    rows = rows_of(source, keep_rejects=True)
    _load(
        connection,
        "external_row",
        f"SELECT person_id, lower(trim(score)) AS score, {as_number('value')} AS value FROM {rows}",
        "EXTERNAL",
        account,
    )
    names = [name for name, _ in question.external]
    listed = ", ".join(text(name) for name in names)
    account.left_out["EXTERNAL other-score"] = _count(
        connection, f"FROM external_row WHERE coalesce(score, '') NOT IN ({listed})"
    )
    account.left_out["EXTERNAL no-number"] = _count(
        connection, f"FROM external_row WHERE score IN ({listed}) AND value IS NULL"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE external_kept AS FROM external_row WHERE score IN ({listed})")
    _refuse_repeats(connection, "external_kept", "(person_id, score)", "EXTERNAL")
    columns = ", ".join(f"max(value) FILTER (score = {text(name)}) AS {quoted(name)}" for name in names)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE external_value AS SELECT person_id, {columns} FROM external_kept GROUP BY person_id"
    )


def _load(connection: duckdb.DuckDBPyConnection, table: str, select: str, file: str, account: Account) -> None:
    """The rows with a person; those without, and broken lines, are counted."""
    broken = _broken_lines(connection)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {select}")
    account.left_out[f"{file} no-person"] = _count(connection, f"FROM {table} WHERE NOT {filled('person_id')}")
    connection.execute(f"DELETE FROM {table} WHERE NOT {filled('person_id')}")
    account.left_out[f"{file} broken-line"] = _broken_lines(connection) - broken


def _broken_lines(connection: duckdb.DuckDBPyConnection) -> int:
    if not _count(connection, "FROM duckdb_tables() WHERE table_name = 'reject_errors'"):
        return 0
    return _count(connection, "FROM (SELECT DISTINCT scan_id, file_id, line FROM reject_errors)")


def _refuse_unreadable(connection: duckdb.DuckDBPyConnection, source: SourceFile, file: str, column: str) -> None:
    rows = rows_of(source, keep_rejects=False)
    if number := _count(connection, f"FROM {rows} WHERE {filled(column)} AND {as_date(column)} IS NULL"):
        raise unreadable_dates(file, column, number)


def _refuse_repeats(connection: duckdb.DuckDBPyConnection, table: str, key: str, file: str) -> None:
    number = _count(connection, f"FROM (SELECT {key} AS k FROM {table} GROUP BY k HAVING count(*) > 1)")
    if number:
        raise DoesNotHold(
            f"{number:,} {'persons are' if number > 1 else 'person is'} in it more than once",
            code="person-repeated",
            where=file,
            next_step="keep one row for each person; which one is right is not for this program to guess",
        )


def _count(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    return int(connection.execute(f"SELECT count(*) {rest}").fetchall()[0][0])
