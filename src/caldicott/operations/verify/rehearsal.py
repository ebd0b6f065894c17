"""A small store to verify where there is none: invented people, landed, run and exported as the commands do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.operations.export import export
from caldicott.operations.land import land
from caldicott.operations.run import run
from caldicott.synth.invent import invent
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.operations.perform import House

_GIVEN = (
    (Role.COMMISSIONING_ANALYST, "commissioning-planning"),
    (Role.PROCESSOR_STAFF, "commissioning-planning"),
    (Role.PUBLIC, "commissioning-planning"),
)
"""Who is given what, so that there is something to look at on its way out."""


def rehearse(
    house: House, folder: Path, *, people: int, seed: int = 1, told: Callable[[str], None] = lambda _: None
) -> tuple[Path, ...]:
    """Fill the empty house below the folder; the folders that roles received."""
    told("inventing people")
    invent(folder / "extracts", people=people, seed=seed)
    for landed in land(house, folder / "extracts", told=told):
        if landed.fault is not None:
            raise landed.fault
    run(house, told=told)
    exports = []
    for role, activity in _GIVEN:
        told(f"exporting for {role}")
        exports.append(folder / f"for-{role.value.replace('_', '-')}")
        export(house, activity=activity, role=role.value, to=exports[-1])
    return tuple(exports)
