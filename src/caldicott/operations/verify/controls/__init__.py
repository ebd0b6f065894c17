"""The controls, one module a theme. A module here that has `CONTROLS` is found by itself: nothing to register."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from caldicott.operations.verify.control import Control


@cache
def all_controls() -> dict[str, Control]:
    """Every control by its id.

    Raises:
        ProgramFault: two modules give the same id.
    """
    found: dict[str, Control] = {}
    for module in sorted(entry.name for entry in pkgutil.iter_modules(__path__)):
        for control in import_module(f"{__name__}.{module}").CONTROLS:
            if control.id in found:
                raise ProgramFault(
                    f"two controls are called {control.id}",
                    code="control-twice",
                    where=module,
                    next_step="give one of them another id",
                )
            found[control.id] = control
    return found
