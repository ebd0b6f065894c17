"""Which published scores a run makes, by which the people of a practice are put into tiers, and what made them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.engines.duckdb.risk import COUNTS, Plan
from caldicott.facts import scores as facts
from caldicott.stratification import catalogue

if TYPE_CHECKING:
    from caldicott.register.model import ProcessingActivity

RISK_SCORES: Final = "risk-scores"
SEGMENT: Final = "segment-b2h-like"
ASKED: Final = ("hfrs", "charlson-quan-2011", "charlson-rcs", "elixhauser-van-walraven", "polypharmacy", SEGMENT)
RANKED: Final = ("emergency-admissions-12-months", "charlson-quan-2011", "hfrs")
"""The first makes the tier, until a model is approved: then the model does. Earlier emergency admissions are the
plain baseline every model is measured against."""
BY_MODEL: Final = "emergency-admission-risk"
"""The approved model's probability; a model that is not approved never has this column."""
FIFTH: Final = "deprivation-fifth"
TIER_PLACE: Final = "tier-percent-above"
"""The share of the practice's people above, by whatever made the tier: the model, or the plain baseline."""
MODEL_COLUMNS: Final = {
    FIFTH: pa.int64(),
    BY_MODEL: pa.float64(),
    f"{BY_MODEL}-percent-above": pa.float64(),
    f"{BY_MODEL}-tier": pa.string(),
    "risk-model": pa.string(),
    TIER_PLACE: pa.float64(),
}
"""Columns that every month has, empty where no area table was loaded or no model is approved."""

TITLES: Final = {
    COUNTS[
        0
    ]: "Emergency admissions in the last 12 months (admission methods 21 to 28 and 2A to 2D), one a day at most",
    COUNTS[1]: "Attendances at an emergency department in the last 12 months",
}


@cache
def plan() -> Plan:
    """The scores of a run."""
    choice = catalogue.choose(ASKED, own={})
    tiers = tomllib.loads(facts.tiers_text())["percentile"]["tiers"]
    shares = tuple((str(one["name"]), float(one["top_percent"])) for one in tiers)
    return Plan(scores=choice.to_compute, asked=choice.asked, segment=SEGMENT, ranked=RANKED, tiers=shares)


@cache
def score_columns() -> frozenset[str]:
    """Every column a file of scores may have; `verify` holds the files against this."""
    made = plan()
    ranks = {f"{name}-{kind}" for name in made.ranked for kind in ("percent-above", "tier")}
    about = {"person_token", "practice", "age_band", "segment", "tier", "month", "as_of", "criteria_sha256"}
    return frozenset({*about, *made.numbers, *(f"{name}-band" for name in made.banded), *ranks, *MODEL_COLUMNS})


@cache
def criteria() -> tuple[dict[str, Any], ...]:
    """What made each number: name, version, hash, source, standing. Whoever sees a score may see this."""
    counts = [
        {"score": name, "title": title, "version": "1", "sha256": _sha256([name, title]), "standing": "own"}
        for name, title in TITLES.items()
    ]
    tables = [
        {
            "score": score.name, "title": score.title, "version": score.version, "sha256": score.sha256,
            "standing": score.standing.value, "citation": score.citation, "note": score.standing_note,
        }
        for score in plan().scores
    ]  # fmt: skip
    return (*counts, *tables)


@cache
def criteria_sha256(model: str = "") -> str:
    """One name for all of it: two months with the same one were made by the same rules. `model`: the approved one's."""
    return _sha256([*criteria(), list(plan().tiers), list(RANKED), *([model] if model else [])])


def makes_scores(entry: ProcessingActivity) -> bool:
    """Whether the register says that risk scores come out of the activity."""
    return any(use.dataset == RISK_SCORES and use.direction == "out" for use in entry.datasets or ())


def _sha256(content: list[Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
