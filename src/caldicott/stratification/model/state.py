"""The life of a model: research, shadow, approved; and who has said so. The decision itself is the policy's.

Only an approved model's scores reach a practice. A step may not be jumped, and
whoever trained a model does not approve it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """How far a model may go."""

    RESEARCH = "research"
    SHADOW = "shadow"
    APPROVED = "approved"


STEPS: Final = {
    State.RESEARCH: frozenset({State.SHADOW}),
    State.SHADOW: frozenset({State.APPROVED, State.RESEARCH}),
    State.APPROVED: frozenset({State.SHADOW, State.RESEARCH}),
}


@dataclass(frozen=True, slots=True)
class Said:
    """Who brought the model into a state, and when."""

    state: State
    on: str
    by: str
    role: str


@dataclass(frozen=True, slots=True)
class Life:
    """One model: its files, its hash, and every state it has been in, oldest first."""

    name: str
    sha256: str
    trained_by: str
    trained_on: str
    index_date: str
    path: str
    said: tuple[Said, ...]

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.said[-1].state

    def moved(self, said: Said) -> Life:
        """The model in its next state.

        Raises:
            Refused: the step cannot be taken from where it stands, or by who trained it.
        """
        if said.state not in STEPS[self.state]:
            raise Refused(
                f"Refused. A model that is in {self.state} cannot become {said.state}.",
                code="model-step",
                next_step=f"it can become: {', '.join(sorted(STEPS[self.state]))}",
            )
        if said.state is State.APPROVED and said.by == self.trained_by:
            raise Refused(
                "Refused. Whoever trained a model does not approve it.",
                code="model-own-approval",
                next_step="let somebody else look at the report and approve it",
            )
        return replace(self, said=(*self.said, said))


def as_record(life: Life) -> dict[str, Any]:
    """The life as JSON can hold it."""
    said = [{"state": one.state.value, "on": one.on, "by": one.by, "role": one.role} for one in life.said]
    kept = ("name", "sha256", "trained_by", "trained_on", "index_date", "path")
    return {**{key: getattr(life, key) for key in kept}, "said": said}


def from_record(record: Mapping[str, Any]) -> Life:
    """The life that `as_record` wrote."""
    said = tuple(Said(State(one["state"]), one["on"], one["by"], one["role"]) for one in record["said"])
    return Life(**{**record, "said": said})
