"""The ledger: what was invoiced is paid, queried, rejected or credited, to the penny, at every moment.

Postings are only ever added. A line is entered once: its whole amount under
`invoiced` and, the same, under what was decided. Later decisions move it from
one account to another and leave `invoiced` as it is, so the ledger cannot lose
its balance by any order of acts; `balance` proves it each time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from caldicott.invoices.reasons import Verdict
from caldicott.vocabulary.errors import DoesNotHold, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable


class Account(StrEnum):
    """Where money stands."""

    INVOICED = "invoiced"
    PAID = "paid"
    QUERIED = "queried"
    REJECTED = "rejected"
    CREDITED = "credited"


ACCOUNT_OF = {Verdict.PAY: Account.PAID, Verdict.QUERY: Account.QUERIED, Verdict.REJECT: Account.REJECTED}


@dataclass(frozen=True, slots=True)
class Posting:
    """So much more or less on one account."""

    account: Account
    pence: int


@dataclass(frozen=True, slots=True)
class LineState:
    """Where one line stands: the account that holds what is left of it after credits."""

    invoiced: int
    account: Account
    credited: int = 0

    @property
    def left(self) -> int:
        """What is not credited."""
        return self.invoiced - self.credited


Moved = tuple[LineState, tuple[Posting, ...]]


def enter(pence: int, verdict: Verdict) -> Moved:
    """A line comes in and is decided."""
    account = ACCOUNT_OF[verdict]
    return LineState(pence, account), (Posting(Account.INVOICED, pence), Posting(account, pence))


def decide_again(state: LineState, verdict: Verdict) -> Moved:
    """A queried line gets another decision, after a reply or by a second person.

    Raises:
        DoesNotHold: the line is not queried; what is paid or rejected stays so.
    """
    if state.account is not Account.QUERIED:
        raise DoesNotHold(
            f"the line is {state.account.value}; only a queried line is decided again",
            code="line-settled",
            next_step="ask the provider for a credit note, or for a new invoice line",
        )
    account = ACCOUNT_OF[verdict]
    postings = (Posting(state.account, -state.left), Posting(account, state.left))
    return replace(state, account=account), postings if account is not state.account else ()


def credit(state: LineState, pence: int) -> Moved:
    """A credit note takes part or all of a line back.

    Raises:
        DoesNotHold: nothing or more than is left would be taken back.
    """
    if not 0 < pence <= state.left:
        raise DoesNotHold(
            "the credit is not more than nothing and at most what is left of the line",
            code="credit-too-large",
            next_step="ask the provider for a credit note over at most what is left",
        )
    postings = (Posting(state.account, -pence), Posting(Account.CREDITED, pence))
    return replace(state, credited=state.credited + pence), postings


def require_second_person(approver: str, *, entered_by: Iterable[str]) -> None:
    """Nobody approves what they entered.

    Raises:
        Refused: the approver had a hand in it.
    """
    if approver in set(entered_by):
        raise Refused(
            "Nobody approves what they entered: you took this invoice in, had it checked or approved it first. "
            "Ask another member.",
            code="same-person",
            next_step="ask another member of the controlled environment to approve it",
        )


@dataclass(frozen=True)
class Balance:
    """The sums of the accounts, in one currency."""

    pence: dict[Account, int]

    @property
    def difference(self) -> int:
        """Invoiced less everything it should be in; nought when the ledger holds."""
        return 2 * self.pence[Account.INVOICED] - sum(self.pence.values())

    @property
    def holds(self) -> bool:
        return self.difference == 0


def balance(postings: Iterable[Posting]) -> Balance:
    """The accounts summed."""
    sums: dict[Account, int] = defaultdict(int)
    for posting in postings:
        sums[posting.account] += posting.pence
    return Balance({account: sums[account] for account in Account})
