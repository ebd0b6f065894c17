"""A page with every kind of block, and the same with text that tries to be markup."""

from __future__ import annotations

from datetime import date

from caldicott.publication.document import (
    Bullets,
    Details,
    Facts,
    Inset,
    Link,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
    text,
)
from caldicott.publication.rendering import Branding, site_of

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 30" width="60" height="30">'
    '<rect width="60" height="30" fill="#005eb8"/></svg>'
)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>&'{{ 7 * 7 }}"


def every_block(words="some words"):
    """One of each, with these words in every place that takes words."""
    return (
        Paragraph(text(words, " and ", Link(words, "opt-out#how"), " or ", Link("write", "mailto:a@example.org"))),
        Bullets((text(words), text("two"))),
        Bullets((text(words),), numbered=True),
        Facts(((words, (text(words),)), ("Two lines", (text("first"), text("second"))))),
        Table(words, (words, "How many"), ((text(words), text("1,200")), (text("b"), text("3"))), numbers_from=1),
        Table("Wide", tuple("abcdef"), (tuple(text(words) for _ in "abcdef"),)),
        Inset((text(words),)),
        Inset((text(words),), title=words, urgent=True),
        Picture("four-formats.svg", SVG, says=words, caption=words),
        Details(words, (Paragraph(text(words)),)),
    )


def page(words="some words", *, slug="index", title=None):
    """A page of every block, three levels deep."""
    deepest = Section("deepest", words, every_block(words))
    return Page(
        slug,
        title or words,
        words,
        (
            Section("first", words, every_block(words), (Section("deeper", words, (), (deepest,)),)),
            Section("second", "Second"),
            Section("third", "Third"),
        ),
        in_menu=True,
        menu_text=words,
    )


def pages(words="some words"):
    """A small site."""
    return (
        page(words, title="Front"),
        page(words, slug="opt-out", title="Opting out"),
        page(words, slug="purposes", title="What we do"),
        page(words, slug="activities/risk", title="Risk scores"),
        Page("contacts", "Contacts", "Whom to ask.", ()),
    )


def site(some_pages, **changed):
    """The site of those pages."""
    branding = changed.pop("branding", Branding("An Invented Board"))
    return site_of(some_pages, branding, version="2026-1", published=date(2026, 4, 1), at=date(2026, 11, 22))
