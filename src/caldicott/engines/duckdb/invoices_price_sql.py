"""What each line should cost, set-based: the formula of `invoices.price` in whole numbers, exact to the penny.

Everything is scaled to whole numbers (pence, hundredths of a percent, millionths)
and divided once at the end with halves up, so that no binary fraction can lose a penny.
"""

from __future__ import annotations

from typing import Final

_HUNDREDTHS: Final = 10_000
_SCALE: Final = _HUNDREDTHS * _HUNDREDTHS * 1_000_000


def priced(*, short_stay_below_days: int) -> str:
    """One row a line: the parts of its price and the amount expected, null where the tables do not give one."""
    return f"""
CREATE TABLE priced AS
WITH care AS (
  SELECT line_no, provider, hrg, point_of_delivery, started_on, top_up, best_practice, quantity,
    greatest(0, coalesce(ended_on - started_on, 0)) AS days
  FROM bill WHERE backing_rows = 1
), parts AS (
  SELECT c.line_no, c.quantity, local.price_pence AS local_pence,
    CASE WHEN better.kind = 'replace' THEN better.amount_pence ELSE unit.price_pence END AS unit_pence,
    CASE WHEN c.point_of_delivery = 'NEL' AND c.days < {short_stay_below_days} THEN unit.short_stay_hundredths
      ELSE {_HUNDREDTHS} END AS short_stay_hundredths,
    coalesce(extra.percent_hundredths, 0) AS top_up_hundredths,
    CASE WHEN better.kind = 'add' THEN better.amount_pence ELSE 0 END AS addition_pence,
    CASE WHEN unit.trim_point_days IS NULL THEN 0 ELSE greatest(0, c.days - unit.trim_point_days) END AS days_over,
    coalesce(unit.per_day_pence, 0) AS per_day_pence, mff.factor_millionths,
    local.price_pence IS NULL AND unit.price_pence IS NULL AS lacks_price,
    local.price_pence IS NULL AND mff.factor_millionths IS NULL AS lacks_factor,
    local.price_pence IS NULL AND c.top_up IS NOT NULL AND extra.percent_hundredths IS NULL AS lacks_top_up,
    local.price_pence IS NULL AND c.best_practice IS NOT NULL AND better.kind IS NULL AS lacks_best_practice
  FROM care c
  LEFT JOIN local_prices local ON local.provider = c.provider AND local.hrg = c.hrg
    AND local.point_of_delivery = c.point_of_delivery AND in_force(c.started_on, local.valid_from, local.valid_to)
  LEFT JOIN prices unit ON unit.hrg = c.hrg AND unit.point_of_delivery = c.point_of_delivery
    AND in_force(c.started_on, unit.valid_from, unit.valid_to)
  LEFT JOIN market_forces mff ON mff.provider = c.provider AND in_force(c.started_on, mff.valid_from, mff.valid_to)
  LEFT JOIN top_ups extra ON extra.provider = c.provider AND extra.top_up = c.top_up
    AND in_force(c.started_on, extra.valid_from, extra.valid_to)
  LEFT JOIN best_practice better ON better.best_practice = c.best_practice AND better.hrg = c.hrg
    AND better.point_of_delivery = c.point_of_delivery AND in_force(c.started_on, better.valid_from, better.valid_to)
), scaled AS (
  SELECT *, (unit_pence::HUGEINT * short_stay_hundredths * ({_HUNDREDTHS} + top_up_hundredths)
    + (addition_pence + days_over * per_day_pence)::HUGEINT * {_HUNDREDTHS * _HUNDREDTHS}) * factor_millionths AS whole
  FROM parts
)
SELECT * EXCLUDE (whole, quantity),
  CASE WHEN quantity <= 0 OR lacks_price OR lacks_factor OR lacks_top_up OR lacks_best_practice THEN NULL
    WHEN local_pence IS NOT NULL THEN local_pence * quantity
    ELSE ((whole * 2 + {_SCALE}) // {2 * _SCALE})::BIGINT * quantity END AS expected_pence
FROM scaled"""


# A contract that pays for care already, and the approval that care needs.
COVERED: Final = """
CREATE TABLE covered AS
SELECT b.line_no, max(c.kind = 'block') AS is_block, max(c.kind = 'low-volume') AS is_low_volume
FROM bill b JOIN contracts c ON c.provider = b.provider AND c.point_of_delivery IN ('*', b.point_of_delivery)
  AND in_force(b.started_on, c.valid_from, c.valid_to)
GROUP BY b.line_no"""
APPROVED: Final = """
CREATE TABLE approved AS
SELECT b.line_no, n.kind AS needed, n.in_hospital_records = 'no' AS is_elsewhere, a.case_number IS NOT NULL AS is_known,
  coalesce(a.kind = n.kind AND a.provider = b.provider AND a.hrg = b.hrg
    AND in_force(b.started_on, a.valid_from, a.valid_to), false) AS is_in_force
FROM bill b JOIN approvals_needed n ON n.point_of_delivery = b.point_of_delivery
  AND in_force(b.started_on, n.valid_from, n.valid_to)
LEFT JOIN approvals a ON a.case_number = b.case_number"""
TOTALS: Final = """
CREATE TABLE totals AS
SELECT submission, provider, invoice, min(total_pence) AS least, max(total_pence) AS most,
  sum(amount_pence + vat_pence) AS summed
FROM line WHERE line_type <> 'credit' GROUP BY ALL"""
