"""The register as the public may have it: of what is left out of the notice, that it exists and why it is left out.

A file for machines must not tell what the notice withholds. So every published
file is made from this projection, the kept register of a version too: of a
withheld activity stay a number, its status and the reason; what only it names
(documents, organisations) goes as well. A projection of a projection is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from caldicott.register.model import Instrument, Organisation, ProcessingActivity, Publication, Register

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_Part = TypeVar("_Part", Instrument, Organisation)
_ENDS = ("from_organisation", "to_organisation")
_TITLE = "A use that this notice leaves out"


def public(register: Register) -> Register:
    """The register without what the notice withholds; the same register if it withholds nothing."""
    withheld = {one.id for one in register.activities if not is_public(one)}
    if not withheld:
        return register
    names = {one: f"withheld-{number}" for number, one in enumerate(_in_order(register, withheld), 1)}
    told = [_renamed(one, names) if one.id not in names else _stub(one, names[one.id]) for one in register.activities]
    gone = _only_of_withheld(register, withheld)
    return register.model_copy(
        update={
            "activities": tuple(told),
            "organisations": tuple(_of_public(one, withheld) for one in register.organisations if one.id not in gone),
            "instruments": tuple(_of_public(one, withheld) for one in register.instruments if one.id not in gone),
        }
    )


def is_public(activity: ProcessingActivity) -> bool:
    """Whether the notice tells of the activity."""
    return activity.publication is not None and activity.publication.in_notice


def _in_order(register: Register, withheld: set[str]) -> Iterator[str]:
    return (one.id for one in register.activities if one.id in withheld)


def _stub(activity: ProcessingActivity, name: str) -> ProcessingActivity:
    reason = activity.publication.withheld_reason if activity.publication else ""
    return ProcessingActivity(
        id=name,
        version=1,
        status=activity.status,
        title=_TITLE,
        plain_text="",
        publication=Publication(in_notice=False, withheld_reason=reason),
    )


def _renamed(activity: ProcessingActivity, names: Mapping[str, str]) -> ProcessingActivity:
    """A public activity may take from a withheld one or give to it; it then names the number."""
    flows = activity.flows and tuple(
        one.model_copy(update={end: names.get(getattr(one, end), getattr(one, end)) for end in _ENDS})
        for one in activity.flows
    )
    recipients = activity.recipients and tuple(
        one.model_copy(update={"recipient": names.get(one.recipient, one.recipient)}) for one in activity.recipients
    )
    sources = activity.sources and tuple(names.get(one, one) for one in activity.sources)
    return activity.model_copy(update={"flows": flows, "recipients": recipients, "sources": sources})


def _only_of_withheld(register: Register, withheld: set[str]) -> frozenset[str]:
    """Documents and organisations that a withheld activity names and nothing else does."""
    hidden = [one.model_dump() for one in register.activities if one.id in withheld]
    open_ = [one.model_dump() for one in register.activities if one.id not in withheld]
    parts: list[Instrument | Organisation] = [*register.instruments, *register.organisations]
    hidden += [{"id": one.id} for one in parts if one.activities and withheld.issuperset(one.activities)]
    open_ += [{"id": one.id} for one in parts if set(one.activities) - withheld]
    only = frozenset(_words(hidden)) - frozenset(_words(open_))
    # The parties of a document that stays are named by it.
    staying = {party for one in register.instruments if one.id not in only for party in one.parties}
    parties = {party for one in register.instruments if one.id in only for party in one.parties}
    return (only | (parties - frozenset(_words(open_)))) - staying - {register.controller.id}


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        inside: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for each in inside:
            yield from _words(each)


def _of_public(part: _Part, withheld: set[str]) -> _Part:
    if withheld.isdisjoint(part.activities):
        return part
    return part.model_copy(update={"activities": tuple(one for one in part.activities if one not in withheld)})
