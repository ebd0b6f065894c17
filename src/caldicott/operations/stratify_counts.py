"""What the commissioner sees of the scores: how many people, by tier, segment and deprivation. Never a person.

One table of the newest month, of cells alone: totals would tell by subtraction
what a small cell hides. Where no table of areas was loaded nothing is known of
deprivation; then the table is by network and practice instead. Beside it, how
many people are out by which objection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.engines.duckdb import risk
from caldicott.engines.duckdb.model_tiers import grouped_by_fifth
from caldicott.operations.stratify_plan import FIFTH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from caldicott.operations.people import People
    from caldicott.operations.perform import House
    from caldicott.register.model import ProcessingActivity

OPT_OUTS: Final = "opt-outs"


def counts_by_group(house: House, by_month: Mapping[str, Path]) -> pa.Table:
    """True counts of the newest month, to be protected before they leave."""
    newest = by_month[max(by_month)]
    members = house.register.controller.member_practices
    if _knows_deprivation(newest):
        return grouped_by_fifth(newest, sorted({member.ods for member in members}), column=FIFTH)
    networks = {member.ods: member.localities[0] if member.localities else "" for member in members}
    return risk.grouped(newest, sorted(networks.items()))


def opt_outs(people: People, entry: ProcessingActivity, month: str) -> pa.Table:
    """True counts of people who are out of the activity by each scheme that stops it; one may be in several."""
    schemes = sorted({rule.scheme.value for rule in entry.objections.rules}) if entry.objections else []
    told = [(scheme, people.counts.get(f"objecting {scheme}", 0)) for scheme in schemes]
    return pa.table(
        {
            "month": pa.array([month] * len(told), pa.string()),
            "scheme": pa.array([scheme for scheme, _ in told], pa.string()),
            "persons": pa.array([count for _, count in told], pa.int64()),
        }
    )


def _knows_deprivation(path: Path) -> bool:
    if FIFTH not in pq.read_schema(path).names:
        return False
    column = pq.read_table(path, columns=[FIFTH], partitioning=None).column(FIFTH)
    return bool(column.null_count < len(column))
