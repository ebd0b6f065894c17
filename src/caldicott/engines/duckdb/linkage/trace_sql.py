"""The tracing steps as named SQL [Person_ID Handbook 2024]. Each looks only at requests that no step has settled.

A step inserts into `outcome`: request, person, step, score, runner_up, code. The
version stands in the step's name, so that an old outcome says by which rule it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.linkage.tracing import Profile

# The characters the request may not carry, as published.
_STRIPPED: Final = "[!$%&()\\[\\]{}=:;#~@|<>.?/_\\\\£]"

MACROS: Final = (
    f"CREATE MACRO asked_name(t) AS nullif(trim(regexp_replace(upper(tidy(t)), '{_STRIPPED}', '', 'g')), '')",
    "CREATE MACRO compact(t) AS nullif(replace(replace(replace(t, ' ', ''), '-', ''), '''', ''), '')",
    "CREATE MACRO spaced(c) AS CASE WHEN length(c) >= 5 THEN left(c, -3) || ' ' || right(c, 3) ELSE c END",
    "CREATE MACRO asked_postcode(t) AS nullif(spaced(regexp_replace(upper(tidy(t)), '[^A-Z0-9]', '', 'g')), '')",
    "CREATE MACRO outward(p) AS split_part(p, ' ', 1)",
    "CREATE MACRO full_name_of(t) AS coalesce((SELECT min(s.full_name) FROM short_name s WHERE s.short_name = lower(t)), t)",
    "CREATE MACRO as_published(t) AS regexp_replace(t, '[^\\x00-\\x7F]', '@', 'g')",
    "CREATE MACRO name_score(a, b) AS 100 * jaro_winkler_similarity(a, b)",
    (
        "CREATE MACRO parts_equal(a, b) AS (a[1:4] = b[1:4])::INTEGER + (a[6:7] = b[6:7])::INTEGER + (a[9:10] = b[9:10])::INTEGER"
    ),
    "CREATE MACRO turned(a, b) AS a[1:4] = b[1:4] AND a[6:7] = b[9:10] AND a[9:10] = b[6:7]",
    # At least two of day, month and year match, where day and month may be changed over, and so may the two digits of
    # the day and the last two of the year. (Read so, each allowance adds something to "two are equal".)
    "CREATE MACRO same_day(a, b) AS a[9:10] = b[9:10] OR (a[9] = b[10] AND a[10] = b[9])",
    "CREATE MACRO same_year(a, b) AS a[1:4] = b[1:4] OR (a[1:2] = b[1:2] AND a[3] = b[4] AND a[4] = b[3])",
    (
        "CREATE MACRO nearly_born(a, b) AS same_day(a, b)::INTEGER + (a[6:7] = b[6:7])::INTEGER + same_year(a, b)::INTEGER >= 2 "
        "OR (a[6:7] = b[9:10] AND a[9:10] = b[6:7])"
    ),
    # A postcode of which only the beginning is known counts for as much of it as is known.
    (
        "CREATE MACRO postcode_score(asked, held) AS CASE WHEN asked = held THEN 100 "
        "WHEN starts_with(held, asked) THEN 100 * length(asked) / length(held) WHEN held IS NOT NULL THEN 0 END"
    ),
)

_FOLLOWED: Final = "coalesce(p.now_person, n.person)"
_TRACED: Final = "CASE WHEN s.is_sensitive THEN '92' WHEN {moved} THEN '90' ELSE '00' END"


def cross_check(_profile: Profile) -> str:
    """Number and birth date exactly as the national record has them today; a replaced record is no match."""
    return f"""
INSERT INTO outcome
SELECT r.request, n.person, 'cross-check@1', 100, NULL, {_TRACED.format(moved="false")}
FROM open_request r JOIN number n ON n.person = r.nhs_number JOIN current_version v ON v.person = n.person
JOIN person s ON s.person = n.person
WHERE s.superseded_by IS NULL AND v.birth_date = r.birth_date
"""


def spine_cross_check(_profile: Profile) -> str:
    """Number with the birth date, or nearly that date and the name, or the outward code where a name is missing."""
    return f"""
INSERT INTO outcome
WITH met AS (
  SELECT r.*, n.person AS held, {_FOLLOWED} AS followed, v.birth_date AS v_born, v.given AS v_given, v.family AS v_family
  FROM open_request r JOIN number n ON n.person = r.nhs_number JOIN current_version v ON v.person = n.person
  LEFT JOIN follows p ON p.person = n.person
), lived AS (
  SELECT DISTINCT m.request FROM met m JOIN version h ON h.person = m.held AND outward(h.postcode) = outward(m.postcode)
)
SELECT met.request, followed, 'spine-cross-check@1', 100, NULL, {_TRACED.format(moved="followed <> held")}
FROM met JOIN person s ON s.person = followed LEFT JOIN lived USING (request)
WHERE v_born = birth_date OR (nearly_born(v_born, birth_date) AND (
  (given[1] = v_given[1] AND family[1:3] = v_family[1:3])
  OR ((given IS NULL OR family IS NULL OR v_given IS NULL OR v_family IS NULL)
    AND lived.request IS NOT NULL)))
"""


def alphanumeric(_profile: Profile) -> str:
    """Family name's sound, gender and birth date as far as known, and every other field given, today's or a past one;
    exactly one person must be left.
    """
    return f"""
INSERT INTO outcome
WITH met AS (
  SELECT DISTINCT r.request, v.person
  FROM open_request r
  JOIN version v ON v.now_family_sound = r.family_sound AND v.now_gender = r.gender AND v.birth_year = r.birth_year
    AND starts_with(v.birth_date, r.birth_date)
), fits AS (
  SELECT m.request, m.person FROM met m JOIN request r USING (request) JOIN version v ON v.person = m.person
  GROUP BY m.request, m.person HAVING {" AND ".join(_fits(field) for field in _ALL_GIVEN_FIT)}
), led AS (
  SELECT DISTINCT f.request, {_LED} AS person, {_LED} <> f.person AS is_moved FROM fits f {_LEADS.format(of="f")}
), only_one AS (
  SELECT request, min(person) AS person, bool_or(is_moved) AS is_moved FROM led GROUP BY request HAVING count(DISTINCT person) = 1
)
SELECT request, person, 'alphanumeric@1', 100, NULL, {_TRACED.format(moved="is_moved")}
FROM only_one JOIN person s USING (person)
"""


# Whose record was replaced is found under it, and the one that took its place is given; a ring of replacements is nobody.
_LED: Final = "coalesce(w.now_person, p.person)"
_LEADS: Final = (
    "JOIN person p ON p.person = {of}.person LEFT JOIN follows w ON w.person = p.person "
    "AND p.superseded_by IS NOT NULL WHERE (p.superseded_by IS NULL OR w.now_person IS NOT NULL)"
)
_ALL_GIVEN_FIT: Final = ("given_sound", "postcode", "practice", "address", "death_date")


def _fits(field: str) -> str:
    return f"bool_or(r.{field} IS NULL OR coalesce(v.{field} = r.{field}, false))"


def algorithmic(profile: Profile) -> str:
    """Four blocks, history allowed but for gender; the mean of what can be scored; two too close: nobody."""
    blocks = " UNION ALL ".join(
        f"SELECT r.request, v.person, {place} AS block FROM able r JOIN version v ON {' AND '.join(on)}"
        for place, on in enumerate(_BLOCKS)
    )
    each = ", ".join(f"{sql} AS {name}" for name, sql in _each(profile).items())
    total = " + ".join(f"coalesce({weight} * {name}_score, 0)" for name, weight in profile.weights.items())
    whole = " + ".join(
        f"CASE WHEN {name}_score IS NULL THEN 0 ELSE {weight} END" for name, weight in profile.weights.items()
    )
    return f"""
INSERT INTO outcome
WITH able AS (
  SELECT * FROM open_request WHERE length(birth_date) = 10 AND gender IS NOT NULL AND postcode IS NOT NULL
), found AS (
  SELECT request, person, count(DISTINCT block) AS blocks FROM ({blocks}) GROUP BY ALL
), candidate AS (
  SELECT * FROM found QUALIFY row_number() OVER (PARTITION BY request ORDER BY blocks DESC, person) <= {profile.candidates_most}
), each_version AS (
  SELECT c.request, c.person, v.is_current, {each}
  FROM candidate c JOIN able r ON r.request = c.request JOIN version v ON v.person = c.person
), scored AS ({_SCORED}
), placed AS (
  SELECT request, given_score, ({total}) / ({whole}) AS score, {_LED} AS person, {_LED} <> s.person AS is_moved
  FROM scored s {_LEADS.format(of="s")}
), best AS (
  SELECT request, person, max(score) AS score, arg_max(given_score, score) AS given_score, arg_max(is_moved, score) AS is_moved
  FROM placed GROUP BY request, person
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY request ORDER BY score DESC, person) AS place FROM best
), judged AS (
  SELECT request, max(person) FILTER (place = 1) AS person, max(score) FILTER (place = 1) AS score,
    max(given_score) FILTER (place = 1) AS given_score, bool_or(is_moved) FILTER (place = 1) AS is_moved,
    max(score) FILTER (place = 2) AS runner_up FROM ranked GROUP BY request
)
SELECT request, CASE WHEN NOT is_close AND NOT is_low THEN person END, 'algorithmic@1', round(score, 2), round(runner_up, 2),
  CASE WHEN is_close THEN '97' WHEN is_low THEN '98' ELSE {_TRACED.format(moved="is_moved")} END
FROM (SELECT *, coalesce(score - runner_up <= {profile.close}, false) AS is_close, score < {profile.floor} OR coalesce(given_score < {profile.given_least}, false) AS is_low FROM judged)
JOIN person s USING (person)
"""


# A name is what a person was called at one time: given, second given and family of one version, the best of them.
# A postcode of today counts before any past one, however little of it is given.
_SCORED: Final = """
  SELECT request, person, max(born) AS birth_date_score, max(sex) AS gender_score,
    coalesce(nullif(max(lived) FILTER (is_current), 0), max(lived)) AS postcode_score,
    arg_max(given_alike, called) AS given_score, arg_max(other_given_alike, called) AS other_given_score,
    arg_max(family_alike, called) AS family_score
  FROM (SELECT *, coalesce(given_alike, 0) + coalesce(other_given_alike, 0) + coalesce(family_alike, 0) AS called FROM each_version)
  GROUP BY request, person"""


def _each(profile: Profile) -> dict[str, str]:
    """What one version of a person's record scores [Handbook, tables 1 and 2]."""
    text = "latin_name" if profile.transliterates else "as_published"
    born, gender = profile.birth_date_scores, profile.gender_scores
    alike = {name: f"name_score({text}(r.{name}), {text}(v.{name}))" for name in ("given", "family", "other_given")}
    absent = "NULL" if profile.other_given_absent is None else str(profile.other_given_absent)
    return {
        "born": (
            f"CASE WHEN v.birth_date = r.birth_date THEN {born['same']} "
            f"WHEN parts_equal(r.birth_date, v.birth_date) = 2 THEN {born['two_parts']} "
            f"WHEN turned(r.birth_date, v.birth_date) THEN {born['turned']} "
            f"WHEN r.birth_date[1:4] = v.birth_date[1:4] THEN {born['year']} WHEN v.birth_date IS NOT NULL THEN {born['other']} END"
        ),
        "sex": (
            f"CASE WHEN NOT v.is_current OR v.gender IS NULL THEN NULL WHEN v.gender = r.gender THEN {gender['same']} "
            f"WHEN v.gender IN ('0', '9') OR r.gender IN ('0', '9') THEN {gender['unknown']} ELSE {gender['different']} END"
        ),
        "lived": "postcode_score(r.postcode, v.postcode)",
        "given_alike": alike["given"],
        "family_alike": alike["family"],
        "other_given_alike": (
            f"CASE WHEN r.other_given IS NULL THEN NULL WHEN v.other_given IS NULL THEN {absent} ELSE {alike['other_given']} END"
        ),
    }


_BORN: Final = "v.birth_date = r.birth_date"
_LIVED: Final = "v.postcode = r.postcode"
_GENDER: Final = "v.now_gender = r.gender"
_BLOCKS: Final = (
    ("v.family_sound = r.family_sound", "v.given_sound = r.given_sound", _BORN),
    ("v.family_sound = r.family_sound", _GENDER, _BORN, _LIVED),
    ("v.given_sound = r.given_sound", _GENDER, _BORN, _LIVED),
    (_BORN, _LIVED, _GENDER),
)

# The sets under which a record meets one of the bucket, and when each may be asked; the first that meets is taken.
_BUCKET: Final = (
    (("local_id", "family", "birth_date", "postcode", "given"), ""),
    (("local_id", "family", "birth_date", "postcode", "gender"), ""),
    (("local_id", "given", "birth_date", "postcode"), ""),
    (("local_id", "given", "family", "gender", "postcode"), ""),
    (("local_id", "given", "family", "birth_date"), ""),
    (("local_id", "birth_date"), " AND (r.given IS NULL OR r.family IS NULL)"),
    (("given", "family", "birth_date", "postcode"), ""),
    (("gender", "birth_date", "postcode"), " AND (r.given IS NULL OR r.family IS NULL)"),
)


def bucket(_profile: Profile) -> str:
    """Somebody unmatched before, under the same fields; else a new id of the bucket, if enough is known to keep one.

    Who is as close to two persons (97) is one of them: the bucket would make a third, so it is not asked.
    """
    known = [
        f"SELECT r.request, b.person, {place} AS place, b.local_id IS NOT NULL AS is_local FROM unmatched r JOIN bucket b ON "
        + " AND ".join(f"b.{name} = r.{name}" for name in fields)
        + asked_when
        for place, (fields, asked_when) in enumerate(_BUCKET)
    ]
    return f"""
INSERT INTO bucketed
WITH unmatched AS (SELECT r.* FROM request r SEMI JOIN unsettled USING (request) WHERE r.withheld IS NULL),
met AS ({" UNION ALL ".join(known)}),
was AS (SELECT request, arg_min(person, (place, is_local, person)) AS person, false AS is_new FROM met GROUP BY request),
fresh AS (
  SELECT *, dense_rank() OVER (ORDER BY coalesce(local_id, ''), given, family, birth_date, gender, postcode) AS place
  FROM unmatched ANTI JOIN was USING (request)
  WHERE length(birth_date) = 10 AND (local_id IS NOT NULL OR postcode IS NOT NULL)
)
SELECT request, person, is_new FROM was UNION ALL
SELECT request, CASE WHEN local_id IS NULL THEN 'B' ELSE 'A' END || lpad((place + (SELECT taken FROM bucket_start))::VARCHAR, 9, '0'), true FROM fresh
"""


STEPS: Final[dict[str, Callable[[Profile], str]]] = {
    "cross-check@1": cross_check,
    "spine-cross-check@1": spine_cross_check,
    "alphanumeric@1": alphanumeric,
    "algorithmic@1": algorithmic,
}
