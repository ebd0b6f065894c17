"""What changed in the register as a whole: documents, contacts, who works for the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register import words
from caldicott.register.changes.change import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.register.model import Register


def instruments(old: Register, new: Register) -> Iterator[Change]:
    for instrument in new.instruments:
        before = old.instrument(instrument.id)
        if before is None:
            yield Change(
                "instrument", "", f"There is a new document behind what we do: {instrument.reference}.", "neither"
            )
        elif before.valid_until != instrument.valid_until:
            now, was = instrument.valid_until, before.valid_until
            longer = now is None or (was is not None and now > was)
            until, then = words.until(now), words.until(was)
            sentence = f"{instrument.reference} now holds {until}; before it was {then}."
            yield Change("instrument", "", sentence, "widens" if longer else "narrows")
    kept = {instrument.id for instrument in new.instruments}
    for instrument in old.instruments:
        if instrument.id not in kept:
            sentence = f"{instrument.reference} is no longer a document behind what we do."
            yield Change("instrument", "", sentence, "neither")


def contacts(old: Register, new: Register) -> Iterator[Change]:
    was = {(contact.role, contact.post, contact.reach) for contact in old.controller.contacts}
    now = {(contact.role, contact.post, contact.reach) for contact in new.controller.contacts}
    for role, post, reach in sorted(now - was):
        reached = f", reached at {reach}" if reach else ""
        yield Change("contact", "", f"{words.CONTACT[role]} is now: {post}{reached}.", "neither")
    for role in sorted({one[0] for one in was} - {one[0] for one in now}):
        yield Change("contact", "", f"{words.CONTACT[role]} is no longer named.", "neither")


def processors(old: Register, new: Register) -> Iterator[Change]:
    was, now = dict(_who_acts_for_us(old)), dict(_who_acts_for_us(new))
    for organisation_id, functions in now.items():
        name = words.organisation(organisation_id, new, old)
        fresh = [one for one in functions if one not in was.get(organisation_id, ())]
        if organisation_id not in was:
            sentence = f"A new organisation works for us, {name}: {_listed(functions)}."
            yield Change("processor", "", sentence, "widens")
        elif fresh:
            yield Change(
                "processor", "", f"{words.capital(name)} now also works for us in this: {_listed(fresh)}.", "widens"
            )
    for organisation_id in was:
        if organisation_id not in now:
            name = words.capital(words.organisation(organisation_id, new, old))
            yield Change("processor", "", f"{name} no longer works for us.", "narrows")


def _who_acts_for_us(register: Register) -> Iterator[tuple[str, tuple[str, ...]]]:
    for organisation in register.organisations:
        if {"processor", "sub_processor"} & set(organisation.roles):
            yield organisation.id, organisation.functions


def _listed(functions: Iterable[str]) -> str:
    return "; ".join(one.rstrip(".") for one in functions) or "what it does is not said"
