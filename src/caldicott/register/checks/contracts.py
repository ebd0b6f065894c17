"""Nobody works for the controller without a contract or another act in law [UK GDPR Article 28(3)]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register.checks.finding import Finding, firm
from caldicott.vocabulary.terms import InstrumentKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Instrument, Organisation, Register
    from caldicott.register.places import Path

BINDING = frozenset({InstrumentKind.CONTRACT, InstrumentKind.AGREEMENT, InstrumentKind.DIRECTION})
"""What binds a processor: a contract, or an agreement or direction in its place."""


def processors(register: Register, at: date) -> Iterator[Finding]:
    """Each processor is party to something that binds it for each activity it works on, and that holds."""
    for index, organisation in enumerate(register.organisations):
        if not {"processor", "sub_processor"} & set(organisation.roles):
            continue
        bound = [one for one in register.instruments if one.kind in BINDING and organisation.id in one.parties]
        path: Path = ("organisation", index, "id")
        if unbound := _unbound(organisation, bound):
            what = f"the processor `{organisation.id}` has no contract for {unbound}"
            next_step = "add it to the parties of a contract that lists them in instruments.toml, or end what it does"
            yield Finding("organisations.toml", path, what, next_step, "processor-without-contract", firm(register))
        elif not any(one.is_live(at) for one in bound):
            what = f"no contract of the processor `{organisation.id}` holds on that day"
            next_step = "record the extension in the history of its contract, or end what it does"
            yield Finding("organisations.toml", path, what, next_step, "processor-contract-lapsed", "warning")


def _unbound(organisation: Organisation, bound: list[Instrument]) -> str:
    """The activities without a contract, as words; what it does at large if it names none and has none."""
    if not bound:
        return ", ".join(organisation.activities) or "what it does"
    covered = {activity for one in bound for activity in one.activities or organisation.activities}
    return ", ".join(one for one in organisation.activities if one not in covered)
