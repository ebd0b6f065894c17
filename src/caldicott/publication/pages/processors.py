"""The page on processors: who works for the controller, what each does, under which contract until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Facts, Page, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.activity_rules import holds
from caldicott.publication.pages.blocks import joined, para, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import Instrument, Organisation

_WORKS_FOR_US = frozenset({"processor", "sub_processor"})


def page(setting: Setting) -> Page:
    found = processors(setting)
    return Page(
        slug="processors",
        title="Who works for us",
        lead="Some work is done for us by others. They may do only what we tell them in writing.",
        sections=(
            section("in-brief", "In brief", *(para(one) for one in in_brief(setting))),
            *(_processor(one, setting) for one in found),
        ),
    )


def processors(setting: Setting) -> tuple[Organisation, ...]:
    return tuple(one for one in setting.register.organisations if _WORKS_FOR_US & set(one.roles))


def in_brief(setting: Setting) -> tuple[str, ...]:
    """How many work for us, for this page and the overview."""
    found = processors(setting)
    if not found:
        return ("The register names nobody who works for us.",)
    return (f"{phrases.several(len(found), 'firm or body works', 'firms or bodies work')} for us on people's records.",)


def _processor(one: Organisation, setting: Setting) -> Section:
    return section(one.id, one.name, Facts(tuple(_facts(one, setting))))


def _facts(one: Organisation, setting: Setting) -> Iterator[tuple[str, tuple[Text, ...]]]:
    does = tuple(text(phrases.sentence(words.capital(function))) for function in one.functions)
    yield "What it does for us", does or (text("The register does not say what it does, so it may do nothing."),)
    of_it = [activity for activity in setting.shown if activity.id in one.activities]
    yield "For which uses", (joined(to_activity(activity) for activity in of_it) or text(phrases.NOT_STATED),)
    contracts = [
        paper for paper in setting.register.instruments if paper.kind == "contract" and one.id in paper.parties
    ]
    lines = tuple(text(_contract(paper, setting)) for paper in contracts)
    yield "Contract", lines or (text("No contract is named in the register."),)
    checked = [words.day(paper.due_diligence_date) for paper in contracts if paper.due_diligence_date]
    yield "When we checked it", (text("; ".join(checked) or phrases.NOT_STATED),)
    if contracts and any(paper.conditions for paper in contracts):
        yield "It must", tuple(text(rule.text) for paper in contracts for rule in paper.conditions)
    if one.accreditations:
        yield (
            "Recognised as",
            tuple(text(f"{held.kind}: {held.reference or 'no reference'}") for held in one.accreditations),
        )


def _contract(paper: Instrument, setting: Setting) -> str:
    last = f"It holds {words.until(paper.valid_until)}." if paper.is_live(setting.at) else ""
    ended = "" if last else f"{holds(paper, setting.at)}: {words.day(paper.valid_until)}."
    return f"{phrases.sentence(paper.reference)} {last}{ended}"
