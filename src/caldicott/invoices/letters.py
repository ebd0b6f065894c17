"""A letter that asks a provider about queried lines: what it says, and by when the answer is due. Nobody is named.

A letter has the numbers of invoices and lines, amounts, and questions by the
coarser codes that may leave: no reason that tells of one patient is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from caldicott.facts import invoices as facts
from caldicott.invoices.price import money
from caldicott.invoices.reasons import Verdict, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Asked:
    """One line a letter asks about."""

    invoice: str
    line: str
    pence: int
    currency: str
    outside: tuple[str, ...]

    @property
    def amount(self) -> str:
        return money(self.pence, self.currency)


@dataclass(frozen=True)
class Letter:
    """A letter as it is sent."""

    number: str
    sender: str
    provider: str
    on: date
    due: date
    lines: tuple[Asked, ...]

    @property
    def title(self) -> str:
        return f"Questions about your invoices, letter {self.number}"

    @property
    def opening(self) -> tuple[str, ...]:
        count = len(self.lines)
        return (
            f"We checked your invoices and have questions about {count} {'line' if count == 1 else 'lines'}.",
            f"Please answer by {written(self.due)}.",
            (
                "Send corrected backing through the controlled environment only. Send no patient's name or number by "
                "letter or e-mail, and put none on an invoice."
            ),
            "For what you take back, send a credit note that names the invoice and the line.",
        )

    @property
    def questions(self) -> tuple[tuple[str, str], ...]:
        """Each question once: its code and what we ask for."""
        used = {code for one in self.lines for code in one.outside}
        return tuple((row["outside"], row["question"]) for row in facts.listed("questions") if row["outside"] in used)


def outside_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """What may be told a provider of the reasons of a queried line."""
    known = [reasons()[code] for code in codes]
    return tuple(sorted({one.outside for one in known if one.verdict is Verdict.QUERY}))


def due_on(sent: date, *, working_days: int) -> date:
    """The last day for an answer: so many working days in England after the letter."""
    import holidays

    closed = holidays.country_holidays("GB", subdiv="ENG", years=range(sent.year, sent.year + 3))
    day, left = sent, working_days
    while left:
        day += timedelta(days=1)
        left -= day.isoweekday() < 6 and day not in closed  # noqa: PLR2004  Saturday
    return day


def written(day: date) -> str:
    """A day as a letter writes it."""
    return f"{day.day} {day.strftime('%B %Y')}"
