"""What is inside pages, at any depth: their links and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import (
    Bullets,
    Details,
    Facts,
    Inset,
    Link,
    Paragraph,
    Picture,
    Table,
    every_section,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.publication.document import Block, Page, Text


def every_block(page: Page) -> Iterator[Block]:
    """Each block in reading order, also those that a reader must open."""
    for section in every_section(page.sections):
        yield from _opened(section.blocks)


def pictures(pages: Iterable[Page]) -> Iterator[Picture]:
    """Every picture of the pages."""
    for page in pages:
        yield from (block for block in every_block(page) if isinstance(block, Picture))


def links(page: Page) -> Iterator[Link]:
    """Every link in the text of the page."""
    for block in every_block(page):
        for words in _texts(block):
            yield from (part for part in words if isinstance(part, Link))


def _opened(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from _opened(block.blocks)


def _texts(block: Block) -> Iterator[Text]:
    match block:
        case Paragraph(words):
            yield words
        case Bullets(items):
            yield from items
        case Facts(rows):
            yield from (line for _, answer in rows for line in answer)
        case Table():
            yield from (cell for row in block.rows for cell in row)
        case Inset(lines):
            yield from lines
        case _:
            # A picture has no links; what stands behind a line to open comes as blocks of its own.
            return
