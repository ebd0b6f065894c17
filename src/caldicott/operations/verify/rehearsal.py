"""A small store to verify where there is none: invented people, landed, run and exported as the commands do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.operations.export import export
from caldicott.operations.invoices.land import land as land_bills
from caldicott.operations.invoices.validate import validate
from caldicott.operations.land import land
from caldicott.operations.run import run
from caldicott.synth.invent import invent
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.operations.perform import House

_GIVEN: Final = (
    (Role.COMMISSIONING_ANALYST, "commissioning-planning"),
    (Role.PROCESSOR_STAFF, "commissioning-planning"),
    (Role.PUBLIC, "commissioning-planning"),
)
"""Who is given what, so that there is something to look at on its way out."""


_BILLED: Final = 400
"""Lines of invoices: enough for every kind of fault, few enough to wait for."""


def rehearse(
    house: House, folder: Path, *, people: int, seed: int = 1, told: Callable[[str], None] = lambda _: None
) -> tuple[Path, ...]:
    """Fill the empty house below the folder; the folders that roles received."""
    told("inventing people")
    invent(folder / "extracts", people=people, seed=seed, invoice_lines=_BILLED)
    (folder / "extracts" / "ceff").rename(folder / "ceff")  # the locked area has a door of its own
    sent, bills = land(house, folder / "extracts", told=told), land_bills(house, folder / "ceff", told=told)
    for fault in (*(one.fault for one in sent), *(one.fault for one in bills)):
        if fault is not None:
            raise fault
    run(house, told=told)
    validate(house, told=told)
    exports = []
    for role, activity in _GIVEN:
        told(f"exporting for {role}")
        exports.append(folder / f"for-{role.value.replace('_', '-')}")
        export(house, activity=activity, role=role.value, to=exports[-1])
    return tuple(exports)
