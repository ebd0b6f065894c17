"""Unknown words: refused by name, with the words that would have been understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.decision import Hindrance, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.policy.compiled import CompiledRegister
    from caldicott.policy.decision import Request

_SHOWN_CHOICES = 24
_SHOWN_LENGTH = 40
_DIGITS_OF_A_PERSON = 6


def against_words(request: Request, asked: CompiledRegister) -> Iterator[Hindrance]:
    """One refusal for each word the register does not have."""
    for kind, word in _words(request):
        choices = asked.choices[kind]
        if word not in asked.vocabulary[kind]:
            reason = Reason(f"unknown-{kind}", f"The {kind} '{speakable(word)}' is unknown.", "register")
            yield Hindrance(reason, f"For the {kind} use one of: {_listed(choices)}.", "dpo")


def _words(request: Request) -> Iterator[tuple[str, str]]:
    yield "role", request.role
    yield "activity", request.activity
    yield "dataset", request.dataset
    yield "format", request.format
    yield "action", request.action
    if request.organisation is not None:
        yield "organisation", request.organisation
    if request.relationship is not None:
        yield "relationship", request.relationship
    yield from (("identifier", identifier) for identifier in sorted(request.identifiers))


def speakable(word: str) -> str:
    """The word as it may be repeated: never one that could be somebody's number or birth date."""
    if sum(character.isdigit() for character in word) >= _DIGITS_OF_A_PERSON:
        return "(not repeated: full of digits)"
    return word if len(word) <= _SHOWN_LENGTH else f"{word[:_SHOWN_LENGTH]}…"


def _listed(choices: tuple[str, ...]) -> str:
    more = len(choices) - _SHOWN_CHOICES
    shown = ", ".join(choices[:_SHOWN_CHOICES]) or "none (the register has none)"
    return f"{shown} and {more} more" if more > 0 else shown
