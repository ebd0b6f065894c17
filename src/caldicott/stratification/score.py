"""What a score is: groups of codes with weights, terms over counts, a hierarchy, a window, bands. Nothing else.

One form holds them all, so that one engine runs them all and a new score is a file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

SCORE_FEATURE: Final = "score:"
"""A feature that is another score, as `score:lace-charlson`."""


class Standing(StrEnum):
    """How far a table may be trusted."""

    VERIFIED = "verified"
    REMEMBERED = "remembered"
    OWN = "own"


class Kind(StrEnum):
    """A sum, or the first rule that fits."""

    SUM = "sum"
    SEGMENT = "segment"


class Link(StrEnum):
    """What becomes of the sum."""

    IDENTITY = "identity"
    LOGISTIC = "logistic"


class Match(StrEnum):
    """Whether a code belongs to a group by its beginning (ICD-10) or as a whole (SNOMED CT)."""

    PREFIX = "prefix"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from, to and between: `at_least` and `at_most` belong to it, `above` and `below` do not."""

    at_least: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    at_most: Decimal | None = None

    @property
    def is_open(self) -> bool:
        """Whether every number is in it."""
        return self == Range()


@dataclass(frozen=True, slots=True)
class Group:
    """A condition: the codes that say so, and what it weighs when nothing more severe hides it."""

    id: str
    codes: tuple[str, ...]
    match: Match
    weight: Decimal
    hidden_by: tuple[str, ...] = ()
    window_months: int | None = None
    or_feature: str = ""
    or_range: Range = Range()
    """A feature that makes the condition true without a code, such as 5 medicines for polypharmacy."""


@dataclass(frozen=True, slots=True)
class Term:
    """Points for a feature in a range, or so many points per unit of it."""

    feature: str
    range: Range = Range()
    points: Decimal = Decimal(0)
    per_unit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A named part of a score's values."""

    name: str
    range: Range


@dataclass(frozen=True, slots=True)
class Segment:
    """A named part of the population: anyone with one of these groups, or with the feature in the range."""

    name: str
    any_of: tuple[str, ...] = ()
    feature: str = ""
    range: Range = Range()


@dataclass(frozen=True, slots=True)
class Score:
    """A published score, ready for the engine."""

    name: str
    title: str
    version: str
    citation: str
    licence: str
    standing: Standing
    standing_note: str
    kind: Kind = Kind.SUM
    groups: tuple[Group, ...] = ()
    terms: tuple[Term, ...] = ()
    bands: tuple[Band, ...] = ()
    segments: tuple[Segment, ...] = ()
    otherwise: str = ""
    intercept: Decimal = Decimal(0)
    link: Link = Link.IDENTITY
    minimum: Decimal | None = None
    divisor: Decimal | None = None
    age_from: int | None = None
    needs_code_set: str = ""
    """What to load when the codes do not ship; empty when they do."""

    @property
    def features(self) -> frozenset[str]:
        """Every feature its value depends on; without one of them a person has no value."""
        return frozenset(term.feature for term in self.terms) | frozenset(
            segment.feature for segment in self.segments if segment.feature
        )

    @property
    def optional_features(self) -> frozenset[str]:
        """Features that only add to it."""
        return frozenset(group.or_feature for group in self.groups if group.or_feature)

    @property
    def parts(self) -> frozenset[str]:
        """The other scores it is made of."""
        return frozenset(name.removeprefix(SCORE_FEATURE) for name in self.features if name.startswith(SCORE_FEATURE))

    @property
    def needs_codes(self) -> bool:
        return bool(self.groups)

    @property
    def decimals(self) -> int | None:
        """How many decimals its value has; None where it is a probability or a quotient and is rounded to six."""
        if self.link is not Link.IDENTITY or self.divisor is not None:
            return None
        amounts = [self.intercept, *(group.weight for group in self.groups)]
        amounts += [term.points if term.per_unit is None else term.per_unit for term in self.terms]
        return max(_decimals(amount) for amount in amounts)

    @property
    def sha256(self) -> str:
        """Names the table exactly: two values with the same hash were made by the same rules."""
        return hashlib.sha256(json.dumps(asdict(self), default=str, sort_keys=True).encode()).hexdigest()


def _decimals(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
