"""One change between two registers, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effect = Literal["widens", "narrows", "neither"]
"""What it does to how much may be seen, by whom, or for how long."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in one sentence."""

    kind: str
    activity: str
    """Empty for a change of the whole register."""
    sentence: str
    effect: Effect
