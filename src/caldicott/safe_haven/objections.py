"""Which objections take which rows out, and whether the national answer may still be used.

The register says which scheme stops which activity in which format and for
which datasets; here that becomes an order of schemes for a dataset. The first
that applies names the exclusion, so every row excluded is counted once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from caldicott.vocabulary.terms import CODED_OBJECTIONS, Objection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from caldicott.register.model import ObjectionRule

CODED = CODED_OBJECTIONS

PRACTICE_UNANSWERED = "practice-not-answered"
"""The reason of a row whose person's practice has not said who objects: nobody objected, and nobody knows."""


def schemes_for(dataset: str, rules: Iterable[ObjectionRule]) -> tuple[Objection, ...]:
    """The schemes that take rows of this dataset out, in the register's order."""
    chosen = [rule.scheme for rule in rules if not rule.datasets or dataset in rule.datasets]
    return tuple(dict.fromkeys(chosen))


def is_answer_usable(received: date, *, at: date, valid_days: int) -> bool:
    """Whether a national opt-out answer of that day may be used: it is short-lived and never stored on a person."""
    return received <= at <= received + timedelta(days=valid_days)


@dataclass(frozen=True)
class CodesSent:
    """An extract of objection codes, as far as it says which practices have answered."""

    line: str
    """Sender and layout: a net change stands on the last full extract of its line."""
    is_full: bool
    period: tuple[str, str]
    received: date
    practices: frozenset[str]
    is_readable: bool = True
    """Not where its key was destroyed."""


def practices_answered(sent: Sequence[CodesSent]) -> dict[str, date]:
    """The practices that have said who objects, each with the day it last did; `sent` comes oldest extract first.

    A change alone says nothing of who objected before it. And a line that lost an extract may have lost an objection
    with it: it says nothing until a full extract of the same period has come.
    """
    found: dict[str, date] = {}
    for line in dict.fromkeys(one.line for one in sent):
        mine = [one for one in sent if one.line == line]
        if any(not one.is_readable and not _is_made_good(one, mine[place + 1 :]) for place, one in enumerate(mine)):
            continue
        full = frozenset[str]().union(*(one.practices for one in mine if one.is_readable and one.is_full))
        for one in mine:
            for practice in one.practices & full if one.is_readable else ():
                found[practice] = max(one.received, found.get(practice, one.received))
    return found


def _is_made_good(lost: CodesSent, later: Iterable[CodesSent]) -> bool:
    return any(
        one.is_readable and one.is_full and one.period[0] <= lost.period[0] and lost.period[1] <= one.period[1]
        for one in later
    )


def is_answered(scheme: Objection, *, codes_landed: bool, applied_at_source: Iterable[Collection[str]]) -> bool:
    """Whether anybody has said who objects by this scheme: a feed of codes, or every sender of the dataset.

    `applied_at_source` holds, a submission of the dataset each, the schemes its sender says it has applied.
    Until then nobody can be shown not to object, so everybody is out.
    """
    senders = list(applied_at_source)
    return scheme not in CODED or codes_landed or (bool(senders) and all(scheme in applied for applied in senders))
