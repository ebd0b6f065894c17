"""Who is in no group of a level, as the gate must know it: their values lie together in what is told of them there.

Practices of no network are told one by one and, by network, as `network
unknown`. A gate that does not know these for the same people lets their
difference go, or takes them for a contradiction and refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.analytics.dimension import UNKNOWN, levels
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.nodes import is_total

if TYPE_CHECKING:
    from collections.abc import Iterable


def with_unknown(name: str, known: Hierarchies, used: Iterable[str]) -> Hierarchies:
    """The same, knowing that whoever is in no group of a level is in its `unknown`: all of these values in use."""
    upper = [one for one in levels(name) if one.rank and one.lookup and name != "time"]
    if not upper:
        return known
    own, cuts = dict(known.parents.get(name, {})), dict(known.groups.get(name, {}))
    coarse = {*own.values(), *cuts, *(one.unknown for one in upper)}
    finest = sorted(value for value in used if value not in coarse and not is_total(value, name))
    for level in upper:
        if level.rank == 1:
            own |= {value: level.unknown for value in finest if value not in own and not _is_read(name, value)}
        else:
            placed = {value for values in cuts.values() for value in values}
            cuts[level.unknown] = tuple(value for value in finest if value not in placed)
    cuts = {group: values for group, values in cuts.items() if values}
    return Hierarchies(
        {**known.parents, **({name: own} if own else {})}, {**known.groups, **({name: cuts} if cuts else {})}
    )


def _is_read(name: str, value: str) -> bool:
    """Bands of ages lie in their groups by their numbers; only what is no band is in none."""
    return name == "age" and value != UNKNOWN
