"""The risk model in a run: an approved one makes the tier, those in shadow are worked out and kept apart.

What is in shadow never comes into `risk-scores`: another kind of file holds it,
which no list, no page and no export reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.model_features import ModelMarts, ModelTables
from caldicott.engines.duckdb.model_tiers import with_model
from caldicott.facts import models as facts
from caldicott.operations.model_state import approved, in_shadow
from caldicott.operations.stratify_plan import BY_MODEL, FIFTH, MODEL_COLUMNS, RANKED, TIER_PLACE, plan
from caldicott.stores import models as store_models
from caldicott.stratification.model.features import known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.operations.model_state import Standing
    from caldicott.operations.perform import House

SHADOW: Final = "risk-shadow"
TERMS: Final = "risk-terms"


@dataclass
class Told:
    """What the models said of a run's people."""

    rows: pa.Table
    model: Standing | None = None
    terms: pa.Table | None = None
    shadows: dict[str, pa.Table] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def tell(
    house: House,
    rows: pa.Table,
    population: pa.Table,
    *,
    activity: str,
    files: Mapping[str, Sequence[Path]],
    whitelist: frozenset[str],
    on: date,
    scratch: Path,
) -> Told:
    """The rows of the run with the model's columns and the fifth of deprivation; both empty where there is none."""
    areas = store_models.areas(house.store).get("tenths", {})
    standing, shadows = approved(house, activity), in_shadow(house, activity)
    if not (areas or standing or shadows):
        return Told(_without(rows))
    groups = {row["code"]: row["group"] for row in facts.rows("ethnic_groups.csv")}
    tables = ModelTables(ModelMarts(files, whitelist, on, areas, groups))
    tables.meet_exactly(population)
    wanted = {name for one in (standing, *shadows) if one for name in one.model.features}
    tables.make([one for one in known() if one.name in wanted], scratch)
    told = Told(_with_fifth(rows, tables.rows()))
    controller = house.register.controller.id
    if standing and _is_fed(standing, tables):
        found = tables.probabilities(standing.model, controller)
        told.rows = with_model(told.rows, found, column=BY_MODEL, model=standing.life.name, tiers=plan().tiers)
        told.model, told.terms = standing, tables.terms(standing.model)
        told.counts["scored by the approved model"] = found.num_rows
    elif standing:
        told.counts["not scored by the approved model"] = population.num_rows
    for one in shadows:
        if _is_fed(one, tables):
            told.shadows[one.life.name] = tables.probabilities(one.model, controller)
            told.counts["scored in shadow"] = told.counts.get("scored in shadow", 0) + population.num_rows
    told.rows = _without(told.rows)
    return told


def criteria_of(standing: Standing) -> dict[str, Any]:
    """What made the model's number, for whoever sees it."""
    life = standing.life
    return {
        "score": BY_MODEL,
        "title": f"Chance of {standing.model.outcome}, by the model {life.name} ({standing.model.kind})",
        "version": life.name,
        "sha256": life.sha256,
        "standing": "own",
        "citation": f"trained in this store on {life.trained_on}, tested on scores as of {life.index_date}",
        "note": f"approved on {life.said[-1].on} by {life.said[-1].role}",
    }


def _is_fed(standing: Standing, tables: ModelTables) -> bool:
    """Whether every feature could be made; a score from a part of them would be another score."""
    return {*standing.model.features} <= {*tables.made}


def _with_fifth(rows: pa.Table, featured: pa.Table) -> pa.Table:
    # Both are in order of token, and of the same people.
    tenth = featured.column("group_tenth")
    fifth = pc.divide(pc.add(tenth.cast(pa.int64()), 1), 2)
    return rows.append_column(FIFTH, fifth)


def _without(rows: pa.Table) -> pa.Table:
    """Every row has every column, so that a month with a model and one without lie beside each other."""
    if TIER_PLACE not in rows.column_names:
        baseline = rows.column(f"{RANKED[0]}-percent-above")
        by_model = f"{BY_MODEL}-percent-above"
        above = pc.coalesce(rows.column(by_model), baseline) if by_model in rows.column_names else baseline
        rows = rows.append_column(TIER_PLACE, above)
    for name, kind in MODEL_COLUMNS.items():
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows, kind))
    return rows
