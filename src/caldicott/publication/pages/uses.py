"""The list of all uses: every activity by group, what is not in use, and what is withheld from the notice and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, para, row, section, to_activity
from caldicott.publication.pages.setting import is_shown
from caldicott.publication.pages.standing import stops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity


def page(setting: Setting) -> Page:
    return Page(
        slug="purposes",
        title="All our uses of information",
        lead="Here is each thing we do with people's records, and where you can read more of it.",
        sections=(_complete(setting), *_groups(setting), _withheld(setting)),
        in_menu=True,
        menu_text="What we do",
    )


def counted(setting: Setting) -> tuple[str, ...]:
    """How many uses there are and how many of them are done, for this page and the overview."""
    every = len(setting.register.activities)
    running = sum(not stops(one, setting.register, setting.at) for one in setting.register.activities)
    not_done = every - running
    rest = f" {phrases.several(not_done, 'is', 'are')} not done now, and the page of each says why." if not_done else ""
    return (f"We list {phrases.several(every, 'use', 'uses')} of information.{rest}",)


def _complete(setting: Setting) -> Section:
    return section(
        "complete",
        "This list is complete",
        *(para(one) for one in counted(setting)),
        para(
            "This list is not a set of examples. It is made from our register, and our computers do only what is in "
            "the register. What is not here, they refuse."
        ),
        para(f"It shows what held on {_day(setting)}."),
    )


def _day(setting: Setting) -> str:
    from caldicott.register import words

    return words.day(setting.at)


def _groups(setting: Setting) -> Iterator[Section]:
    for number, (heading, activities) in enumerate(setting.groups(), 1):
        rows = tuple(_row(one, setting) for one in activities)
        table = Table(heading, ("Use", "Is it done now?", "In which form it comes in"), rows)
        yield section(f"group-{number}", heading, table)


def _row(activity: ProcessingActivity, setting: Setting) -> tuple[Text, ...]:
    found = stops(activity, setting.register, setting.at)
    form = phrases.FORM[activity.format_in] if activity.format_in else phrases.NOT_STATED
    return row((to_activity(activity),), found[0].sentence if found else "Yes", form)


def _withheld(setting: Setting) -> Section:
    withheld = [one for one in setting.register.activities if not is_shown(one)]
    heading = "What is left out of this notice"
    if not withheld:
        return section("withheld", heading, para("Nothing is left out. Each use in the register has its own page."))
    return section(
        "withheld",
        heading,
        para(f"We leave {phrases.several(len(withheld), 'use', 'uses')} out of this notice, for these reasons:"),
        bullets(phrases.sentence(_reason(one)) for one in withheld),
    )


def _reason(activity: ProcessingActivity) -> str:
    reason = activity.publication.withheld_reason if activity.publication else ""
    return reason or "The register does not say why"
