"""Whose objection stops what, and what an exemption sets aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register import words
from caldicott.register.changes.change import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import ObjectionRule, ProcessingActivity


def objections(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    was, now = _reach(before), _reach(after)
    for scheme in dict.fromkeys((*now, *was)):
        lost, gained = was.get(scheme, set()) - now.get(scheme, set()), now.get(scheme, set()) - was.get(scheme, set())
        you = f"If you objected under {words.SCHEME[scheme]}, “{after.title}”"
        if gained and scheme not in was:
            yield Change("objection", after.id, f"{you} now stops for you.", "narrows")
        elif lost and scheme not in now:
            yield Change("objection", after.id, f"{you} no longer stops for you.", "widens")
        else:
            yield from _partial(you, lost, gained, after)


def _reach(activity: ProcessingActivity) -> dict[str, set[tuple[str, str]]]:
    """Scheme to what it stops: pairs of dataset and format."""
    found: dict[str, set[tuple[str, str]]] = {}
    for rule in activity.objections.rules if activity.objections else ():
        found.setdefault(rule.scheme, set()).update(_stopped(rule, activity))
    return found


def _stopped(rule: ObjectionRule, activity: ProcessingActivity) -> Iterator[tuple[str, str]]:
    for dataset in rule.datasets or [use.dataset for use in activity.datasets or ()] or [""]:
        yield from ((dataset, one) for one in rule.covers_formats)


def _partial(
    you: str, lost: set[tuple[str, str]], gained: set[tuple[str, str]], after: ProcessingActivity
) -> Iterator[Change]:
    if gained:
        yield Change("objection", after.id, f"{you} now also stops for {words.reach(gained)}.", "narrows")
    if lost:
        yield Change("objection", after.id, f"{you} no longer stops for {words.reach(lost)}.", "widens")


def exemptions(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    was, now = _exempt(before), _exempt(after)
    for kind, scheme in sorted(now - was):
        set_aside = f"{words.capital(words.SCHEME[scheme])} now does not apply to “{after.title}”"
        sentence = f"{set_aside}, because {words.EXEMPTION[kind]}."
        yield Change("exemption", after.id, sentence, "widens")
    for _, scheme in sorted(was - now):
        sentence = f"{words.capital(words.SCHEME[scheme])} is no longer set aside for “{after.title}”."
        yield Change("exemption", after.id, sentence, "narrows")


def _exempt(activity: ProcessingActivity) -> set[tuple[str, str]]:
    exemptions = activity.objections.exemptions if activity.objections else ()
    return {(one.kind, scheme) for one in exemptions for scheme in one.schemes or ("",)}
