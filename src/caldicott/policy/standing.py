"""Whether an activity may run at all on a day: the register's dates, its own, its notice and its documents.

Everything that stands in the way is named, not only the first thing: the
person who has to put it right should not have to come back four times.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.policy.decision import Hindrance, Reason
from caldicott.register.ahead import EXTENDED_BY, post_for
from caldicott.vocabulary.terms import ActivityStatus, ConfidentialityKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from caldicott.policy.compiled import CompiledActivity, Needed
    from caldicott.register.model import Controller, Instrument

_STATUS_SAYS = {
    ActivityStatus.DRAFT: ("is still a draft", "Complete the entry, publish it in the notice and set it active."),
    ActivityStatus.INACTIVE: (
        "is published but not in use",
        "If it is to be used, have the controller set it active in a new version of the register.",
    ),
    ActivityStatus.RETIRED: ("is retired", "Ask which activity of the register has taken its place."),
}


def against_controller(controller: Controller, at: date) -> Iterator[Hindrance]:
    """The register answers only for the days on which its controller exists."""
    if controller.valid_from is not None and at < controller.valid_from:
        reason = Reason(
            "controller-not-yet",
            f"{controller.name} is responsible only from {controller.valid_from}.",
            f"controller {controller.id}",
            controller.valid_from,
        )
        yield Hindrance(reason, "Ask the register of the body that was responsible on that day.", "dpo")
    if controller.valid_to is not None and controller.valid_to < at:
        heir = f"the register of {controller.succeeded_by}" if controller.succeeded_by else "its successor's register"
        reason = Reason(
            "controller-ended",
            f"{controller.name} was responsible until {controller.valid_to}.",
            f"controller {controller.id}",
            controller.valid_to,
        )
        yield Hindrance(reason, f"Ask {heir}.", "dpo")


def _against_notice(activity: CompiledActivity, at: date) -> Iterator[Hindrance]:
    """Nothing happens ahead of the notice that publishes it [rules: R24]."""
    first = activity.published
    if first is not None and first <= at:
        return
    named = activity.entry.publication.notice_version if activity.entry.publication is not None else ""
    which = f"the notice version {named}" if named else "the notice"
    when = f"was first published on {first}" if first is not None else "has not been published"
    text = f"Nothing may happen before the notice says it: {which} {when}."
    reason = Reason("notice-not-published", text, f"notice {named}".strip(), first)
    yield Hindrance(reason, "Publish the notice and record its version and date in the register.", "dpo")


def against_activity(activity: CompiledActivity, at: date) -> Iterator[Hindrance]:
    """Why this activity may not run on that day, whoever asks."""
    entry = activity.entry
    if entry.status is not ActivityStatus.ACTIVE:
        says, way_out = _STATUS_SAYS[entry.status]
        reason = Reason(f"activity-{entry.status}", f"The activity {entry.id} {says}.", f"activity {entry.id}")
        yield Hindrance(reason, way_out, "dpo")
    yield from _against_dates(activity, at)
    yield from _against_notice(activity, at)
    yield from against_instruments(activity.needs, at)
    yield from _against_confidentiality(activity)
    yield from _against_gaps(activity)


def _against_dates(activity: CompiledActivity, at: date) -> Iterator[Hindrance]:
    entry = activity.entry
    document = f"activity {entry.id}"
    if entry.effective_from is not None and at < entry.effective_from:
        reason = Reason(
            "activity-not-yet",
            f"The activity {entry.id} begins on {entry.effective_from}.",
            document,
            entry.effective_from,
        )
        yield Hindrance(reason, f"Ask again for a day from {entry.effective_from} on.", "dpo")
    if entry.effective_to is not None and entry.effective_to < at:
        reason = Reason(
            "activity-ended", f"The activity {entry.id} ended on {entry.effective_to}.", document, entry.effective_to
        )
        yield Hindrance(reason, "Ask which activity of the register has taken its place.", "dpo")


def _against_confidentiality(activity: CompiledActivity) -> Iterator[Hindrance]:
    basis = activity.entry.confidentiality_basis
    if basis is None or basis.kind is not ConfidentialityKind.S251 or basis.instrument is not None:
        return
    text = f"The activity {activity.entry.id} rests on section 251 support but names no approval."
    reason = Reason("support-without-instrument", text, f"activity {activity.entry.id}")
    yield Hindrance(reason, "Name the approval as the instrument of its confidentiality basis.", "caldicott_guardian")


def _against_gaps(activity: CompiledActivity) -> Iterator[Hindrance]:
    if not activity.gaps:
        return
    # By name only: the next step says who explains them, and a paragraph of explanations is not listened to.
    named = ", ".join(dict.fromkeys(gap.partition(":")[0] for gap in activity.gaps))
    text = f"The entry {activity.entry.id} is incomplete, so it permits nothing. Missing: {named}."
    reason = Reason("activity-incomplete", text, f"activity {activity.entry.id}")
    yield Hindrance(reason, "Complete the entry; `caldicott register check` lists what is missing.", "dpo")


def against_instruments(needs: Iterable[Needed], at: date) -> Iterator[Hindrance]:
    """Every document that does not hold on that day. A lapse refuses from the day after its last."""
    for need in needs:
        if need.instrument is None:
            text = f"The document {need.id} is depended on, but the register does not hold it."
            reason = Reason("instrument-unknown", text, need.id)
            yield Hindrance(reason, f"Enter {need.id} among the instruments with its dates.", "dpo")
        elif not need.instrument.is_live(at):
            yield lapse(need.instrument, at)


def carrier(activity: CompiledActivity, dataset: str, at: date) -> tuple[Needed, ...]:
    """The document the dataset stands on that day: that of the first flow of the map whose document holds."""
    for need in activity.carriers.get(dataset, ()):
        if need.instrument is not None and need.instrument.is_live(at):
            return (need,)
    return ()


def against_flows(activity: CompiledActivity, dataset: str, at: date) -> Iterator[Hindrance]:
    """A dataset stands on the documents of the flows that carry it; one that holds is enough."""
    if carrier(activity, dataset, at):
        return
    for need in activity.carriers.get(dataset, ()):
        # What the whole activity depends on is named already.
        for hindrance in against_instruments((need,), at) if need not in activity.needs else ():
            told = f"The flow that carries {dataset} stands on a document that does not hold. {hindrance.reason.text}"
            reason = replace(hindrance.reason, code=f"flow-{hindrance.reason.code}", text=told)
            yield replace(hindrance, reason=reason)


def lapse(instrument: Instrument, at: date) -> Hindrance:
    """What to say of a document outside its dates: which, since when, and what extends it."""
    name, post = f"{instrument.reference} ({instrument.id})", post_for(instrument)
    if at < instrument.valid_from:
        text = f"{name} holds only from {instrument.valid_from}."
        reason = Reason("instrument-not-yet", text, instrument.reference, instrument.valid_from)
        return Hindrance(reason, f"Wait until {instrument.valid_from}, or record an earlier document.", post)
    last = instrument.valid_until or at
    text = f"{name} lapsed: its last day was {last}, so it refuses from {last + timedelta(days=1)}."
    reason = Reason("instrument-lapsed", text, instrument.reference, last)
    way_out = f"Obtain {EXTENDED_BY[instrument.kind]} and record it in the history of {instrument.id}."
    return Hindrance(reason, way_out, post)
