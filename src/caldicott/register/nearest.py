"""The known word a person most likely meant."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_NEAR = 0.65


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The nearest known word, if any is near. Swapped letters count as near: `porpuse` means `purpose`."""
    best = max(((_alike(word, one), one) for one in known), default=(0.0, ""))
    return best[1] if best[0] >= _NEAR else None


def hint(word: str, known: Iterable[str]) -> str:
    """``did you mean `purpose`? `` or nothing."""
    near = nearest(word, known)
    return f"did you mean `{near}`? " if near else ""


def _alike(one: str, other: str) -> float:
    """The mean of the likeness of the words and that of their letters in order of the alphabet."""
    in_order = SequenceMatcher(None, one, other).ratio()
    return (in_order + SequenceMatcher(None, sorted(one), sorted(other)).ratio()) / 2
