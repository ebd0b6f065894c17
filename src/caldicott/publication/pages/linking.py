"""The page on linking: which records are joined, on which code, by whom and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Page, Paragraph, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.access import reidentifying
from caldicott.publication.pages.blocks import para, row, section, use
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import Linkage, ProcessingActivity, PseudonymDomain


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
        use(activity, setting),
        f"{domain.letter} ({domain.name}), series {domain.epoch}",
        phrases.body(domain.recipient, register),
        words.instrument(domain.agreement, register),
        words.capital(words.listed(back)) if back else "Nobody",
    )


def _joined(setting: Setting) -> Section:
    heading = "Which records are joined"
    parts = tuple(_joins(one, setting) for one in setting.shown if one.linkage)
    if not parts:
        return section(
            "joined", heading, para("No use of this notice joins records, or the register does not state it.")
        )
    only = para("Only these records are joined. Our computers refuse any other join.")
    return section("joined", heading, only, parts=parts)


def _joins(activity: ProcessingActivity, setting: Setting) -> Section:
    """One use: a list of pairs for each body that joins them, so that its name is read once."""
    blocks: list[Block] = [Paragraph(text("For: ", *use(activity, setting), "."))]
    alike: dict[tuple[str, str], list[Linkage]] = {}
    for one in activity.linkage:
        alike.setdefault((one.organisation, one.zone), []).append(one)
    for (organisation, zone), pairs in alike.items():
        blocks.append(para(_by(organisation, zone, setting)))
        rows = tuple(row(phrases.dataset(one.left), phrases.dataset(one.right)) for one in pairs)
        blocks.append(Table(f"{activity.title}: records that are joined", ("These records", "Joined with"), rows))
    return section(f"for-{activity.id}", activity.title, *blocks)


def _by(organisation: str, zone: str, setting: Setting) -> str:
    where = f" It is done in {phrases.plain(zone, phrases.ZONE)}." if zone else " Where it is done is not stated."
    return f"This is done by {phrases.body(organisation, setting.register)}.{where}"
