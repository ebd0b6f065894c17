"""Who sees how much: ceilings, what they need first, identifiers, recipients, small numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register import words
from caldicott.register.changes.change import Change, Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import ProcessingActivity, Register, RoleRule
    from caldicott.vocabulary.formats import DataFormat

Step = tuple["DataFormat | None", "DataFormat | None"]
Seat = tuple[str, str, str, str]
"""Role, action, relationship, organisation (empty for the controller or any member practice)."""


def ceilings(before: ProcessingActivity, after: ProcessingActivity, old: Register, new: Register) -> Iterator[Change]:
    """Who may now do more or less with which datasets; datasets with the same change share a sentence."""
    was, now = _ceilings(before), _ceilings(after)
    for seat in dict.fromkeys((*now, *was)):
        alike: dict[Step, list[str]] = {}
        for dataset in dict.fromkeys((*now.get(seat, {}), *was.get(seat, {}))):
            step = was.get(seat, {}).get(dataset), now.get(seat, {}).get(dataset)
            alike.setdefault(step, []).append(words.dataset(dataset))
        for (left, came), datasets in alike.items():
            who, which = words.who(seat, new, old), words.listed(datasets)
            does = f"{who} {{}} {words.ACTION[seat[1]]} {{}} from {which}, for “{after.title}”"
            yield from _one_step(does, left, came, after.id)


def _ceilings(activity: ProcessingActivity) -> dict[Seat, dict[str, DataFormat]]:
    found: dict[Seat, dict[str, DataFormat]] = {}
    everything = tuple(use.dataset for use in activity.datasets or ())
    for rule in activity.roles or ():
        for seat in _seats(rule):
            for dataset in rule.datasets or everything or ("",):
                held = found.setdefault(seat, {})
                held[dataset] = max(rule.ceiling, held.get(dataset, rule.ceiling), key=lambda one: one.tells)
    return found


def _seats(rule: RoleRule) -> Iterator[Seat]:
    for organisation in rule.organisations or ("",):
        yield rule.role, rule.action, rule.relationship, organisation


def _one_step(does: str, was: DataFormat | None, now: DataFormat | None, activity: str) -> Iterator[Change]:
    if now is was:
        return
    if now is None and was is not None:
        yield Change("ceiling", activity, does.format("can no longer", words.FORMAT[was]) + ".", "narrows")
    elif now is not None and was is None:
        yield Change("ceiling", activity, does.format("can now", words.FORMAT[now]) + ".", "widens")
    elif now is not None and was is not None:
        before = f"; before it was {words.FORMAT[was]}."
        effect: Effect = "widens" if now.tells > was.tells else "narrows"
        yield Change("ceiling", activity, does.format("can now", words.FORMAT[now]) + before, effect)


def requirements(
    before: ProcessingActivity, after: ProcessingActivity, old: Register, new: Register
) -> Iterator[Change]:
    """Documents, such as a training record, that a role or the whole activity now needs, or no longer does."""
    was, now = _requirements(before), _requirements(after)
    for seat in [one for one in now if one in was]:
        who = words.who(seat, new, old) if seat[0] else "What we do"
        for needed in sorted(now[seat] - was[seat]):
            sentence = f"{who} now needs this first, for “{after.title}”: {words.instrument(needed, new, old)}."
            yield Change("requirement", after.id, sentence, "narrows")
        for needed in sorted(was[seat] - now[seat]):
            sentence = f"{who} no longer needs this, for “{after.title}”: {words.instrument(needed, new, old)}."
            yield Change("requirement", after.id, sentence, "widens")


def _requirements(activity: ProcessingActivity) -> dict[Seat, set[str]]:
    found: dict[Seat, set[str]] = {("", "", "", ""): set(activity.instruments)}
    for rule in activity.roles or ():
        for seat in _seats(rule):
            found.setdefault(seat, set()).update(rule.requires)
    return found


def small_numbers(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    """How small counts are hidden."""
    was = before.disclosure_control.rule if before.disclosure_control else None
    now = after.disclosure_control.rule if after.disclosure_control else None
    if was != now:
        how = f"by the rule {now}" if now else "by no rule at all"
        sentence = f"Small counts of “{after.title}” are now hidden {how}; before it was {was or 'no rule'}."
        effect: Effect = "widens" if now is None else "narrows" if was is None else "neither"
        yield Change("small-numbers", after.id, sentence, effect)
    spent, may = (one.disclosure_control.public_epsilon if one.disclosure_control else None for one in (before, after))
    if (spent or 0) != (may or 0):
        sentence = (
            f"Of “{after.title}” counts with random noise may now be published, out of a budget of {may:g}; "
            f"before it was {spent or 0:g}."
            if may
            else f"Of “{after.title}” counts with random noise may no longer be published."
        )
        yield Change("noise", after.id, sentence, "widens" if (may or 0) > (spent or 0) else "narrows")


def identifiers(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Change]:
    was, now = set(before.identifiers_allowed or ()), set(after.identifiers_allowed or ())
    for identifier in sorted(now - was):
        sentence = f"“{after.title}” may now use {words.IDENTIFIER[identifier]}."
        yield Change("identifiers", after.id, sentence, "widens")
    for identifier in sorted(was - now):
        sentence = f"“{after.title}” may no longer use {words.IDENTIFIER[identifier]}."
        yield Change("identifiers", after.id, sentence, "narrows")


def recipients(before: ProcessingActivity, after: ProcessingActivity, old: Register, new: Register) -> Iterator[Change]:
    was = {rule.recipient: rule for rule in before.recipients or ()}
    now = {rule.recipient: rule for rule in after.recipients or ()}
    for recipient in dict.fromkeys((*now, *was)):
        left, came = was.get(recipient), now.get(recipient)
        name, where = words.organisation(recipient, new, old), f"from “{after.title}”"
        if left is None and came is not None:
            sentence = f"A new organisation, {name}, now receives {words.FORMAT[came.format]} {where}."
            yield Change("recipient", after.id, sentence, "widens")
        elif came is None and left is not None:
            yield Change(
                "recipient", after.id, f"{words.capital(name)} no longer receives anything {where}.", "narrows"
            )
        elif left is not None and came is not None and left.format is not came.format:
            effect: Effect = "widens" if came.format.tells > left.format.tells else "narrows"
            now_gets = f"{words.capital(name)} now receives {words.FORMAT[came.format]} {where}"
            sentence = f"{now_gets}; before it was {words.FORMAT[left.format]}."
            yield Change("recipient", after.id, sentence, effect)
        elif left is not None and came is not None and set(left.fields) != set(came.fields):
            yield from _fields(name, set(left.fields), set(came.fields), after)


def _fields(name: str, was: set[str], now: set[str], after: ProcessingActivity) -> Iterator[Change]:
    if not now:
        sentence = f"{words.capital(name)} is no longer limited to named fields from “{after.title}”."
        yield Change("recipient", after.id, sentence, "widens")
    elif not was or was - now:
        sentence = f"{words.capital(name)} now receives less from “{after.title}”: {', '.join(sorted(now))}."
        yield Change("recipient", after.id, sentence, "narrows")
    if was and now - was:
        sentence = f"{words.capital(name)} now also receives {', '.join(sorted(now - was))} from “{after.title}”."
        yield Change("recipient", after.id, sentence, "widens")
