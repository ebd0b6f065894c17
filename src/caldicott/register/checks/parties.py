"""Who answers and who works for whom: contacts, member practices, processors, contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register.checks.finding import Finding, firm
from caldicott.vocabulary.terms import InstrumentKind, Regime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Contact, Register
    from caldicott.register.places import Path

POSTS = ("dpo", "caldicott_guardian", "siro", "counter_fraud", "rights", "foi")
COMMISSIONERS = ("ccg", "icb")


def contacts(register: Register, at: date) -> Iterator[Finding]:
    """Every post the public may need is held on the day (conflict 14)."""
    held = {contact.role for contact in register.controller.contacts if _holds(contact, at)}
    # Complaints to the controller itself are a duty only since the Act of 2025 [DPA 2018 s164A].
    complaints = ("complaints",) if register.controller.regime is Regime.UK_GDPR_DPA2018_DUAA2025 else ()
    for post in (*POSTS, *complaints):
        if post not in held:
            what, next_step = (
                f"nobody holds the post `{post}` on that day",
                f'add [[contacts]] with role = "{post}" and the post',
            )
            yield Finding("controller.toml", ("contacts",), what, next_step, "missing-contact", firm(register))


def _holds(contact: Contact, at: date) -> bool:
    starts, ends = contact.valid_from, contact.valid_to
    return (starts is None or starts <= at) and (ends is None or at <= ends) and bool(contact.post.strip())


def accreditations(register: Register, at: date) -> Iterator[Finding]:
    """A recognition that has run out, such as the registration with the Information Commissioner's Office."""
    for index, organisation in enumerate(register.organisations):
        for place, one in enumerate(organisation.accreditations):
            if one.valid_to is not None and one.valid_to < at:
                path: Path = ("organisation", index, "accreditations", place, "valid_to")
                what = f"`{one.kind}` of `{organisation.id}` ran out on {one.valid_to}"
                next_step = "renew it and set the next end, or take it out"
                yield Finding("organisations.toml", path, what, next_step, "accreditation-lapsed", "warning")


def member_practices(register: Register) -> Iterator[Finding]:
    """A commissioner answers for the patients of its member practices, so it lists them."""
    if register.controller.kind in COMMISSIONERS and not register.controller.member_practices:
        what, next_step = "no member practice is listed", "list them in member_practices.toml"
        yield Finding("controller.toml", ("id",), what, next_step, "no-member-practices", firm(register))


def processors(register: Register) -> Iterator[Finding]:
    """Every processor has a function (conflict 12)."""
    for index, organisation in enumerate(register.organisations):
        if {"processor", "sub_processor"} & set(organisation.roles) and not organisation.functions:
            what = f"the processor `{organisation.id}` has no function"
            next_step = "say in `functions` what it does for the controller; until then its activities stay shut"
            path: Path = ("organisation", index, "roles")
            yield Finding("organisations.toml", path, what, next_step, "processor-without-function", firm(register))


def due_diligence(register: Register) -> Iterator[Finding]:
    """Nobody is contracted before being looked at [R16]."""
    for index, instrument in enumerate(register.instruments):
        if instrument.kind is not InstrumentKind.CONTRACT:
            continue
        looked, path = instrument.due_diligence_date, ("instrument", index, "due_diligence_date")
        next_step = "write the day of due diligence, which lies before valid_from"
        if looked is None:
            what = f"the contract `{instrument.id}` shows no due diligence"
            yield Finding("instruments.toml", path, what, next_step, "no-due-diligence", firm(register))
        elif looked >= instrument.valid_from:
            what = f"due diligence for `{instrument.id}` was on {looked}, not before the contract began"
            yield Finding("instruments.toml", path, what, next_step, "late-due-diligence", firm(register))
