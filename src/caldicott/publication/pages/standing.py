"""Why something the register describes is not done on a day, in words for the public.

The decision itself is made in policy, which this room may not see: the notice
is made from the register alone. That both say the same of every activity, role
and form is held by tests/spec/publication.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.publication.pages import phrases
from caldicott.register import words
from caldicott.register.completeness import gaps
from caldicott.vocabulary.terms import ActivityStatus, ConfidentialityKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Instrument, ProcessingActivity, Register


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stands in the way, and since when where a day is known."""

    sentence: str
    since: date | None = None
    is_plan: bool = False
    """It was never begun or was put aside, rather than stopped by a date."""


_STATUS = {
    ActivityStatus.DRAFT: "We do not do this. It is still a draft.",
    ActivityStatus.INACTIVE: "We do not do this at present. If anyone tries, our computers refuse.",
    ActivityStatus.RETIRED: "We no longer do this.",
}


def stops(activity: ProcessingActivity, register: Register, at: date) -> tuple[Stop, ...]:
    """Everything for which the activity is not done on that day; empty if it is done."""
    return (
        *controller_stops(register, at),
        *_dates(activity, at),
        *_notice(activity, register, at),
        *_documents(activity, register, at),
        *_incomplete(activity, register),
    )


def controller_stops(register: Register, at: date) -> Iterator[Stop]:
    """Whether the body that answers for the register exists on that day."""
    controller = register.controller
    if controller.valid_from is not None and at < controller.valid_from:
        yield Stop(f"{controller.name} takes this on from {words.day(controller.valid_from)}.", is_plan=True)
    if controller.valid_to is not None and controller.valid_to < at:
        heir = f" Ask {phrases.body(controller.succeeded_by, register)}." if controller.succeeded_by else ""
        since = controller.valid_to + timedelta(days=1)
        yield Stop(f"{controller.name} answered for this until {words.day(controller.valid_to)}.{heir}", since)


def _dates(activity: ProcessingActivity, at: date) -> Iterator[Stop]:
    if activity.status in _STATUS:
        yield Stop(_STATUS[activity.status], is_plan=True)
    if activity.effective_from is not None and at < activity.effective_from:
        yield Stop(f"This begins on {words.day(activity.effective_from)}.", is_plan=True)
    if activity.effective_to is not None and activity.effective_to < at:
        yield Stop(f"This ended on {words.day(activity.effective_to)}.", activity.effective_to + timedelta(days=1))


def _notice(activity: ProcessingActivity, register: Register, at: date) -> Iterator[Stop]:
    named = activity.publication.notice_version if activity.publication else ""
    days = [one.published for one in register.controller.notices if named in ("", one.version)]
    first = min(days, default=None)
    if first is None or at < first:
        when = f" That is on {words.day(first)}." if first else ""
        yield Stop(f"This may not begin before a notice that tells of it is out.{when}", is_plan=True)


def _documents(activity: ProcessingActivity, register: Register, at: date) -> Iterator[Stop]:
    for instrument_id in documents_of(activity):
        yield from document_stops(instrument_id, register, at)
    basis = activity.confidentiality_basis
    if basis is not None and basis.kind is ConfidentialityKind.S251 and basis.instrument is None:
        yield Stop("The law asks for a special approval here, called section 251. None is named, so we do not do this.")


def documents_of(activity: ProcessingActivity) -> tuple[str, ...]:
    """The documents the activity depends on as a whole."""
    named = list(activity.instruments)
    if activity.confidentiality_basis is not None and activity.confidentiality_basis.instrument:
        named.append(activity.confidentiality_basis.instrument)
    if activity.pseudonym_domain is not None:
        named.append(activity.pseudonym_domain.agreement)
    return tuple(dict.fromkeys(named))


def document_stops(instrument_id: str, register: Register, at: date) -> Iterator[Stop]:
    """Why a document does not hold on that day; nothing if it does."""
    instrument = register.instrument(instrument_id)
    if instrument is None:
        yield Stop(f"This needs a document that we do not have: {instrument_id}.")
    elif not instrument.is_live(at):
        yield _lapse(instrument, at)


def _lapse(instrument: Instrument, at: date) -> Stop:
    name, last = instrument.reference, instrument.valid_until
    if at < instrument.valid_from or last is None:
        begins = words.day(instrument.valid_from)
        return Stop(f"This may begin on {begins}. From then on this paper holds: {name}.", is_plan=True)
    since = last + timedelta(days=1)
    return Stop(
        f"This stopped on {words.day(since)}. It needs this paper, whose last day was {words.day(last)}: {name}.", since
    )


def _incomplete(activity: ProcessingActivity, register: Register) -> Iterator[Stop]:
    missing = dict.fromkeys(gap.field.split(".")[0].split("[")[0] for gap in gaps(activity, register))
    if missing:
        named = "; ".join(phrases.plain(one, phrases.GAP) for one in missing)
        yield Stop(f"Our computers do not do this, because the register does not say enough. Not stated: {named}.")


def dataset_stops(dataset: str, activity: ProcessingActivity, register: Register, at: date) -> tuple[Stop, ...]:
    """Why one kind of record is not used in the activity on that day."""
    for instrument_id in documents_of(activity):
        instrument = register.instrument(instrument_id)
        if instrument is not None and dataset in instrument.datasets_excluded:
            return (Stop(f"These records are shut out by this paper: {instrument.reference}."),)
    carriers = dict.fromkeys(
        flow.instrument for flow in activity.flows or () if flow.instrument and dataset in flow.datasets
    )
    found = [tuple(document_stops(one, register, at)) for one in carriers]
    return tuple(stop for stopped in found for stop in stopped) if found and all(found) else ()
