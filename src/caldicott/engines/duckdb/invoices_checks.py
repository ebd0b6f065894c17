"""The checks of a line, each by its number and name: under which condition it gives which reason.

A check is a function of the rules; it answers reason codes, each with the SQL
that is true for the lines it speaks of. All are evaluated in one pass over one
wide table. What a reason means stands in facts/invoices/reasons.csv; checks 3,
13 and 14 are not about lines: the door, the report and the register keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.engines.duckdb.connection import text

if TYPE_CHECKING:
    from collections.abc import Callable

Conditions: TypeAlias = dict[str, str]

_BACKED: Final = "backing_rows = 1"


@dataclass(frozen=True)
class CheckRules:
    """The numbers the checks go by, and whose bills these are."""

    commissioner: str
    submit_within_days: int
    second_person_from_pence: int
    currency: str
    vat_hundredths: tuple[int, ...]


def invoice_names_nobody(_rules: CheckRules) -> Conditions:
    """1. No row of the invoice named a patient: such rows were held back at the door."""
    return {"patient-data-on-invoice": "names_patient"}


def backing_came_in(_rules: CheckRules) -> Conditions:
    """2. Backing by the right sender, once, admitted."""
    return {
        "no-backing": "backing_rows = 0 AND NOT is_held AND NOT is_from_other",
        "backing-held-back": "backing_rows = 0 AND is_held",
        "backing-other-sender": "backing_rows = 0 AND NOT is_held AND is_from_other",
        "backing-ambiguous": "backing_rows > 1",
    }


def number_traced(_rules: CheckRules) -> Conditions:
    """4. Status 01, confirmed by the tracing service, and dates that fit the person."""
    return {
        "number-not-verified": f"{_BACKED} AND (identity IS NULL OR status IS DISTINCT FROM '01')",
        "number-not-traced": f"{_BACKED} AND identity IS NOT NULL AND NOT is_traced",
        "before-birth": f"{_BACKED} AND started_on < birth_date",
        "after-death": f"{_BACKED} AND started_on > died_on",
    }


def ours(rules: CheckRules) -> Conditions:
    """5. We are responsible, and the invoice is addressed to us."""
    own = text(rules.commissioner)
    return {
        "commissioner-not-established": f"{_BACKED} AND responsible IS NULL",
        "not-ours": f"{_BACKED} AND NOT is_national AND responsible <> {own}",
        "billed-to-another": f"addressee <> {own}",
    }


def not_national(_rules: CheckRules) -> Conditions:
    """6. Not a service that is bought nationally."""
    return {"nationally-commissioned": f"{_BACKED} AND is_national"}


def activity_known(_rules: CheckRules) -> Conditions:
    """7. The hospital records have it; nearly is said apart from not at all."""
    looked = f"{_BACKED} AND NOT is_elsewhere AND NOT is_exact"
    return {
        "activity-not-found": f"{looked} AND near_differs IS NULL",
        "activity-differs": f"{looked} AND near_differs IS NOT NULL",
    }


def not_paid_before(_rules: CheckRules) -> Conditions:
    """8. Not sent before, not billed before, not paid for by a contract."""
    return {
        "duplicate-invoice": "is_repeated_line",
        "duplicate-activity": "is_repeated_activity AND NOT is_repeated_line",
        "covered-by-block": "is_block",
        "covered-by-low-volume": "is_low_volume",
    }


def price(_rules: CheckRules) -> Conditions:
    """9. The amount is the price in force that day."""
    return {
        "price-differs": "expected_pence IS NOT NULL AND expected_pence <> amount_pence - credited_pence",
        "price-missing": f"{_BACKED} AND lacks_price",
        "factor-missing": f"{_BACKED} AND lacks_factor AND NOT lacks_provider",
        "top-up-not-due": f"{_BACKED} AND lacks_top_up",
        "best-practice-not-due": f"{_BACKED} AND lacks_best_practice",
        "unknown-provider": "lacks_provider",
    }


def in_time(rules: CheckRules) -> Conditions:
    """10. Within the limit after the care; without backing, after the end of the invoice's period."""
    done_on = "coalesce(ended_on, started_on, period_to)"
    return {"late": f"received_on - {done_on} > {rules.submit_within_days}"}


def approved(_rules: CheckRules) -> Conditions:
    """11. A case in force where the care needs one."""
    return {
        "approval-missing": f"{_BACKED} AND needs_approval AND NOT is_known_case",
        "approval-not-in-force": f"{_BACKED} AND needs_approval AND is_known_case AND NOT is_case_in_force",
    }


def sums(rules: CheckRules) -> Conditions:
    """12. What the invoice says of itself holds together."""
    percents = ", ".join(str(value) for value in rules.vat_hundredths)
    # Halves up, away from zero, as a person rounds; in whole numbers.
    due = "sign(amount_pence) * ((abs(amount_pence)::HUGEINT * vat_hundredths * 2 + 10000) // 20000)"
    return {
        "arithmetic": "quantity * billed_unit_pence <> amount_pence",
        "quantity-not-positive": "quantity <= 0 OR amount_pence < 0",
        "vat": f"vat_hundredths NOT IN ({percents}) OR vat_pence <> {due}",
        "total-differs": "NOT is_broken AND (least_total <> most_total OR summed_pence <> most_total)",
        "period": f"period_to < period_from OR ({_BACKED} AND coalesce(ended_on, started_on) NOT BETWEEN period_from AND period_to)",
        "currency": f"currency <> {text(rules.currency)}",
        "line-type": "line_type <> 'invoice'",
    }


CHECKS: Final[dict[int, Callable[[CheckRules], Conditions]]] = {
    1: invoice_names_nobody,
    2: backing_came_in,
    4: number_traced,
    5: ours,
    6: not_national,
    7: activity_known,
    8: not_paid_before,
    9: price,
    10: in_time,
    11: approved,
    12: sums,
}
"""In the order in which a person would ask; the first reason that decides is the one told first."""


def reasons_sql(rules: CheckRules) -> str:
    """The list of codes that speak against a line, in order of check."""
    cases = [
        f"CASE WHEN {condition} THEN {text(code)} END"
        for check in CHECKS.values()
        for code, condition in check(rules).items()
    ]
    return "list_filter([\n    " + ",\n    ".join(cases) + "\n  ], lambda x: x IS NOT NULL)"


def wide() -> str:
    """Everything the checks ask about, one row a line."""
    return """
SELECT b.*, k.is_traced, k.died_on, r.is_national, r.responsible,
  coalesce(addressed.today, b.billed_to) AS addressee, x.line_no IS NOT NULL AS is_exact, n.near_differs,
  d.is_repeated_line, d.is_repeated_activity, m.activity_mark, coalesce(c.is_block, false) AS is_block,
  coalesce(c.is_low_volume, false) AS is_low_volume, p.* EXCLUDE (line_no), a.line_no IS NOT NULL AS needs_approval,
  coalesce(a.is_elsewhere, false) AS is_elsewhere, coalesce(a.is_known, false) AS is_known_case,
  coalesce(a.is_in_force, false) AS is_case_in_force, t.least AS least_total, t.most AS most_total,
  t.summed AS summed_pence, coalesce(cr.pence, 0) AS credited_pence, pr.provider IS NULL AS lacks_provider,
  np.invoice IS NOT NULL AS names_patient, br.invoice IS NOT NULL AS is_broken
FROM bill b
JOIN known k USING (line_no) JOIN answered r USING (line_no) JOIN repeated d USING (line_no) JOIN marked m USING (line_no)
LEFT JOIN succession addressed ON addressed.commissioner = b.billed_to
LEFT JOIN exact x USING (line_no) LEFT JOIN near n USING (line_no) LEFT JOIN covered c USING (line_no)
LEFT JOIN priced p USING (line_no) LEFT JOIN approved a USING (line_no)
LEFT JOIN totals t ON t.submission = b.submission AND t.provider = b.provider AND t.invoice = b.invoice
LEFT JOIN credited cr ON cr.submission = b.submission AND cr.file_row = b.file_row
LEFT JOIN providers pr ON pr.provider = b.provider
  AND in_force(coalesce(b.started_on, b.period_to), pr.valid_from, pr.valid_to)
LEFT JOIN (SELECT DISTINCT * FROM named_patient) np
  ON np.submission = b.submission AND np.provider = b.provider AND np.invoice = b.invoice
LEFT JOIN (SELECT DISTINCT * FROM broken_invoice) br
  ON br.submission = b.submission AND br.provider = b.provider AND br.invoice = b.invoice"""
