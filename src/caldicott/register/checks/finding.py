"""A finding: what a check found, and where in the register, before anyone knows the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.register.nearest import hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.register.faults import Severity
    from caldicott.register.model import ProcessingActivity, Register
    from caldicott.register.places import Path


_FEW = 25
"""More words than this are no help to read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault without its line."""

    file: str
    path: Path
    what: str
    next_step: str
    code: str
    severity: Severity = "error"


def firm(register: Register) -> Severity:
    """An error in a strict register; in an old notice loaded as it was written, a warning."""
    return "error" if register.controller.strict else "warning"


def in_activity(activity: ProcessingActivity) -> str:
    """The file of an activity."""
    return f"activities/{activity.id}.toml"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint to the nearest known word, then the known words if they are few."""
    few = f"; known are: {', '.join(sorted(known))}" if len(known) <= _FEW else ""
    return hint(word, known) + "correct the id, or add what it names" + few
