"""The model's probability beside the other scores of a run: its place among the practice's people, and the tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.scores_sql import tier_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def with_model(
    rows: pa.Table, probability: pa.Table, *, column: str, model: str, tiers: Sequence[tuple[str, float]]
) -> pa.Table:
    """The rows with the model's columns; the tier is the model's wherever it has a value.

    The share above is that of the practice's own people; equal values are never cut apart.
    """
    db = connect()
    db.register("scored", rows)
    db.register("told", probability)
    value, above = quoted(column), quoted(f"{column}-percent-above")
    place = f"PARTITION BY practice, {value} IS NULL"
    share = (
        f"CASE WHEN {value} IS NOT NULL AND practice IS NOT NULL THEN 100.0 * (rank() OVER ({place} "
        f"ORDER BY {value} DESC) - 1) / count(*) OVER ({place}) END::DOUBLE AS {above}"
    )
    tier = f"CASE WHEN {above} IS NOT NULL THEN {tier_of(above, tuple(tiers))} END AS {quoted(f'{column}-tier')}"
    with engine_faults("place people by the model"):
        return db.sql(
            f"SELECT * REPLACE (coalesce({quoted(f'{column}-tier')}, tier) AS tier), "
            f"CASE WHEN {value} IS NOT NULL THEN {text(model)} END AS {quoted('risk-model')} FROM ("
            f"SELECT *, {tier} FROM (SELECT *, {share} FROM ("
            f"SELECT scored.*, told.probability AS {value} FROM scored LEFT JOIN told USING (person_token)))) "
            "ORDER BY person_token"
        ).to_arrow_table()


def grouped_by_fifth(path: Path, practices: Sequence[str], *, column: str) -> pa.Table:
    """Persons of these practices by fifth of deprivation, tier and segment: cells without totals."""
    db = connect()
    db.register("member", pa.table({"practice": pa.array([*practices], pa.string())}))
    fifth = quoted(column)
    named = (
        f"CASE {fifth} WHEN 1 THEN '1 most deprived' WHEN 5 THEN '5 least deprived' "
        f"ELSE coalesce({fifth}::VARCHAR, 'not known') END"
    )
    with engine_faults("count the scores"):
        return db.sql(
            f"SELECT month, {named} AS deprivation, tier, segment, count(*) AS persons "
            f"FROM read_parquet({text(str(path))}, hive_partitioning = false) SEMI JOIN member USING (practice) "
            "GROUP BY ALL ORDER BY ALL"
        ).to_arrow_table()
