"""The one runner: ask, open, compute, keep, record. There is no second way in.

An operation says what it asks for and what it does with the permits. It stages
files; only here do they become live, in the same transaction as the record of
the act.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import date  # noqa: TC003  read by the dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import uuid4

from caldicott.audit.entry import AuditEntry, Outcome, encode
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit
from caldicott.policy.explain import explain
from caldicott.vocabulary.errors import CaldicottError, ProgramFault, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from caldicott.policy.decision import Decision, Request
    from caldicott.register.model import Register
    from caldicott.stores.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True)
class House:
    """What an operation stands in: one register, one store, one day, one actor."""

    register: Register
    store: Store
    today: date
    clock: Callable[[], datetime]
    actor: str
    role: str = "dscro_operator"
    organisation: str = ""

    def entry(self, act_id: str, event: str, outcome: Outcome, **fields: object) -> AuditEntry:
        """An audit entry of this house."""
        return AuditEntry(
            at=self.clock(),
            act_id=act_id,
            actor=self.actor,
            role=str(fields.pop("role", self.role)),
            organisation=self.organisation,
            event=event,
            outcome=outcome,
            register_digest=self.register.digest,
            **fields,  # type: ignore[arg-type]
        )


@dataclass
class Act(Generic[Result]):
    """What was computed and staged; `keep` makes it live inside the one transaction."""

    result: Result
    keep: Callable[[], None]
    counts: dict[str, int] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    """Days that the references themselves state, such as a sender's own id for its submission."""
    dataset: str = ""
    format: str = ""
    after: Callable[[], None] = lambda: None
    """What may be done once the act is true and recorded, such as moving an export into place."""
    touches_files: bool = True
    """A viewing makes and retires no file: then there is nothing to sweep, and a page need not wait for it."""
    keeps: bool = True
    """False where nothing is kept at all, as of a viewing: `keep` is not asked, and the entry needs no outbox."""


def ask(house: House, requests: Sequence[Request]) -> list[Decision]:
    """Put the questions; every answer is in the log before anybody acts on it."""
    decisions = [decide(request, house.register, house.today) for request in requests]
    record(house, decisions)
    return decisions


def record(house: House, decisions: Sequence[Decision]) -> None:
    """Enter decisions into the log, permits and refusals alike."""
    house.store.audit.append_many([_decision_entry(house, decision) for decision in decisions])


def permits(decisions: Sequence[Decision]) -> list[Permit]:
    """The permits, if all are permits.

    Raises:
        Refused: one is not; its explanation is the message.
    """
    granted = [decision for decision in decisions if isinstance(decision, Permit)]
    for decision in decisions:
        if not isinstance(decision, Permit):
            raise Refused(
                explain(decision),
                code=decision.reasons[0].code,
                next_step=decision.next_step,
            )
    return granted


def perform(house: House, *, event: str, activity: str, compute: Callable[[], Act[Result]], act_id: str = "") -> Result:
    """Compute, keep and record one act. Nothing is live unless it is also recorded.

    `act_id` is given by who tells it to the reader, such as a page that names its own entry.

    Raises:
        CaldicottError: what the computation says; the failure is in the log.
    """
    act_id = act_id or uuid4().hex
    try:
        act = compute()
        done = house.entry(
            act_id, event, Outcome.DONE, activity=activity, dataset=act.dataset, format=act.format,
            counts=act.counts, references=act.references, days=act.days,
        )  # fmt: skip
        if not act.keeps:
            # Nothing becomes live, so there is nothing that the entry could be apart from: straight into the log.
            house.store.audit.append(done)
            return act.result
        with house.store.catalogue.transaction():
            act.keep()
            house.store.catalogue.put_outbox(act_id, encode(done))
    except CaldicottError as fault:
        _record_failure(house, act_id, event, activity, fault)
        raise
    except (OSError, sqlite3.Error) as fault:
        # Their words may quote paths and pages, never rows; only the kind is passed on all the same.
        raise ProgramFault(
            f"the act could not be kept ({type(fault).__name__}); the store is as it was before",
            code="act-not-kept",
            where=str(house.store.root),
            next_step="see to the disk's space and health, then run the same command again",
        ) from None
    house.store.deliver_outbox()
    act.after()
    if act.touches_files:
        house.store.sweep()
    return act.result


def _record_failure(house: House, act_id: str, event: str, activity: str, fault: CaldicottError) -> None:
    house.store.audit.append(
        house.entry(act_id, event, Outcome.FAILED, activity=activity, reasons=(fault.code,), references=())
    )


def _decision_entry(house: House, decision: Decision) -> AuditEntry:
    request, is_permit = decision.request, isinstance(decision, Permit)
    return house.entry(
        uuid4().hex,
        "decision",
        Outcome.PERMIT if is_permit else Outcome.REFUSAL,
        days=tuple(reason.on for reason in decision.reasons if reason.on),
        role=request.role[:40],
        activity=request.activity[:80],
        dataset=request.dataset[:80],
        format=request.format[:40],
        reasons=tuple(reason.code for reason in decision.reasons),
        references=tuple(reason.document for reason in decision.reasons if reason.document),
    )
