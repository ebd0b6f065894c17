"""What a unit of care costs, and the sentence that says how it was reached [facts/governance: pricing rules].

A local price is what was agreed, all in. Otherwise: the price of the unit for
that kind of admission (or the best-practice price in its place), less the short
stay's share, plus top-up, plus best-practice addition, plus days over the trim
point; all times the provider's market forces factor; to the penny, halves up;
times the quantity. This is the reference that the engine's set-based SQL is
compared with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from caldicott.facts import invoices as facts

if TYPE_CHECKING:
    from datetime import date

    from caldicott.invoices.reference import Reference

_PERCENT, _MILLION = Decimal(10_000), Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Care:
    """What was done, as the backing says it."""

    provider: str
    hrg: str
    point_of_delivery: str
    started_on: date
    ended_on: date | None = None
    quantity: int = 1
    top_up: str = ""
    best_practice: str = ""

    @property
    def days(self) -> int:
        """Nights stayed; none if there is no last day."""
        return 0 if self.ended_on is None else max(0, (self.ended_on - self.started_on).days)


@dataclass(frozen=True)
class Price:
    """The amount expected, or the reasons why there is none; and every part it was made of, in pence."""

    expected_pence: int | None
    reasons: tuple[str, ...] = ()
    parts: dict[str, int] = field(default_factory=dict)


def expected(care: Care, reference: Reference) -> Price:
    """The price of the care in force on the day it began."""
    key = {"hrg": care.hrg, "point_of_delivery": care.point_of_delivery}
    local = reference.on("local_prices", care.started_on, provider=care.provider, **key)
    if local is not None:
        return Price(local["price_pence"] * care.quantity, (), {"local_pence": local["price_pence"]})
    unit = reference.on("prices", care.started_on, **key)
    factor = reference.on("market_forces", care.started_on, provider=care.provider)
    top_up = reference.on("top_ups", care.started_on, provider=care.provider, top_up=care.top_up)
    better = reference.on("best_practice", care.started_on, best_practice=care.best_practice, **key)
    missing = [
        ("price-missing", unit is None),
        ("factor-missing", factor is None),
        ("top-up-not-due", bool(care.top_up) and top_up is None),
        ("best-practice-not-due", bool(care.best_practice) and better is None),
    ]
    found = tuple(code for code, is_so in missing if is_so)
    if unit is None or factor is None or found:
        return Price(None, found)
    parts = _parts(care, unit=unit, factor=factor, top_up=top_up, better=better)
    return Price(_total(parts) * care.quantity, (), parts)


def _parts(
    care: Care, *, unit: dict[str, Any], factor: dict[str, Any], top_up: dict[str, Any] | None,
    better: dict[str, Any] | None,
) -> dict[str, int]:  # fmt: skip
    is_short = care.point_of_delivery == "NEL" and care.days < facts.rules()["short_stay_below_days"]
    replaces = better is not None and better["kind"] == "replace"
    trim = unit["trim_point_days"]
    return {
        "unit_pence": better["amount_pence"] if better is not None and replaces else unit["price_pence"],
        "short_stay_hundredths": unit["short_stay_hundredths"] if is_short else 10_000,
        "top_up_hundredths": top_up["percent_hundredths"] if top_up else 0,
        "addition_pence": better["amount_pence"] if better is not None and not replaces else 0,
        "days_over": 0 if trim is None else max(0, care.days - trim),
        "per_day_pence": unit["per_day_pence"] or 0,
        "factor_millionths": factor["factor_millionths"],
    }


def _total(parts: dict[str, int]) -> int:
    base = Decimal(parts["unit_pence"]) * parts["short_stay_hundredths"] / _PERCENT
    topped = base * (1 + parts["top_up_hundredths"] / _PERCENT)
    added = topped + parts["addition_pence"] + parts["days_over"] * parts["per_day_pence"]
    return int((added * parts["factor_millionths"] / _MILLION).quantize(Decimal(1), ROUND_HALF_UP))


def sentence(parts: dict[str, int], *, quantity: int, expected_pence: int) -> str:
    """How the amount was reached, in one plain sentence."""
    times = f", {quantity} times" if quantity != 1 else ""
    if "local_pence" in parts:
        return f"The price agreed locally is {pounds(parts['local_pence'])}{times}: {pounds(expected_pence)}."
    said = [f"The unit price is {pounds(parts['unit_pence'])}"]
    if parts["short_stay_hundredths"] != _PERCENT:
        said.append(f"of which a short emergency stay is paid {parts['short_stay_hundredths'] / 100:g} percent")
    if parts["top_up_hundredths"]:
        said.append(f"plus {parts['top_up_hundredths'] / 100:g} percent top-up")
    if parts["addition_pence"]:
        said.append(f"plus {pounds(parts['addition_pence'])} for best practice")
    if parts["days_over"]:
        said.append(f"plus {parts['days_over']} days over the trim point at {pounds(parts['per_day_pence'])}")
    said.append(f"times the provider's market forces factor {parts['factor_millionths'] / 1_000_000:g}")
    return f"{', '.join(said)}{times}: {pounds(expected_pence)}."


def money(amount: int, currency: str) -> str:
    """An amount in its own currency: pounds go without saying."""
    return pounds(amount) if currency == "GBP" else f"{pounds(amount).replace('£', '')} {currency}"


def pounds(amount: int) -> str:
    """Pence as pounds, as a person writes them."""
    sign = "-" if amount < 0 else ""
    return f"{sign}£{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
