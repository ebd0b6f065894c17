"""What of the notice is printed: what a patient reads at home or in a waiting room.

A table for professionals is worth a page on a screen and none on paper. So the
printed notice has each use as a fact sheet, what every use says once, and at its
end what stands on the website only and that anyone may ask for it. It leaves
out and puts together; of any use it says nothing of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Facts, Link, Page, Paragraph, Section, Table, text
from caldicott.publication.fact_sheet import as_facts, entry, lines, sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.publication.document import Block
    from caldicott.publication.fact_sheet import Line

_ON_THE_WEBSITE = (
    "purposes",
    "sharing",
    "retention",
    "flow-map",
    "record-of-processing",
    "accessibility",
    "cookies",
)
"""Pages whose words the fact sheets say already, or that are for professionals or for who reads on a screen."""
_ONLY = {
    "types-of-information": frozenset({"picture"}),
    "linking": frozenset({"how"}),
    "protection": frozenset({"all", "who-watches"}),
}
"""Of these pages these sections; of the others all."""
_CONTENTS = "contents"
_OPENING = ("index", "types-of-information")
_USES = "activities/"
EVERY_USE, NOT_PRINTED = "every-use", "not-printed"


def printed(pages: Sequence[Page]) -> tuple[Page, ...]:
    """The pages as they stand on paper: fewer and shorter, and nothing that the website does not say."""
    on_paper = [one for one in pages if one.slug not in _ON_THE_WEBSITE]
    slugs = frozenset(one.slug for one in on_paper)
    told = [_without_pointers(_shortened(one), slugs) for one in on_paper]
    uses = [one for one in told if one.slug.startswith(_USES)]
    alike = _alike(uses)
    sheets = [sheet(one, alike) for one in uses]
    same = [_every_use(uses[0], alike)] if alike else []
    opening = [one for one in told if one.slug in _OPENING]
    rest = [_as_lists(one) for one in told if one not in uses and one not in opening]
    left = [one for one in pages if one.slug in _ON_THE_WEBSITE]
    return (*opening, *same, *sheets, *rest, *([_not_printed(left)] if left else []))


def _shortened(page: Page) -> Page:
    only = _ONLY.get(page.slug)
    sections = [one for one in page.sections if one.id != _CONTENTS and (only is None or one.id in only)]
    if page.slug == "opt-out":
        # What a choice stops and what happens then stands with each use.
        sections = [replace(one, parts=tuple(part for part in one.parts if _is_how(part))) for one in sections]
    return replace(page, sections=tuple(sections))


def _is_how(part: Section) -> bool:
    return part.id.endswith("-how")


def _without_pointers(page: Page, slugs: frozenset[str]) -> Page:
    """Without the lines that only lead on: on paper the parts stand one after the other."""
    return replace(
        page,
        sections=tuple(_each(one, lambda block: () if _leads_on(block, slugs) else (block,)) for one in page.sections),
    )


def _leads_on(block: Block, slugs: frozenset[str]) -> bool:
    if not isinstance(block, Paragraph):
        return False
    inside = [one for one in block.words if isinstance(one, Link) and not one.is_outside]
    says = any(isinstance(one, str) and one.strip(" .") for one in block.words)
    return bool(inside) and (not says or any(one.to.partition("#")[0] not in slugs for one in inside))


def _each(section: Section, made: Callable[[Block], Sequence[Block]]) -> Section:
    blocks = tuple(new for block in section.blocks for new in made(block))
    return replace(section, blocks=blocks, parts=tuple(_each(one, made) for one in section.parts))


def _as_lists(page: Page) -> Page:
    return replace(page, sections=tuple(_each(one, _listed) for one in page.sections))


def _listed(block: Block) -> tuple[Block, ...]:
    """A table as a list, one line a row. A table of numbers stays one: numbers are read down the column."""
    if not isinstance(block, Table) or block.numbers_from is not None:
        return (block,)
    return (Bullets(tuple(entry(block, row) for row in block.rows)),)


def _alike(uses: Sequence[Page]) -> frozenset[Line]:
    """What every use says word for word."""
    if len(uses) < 2:  # noqa: PLR2004  of one use nothing is alike
        return frozenset()
    return reduce(frozenset.intersection, (frozenset(lines(one)) for one in uses))


def _every_use(first: Page, alike: frozenset[Line]) -> Page:
    rows: dict[str, list[Line]] = {}
    for line in lines(first):
        if line in alike:
            rows.setdefault(line.heading, []).append(line)
    return Page(
        EVERY_USE,
        "What is the same for every use",
        "This is true of each use on the next pages. So we say it once.",
        (Section("same", "", (as_facts(rows),)),),
    )


def _not_printed(left: Sequence[Page]) -> Page:
    pages = Facts(tuple((one.title, (text(one.lead),)) for one in left))
    says = (
        "The website also has the papers that each use depends on, each with its last day.",
        "You can ask us for any of this on paper. The part “Whom to ask” says how.",
    )
    return Page(
        NOT_PRINTED,
        "What is on our website only",
        "To keep this paper short, we left these pages out.",
        (Section("left-out", "", (pages, *(Paragraph(text(one)) for one in says))),),
    )
