"""The notice of every register the repository holds, as it stands on a day, and ways to read its pages in tests."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from tests.golden.held_registers import SHOWN_ON, held

from caldicott.publication.document import Details, Facts, Inset, Link, Paragraph, Picture, Table, every_section
from caldicott.publication.edition import Edition
from caldicott.publication.notice import pages
from caldicott.publication.reading_age import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Block, Page, Section, Text
    from caldicott.register.model import Register

AT = date(2026, 11, 22)


def notice_of(register: Register, at: date = AT) -> tuple[Page, ...]:
    """The pages of a register on a day, as the first version of its notice."""
    return pages(register, at=at, edition=Edition("test", at, "How we use your information"))


@cache
def published(name: str) -> tuple[Page, ...]:
    """The pages of a register of the repository on the day its decisions are shown for."""
    return notice_of(held(name), SHOWN_ON[name])


def page(found: tuple[Page, ...], slug: str) -> Page:
    return next(one for one in found if one.slug == slug)


def section(one: Page, anchor: str) -> Section:
    return next(part for part in every_section(one.sections) if part.id == anchor)


def blocks(one: Page) -> Iterator[Block]:
    for part in every_section(one.sections):
        yield from opened(part)


def opened(part: Section) -> Iterator[Block]:
    """What stands under a heading, also behind a line to open."""
    for block in part.blocks:
        yield block
        yield from block.blocks if isinstance(block, Details) else ()


def texts(block: Block) -> Iterator[Text]:
    """Every run of words of a block, table heads and captions too."""
    match block:
        case Paragraph(words):
            yield words
        case Facts(rows):
            yield from ((question,) for question, _ in rows)
            yield from (line for _, lines in rows for line in lines)
        case Table(caption, head, rows):
            yield from ((one,) for one in (caption, *head))
            yield from (cell for row in rows for cell in row)
        case Inset(words, title):
            yield from ((title,), *words)
        case Picture(says=says, caption=caption):
            yield from ((says,), (caption,))
        case Details(summary):
            yield (summary,)
        case _:
            yield from block.items


def said(one: Page) -> list[str]:
    """Everything the page says, run by run."""
    return [
        one.title,
        one.lead,
        *(part.heading for part in every_section(one.sections)),
        *(plain(words) for block in blocks(one) for words in texts(block)),
    ]


def under(part: Section) -> str:
    """What a section says, as one text."""
    return "\n".join(plain(words) for block in opened(part) for words in texts(block))


def links(one: Page) -> Iterator[Link]:
    for block in blocks(one):
        for words in texts(block):
            yield from (part for part in words if isinstance(part, Link))
