"""The whole notice as one Markdown document: CommonMark, with tables as pipes and pictures as their words.

Every word of a page is escaped, so that none of it can become markup: what a
reader sees is the text, whatever signs are in it. The only markup that is not
Markdown is the empty anchor before each heading, to which links of the notice
lead; its name is made of letters, digits and hyphens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Details, Facts, Inset, Link, Paragraph, Picture, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.publication.document import Block, Inline, Page, Section, Text

_SIGNS = re.compile(r"([\\`*_\[\]<>|&~#!@^$]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""Each has a meaning in CommonMark or in one of its usual extensions, wherever it stands."""
_AT_THE_START = re.compile(r"^(?:\d{1,9}(?=[.)])|(?=[-+=:]))")
_ODD_IN_ADDRESS = re.compile(r"[^A-Za-z0-9\-._~:/?#@!$&'*+,;=%]")
_SAFE = ("https://", "http://", "mailto:", "tel:")
_DEEPEST = 6


def markdown(pages: Iterable[Page]) -> str:
    """The pages one after the other, each under its title."""
    every = tuple(pages)
    slugs = frozenset(page.slug for page in every)
    return "\n".join(line for page in every for line in _page(page, slugs)).strip() + "\n"


def _page(page: Page, slugs: frozenset[str]) -> Iterator[str]:
    yield from _heading(page.title, anchor_of(page.slug), level=1)
    yield from _apart(_said((page.lead,), slugs))
    for section in page.sections:
        yield from _section(section, page.slug, slugs, level=2)


def _section(section: Section, slug: str, slugs: frozenset[str], *, level: int) -> Iterator[str]:
    yield from _heading(section.heading, anchor_of(slug, section.id), level=level)
    for block in section.blocks:
        yield from _apart(*_block(block, slugs))
    for part in section.parts:
        yield from _section(part, slug, slugs, level=min(level + 1, _DEEPEST))


def _heading(words: str, anchor: str, *, level: int) -> Iterator[str]:
    yield from _apart(f'<a id="{anchor}"></a>')
    yield from _apart(f"{'#' * level} {escaped(words)}")


def _apart(*lines: str) -> Iterator[str]:
    """The lines of one block, with an empty one after them."""
    if lines:
        yield from (*lines, "")


def anchor_of(slug: str, section: str = "") -> str:
    """The name of a place in the document: `activities-staff`, `opt-out--risk`."""
    page = re.sub(r"[^a-z0-9-]+", "-", slug.lower())
    return f"{page}--{re.sub(r'[^a-z0-9-]+', '-', section.lower())}" if section else page


def _block(block: Block, slugs: frozenset[str]) -> Iterator[str]:
    match block:
        case Paragraph(words):
            yield _said(words, slugs)
        case Bullets(items, numbered):
            yield from _list([_said(one, slugs) for one in items], numbered=numbered)
        case Facts(rows):
            yield from (line for question, answers in rows for line in _fact(question, answers, slugs))
        case Table():
            yield from _table(block, slugs)
        case Inset(words, title):
            yield from _quoted([*([f"**{escaped(title)}**"] if title else []), *(_said(one, slugs) for one in words)])
        case Picture(says=says, caption=caption):
            yield " ".join(["*Picture.*", *(escaped(one) for one in (caption, says) if one)])
        case Details(summary, blocks):
            yield f"**{escaped(summary)}**"
            yield from (line for inner in blocks for line in ("", *_block(inner, slugs)))


def _list(items: list[str], *, numbered: bool) -> Iterator[str]:
    yield from (f"{f'{number}.' if numbered else '-'} {item}" for number, item in enumerate(items, 1))


def _fact(question: str, answers: tuple[Text, ...], slugs: frozenset[str]) -> Iterator[str]:
    if len(answers) == 1:
        yield f"* **{escaped(question)}**: {_said(answers[0], slugs)}"
        return
    # Another marker than that of lists, so that a list before it does not run on.
    yield f"* **{escaped(question)}**:"
    yield from (f"    - {_said(one, slugs)}" for one in answers)


def _quoted(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number:
            yield ">"
        yield f"> {line}"


def _table(table: Table, slugs: frozenset[str]) -> Iterator[str]:
    yield f"**{escaped(table.caption)}**"
    yield ""
    yield _row(escaped(one) for one in table.head)
    yield _row(_ruler(number, table.numbers_from) for number in range(len(table.head)))
    for row in table.rows:
        yield _row(_said(one, slugs) for one in row)


def _ruler(column: int, numbers_from: int | None) -> str:
    return "---:" if numbers_from is not None and column >= numbers_from else "---"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _said(words: Text, slugs: frozenset[str]) -> str:
    """A run of words and links that starts a line, on one line."""
    line = "".join(_inline(one, slugs) for one in words).strip()
    return _AT_THE_START.sub(r"\g<0>\\", line, count=1)


def _inline(part: Inline, slugs: frozenset[str]) -> str:
    if isinstance(part, str):
        return escaped(part)
    address = _address(part, slugs)
    return f"[{escaped(part.text)}](<{address}>)" if address else escaped(part.text)


def _address(link: Link, slugs: frozenset[str]) -> str:
    """Where a link leads from inside this one document; nothing if it is of a kind that is not safe to follow."""
    slug, _, section = link.to.partition("#")
    if slug in slugs:
        return f"#{anchor_of(slug, section)}"
    if link.to.lower().startswith(_SAFE) or ":" not in link.to:
        return _ODD_IN_ADDRESS.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), link.to)
    return ""


def escaped(words: str) -> str:
    """The words on one line, with every sign that could be markup made plain."""
    return _SIGNS.sub(r"\\\1", re.sub(r"\s+", " ", words.replace("\0", "\ufffd")))
