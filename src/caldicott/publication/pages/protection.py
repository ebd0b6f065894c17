"""The page on protection: the measures of the register in plain words, and who watches over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, joined, para, row, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting


def page(setting: Setting) -> Page:
    return Page(
        slug="protection",
        title="How we keep information safe",
        lead="Here is what guards the records, and who watches over it.",
        sections=(_everywhere(setting), _where(setting), _small(setting), _posts(setting)),
        in_menu=True,
        menu_text="How it is kept safe",
    )


def measures_everywhere(setting: Setting) -> tuple[str, ...]:
    """The measures that every use has, for this page and the overview."""
    every = dict.fromkeys(one for activity in setting.shown for one in activity.measures or ())
    of_all = [one for one in every if all(one in (activity.measures or ()) for activity in setting.shown)]
    return tuple(phrases.sentence(phrases.plain(one, phrases.MEASURE)) for one in of_all)


def in_brief(setting: Setting) -> tuple[str, ...]:
    """What guards every use; or that the register names nothing that guards all of them."""
    of_all = measures_everywhere(setting)
    return of_all or ("What guards the records is not the same in each use. The list says which has what.",)


def _everywhere(setting: Setting) -> Section:
    return section("all", "In all our uses", bullets(in_brief(setting)))


def _where(setting: Setting) -> Section:
    rows = tuple(_rows(setting))
    heading = "What guards which use"
    return section("which", heading, Table(heading, ("What we do", "In which uses"), rows))


def _rows(setting: Setting) -> Iterator[tuple[Text, ...]]:
    for measure in dict.fromkeys(one for activity in setting.shown for one in activity.measures or ()):
        has = [activity for activity in setting.shown if measure in (activity.measures or ())]
        says = phrases.sentence(phrases.plain(measure, phrases.MEASURE))
        everywhere = len(has) == len(setting.shown)
        yield row(says, "All" if everywhere else joined(to_activity(one, "protection") for one in has))
    silent = [to_activity(one, "protection") for one in setting.shown if not one.measures]
    if silent:
        yield row("What guards it is not stated.", joined(silent))


def _small(setting: Setting) -> Section:
    rules = dict.fromkeys(one.disclosure_control.rule for one in setting.shown if one.disclosure_control)
    heading = "How small counts are hidden"
    if not rules:
        return section("small-counts", heading, para("How small counts are hidden is not stated."))
    named = words.listed(rules)
    return section(
        "small-counts",
        heading,
        para("A small count can point to one person. So small counts are hidden before a table leaves us."),
        para(f"The rules for it are called: {named}."),
    )


def _posts(setting: Setting) -> Section:
    watching = [setting.contact(one) for one in ("caldicott_guardian", "siro", "dpo")]
    named = [one.post for one in watching if one is not None]
    block = bullets(named) if named else para("Who watches over it is not stated.")
    return section(
        "who-watches", "Who watches over it", block, para("You can ", Link("write to them", "contacts"), ".")
    )
