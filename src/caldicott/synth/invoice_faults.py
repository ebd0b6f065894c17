"""Every kind of fault a line can have: how it is made, and the decision and reason it must get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from caldicott.synth.invoice_prices import OTHER_PERSON, Line, priced

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Fault:
    """One kind. `providers` and `hrgs` keep to lines in which it can stand."""

    decision: str
    reason: str
    made: Callable[[Line], Line]
    providers: tuple[str, ...] = ()
    hrgs: tuple[str, ...] = ()


def _set(**changes: Any) -> Callable[[Line], Line]:
    return lambda line: replace(line, **changes)


def _repriced(**changes: Any) -> Callable[[Line], Line]:
    return lambda line: priced(replace(line, **changes))


def _dearer(pence: int) -> Callable[[Line], Line]:
    return lambda line: replace(line, unit_pence=line.unit_pence + pence)


def _long(line: Line) -> Line:
    """Billed with two days over the trim point more than there were."""
    stayed = priced(replace(line, ended_on=line.started_on + timedelta(days=45)))
    return replace(stayed, unit_pence=stayed.unit_pence + 2 * 20_000)


def _short(line: Line) -> Line:
    """Billed in full, though the patient went home the next day."""
    full = priced(replace(line, ended_on=line.started_on + timedelta(days=3)))
    return replace(full, ended_on=line.started_on + timedelta(days=1))


def of_a_case(line: Line, kind: str, number: str) -> Line:
    """Care that needs an approval, at the price agreed for it."""
    hrg = {"IFR": "IFRX1", "CHC": "CHCW1"}[kind]
    return priced(
        replace(line, provider="NZ1", hrg=hrg, point_of_delivery=kind, ended_on=line.started_on, case_number=number,
                in_sus="no")
    )  # fmt: skip


def _before_period(line: Line) -> Line:
    return replace(line, period_from=line.ended_on + timedelta(days=1), period_to=line.ended_on + timedelta(days=9))


def _late(line: Line) -> Line:
    """Long ago, so that a day past the limit is not a day in the future."""
    early = date(2025, 6, 2)
    return priced(
        replace(line, started_on=early, ended_on=early + (line.ended_on - line.started_on), received_after=184)
    )


def _vat(line: Line) -> Line:
    return replace(line, vat_percent="20", vat_pence=line.unit_pence // 10)


_STAYS = ("FD01A/NEL", "AA22C/NEL")
FAULTS: dict[str, Fault] = {
    "patient-on-invoice": Fault("held", "patient-data-on-invoice", _set(case_number=OTHER_PERSON)),
    "postcode-on-invoice": Fault("held", "patient-data-on-invoice", _set(case_number="ZZ1 4AB")),
    "no-backing": Fault("query", "no-backing", _set(backed="none")),
    "backing-held-back": Fault("query", "backing-held-back", _set(number="9000000001")),
    "backing-by-another": Fault("query", "backing-other-sender", _set(backed="other")),
    "backing-twice": Fault("query", "backing-ambiguous", _set(backed="twice")),
    "number-unverified": Fault("query", "number-not-verified", _set(status="02")),
    "number-untraced": Fault("query", "number-not-traced", _set(traced="no")),
    "billed-before-birth": Fault(
        "query", "before-birth", lambda line: replace(line, born=(line.started_on + timedelta(days=1)).isoformat())
    ),
    "billed-after-death": Fault("query", "after-death", _set(traced="dead")),
    "rule-unknown": Fault("query", "commissioner-not-established", _set(rule="something-else")),
    "registered-elsewhere": Fault("reject", "not-ours", _set(traced="elsewhere")),
    "moved-in-later": Fault("reject", "not-ours", _set(traced="moved-in-later")),
    "resident-elsewhere": Fault("reject", "not-ours", _set(traced="nowhere")),
    "detained-elsewhere": Fault("reject", "not-ours", _set(rule="detained", fixed="QYY")),
    "placed-elsewhere": Fault("reject", "not-ours", _set(rule="looked-after", fixed="QYY")),
    "addressed-elsewhere": Fault("reject", "billed-to-another", _set(billed_to="QYY")),
    "specialised": Fault("reject", "nationally-commissioned", _set(rule="specialised")),
    "not-in-records": Fault("query", "activity-not-found", _set(in_sus="no")),
    "other-hrg": Fault("query", "activity-differs", _set(in_sus="hrg")),
    "other-dates": Fault("query", "activity-differs", _set(in_sus="dates")),
    "other-spell": Fault("query", "activity-differs", _set(in_sus="spell")),
    "other-person": Fault("query", "activity-differs", _set(in_sus="person")),
    "sent-twice": Fault("reject", "duplicate-invoice", _set(sent="twice")),
    "billed-again": Fault("reject", "duplicate-activity", _set(sent="again")),
    "in-the-block": Fault("reject", "covered-by-block", _repriced(), ("RZ1",), ("WF01A/OPFUP",)),
    "in-low-volume": Fault("reject", "covered-by-low-volume", _repriced(), ("RZ2",), ("VB11Z/AE1", "VB09Z/AE1")),
    "penny-too-much": Fault("query", "price-differs", _dearer(1)),
    "factor-of-another": Fault(
        "query",
        "price-differs",
        lambda line: replace(line, unit_pence=priced(replace(line, provider="RZ2")).unit_pence),
        ("RZ1",),
        _STAYS,
    ),
    "long-stay-too-long": Fault("query", "price-differs", _long, (), _STAYS),
    "short-stay-in-full": Fault("query", "price-differs", _short, (), ("FD01A/NEL", "EB03E/NEL")),
    "top-up-not-due": Fault("query", "top-up-not-due", _set(top_up="spinal"), ("RZ1", "RZ2"), _STAYS),
    "top-up-forgotten": Fault("query", "price-differs", _set(top_up="children"), ("RZ1",), _STAYS),
    "best-practice-forgotten": Fault("query", "price-differs", _set(best_practice="bp-hip"), (), ("HN22B/NEL",)),
    "best-practice-not-due": Fault("query", "best-practice-not-due", _set(best_practice="bp-hip"), (), _STAYS),
    "price-gap": Fault("query", "price-missing", lambda line: replace(line, hrg="ZZ98Z"), ("RZ1", "RZ2")),
    "provider-unknown": Fault(
        "query", "unknown-provider", lambda line: replace(line, provider="RQX", backed="none", in_sus="no")
    ),
    "too-late": Fault("reject", "late", _late),
    "no-approval": Fault("query", "approval-missing", lambda line: of_a_case(line, "IFR", "")),
    "approval-of-another": Fault("query", "approval-not-in-force", lambda line: of_a_case(line, "IFR", "CHC-0001")),
    "approval-ended": Fault("query", "approval-not-in-force", lambda line: of_a_case(line, "CHC", "CHC-0099")),
    "sum-wrong": Fault(
        "query",
        "arithmetic",
        lambda line: replace(line, amount_pence=line.unit_pence, unit_pence=line.unit_pence + 100),
    ),
    "quantity-zero": Fault("query", "quantity-not-positive", _set(quantity=0)),
    "quantity-negative": Fault("query", "quantity-not-positive", _set(quantity=-2)),
    "vat-wrong": Fault("query", "vat", _vat),
    "total-wrong": Fault("query", "total-differs", _set(total_off=500)),
    "outside-period": Fault("query", "period", _before_period),
    "other-currency": Fault("query", "currency", _set(currency="EUR")),
}
