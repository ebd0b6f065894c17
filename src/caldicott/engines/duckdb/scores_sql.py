"""A score as one SQL expression over bit masks and features, made from its table [notes: set-wise engine].

Every condition of every score asked for has one bit; conditions with the same
codes share it, so four Charlson scores cost one. A person's masks are OR-ed, so
order and repetition of rows cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import quoted, text
from caldicott.stratification.score import SCORE_FEATURE, Group, Kind, Link, Match, Range, Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

WORD: Final = 62
"""Bits a signed 64-bit word holds with room to spare."""
EVER: Final = 0
"""The window that has no beginning."""


@dataclass(frozen=True)
class Slots:
    """Which bit each set of codes has. All bits of a word are looked for in the same window of time."""

    places: dict[tuple[Match, tuple[str, ...], int], tuple[int, int]] = field(default_factory=dict)
    """Word and bit of the codes within so many months."""
    windows: tuple[int, ...] = ()
    """The window of each word."""
    dated: bool = True
    """Without dates no window can be told, and every code counts whenever it was."""

    @property
    def words(self) -> int:
        return len(self.windows)

    def flag(self, group: Group) -> str:
        """Whether the person has the condition, by codes or by the feature that stands for them."""
        says = [self._bit(group)] if group.codes else []
        if group.or_feature:
            says.append(f"coalesce({within(feature_column(group.or_feature), group.or_range)}, false)")
        return f"({' OR '.join(says) or 'false'})"

    def _bit(self, group: Group) -> str:
        word, bit = self.places[_key(group, dated=self.dated)]
        return f"w{word} & {1 << bit} <> 0"

    def code_rows(self) -> list[tuple[str, str, int, int]]:
        """For every code of every condition: how it matches, which word, which bit."""
        return [
            (match.value, code, word, 1 << bit)
            for (match, codes, _window), (word, bit) in self.places.items()
            for code in codes
        ]


def slots_of(scores: Iterable[Score], *, dated: bool) -> Slots:
    """One bit for every different set of codes in a window; a word begins anew with each window."""
    keys = dict.fromkeys(_key(group, dated=dated) for score in scores for group in score.groups if group.codes)
    places: dict[tuple[Match, tuple[str, ...], int], tuple[int, int]] = {}
    windows: list[int] = []
    for window in sorted({key[-1] for key in keys}):
        for place, key in enumerate(key for key in keys if key[-1] == window):
            if place % WORD == 0:
                windows.append(window)
            places[key] = len(windows) - 1, place % WORD
    return Slots(places, tuple(windows), dated)


def _key(group: Group, *, dated: bool) -> tuple[Match, tuple[str, ...], int]:
    return group.match, group.codes, (group.window_months or EVER) if dated else EVER


def feature_column(name: str) -> str:
    """A feature's column; a score that is a part of another is a feature under its own name."""
    return quoted(name.removeprefix(SCORE_FEATURE)) if name.startswith(SCORE_FEATURE) else quoted(f"f_{name}")


def within(value: str, range_: Range) -> str:
    """Whether a value is in a range; null when there is no value."""
    limits = (("at_least", ">="), ("above", ">"), ("below", "<"), ("at_most", "<="))
    said = [f"{value} {sign} {limit}" for name, sign in limits if (limit := getattr(range_, name)) is not None]
    return f"({' AND '.join(said) or f'{value} IS NOT NULL'})"


def value_of(score: Score, slots: Slots, *, aged: bool) -> str:
    """The score's value as SQL: null where a feature is missing or the person is below its age."""
    value = _segment(score, slots) if score.kind is Kind.SEGMENT else _number(score, slots)
    conditions = (
        [] if score.kind is Kind.SEGMENT else [f"{feature_column(name)} IS NOT NULL" for name in sorted(score.features)]
    )
    if aged and score.age_from is not None:
        conditions.append(f"f_age >= {score.age_from}")
    return f"CASE WHEN {' AND '.join(conditions)} THEN {value} END" if conditions else value


def band_of(score: Score) -> str:
    """The name of the band the value is in, null without a value."""
    cases = " ".join(f"WHEN {within(quoted(score.name), band.range)} THEN {text(band.name)}" for band in score.bands)
    return f"CASE {cases} END"


def tier_of(rank: str, tiers: Sequence[tuple[str, float]]) -> str:
    """Tiers by the share of people above: ties are never cut apart, so a tier can be larger than its name says."""
    cases = " ".join(f"WHEN {rank} < {share} THEN {text(name)}" for name, share in tiers)
    return f"CASE {cases} END"


def _number(score: Score, slots: Slots) -> str:
    decimals = score.decimals
    exact = decimals is not None and all(term.per_unit is None for term in score.terms)
    scale = 10 ** (decimals or 0) if exact else 1
    total = " + ".join(_parts(score, slots, scale if exact else None))
    if score.divisor is not None:
        total = f"({total}) / {score.divisor}::DOUBLE"
    if score.minimum is not None:
        total = f"greatest({total}, {score.minimum * scale if exact else score.minimum})"
    if score.link is Link.LOGISTIC:
        total = f"1 / (1 + exp(-({total})))"
    if exact:
        return f"({total})::BIGINT" if decimals == 0 else f"(({total}) / {scale})::DECIMAL(18, {decimals})"
    return f"({total})::DECIMAL(18, {6 if decimals is None else decimals})"


def _parts(score: Score, slots: Slots, scale: int | None) -> list[str]:
    flags = {group.id: slots.flag(group) for group in score.groups}
    parts = [_amount(score.intercept, scale)]
    for group in score.groups:
        if group.weight:
            hidden = "".join(f" AND NOT {flags[above]}" for above in group.hidden_by)
            parts.append(f"CASE WHEN {flags[group.id]}{hidden} THEN {_amount(group.weight, scale)} ELSE 0 END")
    for term in score.terms:
        value = feature_column(term.feature)
        if term.per_unit is not None:
            amount = f"{value} * {_amount(term.per_unit, None)}"
            parts.append(
                amount if term.range.is_open else f"CASE WHEN {within(value, term.range)} THEN {amount} ELSE 0 END"
            )
        else:
            parts.append(f"CASE WHEN {within(value, term.range)} THEN {_amount(term.points, scale)} ELSE 0 END")
    return parts


def _amount(amount: Decimal, scale: int | None) -> str:
    """Whole numbers of the smallest unit where the sum is exact, floating point where it cannot be."""
    return str(int(amount * scale)) if scale is not None else f"{amount!s}::DOUBLE"


def _segment(score: Score, slots: Slots) -> str:
    flags = {group.id: slots.flag(group) for group in score.groups}
    cases = []
    for segment in score.segments:
        says = [flags[name] for name in segment.any_of]
        if segment.feature:
            says.append(f"coalesce({within(feature_column(segment.feature), segment.range)}, false)")
        cases.append(f"WHEN {' OR '.join(says) or 'true'} THEN {text(segment.name)}")
    return f"CASE {' '.join(cases)} ELSE {text(score.otherwise)} END"
