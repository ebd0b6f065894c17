"""Who sees how much: ceilings, identifiers, the scope of pseudonyms, and objections."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from caldicott.register.checks.finding import Finding, firm, in_activity
from caldicott.register.completeness import formats_out
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ObjectionExemption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Exemption, ProcessingActivity, Register
    from caldicott.register.places import Path


def ceilings_above_the_source(register: Register) -> Iterator[Finding]:
    """Nobody can be shown more than comes in."""
    for activity in register.activities:
        for index, rule in enumerate(activity.roles or ()):
            if activity.format_in is not None and not rule.ceiling.is_within(activity.format_in):
                what = f"{rule.role} may see {rule.ceiling} data, but only {activity.format_in} data come in"
                next_step = f"lower the ceiling to {activity.format_in}, or correct format_in"
                yield Finding(
                    in_activity(activity),
                    ("roles", index, "ceiling"),
                    what,
                    next_step,
                    "ceiling-above-format-in",
                    firm(register),
                )


def identifiers_without_use(register: Register) -> Iterator[Finding]:
    """Identifiers are allowed only where somebody may see identifiable data."""
    for activity in register.activities:
        formats = {activity.format_in, *formats_out(activity)}
        if activity.identifiers_allowed and DataFormat.IDENTIFIABLE not in formats:
            what = "identifiers are allowed, but nothing in the activity is identifiable"
            next_step = "write identifiers_allowed = [], or say who may see identifiable data"
            yield Finding(in_activity(activity), ("identifiers_allowed",), what, next_step, "identifiers-without-use")


def shared_domains(register: Register) -> Iterator[Finding]:
    """Two flows that differ by objections share no pseudonym: their difference would name the objectors."""
    for one, other in combinations([entry for entry in register.activities if entry.pseudonym_domain], 2):
        mine, theirs = one.pseudonym_domain, other.pseudonym_domain
        if mine is None or theirs is None:
            continue
        if mine.name == theirs.name and one.objections != other.objections:
            what = f"it shares the pseudonym domain `{theirs.name}` with `{one.id}`, but not its objections"
            next_step = "give it a domain of its own, with another letter; else comparing the two shows who objected"
            yield Finding(in_activity(other), ("pseudonym_domain", "name"), what, next_step, "domain-shared")
        if mine.letter == theirs.letter and mine.name != theirs.name:
            what = f"its letter {theirs.letter} is also the letter of the domain `{mine.name}`"
            next_step = "choose another letter, so that a token tells its domain"
            yield Finding(in_activity(other), ("pseudonym_domain", "letter"), what, next_step, "domain-letter-shared")


def sources_that_differ_by_objections(register: Register) -> Iterator[Finding]:
    """The same dataset does not come in twice, once with and once without objections applied, into one domain."""
    for activity in register.activities:
        seen: dict[str, frozenset[str]] = {}
        for index, use in enumerate(activity.datasets or ()):
            applied = frozenset(use.objections_applied_at_source)
            clash = use.direction == "in" and seen.setdefault(use.dataset, applied) != applied
            if clash and activity.pseudonym_domain is not None:
                what = f"`{use.dataset}` comes in twice with different objections, into one pseudonym domain"
                next_step = "take in one of the two, or give the other an activity and a domain of its own"
                path: Path = ("datasets", index, "dataset")
                yield Finding(in_activity(activity), path, what, next_step, "domain-shared")


def hollow_objections(register: Register) -> Iterator[Finding]:
    """An objection covers some format; an exemption has a reference, and a waiver an approval that waives."""
    for activity in register.activities:
        rules = activity.objections.rules if activity.objections else ()
        held = formats_out(activity) | ({activity.format_in} if activity.format_in else set())
        for index, rule in enumerate(rules):
            if not rule.covers_formats:
                path: Path = ("objections", "rules", index, "covers_formats")
                what, next_step = f"the objection `{rule.scheme}` stops no format", "list the formats that it stops"
                yield Finding(in_activity(activity), path, what, next_step, "objection-stops-nothing")
            elif held and not held & set(rule.covers_formats):
                path = ("objections", "rules", index, "covers_formats")
                named = ", ".join(rule.covers_formats)
                what = f"the objection `{rule.scheme}` stops {named} data, but the activity never holds any"
                next_step = f"list a format that it holds: {', '.join(sorted(held))}"
                yield Finding(in_activity(activity), path, what, next_step, "objection-misses", firm(register))
        exemptions = activity.objections.exemptions if activity.objections else ()
        for index, exemption in enumerate(exemptions):
            yield from _hollow_exemption(activity, exemption, index, register)


def _hollow_exemption(
    activity: ProcessingActivity, exemption: Exemption, index: int, register: Register
) -> Iterator[Finding]:
    file, path = in_activity(activity), ("objections", "exemptions", index)
    if not exemption.reference.strip():
        what, next_step = "the exemption has no reference", "name the law, policy or approval that exempts it"
        yield Finding(file, (*path, "reference"), what, next_step, "exemption-without-reference")
    if exemption.kind is not ObjectionExemption.CAG_WAIVER:
        return
    needed = {
        *activity.instruments,
        activity.confidentiality_basis.instrument if activity.confidentiality_basis else None,
    }
    waived = {scheme for entry in register.instruments if entry.id in needed for scheme in entry.objections_waived}
    missing = [scheme for scheme in exemption.schemes if scheme not in waived]
    if missing or not waived:
        what = f"no approval of the activity waives {', '.join(missing) or 'any objection'}"
        next_step = "write objections_waived in the approval that says so, or honour the objection"
        yield Finding(file, (*path, "kind"), what, next_step, "waiver-not-approved", firm(register))
