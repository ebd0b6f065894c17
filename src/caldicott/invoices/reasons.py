"""The coded reasons: what each means, which check gives it, whether it asks or rejects, what of it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from caldicott.facts import invoices as facts

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING_AGAINST: Final = "none"
"""The reason code of a line that is paid."""


class Verdict(StrEnum):
    """What becomes of a line."""

    PAY = "pay"
    QUERY = "query"
    REJECT = "reject"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Reason:
    """One coded reason. `outside` is the coarser code that may leave: no reason tells of one patient."""

    code: str
    check: int
    verdict: Verdict
    outside: str
    sentence: str


@cache
def reasons() -> dict[str, Reason]:
    """Every reason by its code, in order of check."""
    return {
        row["code"]: Reason(row["code"], int(row["check"]), Verdict(row["outcome"]), row["outside"], row["sentence"])
        for row in facts.listed("reasons")
    }


def verdict_of(codes: Iterable[str]) -> Verdict:
    """Reject if anything rejects, else query if anything asks; pay only if nothing speaks against it."""
    found = {reasons()[code].verdict for code in codes}
    return next((verdict for verdict in (Verdict.REJECT, Verdict.QUERY) if verdict in found), Verdict.PAY)


def outside_code(codes: Iterable[str]) -> str:
    """The reasons that decided, as the code that leaves: sorted, each once; `none` for a line that is paid."""
    known = list(codes)
    verdict = verdict_of(known)
    told = sorted({reasons()[code].outside for code in known if reasons()[code].verdict is verdict})
    return "+".join(told) or NOTHING_AGAINST
