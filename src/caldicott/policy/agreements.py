"""Whether a submission may come from this sender under this agreement: both known, live, and the agreement covers it.

A submission is asked about twice: may the landing office land it (`decide`),
and do the sender, the map of flows and the document it names allow it. All have
to say yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.compiled import MEMBER_PRACTICES, compiled, is_member
from caldicott.policy.decision import Hindrance, Reason
from caldicott.policy.refusals import refuse
from caldicott.policy.words import speakable
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.policy.compiled import CompiledRegister
    from caldicott.policy.decision import Refusal, Request
    from caldicott.register.model import Instrument, Register

_ANOTHER = "Name the agreement of the register that covers this, or have this one extended or amended."


def against_agreement(
    agreement: str, request: Request, register: Register, at: date, *, sender: str | None
) -> Refusal | None:
    """A refusal if the sender is not known or the agreement does not cover the request that day; None if all is well.

    `sender` is an ODS code. None, for a submission that names nobody, is refused like an unknown one.
    """
    asked = compiled(register)
    hindrances = (
        *(tuple(_against_sender(sender, asked, at)) or _against_other_flows(sender, request, asked)),
        *_against_agreement(agreement, request, register, at),
    )
    return refuse(request, asked, at=at, hindrances=hindrances) if hindrances else None


def _against_sender(sender: str | None, asked: CompiledRegister, at: date) -> Iterator[Hindrance]:
    # The national body has no way in of its own: it is an organisation of the register like any other.
    register = asked.register
    bodies = {register.controller.ods, *(organisation.ods for organisation in register.organisations)}
    if sender is not None and sender in bodies:
        return
    if sender is not None and (memberships := asked.practices.get(sender)) is not None:
        if not is_member(memberships, at):
            last = max((one.valid_to for one in memberships if one.valid_to is not None), default=None)
            text = f"The sender {sender} is a practice that is not a member on that day."
            reason = Reason("sender-not-member", text, "member practices", last)
            way_out = "Record the days of its membership, or ask the sender who took over its patients."
            yield Hindrance(reason, way_out, "dpo")
        return
    yield _unknown_sender(sender)


def _unknown_sender(sender: str | None) -> Hindrance:
    named = f"The sender '{speakable(sender)}' is unknown" if sender else "The submission names no sender"
    text = f"{named}: it is no organisation of this register and no member practice."
    way_out = (
        "If the sender wrote its ODS code wrongly, ask it for a corrected manifest. If the code is right and a flow of "
        "the register covers it, enter the sender among the organisations with its ODS code, or a practice among the "
        "member practices with its first day. Otherwise send the submission back: nothing of it was taken in."
    )
    return Hindrance(Reason("unknown-sender", text, "register"), way_out, "dpo")


def _against_other_flows(sender: str | None, request: Request, asked: CompiledRegister) -> tuple[Hindrance, ...]:
    # A known organisation is not enough: the map says what comes from where, and nothing comes another way.
    activity = asked.activities[request.activity].entry
    told = DataFormat(request.format).tells
    carrying = [one for one in activity.flows or () if request.dataset in one.datasets and one.format.tells >= told]
    if any(_sends(flow.from_organisation, sender, asked) for flow in carrying):
        return ()
    text = f"No flow of {request.activity} carries {request.dataset} from {speakable(sender or 'nobody')}."
    sources = ", ".join(sorted({flow.from_organisation for flow in carrying})) or "nobody"
    way_out = (
        f"The register says that it comes from: {sources}. Ask why this sender has it; if that is right, enter the "
        "flow with its document, and publish it. Nothing of the submission was taken in."
    )
    return (Hindrance(Reason("sender-without-flow", text, "flows"), way_out, "dpo"),)


def _sends(source: str, sender: str | None, asked: CompiledRegister) -> bool:
    if source == MEMBER_PRACTICES:
        return sender in asked.practices
    return asked.codes.get(source, source) == sender


def _against_agreement(agreement: str, request: Request, register: Register, at: date) -> Iterator[Hindrance]:
    instrument = register.instrument(agreement)
    reason = _unknown(agreement) if instrument is None else _uncovered(instrument, request, at)
    if reason is not None:
        yield Hindrance(reason, _ANOTHER, "dpo")


def _unknown(agreement: str) -> Reason:
    return Reason("unknown-agreement", f"The agreement '{speakable(agreement)}' is unknown.", "register")


def _uncovered(instrument: Instrument, request: Request, at: date) -> Reason | None:
    called, document = f"{instrument.reference} ({instrument.id})", instrument.reference
    if at < instrument.valid_from:
        text = f"The agreement {called} begins on {instrument.valid_from}."
        return Reason("agreement-not-begun", text, document, instrument.valid_from)
    if not instrument.is_live(at):
        text = f"The agreement {called} ended on {instrument.valid_until}."
        return Reason("agreement-lapsed", text, document, instrument.valid_until)
    if instrument.activities and request.activity not in instrument.activities:
        text = f"The agreement {called} does not cover the activity {request.activity}."
        return Reason("agreement-other-activity", text, document)
    if instrument.datasets_in and request.dataset not in instrument.datasets_in:
        text = f"The agreement {called} does not cover {request.dataset}."
        return Reason("agreement-other-dataset", text, document)
    if request.dataset in instrument.datasets_excluded:
        return Reason("agreement-excludes", f"The agreement {called} excludes {request.dataset}.", document)
    return None
