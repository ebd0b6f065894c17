"""What a person's scores are made of: which condition, for which code, since when; and the months before.

Worked out for the few people on the page, from the same marts and the same
tables the scores came from. Tokens and codes only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb import risk
from caldicott.engines.duckdb.features import codes_of
from caldicott.operations.model_marts import months_earlier
from caldicott.operations.model_why import parts_of
from caldicott.operations.stratify_plan import BY_MODEL, RISK_SCORES, plan
from caldicott.stores.mart_seals import intact
from caldicott.stratification.score import Kind, Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from caldicott.operations.model_why import Part
    from caldicott.operations.perform import House
    from caldicott.stratification.score import Group, Score

_NOT_IN_CODE: Final = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True, repr=False)
class Contribution:
    """A condition that counts in a score: what it adds, and the codes and days that say so."""

    score: str
    group: str
    adds: float
    codes: tuple[str, ...]
    first_on: date
    last_on: date

    def __repr__(self) -> str:
        return "Contribution(**********)"


@dataclass(frozen=True, slots=True)
class _Fact:
    code: str
    on: date


def contributions_of(
    house: House, activity: str, tokens: Sequence[str], *, as_of: str
) -> dict[str, tuple[Contribution, ...]]:
    """For each token, every condition that adds to one of its scores."""
    files = intact(house.store, "mart", activity)
    paths = [house.store.root / file.path for file in files if file.part.startswith("sus-apc/")]
    on = date.fromisoformat(as_of)
    facts: dict[str, list[_Fact]] = {}
    for token, code, day in codes_of(paths, tokens, on):
        facts.setdefault(token, []).append(_Fact(_NOT_IN_CODE.sub("", code.upper()), day))
    found = {token: tuple(_contributions(known, on)) for token, known in facts.items()}
    for token, parts in parts_of(house, activity, tokens, as_of=on).items():
        found[token] = (*found.get(token, ()), *(_of_model(part, on) for part in parts))
    return found


def _of_model(part: Part, on: date) -> Contribution:
    """A fact that the approved model counts; it has a stretch of time and no code."""
    since = months_earlier(on, part.months) if part.months else on
    return Contribution(BY_MODEL, part.words, part.adds, (), since, on)


def history_of(house: House, activity: str, tokens: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of these tokens, month by month, oldest first."""
    if not tokens:
        return {}
    files = [f for f in intact(house.store, "mart", activity) if f.part.startswith(f"{RISK_SCORES}/")]
    paths = [house.store.root / file.path for file in sorted(files, key=lambda file: file.part)]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in risk.rows_of(paths, tokens):
        found.setdefault(str(row.pop("person_token")), []).append(row)
    return found


def _contributions(facts: Sequence[_Fact], on: date) -> Iterable[Contribution]:
    for score in plan().scores:
        if score.kind is Kind.SUM:
            yield from contributions(score, facts, on)


def contributions(score: Score, facts: Sequence[_Fact], on: date) -> Iterable[Contribution]:
    """The groups of one score that the facts make true and that no severer one hides."""
    true: Mapping[str, list[_Fact]] = {
        group.id: said for group in score.groups if (said := [one for one in facts if _says(group, one, on)])
    }
    for group in score.groups:
        said = true.get(group.id, [])
        if said and group.weight and not any(above in true for above in group.hidden_by):
            days = sorted(one.on for one in said)
            codes = tuple(sorted({one.code for one in said}))
            yield Contribution(score.name, group.id, float(group.weight), codes, days[0], days[-1])


def _says(group: Group, fact: _Fact, on: date) -> bool:
    if fact.on > on or (group.window_months is not None and _months(fact.on, on) >= group.window_months):
        return False
    if group.match is Match.EXACT:
        return fact.code in group.codes
    return fact.code.startswith(group.codes)


def _months(day: date, on: date) -> int:
    return on.year * 12 + on.month - (day.year * 12 + day.month) - (1 if day.day > on.day else 0)
