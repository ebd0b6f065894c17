"""What the commissioner sees of the scores: how many people, by network, practice, tier and segment. Never a person.

One table of the newest month, of cells alone: totals would tell by subtraction
what a small cell hides. Not by deprivation: no table of areas ships, and the
register's whitelist has no word for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb import risk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from caldicott.operations.perform import House


def counts_by_group(house: House, by_month: Mapping[str, Path]) -> pa.Table:
    """True counts of the newest month, to be protected before they leave."""
    members = house.register.controller.member_practices
    networks = {member.ods: member.localities[0] if member.localities else "" for member in members}
    return risk.grouped(by_month[max(by_month)], sorted(networks.items()))
