"""What a member may decide of a queried line by hand: which verdict comes of it, or why none does.

Nobody approves what they entered. From the house's limit on two members must
approve: the first word is kept, and the line waits for the second person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.facts import invoices as facts
from caldicott.invoices.ledger import Account, LineState, decide_again, require_second_person
from caldicott.invoices.reasons import Verdict
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

AWAITING: Final = "awaiting-second-person"
ACCOUNT: Final = {"pay": Account.PAID, "query": Account.QUERIED, "reject": Account.REJECTED}


@dataclass(frozen=True, slots=True)
class Questioned:
    """A line as it stands before a member decides it."""

    verdict: str
    invoiced: int
    credited: int
    reasons: tuple[str, ...]
    hands: frozenset[str]
    """Who landed it, had it checked, or approved it before."""

    @property
    def left(self) -> int:
        return self.invoiced - self.credited


@dataclass(frozen=True, slots=True)
class Decided:
    """What comes of it."""

    verdict: Verdict
    reasons: tuple[str, ...]


def by_hand(line: Questioned, verdict: Verdict, *, by: str, second_person_from: int) -> Decided:
    """The verdict as it will stand.

    Raises:
        DoesNotHold: the line is settled, or there is nothing to pay. Refused: the member had a hand in it.
    """
    decide_again(LineState(line.invoiced, ACCOUNT[line.verdict], line.credited), verdict)
    if verdict is not Verdict.PAY:
        return Decided(verdict, line.reasons)
    if line.left < 0:
        raise DoesNotHold(
            "the amount is below nothing, so there is nothing to pay",
            code="nothing-to-pay", next_step="reject the line, and ask the provider for a credit note",
        )  # fmt: skip
    require_second_person(by, entered_by=line.hands)
    if abs(line.left) >= second_person_from and line.reasons != (AWAITING,):
        # What the machine asked about is answered by one member; that the sum may go out, by another.
        return Decided(Verdict.QUERY, (AWAITING,))
    return Decided(Verdict.PAY, line.reasons)


def because_codes(verdict: str) -> dict[str, str]:
    """Why a member may say that they decided so: code and sentence. A closed list: free words could name somebody."""
    return {row["code"]: row["sentence"] for row in facts.listed("because") if row["verdict"] == verdict}


def require_because(verdict: str, because: str, *, known: Iterable[str] | None = None) -> None:
    """A decision by hand says why.

    Raises:
        WrongUsage: it does not, or not by one of the listed codes.
    """
    codes = sorted(because_codes(verdict) if known is None else known)
    if because not in codes:
        raise WrongUsage(
            f"a decision by hand says why, by one of: {', '.join(codes)}",
            code="because-unknown",
            next_step="choose the one that fits; docs/reference/invoices.md says what each means",
        )
