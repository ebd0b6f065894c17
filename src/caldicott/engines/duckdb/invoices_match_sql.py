"""Is the billed activity in the hospital records? Exactly, or nearly and then what differs."""

from __future__ import annotations

from typing import Final

SUS: Final = (
    """
CREATE TABLE sus (
  arrival INTEGER, record_hash UBIGINT, identity BIGINT, provider VARCHAR, spell VARCHAR, started_on DATE, ended_on DATE,
  point_of_delivery VARCHAR, hrg VARCHAR, place BIGINT
)""",
    "CREATE TABLE billed_spell AS SELECT DISTINCT hash(provider, spell) AS spell_hash FROM bill WHERE spell IS NOT NULL",
    "CREATE TABLE billed_person AS SELECT DISTINCT identity FROM bill WHERE identity IS NOT NULL",
)
# Of ten million rows only those of a billed person or a billed spell are kept.
TAKE_SUS: Final = """
INSERT INTO sus SELECT $arrival, record_hash, identity, provider, spell, started_on, ended_on, point_of_delivery, hrg, place
FROM arriving
WHERE identity IN (SELECT identity FROM billed_person) OR hash(provider, spell) IN (SELECT spell_hash FROM billed_spell)"""
NEWEST: Final = """
CREATE TABLE standing AS
WITH newest AS (SELECT record_hash, max(arrival) AS arrival FROM sus GROUP BY record_hash)
SELECT s.* FROM sus s SEMI JOIN newest n ON n.record_hash = s.record_hash AND n.arrival = s.arrival"""
# One extract has each record once: landing saw to it.
ALL_STAND: Final = "ALTER TABLE sus RENAME TO standing"

EXACT: Final = """
CREATE TABLE exact AS
SELECT b.line_no, min(s.place) AS place FROM bill b JOIN standing s
ON s.identity = b.identity AND s.started_on = b.started_on AND s.provider = b.provider AND s.hrg = b.hrg
  AND s.point_of_delivery = b.point_of_delivery AND s.ended_on IS NOT DISTINCT FROM b.ended_on
  AND s.spell IS NOT DISTINCT FROM b.spell
WHERE b.backing_rows = 1 GROUP BY b.line_no"""
UNMATCHED: Final = """
CREATE TABLE unmatched AS SELECT b.* FROM bill b ANTI JOIN exact e ON e.line_no = b.line_no
WHERE b.backing_rows = 1 AND b.identity IS NOT NULL"""

_BY_PERSON = "s.identity = u.identity AND abs(s.started_on - u.started_on) <= $days"
_BY_SPELL = "s.provider = u.provider AND s.spell = u.spell AND s.identity IS DISTINCT FROM u.identity"
_DIFFERS: Final = """list_filter([
    CASE WHEN s.identity IS DISTINCT FROM u.identity THEN 'person' END,
    CASE WHEN s.provider <> u.provider THEN 'provider' END,
    CASE WHEN s.spell IS DISTINCT FROM u.spell THEN 'spell' END,
    CASE WHEN s.started_on <> u.started_on THEN 'start' END,
    CASE WHEN s.ended_on IS DISTINCT FROM u.ended_on THEN 'end' END,
    CASE WHEN s.hrg IS DISTINCT FROM u.hrg THEN 'hrg' END,
    CASE WHEN s.point_of_delivery <> u.point_of_delivery THEN 'kind' END
  ], lambda x: x IS NOT NULL)"""
# Ranked: fewest differences first, then the nearest day. What differs is told by name, never by value.
NEAR: Final = f"""
CREATE TABLE near AS
WITH candidate AS (
  SELECT u.line_no, s.place, abs(s.started_on - u.started_on) AS apart, {_DIFFERS} AS differs FROM unmatched u JOIN standing s ON {_BY_PERSON}
  UNION ALL
  SELECT u.line_no, s.place, abs(s.started_on - u.started_on) AS apart, {_DIFFERS} AS differs FROM unmatched u JOIN standing s ON {_BY_SPELL}
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY line_no ORDER BY len(differs), apart, differs) AS rank
  FROM candidate WHERE len(differs) <= $most
)
SELECT line_no, string_agg(array_to_string(differs, '+'), ' | ' ORDER BY rank) AS near_differs,
  list(place ORDER BY rank) AS places
FROM ranked WHERE rank <= $shown GROUP BY line_no"""


# Where the records lie that speak of a line which is not simply paid: places, never values. The page of the line
# opens them one by one, and when the landing copy is purged there is nothing left to open.
EVIDENCE: Final = """
CREATE TABLE evidence AS
WITH asked AS (
  SELECT d.line_no, d.submission, d.file_row, b.place, b.identity, b.provider, b.invoice, b.line
  FROM decided d JOIN bill b USING (line_no) WHERE d.verdict <> 'pay'
), newest AS (
  SELECT k.provider, k.invoice, k.line, max(k.arrival) AS arrival FROM backing k
  SEMI JOIN asked a ON a.provider = k.provider AND a.invoice = k.invoice AND a.line = k.line
  WHERE k.sender = k.provider GROUP BY ALL
)
SELECT submission, file_row, 'line' AS kind, 1::BIGINT AS rank, place FROM asked
UNION ALL
SELECT a.submission, a.file_row, 'backing', row_number() OVER (PARTITION BY a.line_no ORDER BY k.place), k.place
FROM asked a JOIN newest n ON n.provider = a.provider AND n.invoice = a.invoice AND n.line = a.line
JOIN backing k ON k.provider = n.provider AND k.invoice = n.invoice AND k.line = n.line AND k.arrival = n.arrival
  AND k.sender = k.provider
UNION ALL
SELECT a.submission, a.file_row, 'trace', row_number() OVER (PARTITION BY a.line_no ORDER BY t.registered_from, t.place),
  t.place
FROM asked a JOIN traced t ON t.identity = a.identity
UNION ALL
SELECT a.submission, a.file_row, 'record', 1, e.place FROM asked a JOIN exact e USING (line_no)
UNION ALL
SELECT submission, file_row, 'near', generate_subscripts(places, 1), unnest(places)
FROM (SELECT a.submission, a.file_row, n.places FROM asked a JOIN near n USING (line_no))"""
