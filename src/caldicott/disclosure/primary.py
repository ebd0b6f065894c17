"""Which cells are withheld for their own sake, by the rule alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caldicott.disclosure.table import CountTable, Row
    from caldicott.facts.disclosure import DisclosureRule


def is_small(count: int, rule: DisclosureRule) -> bool:
    """Some people, but too few."""
    return rule.suppress_from <= count <= rule.suppress_to


def is_dominated(row: Row, rule: DisclosureRule) -> bool:
    """The p % rule: the second largest contributor could work out the largest too closely."""
    if not row.amount or row.largest is None:
        return False
    rest = row.amount - row.largest - (row.second or 0.0)
    return rest < row.largest * rule.dominance_percent / 100


def of_one_category(table: CountTable, base: set[tuple[str, ...]], rule: DisclosureRule) -> set[tuple[str, ...]]:
    """Cells of groups whose members all, or all but one, fall in one category of one dimension.

    Only cells of `base`, the smallest: a total is no category. Whoever belongs to
    such a group is known to be in the category, whatever its size.
    """
    if not rule.withholds_attributes:
        return set()
    found: set[tuple[str, ...]] = set()
    for place in range(len(table.dimensions)):
        lines: dict[tuple[str, ...], list[Row]] = {}
        for row in table.rows:
            if row.values not in base:
                continue
            lines.setdefault(row.values[:place] + row.values[place + 1 :], []).append(row)
        for rows in lines.values():
            counts = sorted((row.count for row in rows), reverse=True)
            if len(counts) > 1 and counts[0] > 0 and sum(counts[1:]) <= 1:
                found.update(row.values for row in rows)
    return found
