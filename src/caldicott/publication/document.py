"""A page as a value: what it says, before anybody decides how it looks.

The pages of the notice are computed once as these values and then rendered as
HTML, Markdown and PDF, so that no rendering can say what another does not. A
renderer decides nothing; a page knows no markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere: to a page of this site by its slug, with an optional anchor, or outside."""

    text: str
    to: str
    """`opt-out`, `activities/risk-stratification#who-sees-it`, `assets/flow-map.svg`, or `https://…`."""

    @property
    def is_outside(self) -> bool:
        return "://" in self.to or self.to.startswith(("mailto:", "tel:"))


Inline: TypeAlias = "str | Link"
Text: TypeAlias = "tuple[Inline, ...]"


def text(*parts: Inline) -> Text:
    """A run of words and links."""
    return parts


@dataclass(frozen=True, slots=True)
class Paragraph:
    words: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[Text, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Questions with their short answers, one under the other: a summary list."""

    rows: tuple[tuple[str, tuple[Text, ...]], ...]
    """Key, then one or more lines of answer."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption. Every row has as many cells as the head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    numbers_from: int | None = None
    """The first column whose cells are numbers, for right alignment; None if none is."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.head) for row in self.rows):
            raise ProgramFault(
                f"the table “{self.caption}” has a row of another length", code="table-uneven", next_step="a bug"
            )


@dataclass(frozen=True, slots=True)
class Inset:
    """Something that stands apart because it matters: a care card if `urgent`."""

    words: tuple[Text, ...]
    title: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG of ours with the words that say the same to who cannot see it."""

    name: str
    """File name below assets/, such as `four-formats.svg`."""
    svg: str
    """Empty for a picture that is made elsewhere and only shown here."""
    says: str
    caption: str = ""
    is_wide: bool = False
    """Wider than a page: it is moved in a frame of its own."""


@dataclass(frozen=True, slots=True)
class Details:
    """What a reader may open: a line to click and what is behind it."""

    summary: str
    blocks: tuple[Block, ...]


Block: TypeAlias = "Paragraph | Bullets | Facts | Table | Inset | Picture | Details"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    id: str
    """The anchor; unique in its page, lower case with hyphens."""
    heading: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()
    """Sections one level down."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the public site and one part of the printed notice."""

    slug: str
    """Its address without ending: `index`, `opt-out`, `activities/risk-stratification`."""
    title: str
    lead: str
    """One sentence: what the reader finds here."""
    sections: tuple[Section, ...]
    in_menu: bool = False
    menu_text: str = ""
    is_reference: bool = False
    """Tables for professionals, such as the record of processing: its reading age is reported, not bound."""

    def anchors(self) -> tuple[str, ...]:
        return tuple(section.id for section in every_section(self.sections))


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that is published beside the pages: a table, a map, a machine-readable register."""

    path: str
    """Below the site's root: `record-of-processing.csv`, `assets/flow-map.svg`."""
    media_type: str
    content: bytes = field(repr=False)
    title: str = ""


def every_section(sections: Iterable[Section]) -> Iterator[Section]:
    """Each section and those below it, in reading order."""
    for section in sections:
        yield section
        yield from every_section(section.parts)
