"""The user's rows as records: each field in one spelling, and what says nothing made null and counted.

A value that stands for "we do not know" must never be a reason to call two records
one person: blanks, codes for unknown, default days, pseudo-postcodes, and a number
that one file gives to many different people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import quoted, text
from caldicott.engines.duckdb.linkage.counting import ids_hold, one, reading
from caldicott.engines.duckdb.scores_inputs import SourceFile, rows_of
from caldicott.facts import linkage as facts

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from caldicott.linkage.spec import Field, Spec

SHARED_MOST: Final = 5
"""A number that stands beside more different birth dates or names than this in one file is nobody's."""
_NAMES_A_DATE: Final = 4
_IDENTIFIERS: Final = frozenset({"nhs-number", "number"})


def _in_latin() -> str:
    """One letter for one by `translate`, which also takes away those that are not written; then those that become two.

    The text is named once in it: macros are written out where they are used, and a text named twice doubles them.
    """
    letters = facts.letters()
    kept = sorted((pair for pair in letters.items() if len(pair[1]) <= 1), key=lambda pair: (not pair[1], pair))
    sql = f"translate(t, {text(''.join(letter for letter, _ in kept))}, {text(''.join(latin for _, latin in kept))})"
    for letter, latin in letters.items():
        if len(latin) > 1:
            sql = f"replace({sql}, {text(letter)}, {text(latin)})"
    return sql


MACROS: Final = (
    "CREATE MACRO tidy(t) AS nullif(trim(regexp_replace(nfc_normalize(t::VARCHAR), '[\\s\\x{a0}\\x{200b}\\x{feff}]+', ' ', 'g')), '')",
    "CREATE MACRO plain(t) AS lower(strip_accents(tidy(t)))",
    # Cyrillic, Greek and the Latin letters that no accent explains, in Latin letters; every other script stays as it is.
    f"CREATE MACRO in_latin(t) AS {_in_latin()}",
    "CREATE MACRO letters_only(t) AS nullif(trim(regexp_replace(replace(in_latin(plain(t)), '-', ' '), '[^\\p{L}\\p{M}\\p{N} ]', '', 'g')), '')",
    "CREATE MACRO alnum_only(t) AS nullif(regexp_replace(upper(strip_accents(tidy(t))), '[^\\p{L}\\p{N}]', '', 'g'), '')",
    # American Soundex. H and W do not part two equal codes, a vowel does; the first letter's own code is dropped.
    "CREATE MACRO sound_code(t) AS translate(t, 'AEIOUYBFPVCGJKQSXZDTLMNR', '000000111122222222334556')",
    "CREATE MACRO squeeze(t) AS regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(t, '1+', '1', 'g'), '2+', '2', 'g'), '3+', '3', 'g'), '4+', '4', 'g'), '5+', '5', 'g'), '6+', '6', 'g')",
    "CREATE MACRO soundex_of(t) AS t[1] || rpad(substr(replace(substr(squeeze(translate(sound_code(t[1]), 'HW', '00') || translate(sound_code(t[2:]), 'HW', '')), 2), '0', ''), 1, 3), 3, '0')",
    "CREATE MACRO latin(t) AS nullif(regexp_replace(upper(in_latin(lower(strip_accents(t)))), '[^A-Z]', '', 'g'), '')",
    # A name of no Latin letter sounds like itself, not like nothing: two scripts never share a token.
    "CREATE MACRO sound_of(t) AS coalesce(soundex_of(latin(t)), t)",
    # Every full name that a short one may stand for, and itself; of two given names the first is looked up.
    "CREATE MACRO full_names(t) AS list_distinct(list_append(coalesce((SELECT list(s.full_name ORDER BY s.full_name) FROM short_name s WHERE s.short_name = split_part(t, ' ', 1)), []), split_part(t, ' ', 1)))",
    "CREATE MACRO dashed(d) AS d[1:4] || '-' || d[5:6] || '-' || d[7:8]",
)


def of_file(source: SourceFile) -> str:
    """SQL of a file's rows; broken lines are kept apart and counted."""
    return rows_of(source, keep_rejects=True)


def read_records(
    connection: duckdb.DuckDBPyConnection, spec: Spec, sources: tuple[SourceFile, ...], *,
    rows: Callable[[SourceFile], str] = of_file,
) -> None:  # fmt: skip
    """Table `record`: rec, side, id and one column a field; table `said_nothing`: what was made null, and why."""
    names = ", ".join(f"({text(short)}, {text(full)})" for short, full in facts.short_names())
    connection.execute(f"CREATE TABLE short_name AS SELECT * FROM (VALUES {names}) AS t(short_name, full_name)")
    for macro in MACROS:
        connection.execute(macro)
    parts = []
    for side, source in enumerate(sources):
        columns = ", ".join(f"{quoted(field.column)}::VARCHAR AS raw_{field.name}" for field in spec.fields)
        parts.append(f"SELECT {side} AS side, tidy({quoted(spec.id_column)}) AS id, {columns} FROM {rows(source)}")
    with reading("LEFT or RIGHT" if len(sources) > 1 else "LEFT"):
        connection.execute("CREATE TEMP TABLE raw AS " + " UNION ALL BY NAME ".join(parts)).fetchall()
    for side in range(len(sources)):
        ids_hold(connection, "raw", ("LEFT", "RIGHT")[side], f"side = {side}")
    lists = " UNION ALL ".join(
        f"SELECT {text(kind)} AS kind, {text(value)} AS value" for kind, value in facts.missing_values()
    )
    connection.execute(f"CREATE TEMP TABLE missing_value AS {lists}")
    connection.execute(
        "CREATE TABLE said AS SELECT row_number() OVER (ORDER BY side, id) AS rec, side, id, "
        + ", ".join(f"raw_{field.name} AS raw_{field.name}, {stated(field)} AS {field.name}" for field in spec.fields)
        + " FROM raw"
    )
    connection.execute("CREATE TABLE said_nothing (field VARCHAR, reason VARCHAR, number BIGINT)")
    values = ", ".join(_kept(connection, field) for field in spec.fields)
    connection.execute(f"CREATE TABLE record AS SELECT rec, side, id, {values} FROM said ORDER BY rec")
    for field in spec.fields:
        _take_shared(connection, spec, field)
    connection.execute("DROP TABLE raw")
    connection.execute("DROP TABLE said")


def stated(field: Field) -> str:  # noqa: PLR0911  one return a kind
    """SQL of one spelling for a raw value; null where nothing usable is written."""
    raw = f"raw_{field.name}"
    match field.kind:
        case "name" | "text":
            return f"letters_only({raw})"
        case "code":
            return f"alnum_only({raw})"
        case "number":
            return f"CASE WHEN NOT regexp_full_match(alnum_only({raw}), '0+|1+|2+|3+|4+|5+|6+|7+|8+|9+') THEN alnum_only({raw}) END"
        case "nhs-number":
            number = f"number_of(canonical_number({raw}))"
            return f"CASE WHEN check_holds({number}) AND NOT is_sentinel({number}) THEN lpad({number}::VARCHAR, 10, '0') END"
        case "postcode":
            code = f"alnum_only({raw})"
            return f"CASE WHEN length({code}) BETWEEN 5 AND 7 THEN {code}[:-4] || ' ' || {code}[-3:] ELSE {code} END"
        case "sex":
            return f"CASE WHEN plain({raw}) IN ('1', 'm', 'male') THEN '1' WHEN plain({raw}) IN ('2', 'f', 'female') THEN '2' END"
        case _:
            return _day(raw, field.formats or ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"))


def _day(raw: str, formats: tuple[str, ...]) -> str:
    """A day as text, year first. Eight digits that are no day keep their shape: a slip of one digit can still be seen."""
    known = "[" + ", ".join(text(one) for one in formats) + "]"
    parsed = f"strftime(coalesce(try_strptime(tidy({raw}), {known})::DATE, try_cast(tidy({raw}) AS DATE)), '%Y-%m-%d')"
    digits = f"regexp_replace(tidy({raw}), '[-/. ]', '', 'g')"
    shaped = f"CASE WHEN regexp_full_match({digits}, '(1[89]|20)[0-9]{{6}}') THEN dashed({digits}) END"
    iso = f"CASE WHEN regexp_full_match(tidy({raw}), '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') THEN tidy({raw}) END"
    return f"coalesce({parsed}, {iso}, {shaped})"


def _kept(connection: duckdb.DuckDBPyConnection, field: Field) -> str:
    """SQL of the value without those that say nothing; counts them by reason as it goes."""
    name = field.name
    kinds = f"('any', {text('code' if field.kind == 'number' else field.kind)})"
    own = "".join(f" OR plain(raw_{name}) = {text(value)}" for value in field.missing)
    listed = (
        f"(coalesce({name} IN (SELECT value FROM missing_value WHERE kind IN {kinds}), false) "
        f"OR coalesce(letters_only(raw_{name}) IN (SELECT value FROM missing_value WHERE kind = 'any'), false)"
        f"{own}{_pseudo(field)})"
    )
    counted = one(
        connection,
        f"SELECT count(*) FILTER (tidy(raw_{name}) IS NULL), "
        f"count(*) FILTER (tidy(raw_{name}) IS NOT NULL AND {listed}), "
        f"count(*) FILTER (tidy(raw_{name}) IS NOT NULL AND NOT {listed} AND {name} IS NULL), "
        f"count(*) FILTER ({_foreign(field, name)}), "
        f"count(*) FILTER ({_foreign(field, f'raw_{name}')} AND NOT {_foreign(field, name)}) FROM said",
    )
    reasons = ("blank", "says nothing", "not usable", "another script (kept)", "another script (in Latin letters)")
    for reason, number in zip(reasons, counted, strict=True):
        if number:
            connection.execute("INSERT INTO said_nothing VALUES (?, ?, ?)", [name, reason, number])
    return f"CASE WHEN NOT {listed} THEN {name} END AS {name}"


def _pseudo(field: Field) -> str:
    """ZZ99 postcodes say where there is no address [DD]; thousands share them."""
    return f" OR coalesce({field.name} LIKE 'ZZ99%', false)" if field.kind == "postcode" else ""


def _foreign(field: Field, column: str) -> str:
    if field.kind != "name":
        return "false"
    return f"coalesce(regexp_matches({column}, '[^\\p{{Latin}}\\p{{N}}\\p{{M}}\\p{{P}}\\p{{Z}}\\p{{S}}\\s]'), false)"


def _take_shared(connection: duckdb.DuckDBPyConnection, spec: Spec, field: Field) -> None:
    """One number for thousands of people is no number: judged by the birth dates and the names that stand beside it."""
    most = field.shared_most if field.shared_most is not None else SHARED_MOST
    dates = [entry.name for entry in spec.fields if entry.kind == "date"][:1]
    # A person's name is written in more ways than the birth date, and changes.
    names = [entry.name for entry in spec.fields if entry.kind == "name"]
    if field.kind not in _IDENTIFIERS or not (dates or names):
        return
    crowds = [f"count(DISTINCT {one}) > {most}" for one in dates]
    if names:
        called = f"concat_ws(' ', {', '.join(names)})"
        crowds.append(f"count(DISTINCT nullif({called}, '')) > {most * (_NAMES_A_DATE if dates else 1)}")
    crowds += [f"(count(*) > 20 * {most} AND count({one}) = 0)" for one in dates]
    shared = (
        f"SELECT {field.name} FROM record WHERE {field.name} IS NOT NULL GROUP BY side, {field.name} "
        f"HAVING {' OR '.join(crowds)}"
    )
    (number,) = one(connection, f"UPDATE record SET {field.name} = NULL WHERE {field.name} IN ({shared})")
    if number:
        connection.execute("INSERT INTO said_nothing VALUES (?, 'shared by different people', ?)", [field.name, number])
