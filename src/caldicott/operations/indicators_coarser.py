"""When a figure is refused: which coarser one would be told, in words that can be asked with at once.

Nothing of it is told here, and nothing is remembered. What is tried, and in
which order, hangs on the question alone, so an offer says no more than asking
for each of these would.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from caldicott.analytics.coarser import coarser, in_titles
from caldicott.analytics.question import question
from caldicott.operations.protect import NOT_PROVED
from caldicott.operations.protect_told import INSTEAD, Memory
from caldicott.vocabulary.errors import DoesNotHold, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.analytics.question import Question
    from caldicott.stores import ledger

_WHAT: Final = (
    "This cannot be told together with what was told before of the same people: no form of it could be proved safe. "
    "Nothing was told"
)
_BUILT: Final = "table-"


class Looking(Memory):
    """The same memory, to which nothing is added."""

    @classmethod
    def over(cls, memory: Memory) -> Looking:
        """To look into this one."""
        return cls(memory.folder, memory.seal, memory.elsewhere, memory.beside, memory.at_most)

    def append(self, release: ledger.Release) -> ledger.Release:
        """Proved, and forgotten; not where no answer is left to be told.

        Raises:
            Refused: as much was told as may be.
        """
        if self.is_full:
            raise _refusal(INSTEAD)
        return release


def with_offer(asked: Question, no: Refused, would_tell: Callable[[Question], None]) -> Refused:
    """The refusal, with the first coarser question that would be told; `would_tell` ends in an error for the others."""
    if no.code != NOT_PROVED:
        return no
    for by in coarser(asked):
        other = question(asked.indicator, by, asked.filters)
        try:
            would_tell(other)
        except (Refused, DoesNotHold):
            # Refused as well, or its groups are nowhere written down.
            continue
        return _refusal(f"ask by {in_titles(other, by)}, which can be told: `{words(other)}`")
    return _refusal(INSTEAD)


def words(asked: Question) -> str:
    """The question as the command line takes it; a table of the builder has no name there, only its dimensions."""
    name = [] if asked.indicator.id.startswith(_BUILT) else ["--indicator", asked.indicator.id]
    limits = [part for level, value in asked.filters for part in ("--filter", f"{level}={value}")]
    return shlex.join([*name, "--by", ",".join(asked.by), *limits])


def _refusal(next_step: str) -> Refused:
    return Refused(_WHAT, code=NOT_PROVED, next_step=next_step)
