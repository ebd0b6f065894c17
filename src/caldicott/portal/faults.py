"""The pages that say what went wrong, in the look of the site and in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from caldicott.publication.document import Inline, Link, Page, Paragraph, Section


@dataclass(frozen=True, slots=True)
class Words:
    """What a reader is told."""

    title: str
    lead: str
    next_steps: tuple[Inline, ...]


_HOME: Final = Link("front page", "index")
_WORDS: Final = {
    HTTPStatus.BAD_REQUEST: Words(
        "We could not read that request",
        "The address or the way it was sent is not one that this site can answer.",
        ("Check the address you used, or start from the ", _HOME, "."),
    ),
    HTTPStatus.FORBIDDEN: Words(
        "You need to sign in",
        "This page is for staff who have signed in. Everything for the public can be read without signing in.",
        ("What we tell the public starts at the ", _HOME, ". If you work here, ask your manager how to sign in."),
    ),
    HTTPStatus.NOT_FOUND: Words(
        "Page not found",
        "There is no page at this address.",
        ("Check the address, or look for what you need from the ", _HOME, "."),
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Words(
        "This page can only be read",
        "Something was sent to a page that takes nothing in. Nothing you sent was kept.",
        ("You can read the page as usual. Start from the ", _HOME, "."),
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Words(
        "Sorry, this page does not work at the moment",
        "The fault is ours. It has been written down.",
        ("Try again later. What we tell the public starts at the ", _HOME, "."),
    ),
}


def page_for(status: int, reference: str = "") -> Page:
    """The page for a status."""
    words = _WORDS[HTTPStatus(status)]
    told = Paragraph((f"If you tell us about it, give this number: {reference}.",))
    blocks = (Paragraph(words.next_steps), told) if reference else (Paragraph(words.next_steps),)
    return Page(f"fault-{status}", words.title, words.lead, (Section("what-you-can-do", "What you can do", blocks),))
