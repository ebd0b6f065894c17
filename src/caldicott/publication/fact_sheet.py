"""One use of information as a fact sheet: the page of the use in few lines, with every word taken from it.

On paper a table of four columns and a heading for each sentence cost room and
are hard to read. Here a heading opens its own line, and a row of a table is a line
of a list with the name of each column before what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    every_section,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from caldicott.publication.document import Block, Text

_WHAT = "what-we-do"
_SAID_ELSEWHERE = frozenset({"rights", "documents"})
"""Rights are told of all uses together; the papers behind a use are for reviewers, on the website."""
_ENDS = (".", "?", "!", ":")
_SAYS_NOTHING = frozenset({"", "No other terms.", "No list of facts is given"})
"""What fills a cell so that it is not empty; a list has no cells to fill."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something the page says under a heading."""

    heading: str
    words: Text
    stands_apart: bool = False
    """A row of a table keeps a line of its own; sentences run on."""


def lines(page: Page) -> tuple[Line, ...]:
    """What a use says beyond its first paragraphs, in the order of its page."""
    return tuple(_lines(page))


def sheet(page: Page, leaving: frozenset[Line]) -> Page:
    """The use as one section: its paragraphs as they are, then each heading with its lines, but for those left out."""
    rows: dict[str, list[Line]] = {}
    for line in lines(page):
        if line not in leaving:
            rows.setdefault(line.heading, []).append(line)
    opening = [one for section in page.sections if section.id == _WHAT for one in section.blocks]
    kept = tuple(one for one in opening if not isinstance(one, Facts))
    return replace(page, lead="", sections=(Section(_WHAT, "", (*kept, as_facts(rows))),))


def as_facts(rows: dict[str, list[Line]]) -> Facts:
    """Headings with what they say: sentences as one text, rows of tables one by one."""
    return Facts(tuple((heading, tuple(_run_on(told))) for heading, told in rows.items()))


def _run_on(told: Sequence[Line]) -> Iterator[Text]:
    sentences = [one.words for one in told if not one.stands_apart]
    if sentences:
        yield joined(sentences, " ")
    yield from (one.words for one in told if one.stands_apart)


def _lines(page: Page) -> Iterator[Line]:
    for section in every_section(page.sections):
        if section.id == _WHAT:
            facts = [row for block in section.blocks if isinstance(block, Facts) for row in block.rows]
            yield from (Line(key, ended(joined(answer, "; "))) for key, answer in facts)
        elif section.id not in _SAID_ELSEWHERE:
            yield from (replace(one, heading=section.heading) for one in _flat(section.blocks))


def _flat(blocks: Iterable[Block]) -> Iterator[Line]:
    before: Text = ()
    for block in blocks:
        # “The records come from:” and its list are one sentence.
        opens = isinstance(block, Paragraph) and plain(block.words).endswith(":")
        if before and not isinstance(block, Bullets):
            yield Line("", before)
        if isinstance(block, Bullets):
            yield Line("", (*before, *((" ",) if before else ()), *_as_sentence(block)))
        elif not opens:
            yield from _of_block(block)
        before = block.words if opens and isinstance(block, Paragraph) else ()
    if before:
        yield Line("", before)


def _of_block(block: Block) -> Iterator[Line]:
    match block:
        case Paragraph(words):
            yield Line("", ended(words))
        case Facts(rows):
            yield from (Line("", (f"{key}: ", *ended(joined(answer, "; ")))) for key, answer in rows)
        case Table():
            yield from (Line("", entry(block, row), stands_apart=True) for row in block.rows)
        case Inset(words):
            yield from (Line("", ended(one)) for one in words)
        case Details(_, blocks):
            yield from _flat(blocks)
        case Picture(says=says):
            yield Line("", ended((says,)))
        case _:
            return


def _as_sentence(block: Bullets) -> Text:
    if any(plain(one).endswith(_ENDS) for one in block.items):
        return joined([ended(one) for one in block.items], " ")
    return ended(joined(block.items, "; "))


def entry(table: Table, row: Sequence[Text]) -> Text:
    """A row as words: what it is of, then each column's name with what stands there."""
    told: list[Text] = [ended(row[0])] if plain(row[0]) else []
    told += [
        (f"{head}: ", *ended(cell))
        for head, cell in zip(table.head[1:], row[1:], strict=True)
        if plain(cell) not in _SAYS_NOTHING
    ]
    return joined(told, " ")


def joined(parts: Iterable[Text], between: str) -> Text:
    """Texts as one, with something between them."""
    found: list[str | Link] = []
    for part in parts:
        found += [between, *part] if found else part
    return tuple(found)


def ended(words: Text) -> Text:
    """The words with a full stop, if they have no end of their own."""
    return words if not plain(words) or plain(words).endswith(_ENDS) else (*words, ".")


def plain(words: Text) -> str:
    """What a reader reads, without where it leads."""
    return "".join(one.text if isinstance(one, Link) else one for one in words).strip()
