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
    # Two of the three parts, or day and month changed over, or the two digits of the day, or the last two of the year.
    (
        "CREATE MACRO nearly_born(a, b) AS parts_equal(a, b) >= 2 "
        "OR (a[1:4] = b[1:4] AND a[6:7] = b[9:10] AND a[9:10] = b[6:7]) "
        "OR (a[1:7] = b[1:7] AND a[9] = b[10] AND a[10] = b[9]) "
        "OR (a[5:] = b[5:] AND a[1:2] = b[1:2] AND a[3] = b[4] AND a[4] = b[3])"
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
    """Family name's sound, gender and year of birth, and every other field given; exactly one person must be left."""
    return """
INSERT INTO outcome
WITH met AS (
  SELECT r.request, v.person, bool_or(
    (r.birth_date IS NULL OR starts_with(v.birth_date, r.birth_date))
    AND (r.given_sound IS NULL OR c.given_sound = r.given_sound)
    AND (r.practice IS NULL OR c.practice = r.practice)
    AND (r.address IS NULL OR c.address = r.address)
    AND (r.death_date IS NULL OR c.death_date = r.death_date)) AS fits,
    bool_or(r.postcode IS NULL OR v.postcode = r.postcode) AS lived_there
  FROM open_request r
  JOIN version v ON v.now_family_sound = r.family_sound AND v.now_gender = r.gender AND v.birth_year = r.birth_year
  JOIN current_version c ON c.person = v.person
  JOIN person s ON s.person = c.person AND s.superseded_by IS NULL
  GROUP BY ALL
), only_one AS (
  SELECT request, min(person) AS person FROM met WHERE fits AND lived_there GROUP BY request HAVING count(*) = 1
)
SELECT request, person, 'alphanumeric@1', 100, NULL, CASE WHEN is_sensitive THEN '92' ELSE '00' END
FROM only_one JOIN person USING (person)
"""


def algorithmic(profile: Profile) -> str:
    """Four blocks, history allowed but for gender; the mean of what can be scored; two too close: nobody."""
    text = "latin_name" if profile.transliterates else "as_published"
    blocks = " UNION ALL ".join(
        f"SELECT r.request, v.person, {place} AS block FROM able r JOIN version v ON {' AND '.join(on)}"
        for place, on in enumerate(_BLOCKS)
    )
    born = "CASE parts_equal(r.birth_date, v.birth_date) " + " ".join(
        f"WHEN {parts} THEN {score}" for parts, score in enumerate(profile.birth_date_scores)
    ) + " END"  # fmt: skip
    gender = profile.gender_scores
    parts = {
        "birth_date": f"max({born})",
        "gender": (
            f"max(CASE WHEN NOT v.is_current THEN NULL WHEN v.gender = r.gender THEN {gender['same']} "
            f"WHEN v.gender IN ('0', '9') OR v.gender IS NULL OR r.gender IN ('0', '9') THEN {gender['unknown']} "
            f"ELSE {gender['different']} END)"
        ),
        "postcode": "max(postcode_score(r.postcode, v.postcode))",
        "family": f"max(name_score({text}(r.family), {text}(v.family)))",
        "given": f"max(name_score({text}(r.given), {text}(v.given)))",
    }
    scored = ", ".join(f"{sql} AS {name}_score" for name, sql in parts.items())
    total = " + ".join(f"coalesce({weight} * {name}_score, 0)" for name, weight in profile.weights.items())
    whole = " + ".join(
        f"CASE WHEN {name}_score IS NULL THEN 0 ELSE {weight} END" for name, weight in profile.weights.items()
    )
    return f"""
INSERT INTO outcome
WITH able AS (
  SELECT * FROM open_request WHERE length(birth_date) = 10 AND gender IS NOT NULL AND postcode IS NOT NULL
), found AS (
  SELECT request, person, count(DISTINCT block) AS blocks FROM ({blocks}) JOIN person s USING (person)
  WHERE s.superseded_by IS NULL GROUP BY ALL
), candidate AS (
  SELECT * FROM found QUALIFY row_number() OVER (PARTITION BY request ORDER BY blocks DESC, person) <= {profile.candidates_most}
), scored AS (
  SELECT c.request, c.person, {scored}
  FROM candidate c JOIN able r ON r.request = c.request JOIN version v ON v.person = c.person GROUP BY ALL
), ranked AS (
  SELECT request, person, given_score, ({total}) / ({whole}) AS score,
    row_number() OVER (PARTITION BY request ORDER BY ({total}) / ({whole}) DESC, person) AS place FROM scored
), judged AS (
  SELECT request, max(person) FILTER (place = 1) AS person, max(score) FILTER (place = 1) AS score,
    max(given_score) FILTER (place = 1) AS given_score,
    max(score) FILTER (place = 2) AS runner_up FROM ranked GROUP BY request
)
SELECT request, CASE WHEN NOT is_close AND NOT is_low THEN person END, 'algorithmic@1', round(score, 2), round(runner_up, 2),
  CASE WHEN is_close THEN '97' WHEN is_low THEN '98' WHEN is_sensitive THEN '92' ELSE '00' END
FROM (SELECT *, coalesce(score - runner_up <= {profile.close}, false) AS is_close, score < {profile.floor} OR coalesce(given_score < {profile.given_least}, false) AS is_low FROM judged)
JOIN person USING (person)
"""


_BORN: Final = "v.birth_date = r.birth_date"
_LIVED: Final = "v.postcode = r.postcode"
_GENDER: Final = "v.now_gender = r.gender"
_BLOCKS: Final = (
    ("v.family_sound = r.family_sound", "v.given_sound = r.given_sound", _BORN),
    ("v.family_sound = r.family_sound", _GENDER, _BORN, _LIVED),
    ("v.given_sound = r.given_sound", _GENDER, _BORN, _LIVED),
    (_BORN, _LIVED, _GENDER),
)

_BUCKET_WITH_LOCAL: Final = (
    ("local_id", "birth_date", "gender", "postcode"),
    ("local_id", "given", "family", "birth_date"),
    ("local_id", "family", "birth_date", "gender"),
    ("local_id", "birth_date", "postcode"),
    ("local_id", "given", "birth_date", "gender"),
)
_BUCKET_WITHOUT: Final = (("given", "family", "birth_date", "postcode"), ("gender", "birth_date", "postcode"))


def bucket(_profile: Profile) -> str:
    """Somebody unmatched before, under the same fields; else a new id of the bucket, if enough is known to keep one."""
    known = [
        f"SELECT r.request, b.person, {place} AS place, b.local_id IS NOT NULL AS is_local FROM unmatched r JOIN bucket b ON "
        + " AND ".join(f"b.{name} = r.{name}" for name in fields)
        + (" AND r.local_id IS NULL" if fields in _BUCKET_WITHOUT else "")
        for place, fields in enumerate((*_BUCKET_WITH_LOCAL, *_BUCKET_WITHOUT))
    ]
    return f"""
INSERT INTO bucketed
WITH unmatched AS (SELECT r.* FROM request r SEMI JOIN unsettled USING (request) WHERE r.withheld IS NULL),
met AS ({" UNION ALL ".join(known)}),
was AS (SELECT request, arg_min(person, (place, is_local, person)) AS person, false AS is_new FROM met GROUP BY request),
fresh AS (
  SELECT *, dense_rank() OVER (ORDER BY coalesce(local_id, ''), given, family, birth_date, gender, postcode) AS place
  FROM unmatched ANTI JOIN was USING (request)
  WHERE birth_date IS NOT NULL AND (local_id IS NOT NULL OR postcode IS NOT NULL)
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
