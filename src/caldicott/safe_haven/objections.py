"""Which objections take which rows out, and whether the national answer may still be used.

The register says which scheme stops which activity in which format and for
which datasets; here that becomes an order of schemes for a dataset. The first
that applies names the exclusion, so every row excluded is counted once.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from caldicott.register.model import ObjectionRule

CODED = frozenset({Objection.TYPE_1, Objection.RISK_STRATIFICATION, Objection.RESEARCH, Objection.DEIDENTIFIED})
"""Schemes that live only as codes in practice systems. Type 2 ended in 2018 and the national answer carries it."""


def schemes_for(dataset: str, rules: Iterable[ObjectionRule]) -> tuple[Objection, ...]:
    """The schemes that take rows of this dataset out, in the register's order."""
    chosen = [rule.scheme for rule in rules if not rule.datasets or dataset in rule.datasets]
    return tuple(dict.fromkeys(chosen))


def is_answer_usable(received: date, *, at: date, valid_days: int) -> bool:
    """Whether a national opt-out answer of that day may be used: it is short-lived and never stored on a person."""
    return received <= at <= received + timedelta(days=valid_days)


def is_answered(scheme: Objection, *, codes_landed: bool, applied_at_source: Iterable[Collection[str]]) -> bool:
    """Whether anybody has said who objects by this scheme: a feed of codes, or every sender of the dataset.

    `applied_at_source` holds, a submission of the dataset each, the schemes its sender says it has applied.
    Until then nobody can be shown not to object, so everybody is out.
    """
    senders = list(applied_at_source)
    return scheme not in CODED or codes_landed or (bool(senders) and all(scheme in applied for applied in senders))
