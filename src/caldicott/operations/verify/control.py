"""A control as a value: what keeps a promise, and how to look whether it does.

Looking is read-only and never quotes a row. A control that cannot be looked at
in this store says so; it never passes by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.operations.verify.evidence import Evidence


class State(StrEnum):
    """What became of a promise."""

    KEPT = "kept"
    NOT_APPLICABLE = "not_applicable"
    BROKEN = "broken"
    AWAITING = "awaiting"
    """Its part of the system is not built yet; the part is named."""
    IN_WRITING = "in_writing"
    """Kept by a document or a paragraph of the notice, which is named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one control showed."""

    state: State
    """KEPT, NOT_APPLICABLE or BROKEN."""
    seen: str
    """One sentence for an IG officer: what was counted or tried, and what came of it."""


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that keeps promises, and the look at it."""

    id: str
    """Lower case with hyphens, such as `no-identifier-in-marts`."""
    title: str
    """What it makes true, in one sentence."""
    look: Callable[[Evidence], Finding]


def kept(seen: str) -> Finding:
    return Finding(State.KEPT, seen)


def broken(seen: str) -> Finding:
    return Finding(State.BROKEN, seen)


def not_applicable(seen: str) -> Finding:
    return Finding(State.NOT_APPLICABLE, seen)
