"""What changed in how we decide whose record is whose and who is out: the deployment's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.register import words
from caldicott.register.changes.change import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.changes.change import Effect
    from caldicott.register.model import IdentityRules, Register


def answers(old: Register, new: Register) -> Iterator[Change]:
    """For how long an answer about who objects may be used."""
    was, now = old.controller.settings, new.controller.settings
    each = (
        ("One answer of the National Data Opt-out", was.ndop_answer_valid_days, now.ndop_answer_valid_days),
        (
            "What a GP practice says about who objects",
            was.coded_answers.answer_valid_days,
            now.coded_answers.answer_valid_days,
        ),
    )
    for what, before, after in each:
        if before != after:
            sentence = f"{what} may now be used for {words.days(after)}; before it was {words.days(before)}."
            yield Change("answer", "", sentence, "widens" if after > before else "narrows")


def identity(old: Register, new: Register) -> Iterator[Change]:
    """What happens to a record that does not say clearly whose it is."""
    was, now = old.controller.settings.identity, new.controller.settings.identity
    if was is None and now is not None:
        yield _told("We now look for the person of a record that has no usable NHS number.", "widens")
    elif was is not None and now is None:
        yield _told("We no longer look for the person of a record that has no usable NHS number.", "narrows")
    elif was is not None and now is not None:
        yield from _rules(was, now)


def _rules(was: IdentityRules, now: IdentityRules) -> Iterator[Change]:
    if was.profile != now.profile:
        yield _told("We now look for the person of such a record by other steps.", "neither")
    if was.scored_links_in_marts != now.scored_links_in_marts:
        word = "may now" if now.scored_links_in_marts else "may no longer"
        sentence = (
            f"A record that is only likely to be yours {word} be used as yours before two people have looked at it."
        )
        yield _told(sentence, "widens" if now.scored_links_in_marts else "narrows")
    if was.unsettled_numbers != now.unsettled_numbers:
        is_marked = now.unsettled_numbers == "mark"
        word = "now used, with a mark" if is_marked else "no longer used"
        sentence = f"A record with your NHS number but another date of birth is {word}, until it is clear whose it is."
        yield _told(sentence, "widens" if is_marked else "narrows")
    if was.remainder != now.remainder:
        is_weighed = now.remainder != "none"
        word = "are now" if is_weighed else "are no longer"
        sentence = f"Records that no step finds a person for {word} shown to two people who say whose they are."
        yield _told(sentence, "widens" if is_weighed else "narrows")


def _told(sentence: str, effect: Effect) -> Change:
    return Change("identity", "", sentence, effect)
