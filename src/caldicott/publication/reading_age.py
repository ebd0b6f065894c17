"""How hard a page is to read: the Flesch-Kincaid grade, which is a school year in the United States.

    grade = 0.39 × words per sentence + 11.8 × syllables per word − 15.59

From J. P. Kincaid and others, "Derivation of new readability formulas for Navy
enlisted personnel", Research Branch Report 8-75, 1975.

What counts, so that a page cannot be made to look easier than it is:

- Everything a reader reads in sentences: paragraphs, insets, list items, answers,
  table cells, the words beside a picture, and what a reader may open. No word is
  left out for being a name or a citation of law.
- Only a full stop, a question mark or an exclamation mark ends a sentence. Each
  list item, answer and cell is its own run of words.
- A run without a stop counts as a sentence from five words on. A shorter one is
  a label, such as `Yes` or `Counts only`. Labels, headings and captions are left
  out: as very short sentences they would only flatter the page.
- Tables of short cells can hide hard paragraphs, so the running text (without
  cells and answers) is graded by itself as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyphen

from caldicott.publication.document import Bullets, Details, Facts, Inset, Paragraph, Picture, Table, every_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.publication.document import Block, Page, Text

LIMIT = 9.0
"""No page for the public may be harder than this."""
_LABEL_BELOW = 5
_HARDEST = 5
_WORD = re.compile(r"[A-Za-z0-9À-ÿ]+(?:['’.][A-Za-z0-9À-ÿ]+)*")
_END = re.compile(r"(?<=[.!?])[”\")]*\s+(?=[\"“(]*[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with what makes it hard."""

    text: str
    words: int
    syllables: int

    @property
    def grade(self) -> float:
        return _formula((self,))


@dataclass(frozen=True, slots=True)
class PageGrade:
    """How hard a page is, and which of its sentences are hardest."""

    page: str
    grade: float
    grade_of_text: float
    """Of paragraphs and lists alone, without table cells and answers."""
    words: int
    sentences: int
    hardest: tuple[Sentence, ...]
    is_reference: bool = False


def grade(words: str) -> float:
    """The grade of a text."""
    return _formula(sentences(words))


def report(pages: Iterable[Page]) -> tuple[PageGrade, ...]:
    """The grade of every page, in the order of the pages."""
    return tuple(_page(page) for page in pages)


def sentences(words: str) -> tuple[Sentence, ...]:
    """The sentences of one run of words."""
    return tuple(_sentence(one) for one in _END.split(words) if _WORD.search(one))


def _sentence(said: str) -> Sentence:
    found = _WORD.findall(said)
    return Sentence(said.strip(), len(found), sum(syllables(one) for one in found))


def _page(page: Page) -> PageGrade:
    runs = tuple(_runs(page))
    found = tuple(one for _, run in runs for one in sentences(run))
    running = tuple(one for is_text, run in runs if is_text for one in sentences(run))
    return PageGrade(
        page.slug,
        round(_formula(found), 1),
        round(_formula(running), 1),
        sum(one.words for one in found),
        len(found),
        tuple(sorted(found, key=lambda one: one.grade, reverse=True)[:_HARDEST]),
        page.is_reference,
    )


def _formula(found: tuple[Sentence, ...]) -> float:
    words = sum(one.words for one in found)
    if not words:
        return 0.0
    return 0.39 * words / len(found) + 11.8 * sum(one.syllables for one in found) / words - 15.59


def _runs(page: Page) -> Iterator[tuple[bool, str]]:
    """Every run of words of the page that is not a label, and whether it is running text."""
    yield True, page.lead
    for section in every_section(page.sections):
        for block in section.blocks:
            is_text = not isinstance(block, Table | Facts)
            yield from ((is_text, one) for one in _of_block(block) if _is_said(one))


def _is_said(run: str) -> bool:
    return run.rstrip().endswith((".", "!", "?")) or len(_WORD.findall(run)) >= _LABEL_BELOW


def _of_block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(words):
            yield plain(words)
        case Bullets(items):
            yield from (plain(one) for one in items)
        case Facts(rows):
            yield from (plain(line) for _, lines in rows for line in lines)
        case Table(rows=rows):
            yield from (plain(one) for row in rows for one in row)
        case Inset(words):
            yield from (plain(one) for one in words)
        case Picture(says=says):
            yield says
        case Details(blocks=blocks):
            for inner in blocks:
                yield from _of_block(inner)


def plain(words: Text) -> str:
    """A run of words and links as it is read aloud."""
    return "".join(part if isinstance(part, str) else part.text for part in words)


_SYLLABLES = pyphen.Pyphen(lang="en_US", left=2, right=2)
_OF_COUNT: dict[int, str] = {
    1: "does goes lied cared used use",
    2: "business every evening sometimes something someone somewhere therefore people safeguard lion id ids gp gps",
    3: "businesses different several everyone everything anyone somebody area areas idea ideas ideal medicine "
    "medicines created theatre safeguarding safeguarded nhs icb ccg pdf",
    4: "everybody anybody",
    5: "dscro",
}
_KNOWN: dict[str, int] = {word: count for count, words in _OF_COUNT.items() for word in words.split()}
"""Words that neither the dictionary nor the vowels get right, and abbreviations read letter by letter."""
_VOWELS = re.compile(r"[aeiouyà-ÿ]+")
_TWO_SOUNDS = re.compile(
    r"(?<![tscgx])i[au](?!n?g)|(?<![tscgxnl])io(?!n)|[rp]ion|(?<![qg])u[ao](?!y)|eo(?!u)|ying|eing|[^aeiouy]ier|ism\b"
)
_SILENT = re.compile(
    r"[^aeiouytd]ed$|[^aeiouycszxghl]es$|[aeiouy]les$|[^aeiouyl]es?$(?<!s)|[aeiouy]le$"
    r"|ely$|eless|eness|eful|[aeiou][^aeioul]{1,2}ement"
)


@cache
def syllables(word: str) -> int:
    """How many syllables a word has: by a table, else the greater of the dictionary's and the vowels' count."""
    bare = word.lower().replace("’", "'").removesuffix("'s")
    if bare in _KNOWN:
        return _KNOWN[bare]
    if any(sign.isdigit() for sign in bare):
        return _of_number(bare)
    if word.isupper() and not _VOWELS.search(bare):
        # An abbreviation that is spelt out.
        return len(bare)
    return max(1, len(_SYLLABLES.positions(bare)) + 1, _by_vowels(bare))


def _of_number(bare: str) -> int:
    """A number is read aloud: about one syllable a digit, and no less."""
    return sum(sign.isdigit() for sign in bare) + len(_VOWELS.findall(bare))


def _by_vowels(bare: str) -> int:
    count = len(_VOWELS.findall(bare)) + len(_TWO_SOUNDS.findall(bare))
    return count - len(_SILENT.findall(bare)) if count > 1 else count
