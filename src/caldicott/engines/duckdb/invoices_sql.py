"""The steps of checking invoices as SQL: each takes a table and adds what one check needs to know.

Small named steps over sets; every one leaves one row a line. Values go in as
parameters or as registered tables, never in the text.
"""

from __future__ import annotations

from typing import Final

from caldicott.engines.duckdb.connection import text
from caldicott.invoices.responsibility import special_rules

LINE: Final = """
CREATE TABLE line (
  line_no BIGINT, submission VARCHAR, arrival INTEGER, file_row BIGINT, invoice VARCHAR, line VARCHAR, line_type VARCHAR,
  provider VARCHAR, billed_to VARCHAR, invoiced_on DATE, received_on DATE, period_from DATE, period_to DATE,
  quantity BIGINT, billed_unit_pence BIGINT, amount_pence BIGINT, vat_hundredths BIGINT, vat_pence BIGINT, currency VARCHAR,
  total_pence BIGINT, case_number VARCHAR, credits_invoice VARCHAR, credits_line VARCHAR, is_settled BOOLEAN,
  place BIGINT
)"""
TAKE_LINES: Final = """
INSERT INTO line SELECT
  nextval('line_numbers'), $submission, $arrival, file_row, invoice, line, lower(coalesce(line_type, 'invoice')), provider,
  billed_to, invoiced_on, received_on, period_from, period_to, quantity, (unit_price * 100)::BIGINT,
  (amount * 100)::BIGINT, (coalesce(vat_percent, 0) * 100)::BIGINT, (coalesce(vat_amount, 0) * 100)::BIGINT,
  upper(coalesce(currency, $currency)), (invoice_total * 100)::BIGINT, case_number, credits_invoice, credits_line,
  file_row IN (SELECT file_row FROM settled WHERE submission = $submission), place
FROM arriving"""
HELD_INVOICES: Final = (
    "CREATE TABLE broken_invoice (submission VARCHAR, provider VARCHAR, invoice VARCHAR)",
    "CREATE TABLE named_patient (submission VARCHAR, provider VARCHAR, invoice VARCHAR)",
)

BACKING: Final = (
    """
CREATE TABLE backing (
  arrival INTEGER, sender VARCHAR, provider VARCHAR, invoice VARCHAR, line VARCHAR, identity BIGINT, status VARCHAR,
  birth_date DATE, postcode VARCHAR, practice VARCHAR, spell VARCHAR, started_on DATE, ended_on DATE,
  point_of_delivery VARCHAR, hrg VARCHAR, top_up VARCHAR, best_practice VARCHAR, responsibility_rule VARCHAR,
  fixed_commissioner VARCHAR, place BIGINT
)""",
    "CREATE TABLE held_backing (provider VARCHAR, invoice VARCHAR, line VARCHAR)",
)
TAKE_BACKING: Final = """
INSERT INTO backing SELECT
  $arrival, $sender, provider, invoice, line, identity, nhs_number_status, birth_date, upper(postcode), practice, spell,
  started_on, ended_on, point_of_delivery, hrg, top_up, best_practice, responsibility_rule, fixed_commissioner, place
FROM arriving WHERE hash(provider, invoice, line) IN (SELECT hash(provider, invoice, line) FROM line WHERE NOT is_settled)"""

# The newest that the provider itself sent speaks; what somebody else sent only says that somebody did.
BILL_BACKED: Final = """
CREATE TABLE backed AS
WITH newest AS (
  SELECT provider, invoice, line, max(arrival) AS arrival FROM backing WHERE sender = provider GROUP BY ALL
), own AS (
  SELECT b.* FROM backing b SEMI JOIN newest n ON n.provider = b.provider AND n.invoice = b.invoice AND n.line = b.line
    AND n.arrival = b.arrival
  WHERE b.sender = b.provider
)
SELECT provider, invoice, line, count(*) AS backing_rows,
  any_value(identity) AS identity, any_value(status) AS status, any_value(birth_date) AS birth_date,
  any_value(postcode) AS postcode, any_value(practice) AS practice, any_value(spell) AS spell,
  any_value(started_on) AS started_on, any_value(ended_on) AS ended_on, any_value(point_of_delivery) AS point_of_delivery,
  any_value(hrg) AS hrg, any_value(top_up) AS top_up, any_value(best_practice) AS best_practice,
  any_value(responsibility_rule) AS responsibility_rule, any_value(fixed_commissioner) AS fixed_commissioner
FROM own GROUP BY ALL"""
JOIN_BACKING: Final = """
CREATE TABLE bill AS
SELECT l.* EXCLUDE (is_settled), coalesce(b.backing_rows, 0) AS backing_rows, b.* EXCLUDE (provider, invoice, line, backing_rows),
  h.line IS NOT NULL AS is_held, o.line IS NOT NULL AS is_from_other
FROM line l
LEFT JOIN backed b USING (provider, invoice, line)
LEFT JOIN (SELECT DISTINCT provider, invoice, line FROM held_backing) h USING (provider, invoice, line)
LEFT JOIN (SELECT DISTINCT provider, invoice, line FROM backing WHERE sender <> provider) o USING (provider, invoice, line)
WHERE l.line_type <> 'credit' AND NOT l.is_settled"""

TRACE: Final = """
CREATE TABLE trace (
  arrival INTEGER, identity BIGINT, status VARCHAR, died_on DATE, practice VARCHAR, registered_from DATE,
  registered_to DATE, postcode VARCHAR, place BIGINT
)"""
TAKE_TRACE: Final = """
INSERT INTO trace SELECT $arrival, identity, nhs_number_status, died_on, practice, registered_from, registered_to,
  upper(postcode), place FROM arriving WHERE identity IN (SELECT identity FROM bill)"""
# A newer answer about a person replaces the older one whole.
TRACED: Final = """
CREATE TABLE traced AS
WITH newest AS (SELECT identity, max(arrival) AS arrival FROM trace GROUP BY identity)
SELECT t.* FROM trace t JOIN newest USING (identity, arrival) WHERE t.status = '01'"""
JOIN_TRACE: Final = """
CREATE TABLE known AS
WITH person AS (SELECT identity, min(died_on) AS died_on, any_value(postcode) AS postcode FROM traced GROUP BY identity),
registered AS (
  SELECT b.line_no, arg_max(t.practice, t.registered_from) AS practice
  FROM bill b JOIN traced t ON t.identity = b.identity AND t.practice IS NOT NULL
    AND b.started_on BETWEEN t.registered_from AND coalesce(t.registered_to, DATE '9999-12-31')
  GROUP BY b.line_no
)
SELECT b.line_no, p.identity IS NOT NULL AS is_traced, p.died_on,
  CASE WHEN p.identity IS NULL THEN b.practice ELSE r.practice END AS practice,
  outward(coalesce(p.postcode, b.postcode)) AS outward_postcode
FROM bill b LEFT JOIN person p ON p.identity = b.identity LEFT JOIN registered r ON r.line_no = b.line_no"""
MACROS: Final = (
    (
        "CREATE MACRO outward(p) AS CASE WHEN contains(trim(p), ' ') THEN split_part(trim(p), ' ', 1) "
        "ELSE left(p, greatest(strlen(p) - 3, 0)) END"
    ),
    "CREATE MACRO in_force(d, a, z) AS d BETWEEN a AND z",
)


def responsibility() -> str:
    """Who was responsible on the day of the care: the rules in the order of the fact table."""
    hows = special_rules()
    by_how = {how: [code for code, one in hows.items() if one == how] for how in ("national", "fixed", "treated")}
    listed = {how: ", ".join(text(code) for code in codes) for how, codes in by_how.items()}
    return f"""
CREATE TABLE answered AS
WITH found AS (
  SELECT b.line_no, b.responsibility_rule AS rule, f.commissioner AS fixed, p.commissioner AS of_practice,
    coalesce(district.commissioner, area.commissioner) AS of_residence, t.treated_in
  FROM bill b JOIN known k USING (line_no)
  LEFT JOIN commissioners f ON f.commissioner = b.fixed_commissioner AND in_force(b.started_on, f.valid_from, f.valid_to)
  LEFT JOIN practices p ON p.practice = k.practice AND in_force(b.started_on, p.valid_from, p.valid_to)
  LEFT JOIN residence district ON district.outward_postcode = k.outward_postcode
    AND in_force(b.started_on, district.valid_from, district.valid_to)
  LEFT JOIN residence area ON area.outward_postcode = regexp_extract(k.outward_postcode, '^[A-Z]{{1,2}}')
    AND in_force(b.started_on, area.valid_from, area.valid_to)
  LEFT JOIN providers t ON t.provider = b.provider AND in_force(b.started_on, t.valid_from, t.valid_to)
), answer AS (
  SELECT line_no, CASE WHEN rule IS NULL THEN coalesce(of_practice, of_residence, treated_in)
    WHEN rule IN ({listed["national"]}) THEN $national WHEN rule IN ({listed["fixed"]}) THEN fixed
    WHEN rule IN ({listed["treated"]}) THEN treated_in END AS commissioner,
    coalesce(rule IN ({listed["national"]}), false) AS is_national
  FROM found
)
SELECT line_no, is_national, coalesce(s.today, a.commissioner) AS responsible
FROM answer a LEFT JOIN succession s ON s.commissioner = a.commissioner"""


# The same activity twice: the first that came keeps its place; whatever was billed before keeps it against both.
DUPLICATES: Final = """
CREATE TABLE repeated AS
WITH twice AS (
  SELECT hash(provider, invoice, line) AS h FROM marked GROUP BY h HAVING count(*) > 1
), again AS (
  SELECT activity_mark FROM marked WHERE activity_mark IS NOT NULL GROUP BY activity_mark HAVING count(*) > 1
), later_line AS (
  SELECT line_no FROM marked WHERE hash(provider, invoice, line) IN (SELECT h FROM twice)
  QUALIFY row_number() OVER (PARTITION BY provider, invoice, line ORDER BY received_on, arrival, file_row) > 1
), later_activity AS (
  SELECT line_no FROM marked WHERE activity_mark IN (SELECT activity_mark FROM again)
  QUALIFY row_number() OVER (PARTITION BY activity_mark ORDER BY received_on, arrival, file_row) > 1
)
SELECT b.line_no, l.line_no IS NOT NULL OR e.invoice IS NOT NULL AS is_repeated_line,
  d.line_no IS NOT NULL OR a.activity_mark IS NOT NULL AS is_repeated_activity
FROM marked b
LEFT JOIN later_line l ON l.line_no = b.line_no
LEFT JOIN later_activity d ON d.line_no = b.line_no
LEFT JOIN (SELECT DISTINCT provider, invoice, line FROM earlier) e USING (provider, invoice, line)
LEFT JOIN (SELECT DISTINCT activity_mark FROM earlier WHERE activity_mark IS NOT NULL) a ON a.activity_mark = b.activity_mark"""
# A mark tells that two lines bill one activity and, without the secret, nothing else: it outlives the landing copy.
MARKED: Final = """
INSERT INTO marked SELECT line_no, provider, invoice, line, received_on, arrival, file_row,
  CASE WHEN identity IS NOT NULL AND backing_rows = 1 THEN sha256($secret || identity || '|' || provider || '|'
    || coalesce(spell, '') || '|' || started_on || '|' || hrg || '|' || point_of_delivery) END
FROM bill"""
MARKED_TABLE: Final = """
CREATE TABLE marked (line_no BIGINT, provider VARCHAR, invoice VARCHAR, line VARCHAR, received_on DATE, arrival INTEGER,
  file_row BIGINT, activity_mark VARCHAR)"""
