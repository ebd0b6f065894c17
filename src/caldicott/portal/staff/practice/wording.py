"""Names and numbers as a member of staff of a practice reads them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb.risk import COUNTS
from caldicott.operations.practice_case import JUDGEMENT_WORDS, STAGE_WORDS, CaseStage, Judgement
from caldicott.operations.practice_list import CHANGE
from caldicott.operations.stratify_plan import BY_MODEL, RANKED, TIER_PLACE, criteria, plan
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.operations.reidentify import PersonSeen
    from caldicott.stores.desk.cases import CaseNow

CHANGES: Final = {
    "rising": "Up since last month",
    "falling": "Down since last month",
    "same": "Same as last month",
    "new": "New on the list",
}
FILTER_WORDS: Final = {
    "tier": "Tier",
    "change": "Change since last month",
    "age-band": "Age",
    "segment": "Group",
    "frailty": "Frailty",
    "polypharmacy": "Medicines",
    "stage": "Our work",
    "admissions-from": "At least this many emergency admissions in 12 months",
    "attendances-from": "At least this many visits to an emergency department in 12 months",
    "conditions-from": "At least this many long-term conditions",
}
NOT_A_DIAGNOSIS: Final = (
    "A score is not a diagnosis. It says how this patient compares with others, from records that may be old or "
    "wrong. It decides nothing. You do."
)


def nhs_number(number: str | None) -> str:
    """3-3-4, as the NHS writes it."""
    return f"{number[:3]} {number[3:6]} {number[6:]}" if number else ""


def born(person: PersonSeen) -> str:
    """`4 May 1950`."""
    return words.day(person.birth_date) if person.birth_date else ""


def tier(name: Any) -> str:
    """`Tier 1`, or that there is none."""
    return words.capital(str(name)) if name else "No tier"


def number(value: Any) -> str:
    """A number without a needless point; nothing known is said, and never shown as 0."""
    return "not known" if value is None else f"{value:g}"


def place(percent_above: Any) -> str:
    """Where in the practice somebody stands: `top 1%`."""
    if percent_above is None:
        return "not known"
    return "top 1%" if percent_above < 1 else f"top {max(1, round(percent_above))}%"


def _standing(scores: Any) -> str:
    """By what made the tier: the approved model, with the chance that it tells; else earlier admissions."""
    above = scores.get(TIER_PLACE)
    told = place(scores.get(f"{FIRST}-percent-above") if above is None else above)
    chance = scores.get(BY_MODEL)
    return told if chance is None else f"{told}, {chance:.0%} chance of an emergency stay within a year"


def title_of(score: str) -> str:
    """The name of a score as its own table gives it."""
    if score == BY_MODEL:
        return "Chance of an emergency admission within a year"
    return next((str(one["title"]) for one in criteria() if one["score"] == score), score)


def _frailty(scores: Any) -> str:
    if scores.get("hfrs-band"):
        return f"{number(scores.get('hfrs'))} ({scores['hfrs-band']})"
    first = str(scores.get("age_band") or "").partition("-")[0]
    youngest = _frail_from()
    return f"only from {youngest}" if first.isdecimal() and int(first) < youngest else "not known"


@cache
def _frail_from() -> int:
    return next((score.age_from or 0 for score in plan().scores if score.name == "hfrs"), 0)


FIRST: Final = RANKED[0]
"""The score that makes the tier."""


def columns() -> tuple[tuple[str, str], ...]:
    """What a list shows: name by which it is sorted, and heading."""
    first = () if FIRST in COUNTS else ((FIRST, title_of(FIRST)),)
    return (
        ("tier", "Tier"),
        (CHANGE, "Since last month"),
        *first,
        ("age", "Age"),
        ("", "Group"),
        ("hfrs", "Frailty"),
        ("charlson-rcs", "Long-term conditions"),
        (COUNTS[0], "Admissions in a year"),
        (COUNTS[1], "Visits in a year"),
        ("polypharmacy", "Medicines"),
    )


def work(case: CaseNow | None) -> str:
    """Where the practice is with a patient, and what it judges beside the score."""
    if case is None:
        return "Nothing yet"
    judged = f". {JUDGEMENT_WORDS[Judgement(case.judgement)]}" if case.judgement else ""
    return f"{STAGE_WORDS[CaseStage(case.stage)]}{judged}"


def cells(person: PersonSeen, *, is_first_month: bool = False) -> tuple[str, ...]:
    """One person's cells below those headings."""
    scores = person.scores
    change = "First month of scores" if is_first_month else CHANGES.get(str(scores.get(CHANGE)), "not known")
    first = () if FIRST in COUNTS else (number(scores.get(FIRST)),)
    return (
        f"{tier(scores.get('tier'))} ({_standing(scores)})",
        change,
        *first,
        str(scores.get("age_band") or "not known"),
        words.capital(str(scores.get("segment") or "not known")),
        _frailty(scores),
        number(scores.get("charlson-rcs")),
        number(scores.get(COUNTS[0])),
        number(scores.get(COUNTS[1])),
        number(scores.get("polypharmacy")),
    )
