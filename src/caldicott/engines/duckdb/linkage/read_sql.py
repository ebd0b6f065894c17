"""How a record to trace and a person's record are spelt before they meet [Person_ID Handbook 2024, request file].

Names are sounded once a distinct name, and requests are told apart by one text of all
they say: on a million records the reading, not the tracing, is what takes the time.
"""

from __future__ import annotations

from typing import Final

from caldicott.linkage.tracing import PERSON_ROLES, ROLES

# The activity date does not change who it is: what else a record says is one request, asked once.
_OF_A_REQUEST: Final = (*(role for role in ROLES if role != "activity_date"), "is_number_bad")
_NUMBER: Final = "number_of(canonical_number(trim(nhs_number)))"
_BAD_NUMBER: Final = f"tidy(nhs_number) IS NOT NULL AND NOT coalesce(check_holds({_NUMBER}) AND NOT is_sentinel({_NUMBER}), false) AS is_number_bad"
_BORN: Final = "regexp_replace(tidy({0}), '[-/ ]', '', 'g')"
# What is already written as a day, year first, pays for no pattern.
_DAY: Final = (
    "CASE WHEN try_cast({0} AS DATE)::VARCHAR = {0} THEN {0} "
    "WHEN regexp_full_match(tidy({0}), '[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}}') THEN strftime(try_strptime(tidy({0}), '%d/%m/%Y'), '%Y-%m-%d') "
    f"WHEN regexp_full_match({_BORN}, '[0-9]{{{{8}}}}') THEN dashed({_BORN}) "
    f"WHEN regexp_full_match({_BORN}, '[0-9]{{{{6}}}}') THEN left({_BORN}, 4) || '-' || right({_BORN}, 2) "
    f"WHEN regexp_full_match({_BORN}, '[0-9]{{{{4}}}}') THEN {_BORN} END"
)
_SPELT: Final = {
    "nhs_number": f"CASE WHEN check_holds({_NUMBER}) AND NOT is_sentinel({_NUMBER}) THEN lpad({_NUMBER}::VARCHAR, 10, '0') END",
    "given": "asked_name(given)",
    "other_given": "asked_name(other_given)",
    "family": "asked_name(family)",
    "birth_date": f"nullif(nullif({_DAY.format('birth_date')}, '1900-01-01'), '1800-01-01')",
    "gender": "CASE WHEN plain(gender) IN ('1', 'm', 'male') THEN '1' WHEN plain(gender) IN ('2', 'f', 'female') THEN '2' WHEN tidy(gender) IN ('0', '9') THEN tidy(gender) END",
    "postcode": "CASE WHEN asked_postcode(postcode) NOT LIKE 'ZZ99%' THEN asked_postcode(postcode) END",
    "address": "alnum_only(address)",
    "superseded_by": "nullif(trim(superseded_by), '')",
    "is_sensitive": "coalesce(plain(is_sensitive) IN ('1', 'true', 'yes', 'y', 's', 'sensitive'), false)",
    **{name: _DAY.format(name) for name in ("death_date", "activity_date", "valid_from", "valid_to")},
}


def versions() -> tuple[str, ...]:
    """From table `raw`: every version of every person's record, who is known, and who took whose place."""
    return (
        f"CREATE TABLE spelt AS SELECT {_stated(PERSON_ROLES)} FROM raw",
        "DROP TABLE raw",
        *_sounds("spelt"),
        _VERSIONS,
        "DROP TABLE spelt",
        "CREATE VIEW current_version AS SELECT * FROM version WHERE is_current",
        (
            "CREATE TABLE person AS SELECT person, max(superseded_by) AS superseded_by, bool_or(is_sensitive) AS is_sensitive "
            "FROM version GROUP BY person"
        ),
        "CREATE VIEW number AS SELECT person FROM person",
        _FOLLOWS,
    )


def requests() -> tuple[str, ...]:
    """From table `raw`: every different request once, and which of them each record makes."""
    # Rows are told apart by where the table keeps them: counting them would take one thread for all the spelling.
    said = " || chr(31) || ".join(f"coalesce({name}::VARCHAR, chr(30))" for name in _OF_A_REQUEST)
    return (
        (
            f"CREATE TABLE spelt AS SELECT id, {', '.join(_OF_A_REQUEST)}, activity_date, {said} AS said "
            f"FROM (SELECT id, {_stated(ROLES)}, {_BAD_NUMBER} FROM raw)"
        ),
        "DROP TABLE raw",
        *_sounds("spelt"),
        "CREATE TEMP TABLE first AS SELECT said, min(rowid) AS request FROM spelt GROUP BY said",
        (
            f"CREATE TABLE request AS SELECT s.rowid AS request, {', '.join(f's.{name}' for name in _OF_A_REQUEST)}, {_SOUND_COLUMNS} "
            f"FROM spelt s SEMI JOIN first f ON f.request = s.rowid {_SOUND_JOINS}"
        ),
        "CREATE TABLE asked AS SELECT s.id, f.request, s.activity_date FROM spelt s JOIN first f USING (said)",
        "DROP TABLE first",
        "DROP TABLE spelt",
    )


def _stated(roles: tuple[str, ...]) -> str:
    """Each role in the spelling of the published request."""
    return ", ".join(f"{_SPELT.get(role, f'tidy({role})')} AS {role}" for role in roles)


def _sounds(table: str) -> tuple[str, ...]:
    """What each different name sounds like; a given name by the full name it is short for."""
    return tuple(
        f"CREATE OR REPLACE TEMP TABLE {role}_heard AS SELECT name, sound_of({full}) AS sound "
        f"FROM (SELECT DISTINCT {role} AS name FROM {table} WHERE {role} IS NOT NULL)"
        for role, full in (("family", "compact(name)"), ("given", "full_name_of(compact(name))"))
    )


_SOUND_COLUMNS: Final = "fh.sound AS family_sound, gh.sound AS given_sound, s.birth_date[1:4] AS birth_year"
_SOUND_JOINS: Final = "LEFT JOIN family_heard fh ON fh.name = s.family LEFT JOIN given_heard gh ON gh.name = s.given"

_VERSIONS: Final = f"""
CREATE TABLE version AS
WITH heard AS (SELECT s.nhs_number AS person, s.* EXCLUDE (nhs_number), {_SOUND_COLUMNS} FROM spelt s {_SOUND_JOINS} WHERE s.nhs_number IS NOT NULL)
SELECT *, row_number() OVER newest = 1 AS is_current, first_value(gender) OVER newest AS now_gender,
  first_value(family_sound) OVER newest AS now_family_sound
FROM heard
WINDOW newest AS (PARTITION BY person ORDER BY valid_to DESC NULLS FIRST, valid_from DESC NULLS LAST, given, family, postcode)
"""

# Who took whose place may itself have been replaced; a ring of replacements leads to nobody.
_FOLLOWS: Final = """
CREATE TABLE follows AS WITH RECURSIVE led AS (
  SELECT person, superseded_by AS now_person, 1 AS far FROM person WHERE superseded_by IS NOT NULL
  UNION ALL SELECT l.person, p.superseded_by, far + 1 FROM led l JOIN person p ON p.person = l.now_person WHERE p.superseded_by IS NOT NULL AND far < 10
) SELECT person, arg_max(now_person, far) AS now_person FROM led GROUP BY person HAVING max(far) < 10
"""
