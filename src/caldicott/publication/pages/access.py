"""Who sees what in which form, and who goes from a code back to a person: the register's role rules on a day.

Nothing here decides. It reads the rules as policy does, and tests compare the
two for every activity, role, form and register.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.publication.pages.standing import Stop, dataset_stops, document_stops
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import InstrumentKind, Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Instrument, MemberPractice, ProcessingActivity, Register, RoleRule

SEEING = frozenset({"see", "release", "decide", "edit", "approve"})
"""Whoever may do one of these sees the records; to take in and to join are done by computers."""
_OF_A_PRACTICE = frozenset({Relationship.OWN_PRACTICE, Relationship.FEDERATION})
_ALL_PRACTICES = "member-practices"


@dataclass(frozen=True, slots=True)
class Seat:
    """One role rule on a day: which records it reaches, which not and why, or why it reaches none."""

    rule: RoleRule
    datasets: tuple[str, ...]
    out_of_reach: tuple[tuple[str, Stop], ...]
    stops: tuple[Stop, ...]
    practices: int | None
    """For a group of practices: how many take part. None where that is not the question."""

    @property
    def is_open(self) -> bool:
        return not self.stops and bool(self.datasets)


def seats(activity: ProcessingActivity, register: Register, at: date) -> tuple[Seat, ...]:
    """The rules by which somebody sees records, in the register's order."""
    return tuple(_seat(rule, activity, register, at) for rule in activity.roles or () if rule.action in SEEING)


def unseeing(activity: ProcessingActivity) -> tuple[RoleRule, ...]:
    """The rules by which records are taken in or joined without anybody looking at a person."""
    return tuple(rule for rule in activity.roles or () if rule.action not in SEEING)


def reidentifying(activity: ProcessingActivity, register: Register, at: date) -> tuple[Seat, ...]:
    """The rules by which somebody goes from a code back to the person."""
    domain = activity.pseudonym_domain
    if domain is None:
        return ()
    return tuple(
        seat
        for seat in seats(activity, register, at)
        if seat.rule.role in domain.reidentify_roles
        and DataFormat.PSEUDONYMISED.is_within(seat.rule.ceiling)
        and seat.rule.relationship in (Relationship.NONE, domain.reidentify_relationship)
    )


def _seat(rule: RoleRule, activity: ProcessingActivity, register: Register, at: date) -> Seat:
    named = rule.datasets or tuple(dict.fromkeys(use.dataset for use in activity.datasets or ()))
    barred = {one: stopped[0] for one in named if (stopped := dataset_stops(one, activity, register, at))}
    practices = _practices(rule, activity, register, at) if rule.relationship in _OF_A_PRACTICE else None
    return Seat(
        rule,
        tuple(one for one in named if one not in barred),
        tuple(barred.items()),
        (*_rule_stops(rule, register, at), *_nobody(practices)),
        len(practices) if practices is not None and rule.relationship is Relationship.FEDERATION else None,
    )


def _nobody(practices: frozenset[str] | None) -> Iterator[Stop]:
    if practices is not None and not practices:
        yield Stop("The register names no GP practice for this, so nobody sees it.")


def _rule_stops(rule: RoleRule, register: Register, at: date) -> Iterator[Stop]:
    for required in rule.requires:
        # In a group of practices each stands on its own agreement: one that ends costs one practice, not all.
        if rule.relationship is not Relationship.FEDERATION or not _is_guardian(register.instrument(required)):
            yield from document_stops(required, register, at)


def _is_guardian(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.kind is InstrumentKind.GUARDIAN_AGREEMENT


def _practices(rule: RoleRule, activity: ProcessingActivity, register: Register, at: date) -> frozenset[str]:
    """The member practices that may see by this rule on that day."""
    members = {one.ods for one in register.controller.member_practices if _is_member(one, at)}
    known = {one.ods for one in register.controller.member_practices}
    named = {_code(one, register) for one in rule.organisations} & known
    everyone = not rule.organisations or _ALL_PRACTICES in rule.organisations
    if rule.relationship is Relationship.FEDERATION:
        agreed = _agreed(rule, activity, register, at)
        return frozenset(members & agreed & (named or agreed))
    return frozenset(members if everyone else members & named)


def _is_member(practice: MemberPractice, at: date) -> bool:
    return practice.valid_from <= at and (practice.valid_to is None or at <= practice.valid_to)


def _agreed(rule: RoleRule, activity: ProcessingActivity, register: Register, at: date) -> set[str]:
    """The parties of the guardians' agreements that hold: those the rule names, or else all for the activity."""
    required = [register.instrument(one) for one in rule.requires]
    named = [one for one in required if one is not None and _is_guardian(one)]
    every = [
        one for one in register.instruments if _is_guardian(one) and activity.id in (one.activities or (activity.id,))
    ]
    return {_code(party, register) for one in named or every if one.is_live(at) for party in one.parties}


def _code(word: str, register: Register) -> str:
    found = register.organisation(word)
    return (found.ods or found.id) if found is not None else word.upper()
