"""The page on protection: the measures of the register in plain words, and who watches over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, joined, para, row, section, these, to_activity
from caldicott.register.completeness import formats_out
from caldicott.vocabulary.formats import DataFormat

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


def small_counts(setting: Setting) -> tuple[str, ...]:
    """What is done about small counts where every use that gives out groups has a rule; for the overview too."""
    grouped = [one for one in setting.shown if DataFormat.AGGREGATED in formats_out(one)]
    if not grouped or not all(one.disclosure_control for one in grouped):
        return ()
    return ("Small counts are hidden before a table leaves us, as they can point to one person.",)


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
        yield row(says, these(has, setting.shown, "protection"))
    silent = [to_activity(one, "protection") for one in setting.shown if not one.measures]
    if silent:
        yield row("What guards it is not stated.", joined(silent))


def _small(setting: Setting) -> Section:
    ruled = [one for one in setting.shown if one.disclosure_control]
    rows = tuple(
        row((to_activity(one, "form"),), one.disclosure_control.rule) for one in ruled if one.disclosure_control
    )
    heading = "How small counts are hidden"
    if not rows:
        return section("small-counts", heading, para("How small counts are hidden is not stated."))
    table = Table(heading, ("Use", "Name of the rule"), rows)
    return section("small-counts", heading, *(para(one) for one in small_counts(setting)), table)


def _posts(setting: Setting) -> Section:
    watching = [setting.contact(one) for one in ("caldicott_guardian", "siro", "dpo")]
    named = [one.post for one in watching if one is not None]
    block = bullets(named) if named else para("Who watches over it is not stated.")
    return section(
        "who-watches", "Who watches over it", block, para("You can ", Link("write to them", "contacts"), ".")
    )
