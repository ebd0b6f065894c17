"""Whether the agreement a sender names covers what it sends: known, live, for this dataset and activity.

A submission is asked about twice: may the landing office land it (`decide`),
and does the document it names allow it. Both have to say yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.decision import Reason, Refusal

if TYPE_CHECKING:
    from datetime import date

    from caldicott.policy.decision import Request
    from caldicott.register.model import Instrument, Register


def against_agreement(agreement: str, request: Request, register: Register, at: date) -> Refusal | None:
    """A refusal if the agreement does not cover the request on that day; None if it does."""
    instrument = register.instrument(agreement)
    reason = _unknown() if instrument is None else _uncovered(instrument, request, at)
    if reason is None:
        return None
    return Refusal(
        request=request,
        at=at,
        register_digest=register.digest,
        reasons=(reason,),
        next_step="name the agreement of the register that covers this dataset, or have it extended or amended",
        ask=next((contact.post for contact in register.controller.contacts if contact.role == "dpo"), ""),
    )


def _unknown() -> Reason:
    return Reason("unknown-agreement", "The manifest names an agreement that the register does not have.")


def _uncovered(instrument: Instrument, request: Request, at: date) -> Reason | None:
    called = f"'{instrument.id}' ({instrument.reference})"
    if at < instrument.valid_from:
        text = f"The agreement {called} begins on {instrument.valid_from}."
        return Reason("agreement-not-begun", text, instrument.id, instrument.valid_from)
    if not instrument.is_live(at):
        text = f"The agreement {called} ended on {instrument.valid_until}."
        return Reason("agreement-lapsed", text, instrument.id, instrument.valid_until)
    if instrument.activities and request.activity not in instrument.activities:
        text = f"The agreement {called} does not cover the activity {request.activity}."
        return Reason("agreement-other-activity", text, instrument.id)
    if instrument.datasets_in and request.dataset not in instrument.datasets_in:
        return Reason(
            "agreement-other-dataset", f"The agreement {called} does not cover {request.dataset}.", instrument.id
        )
    if request.dataset in instrument.datasets_excluded:
        return Reason("agreement-excludes", f"The agreement {called} excludes {request.dataset}.", instrument.id)
    return None
