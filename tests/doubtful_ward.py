"""Records that fit somebody but prove nothing, beside a national spine: what clerical review is for."""

from __future__ import annotations

from dataclasses import replace

from stage import Stage, episode
from traced_ward import CROWD, nameless, ran, spine

ONE_NAMELESS, OTHER_NAMELESS, TWIN = CROWD[2], CROWD[4], CROWD[1]
"""Two whose record has no name, and one who has a twin in the house."""
SECOND_TWIN = replace(CROWD[7], born=TWIN.born, family=TWIN.family, postcode=TWIN.postcode)


def doubted(root, register) -> Stage:
    """A store with three cases, in this order: nameless, twins of one house, nameless again."""
    stage = Stage(root, register)
    persons = [one for one in CROWD if one.number != SECOND_TWIN.number]
    spine(stage, [*persons, SECOND_TWIN])
    rows = [
        episode(CROWD[0], "own"),
        nameless(ONE_NAMELESS, "first", Patient_Name=""),
        nameless(TWIN, "either", Patient_Name=f"{TWIN.family}, "),
        nameless(OTHER_NAMELESS, "last", Patient_Name=""),
    ]
    ran(stage, rows)
    return stage
