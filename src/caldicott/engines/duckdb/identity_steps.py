"""The SQL of tracing inside the safe haven, in small named steps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import NAMELESS, quoted, text
from caldicott.engines.duckdb.landing_sql import LandingRules, scanned, select
from caldicott.facts.layout import ColumnClass, IdentityKind
from caldicott.safe_haven.identity.remainder import DETERMINISTIC, OTHER_BIRTH_DATE, SCORED, SHARED, SHARED_MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.facts.layout import Layout
    from caldicott.vocabulary.nhs_number import NhsNumberFault

SAYS_NOTHING: Final = "(DATE '1900-01-01', DATE '1800-01-01')"
"""Days that stand for "we do not know" [linkage, missing values]."""
_FIELDS: Final = ("given", "other_given", "family", "birth_date", "gender", "postcode", "death_date", "local_id")

TABLES: Final = (
    "CREATE TEMP TABLE merger (number BIGINT, superseded BIGINT, since INTEGER, has_ended BOOLEAN)",
    (
        "CREATE TEMP TABLE spine_row (since INTEGER, nhs_number BIGINT, given VARCHAR, family VARCHAR, birth_date DATE, "
        "gender VARCHAR, postcode VARCHAR, practice VARCHAR, address VARCHAR, death_date DATE, valid_from DATE)"
    ),
    "CREATE TEMP TABLE held_hash (submission VARCHAR, record_hash UBIGINT)",
    "CREATE TEMP TABLE landed_too (submission VARCHAR, record_hash UBIGINT, identity BIGINT)",
    (
        "CREATE TEMP TABLE conflicting (submission VARCHAR, identity BIGINT, withdrawn BOOLEAN, occurred_on DATE, "
        "record_hash UBIGINT, file_row BIGINT)"
    ),
    "CREATE SEQUENCE nth",
    (
        "CREATE TABLE remainder (id VARCHAR DEFAULT nextval('nth')::VARCHAR, submission VARCHAR, file_row BIGINT, "
        "because VARCHAR, given_number BIGINT, nhs_number VARCHAR, "
        + ", ".join(f"{name} VARCHAR" for name in _FIELDS)
        + ", activity_date VARCHAR)"
    ),
)

# A superseded number leads to the living one, at most ten steps; a ring leads to nobody.
_LED: Final = """
CREATE OR REPLACE TEMP TABLE led AS
WITH RECURSIVE step AS (
  SELECT superseded AS number, max(number) AS living, 1 AS far FROM (
    FROM merger QUALIFY row_number() OVER (PARTITION BY number, superseded ORDER BY since DESC, has_ended) = 1
  ) WHERE superseded <> number AND NOT has_ended GROUP BY superseded
), walked AS (
  FROM step UNION ALL
  SELECT w.number, s.living, w.far + 1 FROM walked w JOIN step s ON s.number = w.living WHERE w.far < 10
) SELECT number, arg_max(living, far) AS living FROM walked GROUP BY number HAVING max(far) < 10
"""

BORN: Final = f"""
{_LED};
CREATE TEMP TABLE born AS
WITH said AS (SELECT nhs_number AS number, max(birth_date) AS birth_date FROM spine_row GROUP BY nhs_number)
FROM said UNION ALL
SELECT led.number, said.birth_date FROM led JOIN said ON said.number = led.living ANTI JOIN said own ON own.number = led.number
"""

SHARED_NUMBERS: Final = f"""
UPDATE remainder SET because = '{SHARED}', nhs_number = NULL
WHERE given_number IN (
  SELECT given_number FROM remainder WHERE because = '{OTHER_BIRTH_DATE}'
  GROUP BY given_number HAVING count(DISTINCT birth_date) > {SHARED_MOST}
) AND because = '{OTHER_BIRTH_DATE}'
"""

# A replaced number usually has no record of its own any more: it answers with the record of the living one.
VERSIONS: Final = (
    """
CREATE TABLE spine_version AS
WITH placed AS (
  SELECT * EXCLUDE (since), lead(valid_from) OVER (PARTITION BY nhs_number ORDER BY valid_from) AS valid_to
  FROM (
    FROM spine_row SEMI JOIN meant ON meant.number = spine_row.nhs_number
    QUALIFY row_number() OVER (PARTITION BY nhs_number, valid_from ORDER BY since DESC) = 1
  )
), own AS (
  SELECT p.*, led.living AS superseded_by FROM placed p LEFT JOIN led ON led.number = p.nhs_number
), stood_for AS (
  SELECT led.number AS nhs_number, p.* EXCLUDE (nhs_number), led.living AS superseded_by
  FROM led JOIN placed p ON p.nhs_number = led.living ANTI JOIN placed own ON own.nhs_number = led.number
)
SELECT lpad(nhs_number::VARCHAR, 10, '0') AS nhs_number, given, NULL::VARCHAR AS other_given, family, birth_date, gender,
  postcode, practice, address, death_date, valid_from, valid_to,
  lpad(superseded_by::VARCHAR, 10, '0') AS superseded_by, NULL::VARCHAR AS is_sensitive
FROM (FROM own UNION ALL BY NAME FROM stood_for)
""",
)


def take_spine(known: Mapping[str, str]) -> str:
    """The spine's persons, every version of each that landed."""
    names = (
        "nhs_number",
        "given",
        "family",
        "birth_date",
        "gender",
        "postcode",
        "practice",
        "address",
        "death_date",
        "valid_from",
    )
    values = ", ".join(f"a.{quoted(known[name])}" if name in known else "NULL" for name in names)
    return f"INSERT INTO spine_row SELECT $since, {values} FROM arriving a"


# Whoever could be meant at all: the number was given, or somebody was born on that day, in any version of the record.
MEANT: Final = """
CREATE OR REPLACE TEMP TABLE meant AS
WITH asked AS (SELECT DISTINCT number_of(canonical_number(nhs_number)) AS number FROM remainder),
days AS (SELECT DISTINCT try_cast(birth_date AS DATE) AS day FROM remainder WHERE birth_date IS NOT NULL)
SELECT number FROM asked WHERE number IS NOT NULL
UNION SELECT living FROM led SEMI JOIN asked ON asked.number = led.number
UNION SELECT nhs_number FROM spine_row SEMI JOIN days ON days.day = spine_row.birth_date
"""


def unheld(layout: Layout, *, rules: LandingRules) -> str:
    """Rows held back for their number as landing would read them if the number were sound: `fault` says what else is.

    Landing reads millions of rows and looks through each column by itself; here there are few rows and the statement
    is what costs. So columns are looked through for leaked numbers all at once.
    """
    # One parse a row: to ask for each column by its path parses the row as often as it has columns.
    shape = text(json.dumps({column.name or NAMELESS: "VARCHAR" for column in layout.columns}))
    source = f"(SELECT unnest(from_json(raw, {shape})) FROM arriving)"
    checked = [column for column in layout.columns if scanned(column)]
    plain = replace(
        layout,
        identity_kind=IdentityKind.NONE,
        columns=tuple(replace(c, column_class=ColumnClass.FREE_TEXT) if c in checked else c for c in layout.columns),
    )
    statement = select(plain, source=source, present=frozenset(c.name for c in layout.columns), rules=rules)
    told = ", ".join(
        f"CASE WHEN try_cast({quoted(c.canonical)} AS UBIGINT) IS NULL THEN {quoted(c.canonical)} END"
        if c.column_class is ColumnClass.CLINICAL
        else quoted(c.canonical)
        for c in checked
    )
    leaks = f"holds_number(concat_ws(' | ', {told}))" if told else "false"
    leaked = f"CASE WHEN {leaks} THEN 'identifier_in_free_column|' END"
    return f"SELECT * REPLACE (coalesce(fault, {leaked}) AS fault) FROM ({statement})"


def _path(name: str) -> str:
    return text('$."' + (name or NAMELESS).replace('"', '\\"') + '"')


def ask_held(layout: Layout, roles: Mapping[str, str], because: Mapping[NhsNumberFault, str]) -> str:
    """What the rows held back say of their persons. A row that is withdrawn, or that has another fault, is nobody's."""
    cases = " ".join(f"WHEN {text(str(code))} THEN {text(reason)}" for code, reason in because.items())
    number = _path(layout.identity_column or "")
    return f"""
INSERT INTO remainder BY NAME
SELECT $submission AS submission, h.file_row,
  CASE split_part(h."~because", '|', 1) {cases} END AS because,
  json_extract_string(a.raw, {number}) AS nhs_number, {_said(roles, "h")}, h.occurred_on::VARCHAR AS activity_date
FROM held h JOIN arriving a ON a.file_row = h.file_row WHERE h.fault IS NULL AND NOT h.withdrawn
"""


def ask_unread(because: Mapping[NhsNumberFault, str]) -> str:
    """Rows held back of a layout that says too little of a person for any step: each gets its outcome all the same."""
    cases = " ".join(f"WHEN {text(str(code))} THEN {text(reason)}" for code, reason in because.items())
    return f"""
INSERT INTO remainder BY NAME
SELECT $submission AS submission, file_row, CASE split_part(fault, '|', 1) {cases} END AS because FROM arriving
"""


MET: Final = """
CREATE OR REPLACE TEMP TABLE met AS
SELECT a.*, born.birth_date AS "~born" FROM arriving a LEFT JOIN born ON born.number = a.identity
WHERE NOT a.withdrawn AND ({differs} OR a.record_hash IN (SELECT record_hash FROM held_hash WHERE submission = $submission))
"""
LANDED_TOO: Final = (
    "INSERT INTO landed_too SELECT $submission, record_hash, identity FROM met WHERE record_hash IS NOT NULL"
)


def keep_conflicting(born: str) -> str:
    """What a mart must know of rows that may be left out."""
    return f"""
INSERT INTO conflicting SELECT $submission, identity, withdrawn, occurred_on, record_hash, file_row
FROM met WHERE {differs(born, "met")}
"""


CONFLICTING: Final = """
SELECT identity, withdrawn, occurred_on, record_hash, file_row FROM conflicting WHERE submission = $submission
"""


def differs(born: str, of: str) -> str:
    """SQL that is true where a row's birth date is not that of the number's holder."""
    column = f"{of}.{quoted(born)}"
    holder = "born.birth_date" if of == "a" else '"~born"'
    return f"coalesce({column} <> {holder} AND {column} NOT IN {SAYS_NOTHING}, false)"


def ask_conflicting(born: str, roles: Mapping[str, str], *, present: frozenset[str]) -> str:
    """Rows whose number is of somebody born on another day."""
    known = {role: name for role, name in roles.items() if name in present}
    return f"""
INSERT INTO remainder BY NAME
SELECT $submission AS submission, m.file_row, '{OTHER_BIRTH_DATE}' AS because, m.identity AS given_number,
  lpad(m.identity::VARCHAR, 10, '0') AS nhs_number, {_said(known, "m")}, m.occurred_on::VARCHAR AS activity_date
FROM met m WHERE {differs(born, "m")}
"""


def _said(roles: Mapping[str, str], of: str) -> str:
    values = {role: f"{of}.{quoted(name)}::VARCHAR" for role, name in roles.items()}
    whole = values.pop("whole_name", "")
    if whole:
        # "FAMILY, Given" as the data sets write it; without a comma the last word is the family's.
        before, after = f"split_part({whole}, ',', 1)", f"split_part({whole}, ',', 2)"
        words = f"regexp_extract(trim({whole}), '^(.*?)\\s*(\\S+)$'"
        values.setdefault("family", f"CASE WHEN contains({whole}, ',') THEN {before} ELSE {words}, 2) END")
        values.setdefault("given", f"CASE WHEN contains({whole}, ',') THEN {after} ELSE nullif({words}, 1), '') END")
    return ", ".join(f"{values.get(name, 'NULL::VARCHAR')} AS {name}" for name in _FIELDS)


# A record that could be one of two who were born on one day and live in one house is kept from both.
_HOUSE: Final = """
CREATE TABLE of_one_house AS
SELECT DISTINCT a.id FROM asked a JOIN request r USING (request) JOIN traced t ON t.id = a.id
JOIN version v ON v.birth_date = r.birth_date AND v.postcode = r.postcode AND v.family_sound = r.family_sound
WHERE t.code IN ('97', '98') AND t.kind <> 'person'
"""

_CANDIDATES: Final = """
CREATE TABLE candidate AS
WITH doubted AS (
  SELECT t.id, a.request, t.person FROM traced t JOIN asked a ON a.id = t.id
  WHERE t.code = '97' OR (t.kind = 'person' AND t.step = '{scored}')
), met AS (
  SELECT d.request, v.person, max(
    100.0 * (v.postcode = r.postcode)::INTEGER + 100.0 * (v.gender = r.gender)::INTEGER
    + coalesce(name_score(latin_name(r.family), latin_name(v.family)), 0) + coalesce(name_score(latin_name(r.given), latin_name(v.given)), 0)
  ) AS likeness
  FROM (SELECT DISTINCT request FROM doubted) d JOIN request r USING (request) JOIN version v ON v.birth_date = r.birth_date
  WHERE v.postcode = r.postcode OR v.family_sound = r.family_sound
  GROUP BY ALL
)
SELECT d.id, m.person, row_number() OVER (PARTITION BY d.id ORDER BY (m.person = d.person) DESC NULLS LAST, m.likeness DESC, m.person) AS place
FROM doubted d JOIN met m USING (request) QUALIFY place <= 3
"""


def settle() -> tuple[str, ...]:
    """What each record comes to: a person by a step that says so, a doubt for two people, or not known."""
    sure = ", ".join(text(step) for step in DETERMINISTIC)
    return (
        _HOUSE,
        _CANDIDATES.format(scored=SCORED),
        f"""
CREATE TABLE settled AS
SELECT r.submission, r.file_row, r.because,
  CASE WHEN t.kind = 'person' AND t.step IN ({sure}) THEN 'person'
    WHEN EXISTS (FROM candidate c WHERE c.id = t.id) THEN 'doubtful' ELSE 'not known' END AS kind,
  CASE WHEN t.kind = 'person' THEN try_cast(t.person AS BIGINT) END AS person,
  t.step, t.score, t.runner_up, t.code,
  CASE WHEN t.kind = 'person' AND t.step IN ({sure}) THEN ''
    WHEN h.id IS NOT NULL THEN 'of one house with another of that birth date'
    WHEN try_cast(r.birth_date AS DATE) IN {SAYS_NOTHING} THEN 'birth date that says nothing'
    WHEN t.kind = 'person' THEN 'found by score alone' WHEN t.code = '97' THEN 'several as close'
    WHEN t.code IN ('16', '96') OR (t.code = '91' AND (q.birth_date IS NULL OR q.gender IS NULL OR (q.family IS NULL AND q.postcode IS NULL)))
      THEN 'too little is said'
    WHEN regexp_matches(coalesce(r.family, '') || coalesce(r.given, ''), '[^\\p{{Latin}}\\p{{N}}\\p{{M}}\\p{{P}}\\p{{Z}}]') THEN 'name in another script'
    ELSE 'nobody fits' END AS reason,
  CASE WHEN t.kind <> 'person' THEN t.person END AS one_time, r.given_number,
  t.kind = 'person' AND coalesce(try_cast(t.person AS BIGINT) = coalesce(led.living, r.given_number), false) AS stays
FROM remainder r LEFT JOIN led ON led.number = r.given_number JOIN traced t ON t.id = r.id JOIN asked a ON a.id = r.id JOIN request q USING (request)
LEFT JOIN of_one_house h ON h.id = r.id
""",
    )


AS_THEN: Final = """
SELECT r.submission, r.file_row, d.practice AS practice_then, d.postcode AS postcode_then
FROM "then" d JOIN remainder r ON r.id = d.id ORDER BY ALL
"""


def doubtful(fields: tuple[str, ...]) -> str:
    """One row a record and candidate."""
    said = ", ".join(f"r.{name}" for name in fields)
    return f"""
SELECT r.submission, r.file_row, {said}, s.score, s.runner_up, s.step, s.reason, c.place,
  c.person AS candidate, v.given AS c_given, v.family AS c_family, v.birth_date AS c_birth_date, v.gender AS c_gender,
  CASE WHEN p.is_sensitive THEN NULL ELSE v.postcode END AS c_postcode
FROM settled s JOIN remainder r USING (submission, file_row) JOIN candidate c ON c.id = r.id
JOIN current_version v ON v.person = c.person JOIN person p ON p.person = c.person
WHERE s.kind = 'doubtful' ORDER BY r.submission, r.file_row, c.place
"""


SECOND_COPIES: Final = """
SELECT file_row FROM mine m SEMI JOIN landed_too l
  ON l.submission = $submission AND l.record_hash = m.record_hash AND l.identity IS NOT DISTINCT FROM m.identity
WHERE m.file_row > 0
UNION
SELECT file_row FROM (
  SELECT file_row, row_number() OVER (PARTITION BY record_hash, identity ORDER BY file_row) AS nth FROM mine WHERE record_hash IS NOT NULL
) WHERE nth > 1
"""


def parts(first: str, last: str) -> str:
    """As landing names them."""
    return f"""
SELECT *, CASE WHEN occurred_on IS NULL THEN 'undated'
  WHEN occurred_on BETWEEN {first}::DATE AND {last}::DATE THEN strftime(occurred_on, '%Y-%m') ELSE strftime(occurred_on, '%Y') END AS "~part"
FROM mine ORDER BY "~part", file_row
"""
