"""Which cells to withhold so that every list of candidates has at least one: the fewest, then the least people.

Each list comes from a proof that nothing outside it can help (the cells whose
printed values stop the linear program). So the smallest choice that meets all
lists collected is a lower bound on every safe choice, and if it is itself
proved safe it is the best there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from caldicott.disclosure import solver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EXACT_UP_TO: Final = 400
"""So many candidate cells are chosen among by integer programming; more, by the greedy rule."""


def cheapest(lists: Iterable[frozenset[int]], cost: Mapping[int, float]) -> frozenset[int]:
    """The cells to withhold."""
    needed = _minimal(lists)
    if not needed:
        return frozenset()
    candidates = sorted({cell for found in needed for cell in found})
    exact = _exact(needed, candidates, cost) if len(candidates) <= EXACT_UP_TO else None
    return exact or greedy(needed, cost)


def _minimal(lists: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """A list that contains another asks for nothing more."""
    kept: list[frozenset[int]] = []
    for found in sorted(set(lists), key=lambda entry: (len(entry), sorted(entry))):
        if not any(other <= found for other in kept):
            kept.append(found)
    return kept


def _exact(
    needed: Sequence[frozenset[int]], candidates: Sequence[int], cost: Mapping[int, float]
) -> frozenset[int] | None:
    place = {cell: number for number, cell in enumerate(candidates)}
    rows = [([place[cell] for cell in sorted(found)], [1.0] * len(found)) for found in needed]
    size = len(candidates)
    found = solver.whole_table(
        (np.zeros(size), np.ones(size)),
        rows,
        (np.ones(len(rows)), np.full(len(rows), np.inf)),
        {place[cell]: cost[cell] for cell in candidates},
    )
    return None if found is None else frozenset(cell for cell in candidates if found[place[cell]] > 0)


def greedy(needed: Iterable[frozenset[int]], cost: Mapping[int, float]) -> frozenset[int]:
    """Again and again the cell that meets most lists for its cost; at the end, whatever turned out not needed goes."""
    needed = _minimal(needed)
    open_lists = list(needed)
    chosen: list[int] = []
    while open_lists:
        met: dict[int, int] = {}
        for found in open_lists:
            for cell in found:
                met[cell] = met.get(cell, 0) + 1
        best = min(met, key=lambda cell: (-met[cell] / cost[cell], cell))
        chosen.append(best)
        open_lists = [found for found in open_lists if best not in found]
    return _without_idle(needed, chosen)


def _without_idle(needed: Sequence[frozenset[int]], chosen: Sequence[int]) -> frozenset[int]:
    times = [sum(cell in found for cell in chosen) for found in needed]
    kept = set(chosen)
    for cell in reversed(chosen):
        if all(count > 1 for count, found in zip(times, needed, strict=True) if cell in found):
            kept.discard(cell)
            times = [count - (cell in found) for count, found in zip(times, needed, strict=True)]
    return frozenset(kept)
