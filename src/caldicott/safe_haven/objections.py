"""Which objections take which rows out, and whether the national answer may still be used.

The register says which scheme stops which activity in which format and for
which datasets; here that becomes an order of schemes for a dataset. The first
that applies names the exclusion, so every row excluded is counted once.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.register.model import ObjectionRule
    from caldicott.vocabulary.terms import Objection


def schemes_for(dataset: str, rules: Iterable[ObjectionRule]) -> tuple[Objection, ...]:
    """The schemes that take rows of this dataset out, in the register's order."""
    chosen = [rule.scheme for rule in rules if not rule.datasets or dataset in rule.datasets]
    return tuple(dict.fromkeys(chosen))


def is_answer_usable(received: date, *, at: date, valid_days: int) -> bool:
    """Whether a national opt-out answer of that day may be used: it is short-lived and never stored on a person."""
    return received <= at <= received + timedelta(days=valid_days)
