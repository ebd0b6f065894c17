"""One invented line and its rows: as it is billed, as its backing says it, as the hospital records have it.

The price is computed here by itself, from the same tables, so that the checks
are not measured against their own arithmetic.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from caldicott.facts import invoices as facts
from caldicott.vocabulary.nhs_number import check_digit

if TYPE_CHECKING:
    from collections.abc import Iterator

_TODAY_PRICES = "2025-04-01"
_STEM = "900007919"
OTHER_PERSON = f"{_STEM}{check_digit(_STEM)}"
"""A number of the never-issued range that holds and is nobody's."""


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """A shipped table; of the prices those of the year that is billed."""
    rows = tuple(csv.DictReader(facts.table_text(name).splitlines()))
    return tuple(row for row in rows if name != "prices" or row["valid_from"] == _TODAY_PRICES)


@dataclass(frozen=True)
class Line:
    """A line with everything that is true of it, and what is wrong with it on purpose."""

    person: int
    provider: str
    hrg: str
    point_of_delivery: str
    started_on: date
    ended_on: date
    spell: str
    invoice: str = ""
    line: str = ""
    fault: str = ""
    unit_pence: int = 0
    amount_pence: int | None = None
    quantity: int = 1
    vat_percent: str = "0"
    vat_pence: int = 0
    currency: str = "GBP"
    case_number: str = ""
    line_type: str = "invoice"
    total_off: int = 0
    billed_to: str = ""
    received_after: int = 20
    period_from: date | None = None
    period_to: date | None = None
    backed: str = "own"
    """own, none, other, twice."""
    status: str = "01"
    number: str = ""
    born: str = ""
    top_up: str = ""
    best_practice: str = ""
    rule: str = ""
    fixed: str = ""
    traced: str = "yes"
    """yes, no, elsewhere, moved-in-later, nowhere, dead."""
    in_sus: str = "yes"
    """yes, no, or what differs: hrg, dates, spell, person."""
    sent: str = "once"
    """once, twice (the same line again) or again (the same activity on another invoice)."""
    is_the_faulty_one: bool = True

    @property
    def is_traced(self) -> bool:
        return self.traced != "no"

    def billed(self) -> Iterator[Line]:
        """The line, and the second bill for the same where it is billed twice."""
        if self.sent == "once":
            yield self
            return
        yield replace(self, is_the_faulty_one=False)
        later = {"received_after": self.received_after + 5}
        if self.sent == "twice":
            yield replace(self, backed="none", in_sus="no", total_off=0, **later)  # type: ignore[arg-type]
        else:
            yield replace(self, invoice=f"{self.invoice}B", in_sus="no", **later)  # type: ignore[arg-type]

    def invoice_row(self, own: str) -> dict[str, Any]:
        """As the ledger has it."""
        amount = self.unit_pence * self.quantity if self.amount_pence is None else self.amount_pence
        received = self.ended_on + timedelta(days=self.received_after)
        return {
            "Invoice_Number": self.invoice, "Line_ID": self.line, "Line_Type": self.line_type,
            "Provider_Code": self.provider, "Commissioner_Code": self.billed_to or own,
            "Invoice_Date": (received - timedelta(days=3)).isoformat(), "Received_Date": received.isoformat(),
            "Period_From": (self.period_from or self.started_on.replace(day=1)).isoformat(),
            "Period_To": (self.period_to or self.ended_on + timedelta(days=2)).isoformat(),
            "Quantity": self.quantity, "Unit_Price": f"{self.unit_pence / 100:.2f}",
            "Line_Amount": f"{amount / 100:.2f}", "VAT_Percent": self.vat_percent,
            "VAT_Amount": f"{self.vat_pence / 100:.2f}", "Currency": self.currency, "Case_Number": self.case_number,
            "~gross": amount + self.vat_pence, "~total_off": self.total_off,
        }  # fmt: skip

    def backing_rows(self, who: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Who sends which backing row."""
        if self.backed == "none":
            return
        row = {
            "Invoice_Number": self.invoice, "Line_ID": self.line, "Provider_Code": self.provider,
            "NHS_Number": self.number or who["number"], "NHS_Number_Trace_Status": self.status,
            "Date_of_Birth": self.born or who["born"], "Postcode": who["postcode"], "GP_Practice_Code": who["practice"],
            **self._care(), "Top_Up": self.top_up, "Best_Practice": self.best_practice,
            "Responsibility_Rule": self.rule, "Fixed_Commissioner": self.fixed,
        }  # fmt: skip
        yield ("RZ2" if self.provider == "RZ1" else "RZ1") if self.backed == "other" else self.provider, row
        if self.backed == "twice":
            yield self.provider, {**row, "NHS_Number": OTHER_PERSON}

    def sus_rows(self, who: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The hospital record, if there is one, and in which way it differs."""
        if self.in_sus == "no":
            return
        changed: dict[str, Any] = {
            "hrg": {"HRG": "ZZ99Z"},
            "dates": {"Start_Date": (self.started_on - timedelta(days=3)).isoformat()},
            "spell": {"Local_Spell_ID": f"{self.spell}X"},
            "person": {"NHS_Number": OTHER_PERSON},
        }.get(self.in_sus, {})
        yield {
            "Generated_Record_ID": f"R{self.spell}", "NHS_Number": who["number"],
            "NHS_Number_Trace_Status": "01", "Provider_Code": self.provider, **self._care(), **changed,
        }  # fmt: skip

    def trace_rows(self, who: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The registrations that the tracing service knows."""
        row = {"NHS_Number": who["number"], "NHS_Number_Trace_Status": "01", "Postcode": who["postcode"]}
        begun, moved = who["registered_on"].isoformat(), who["moved_on"]
        if self.traced == "elsewhere":
            yield {**row, "GP_Practice_Code": "Y90001", "Registered_From": begun}
        elif self.traced == "nowhere":
            yield {**row, "Postcode": "ZY1 1AA"}
        elif self.traced == "moved-in-later":
            joined = self.started_on + timedelta(days=10)
            left = (joined - timedelta(days=1)).isoformat()
            yield {**row, "GP_Practice_Code": "Y90002", "Registered_From": begun, "Registered_To": left}
            yield {**row, "GP_Practice_Code": who["practice"], "Registered_From": joined.isoformat()}
        elif self.traced == "dead":
            died = (self.started_on - timedelta(days=4)).isoformat()
            yield {**row, "GP_Practice_Code": who["practice"], "Registered_From": begun, "Date_of_Death": died}
        elif moved is not None:
            left = (moved - timedelta(days=1)).isoformat()
            yield {**row, "GP_Practice_Code": who["earlier_practice"], "Registered_From": begun, "Registered_To": left}
            yield {**row, "GP_Practice_Code": who["practice"], "Registered_From": moved.isoformat()}
        else:
            yield {**row, "GP_Practice_Code": who["practice"], "Registered_From": begun}

    def _care(self) -> dict[str, str]:
        return {
            "Local_Spell_ID": self.spell, "Start_Date": self.started_on.isoformat(),
            "End_Date": self.ended_on.isoformat(), "Point_of_Delivery": self.point_of_delivery, "HRG": self.hrg,
        }  # fmt: skip


def priced(line: Line) -> Line:
    """The line at the price that is due."""
    return replace(line, unit_pence=_due(line))


def _due(line: Line) -> int:
    local = [row for row in table("local_prices") if _is(row, line, "provider", "hrg", "point_of_delivery")]
    if local:
        return int(Fraction(local[0]["price"]) * 100)
    unit = next(row for row in table("prices") if _is(row, line, "hrg", "point_of_delivery"))
    nights = (line.ended_on - line.started_on).days
    price = Fraction(unit["price"])
    better = [row for row in table("best_practice") if _is(row, line, "best_practice", "hrg", "point_of_delivery")]
    price = Fraction(better[0]["amount"]) if better and better[0]["kind"] == "replace" else price
    if line.point_of_delivery == "NEL" and nights < 2:  # noqa: PLR2004  stays below two days are short
        price *= Fraction(unit["short_stay_percent"]) / 100
    extra = [row for row in table("top_ups") if _is(row, line, "provider", "top_up")]
    price *= 1 + (Fraction(extra[0]["percent"]) / 100 if extra else 0)
    price += Fraction(better[0]["amount"]) if better and better[0]["kind"] == "add" else 0
    over = max(0, nights - int(unit["trim_point_days"])) if unit["trim_point_days"] else 0
    price += over * Fraction(unit["per_day"] or 0)
    started = line.started_on.isoformat()
    factor = next(
        row["factor"]
        for row in table("market_forces")
        if row["provider"] == line.provider and row["valid_from"] <= started <= row["valid_to"]
    )
    return int(price * Fraction(factor) * 100 + Fraction(1, 2))


def _is(row: dict[str, str], line: Line, *columns: str) -> bool:
    return all(row[column] == getattr(line, column) for column in columns)
