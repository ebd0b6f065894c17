"""The page on linking: which records are joined, on which code, by whom and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.access import reidentifying
from caldicott.publication.pages.blocks import para, row, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity, PseudonymDomain


def page(setting: Setting) -> Page:
    return Page(
        slug="linking",
        title="How records are joined",
        lead="To see how care works as a whole, records from many places are joined. Here is how, and who does it.",
        sections=(_how(setting), _scopes(setting), _joined(setting)),
    )


def _how(setting: Setting) -> Section:
    return section(
        "how",
        "How it works",
        *_joining(setting),
        *(para(one) for one in scopes_in_brief(setting)),
    )


def _joining(setting: Setting) -> tuple[Block, ...]:
    if not any(one.linkage for one in setting.shown):
        return (para("The register does not state that any records are joined."),)
    return (
        para("Each service keeps its own records. A computer finds the records that belong to the same person."),
        para("A code stands in place of the name and the NHS number, and records are joined on that code."),
    )


def scopes_in_brief(setting: Setting) -> tuple[str, ...]:
    """How many codes there are and that they do not meet, for this page and the overview."""
    domains = [one.pseudonym_domain for one in setting.shown if one.pseudonym_domain is not None]
    if not domains:
        return ("Where a code is used, the register does not state in which scope it holds.",)
    return ("Each use has codes of its own. So the code of one use cannot be matched with the code of another.",)


def _scopes(setting: Setting) -> Section:
    rows = tuple(
        _scope(one, one.pseudonym_domain, setting) for one in setting.shown if one.pseudonym_domain is not None
    )
    heading = "Where each code holds"
    if not rows:
        return section("codes", heading, para("Not stated."))
    head = ("Use", "Name of the code", "Made for", "Under this paper", "Who may go back to the person")
    return section("codes", heading, Table(heading, head, rows))


def _scope(activity: ProcessingActivity, domain: PseudonymDomain, setting: Setting) -> tuple[Text, ...]:
    register = setting.register
    back = dict.fromkeys(
        words.ROLE[one.rule.role] + words.RELATIONSHIP[domain.reidentify_relationship]
        for one in reidentifying(activity, register, setting.at)
    )
    return row(
        (to_activity(activity),),
        f"{domain.letter} ({domain.name}), series {domain.epoch}",
        phrases.body(domain.recipient, register),
        words.instrument(domain.agreement, register),
        words.capital(words.listed(back)) if back else "Nobody",
    )


def _joined(setting: Setting) -> Section:
    rows = tuple(one for activity in setting.shown for one in _joins(activity, setting))
    heading = "Which records are joined"
    if not rows:
        return section(
            "joined", heading, para("No use of this notice joins records, or the register does not state it.")
        )
    blocks: tuple[Block, ...] = (
        para("Only these records are joined. Our computers refuse any other join."),
        Table(heading, ("Use", "These records", "Joined with", "Who does it", "Where"), rows),
    )
    return section("joined", heading, *blocks)


def _joins(activity: ProcessingActivity, setting: Setting) -> Iterator[tuple[Text, ...]]:
    for one in activity.linkage:
        yield row(
            (to_activity(activity),),
            phrases.dataset(one.left),
            phrases.dataset(one.right),
            phrases.body(one.organisation, setting.register),
            words.capital(phrases.plain(one.zone, phrases.ZONE)) or phrases.NOT_STATED,
        )
