"""`verify`: look at every control once, then say of every promise what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caldicott.facts import promises as facts
from caldicott.operations.verify.control import Control, Finding, State, broken
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.evidence import Evidence
from caldicott.vocabulary.errors import CaldicottError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from caldicott.facts.promises import Keeping, Promise
    from caldicott.operations.perform import House


@dataclass(frozen=True, slots=True)
class PromiseState:
    """What became of one promise."""

    id: str
    state: State
    kept_by: tuple[str, ...]
    """The controls that were looked at."""
    seen: str
    """What was seen, or why not applicable, or which part is awaited, or where it is written."""
    notice: str
    text: str

    def as_record(self) -> dict[str, Any]:
        return {
            "id": self.id, "state": self.state.value, "notice": self.notice, "kept_by": list(self.kept_by),
            "seen": self.seen, "text": self.text,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """Every promise, and every control's finding."""

    promises: tuple[PromiseState, ...]
    findings: dict[str, Finding]

    @property
    def counts(self) -> dict[str, int]:
        """How many promises are in each state; every state is named, also with none."""
        counted = Counter(promise.state for promise in self.promises)
        return {state.value: counted[state] for state in State}

    @property
    def is_kept(self) -> bool:
        """Whether no promise is broken."""
        return not self.counts[State.BROKEN]

    def as_record(self) -> dict[str, Any]:
        return {
            "promises": [promise.as_record() for promise in self.promises],
            "counts": self.counts,
            "controls": {
                name: {"state": finding.state.value, "seen": finding.seen} for name, finding in self.findings.items()
            },
        }


def verify(house: House, *, exports: Iterable[Path] = (), told: Callable[[str], None] = lambda _: None) -> Report:
    """Every promise of the notices against this house. Reads only; what it asks is not entered in the trail."""
    evidence, findings = Evidence(house, tuple(exports)), {}
    for name, control in all_controls().items():
        told(name)
        findings[name] = look_at(control, evidence)
    keeping = facts.keeping_of()
    return Report(tuple(judge(promise, keeping.get(promise.id), findings) for promise in facts.promises()), findings)


def look_at(control: Control, evidence: Evidence) -> Finding:
    """What the control shows; one that cannot be looked at is broken, never kept."""
    try:
        return control.look(evidence)
    except CaldicottError as fault:
        return broken(f"could not be looked at: {fault.code}")
    except Exception as fault:  # noqa: BLE001  its words may quote a row, so only its kind is passed on
        return broken(f"could not be looked at: the look failed ({type(fault).__name__})")


def judge(promise: Promise, keeping: Keeping | None, findings: dict[str, Finding]) -> PromiseState:
    """One promise by what was found of its controls: one broken control breaks it."""
    kept_by: tuple[str, ...] = ()
    state, seen = State.BROKEN, "nothing says how it is kept"
    if keeping is not None and keeping.awaiting:
        state, seen = State.AWAITING, f"{keeping.awaiting}: {facts.parts()[keeping.awaiting]}"
    elif keeping is not None and keeping.in_writing:
        state, seen = State.IN_WRITING, keeping.in_writing
    elif keeping is not None:
        kept_by, (state, seen) = keeping.kept_by, _together(keeping.kept_by, findings)
    return PromiseState(promise.id, state, kept_by, seen, promise.notice, promise.text)


_GRAVEST_FIRST = (State.BROKEN, State.KEPT, State.NOT_APPLICABLE)


def _together(names: tuple[str, ...], findings: dict[str, Finding]) -> tuple[State, str]:
    unknown = broken("no such control")
    looked = [(name, findings.get(name, unknown)) for name in names]
    for state in _GRAVEST_FIRST:
        if told := [f"{name}: {finding.seen}" for name, finding in looked if finding.state is state]:
            return state, "; ".join(told)
    return State.BROKEN, "a control gave no answer"
