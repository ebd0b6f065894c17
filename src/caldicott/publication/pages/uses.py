"""The list of all uses: every activity by group, what is not in use, and what is withheld from the notice and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.publication.document import Page, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.access import reidentifying, seats
from caldicott.publication.pages.blocks import bullets, para, row, section, to_activity
from caldicott.publication.pages.setting import is_shown
from caldicott.publication.pages.standing import stops
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity


_MAIN = 6
"""As many as a reader takes in at one look."""
_ENOUGH = 16
"""Words that it takes to say what a use is for."""
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z“])")
_SEEN: dict[DataFormat, str] = {
    DataFormat.PSEUDONYMISED: "Nobody sees who you are: a code stands in place of your name.",
    DataFormat.ANONYMISED: "Nobody sees who you are.",
    DataFormat.AGGREGATED: "All that anybody sees is counts.",
}
_SEEN_BY_FEW = "A code stands in place of your name. Only those whom the page names may find out who you are."


def page(setting: Setting) -> Page:
    return Page(
        slug="purposes",
        title="All our uses of information",
        lead="Here is each thing we do with people's records, and where you can read more of it.",
        sections=(
            section("main", "Our main uses", bullets(main(setting))),
            _complete(setting),
            *_groups(setting),
            _withheld(setting),
        ),
        in_menu=True,
        menu_text="What we do",
    )


def main(setting: Setting) -> tuple[Text, ...]:
    """The first uses of the notice's own order, each in a sentence and what is seen, for this page and the overview."""
    return tuple(_in_a_line(one, setting) for one in setting.shown[:_MAIN])


def _in_a_line(activity: ProcessingActivity, setting: Setting) -> Text:
    says = [beginning(activity.plain_text)]
    if not stops(activity, setting.register, setting.at):
        says.append(seen(activity, setting))
    elif any(not stops(one, setting.register, setting.at) for one in setting.shown):
        says.append("This is not done now.")
    return text(to_activity(activity), f". {' '.join(one for one in says if one)}")


def beginning(written: str) -> str:
    """The sentences with which a text of the register begins: the first, and the next if that is short."""
    told = ""
    for one in _SENTENCE.split(" ".join(written.split())):
        told = f"{told} {one}".strip()
        if len(told.split()) >= _ENOUGH:
            break
    return phrases.sentence(told)


def seen(activity: ProcessingActivity, setting: Setting) -> str:
    """Who sees who a person is, or the form that tells most of those that anybody sees; empty if nobody sees any."""
    rules = [one.rule for one in seats(activity, setting.register, setting.at) if one.is_open]
    if not rules:
        return ""
    form = max((one.ceiling for one in rules), key=lambda one: one.tells)
    if form is DataFormat.IDENTIFIABLE:
        roles = dict.fromkeys(words.ROLE[one.role] for one in rules if one.ceiling is form)
        return f"These see who you are: {words.listed(roles)}."
    if form is DataFormat.PSEUDONYMISED and reidentifying(activity, setting.register, setting.at):
        return _SEEN_BY_FEW
    return _SEEN[form]


def counted(setting: Setting) -> tuple[str, ...]:
    """How many uses there are and how many of them are done, for this page and the overview."""
    every = len(setting.shown)
    not_done = sum(bool(stops(one, setting.register, setting.at)) for one in setting.shown)
    rest = f" {phrases.several(not_done, 'is', 'are')} not done now, and the page of each says why." if not_done else ""
    are = "is" if every == 1 else "are"
    return (f"In all there {are} {phrases.several(every, 'use', 'uses')}, and each has its own page.{rest}",)


def _complete(setting: Setting) -> Section:
    return section(
        "complete",
        "This list is complete",
        *(para(one) for one in counted(setting)),
        para(
            "This list is not a set of examples. It is made from our register, and our computers do only what is in "
            "the register. What is not here, they refuse."
        ),
        para(f"It shows what held on {words.day(setting.at)}."),
    )


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
