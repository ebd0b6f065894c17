"""The quick overview. It says nothing of its own: each fact is a sentence of the page it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Link, Page, text
from caldicott.publication.pages import (
    changed,
    formats,
    linking,
    opt_out,
    processors,
    protection,
    retention,
    rights,
    sharing,
    standing,
    uses,
)
from caldicott.publication.pages.blocks import bullets, inset, para, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.publication.document import Block, Section
    from caldicott.publication.pages.setting import Setting

PARTS = {"use": "what-we-do", "sharing": "who-receives-it", "security": "kept-safe", "rights": "your-rights"}
"""The four parts that a notice promises, and the section of the overview that keeps each."""

_KIND = {
    "ccg": "We plan and buy health services for the people of our area.",
    "icb": "We plan and buy health services for the people of our area.",
    "nhs_england": "We lead the NHS in England.",
    "gp_practice": "We are a GP practice.",
    "trust": "We run hospitals or other health services.",
    "council": "We are a council.",
    "csu": "We support those who plan health services.",
}


def page(setting: Setting, others: Sequence[Page]) -> Page:
    return Page(
        slug="index",
        title=setting.edition.title,
        lead="This is the quick overview. It tells you what we do with people's records, and what you can choose.",
        sections=(
            _who(setting),
            _what_we_do(setting),
            _part(
                "forms",
                "In which form",
                formats.explained(),
                ("The four forms, with a picture", "types-of-information"),
            ),
            _who_receives(setting),
            _part(
                "kept-safe",
                "How it is kept safe",
                (*protection.in_brief(setting), *linking.scopes_in_brief(setting), *protection.small_counts(setting)),
                ("How we keep it safe", "protection"),
            ),
            _part(
                "how-long", "How long we keep it", retention.in_brief(setting), ("How long for each use", "retention")
            ),
            _choices(setting),
            _part(
                "your-rights", "Your rights", rights.in_brief(setting), ("Your rights and how to use them", "rights")
            ),
            _contents(setting, others),
        ),
        in_menu=True,
        menu_text="Overview",
    )


def _who(setting: Setting) -> Section:
    controller = setting.register.controller
    blocks: list[Block] = [para(f"We are {controller.name}. {_KIND[controller.kind]}")]
    ended = [one.sentence for one in standing.controller_stops(setting.register, setting.at)]
    if ended:
        blocks.insert(0, inset(*ended, title="This notice no longer holds"))
    if controller.joint_with:
        names = words.listed(words.organisation(one, setting.register) for one in controller.joint_with)
        blocks.append(para(f"We decide together with: {names}."))
    blocks += [para(one) for one in changed.updated(setting)]
    return section("who-we-are", "Who we are", *blocks)


def _part(anchor: str, heading: str, says: Sequence[str], more: tuple[str, str]) -> Section:
    block = bullets(says) if len(says) > 1 else para(*says)
    return section(anchor, heading, block, para(Link(*more), "."))


def _what_we_do(setting: Setting) -> Section:
    return section(
        "what-we-do",
        "What we do with records",
        Bullets(uses.main(setting)),
        *(para(one) for one in uses.counted(setting)),
        para(Link("All our uses", "purposes"), "."),
    )


def _who_receives(setting: Setting) -> Section:
    work_for_us = (para(one) for one in processors.in_brief(setting))
    more = para(Link("Who receives what", "sharing"), ".")
    return section("who-receives-it", "Who receives it", *sharing.brief(setting), *work_for_us, more)


def _choices(setting: Setting) -> Section:
    found = opt_out.choices(setting)
    block: Block = Bullets(found) if found else para("The register names no choice that stops a use.")
    return section(
        "choices", "Your choices", block, para(Link("What each choice stops, and how to make it", "opt-out"), ".")
    )


def _contents(setting: Setting, others: Sequence[Page]) -> Section:
    pages = tuple(text(Link(one.title, one.slug)) for one in others if not one.slug.startswith("activities/"))
    parts = (
        section("pages", "Pages of this notice", Bullets(pages)),
        section("uses", "Each use", *_groups(setting)),
    )
    return section("contents", "What is in this notice", parts=parts)


def _groups(setting: Setting) -> Iterator[Block]:
    for heading, activities in setting.groups():
        yield para(f"{heading}:")
        yield Bullets(tuple(text(to_activity(one)) for one in activities))
