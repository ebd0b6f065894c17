"""On the page of an activity: how long, how to object, the rights, what protects, and the documents behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Facts, Link, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, para, row, section
from caldicott.publication.pages.standing import documents_of
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import Exemption, Instrument, ObjectionRule, ProcessingActivity, Retention


def how_long(activity: ProcessingActivity) -> Section:
    heading = "How long we keep it"
    if activity.retention is None:
        return section("how-long", heading, para("How long records are kept is not stated."))
    return section("how-long", heading, Facts(tuple(_retention(activity.retention))))


def _retention(kept: Retention) -> Iterator[tuple[str, tuple[Text, ...]]]:
    yield "For how long", (text(words.capital(kept.minimum) or phrases.NOT_STATED),)
    yield "Counted from", (text(phrases.counted_from(kept.starts)),)
    yield "What happens then", (text(phrases.at_the_end(kept.action)),)
    if kept.purge_landing_after_days is not None:
        yield "Records as they came in", (text(f"Wiped after {kept.purge_landing_after_days} days at the latest."),)
    if kept.review_role is not None:
        yield "Who looks first", (text(words.capital(words.ROLE[kept.review_role])),)


def objecting(activity: ProcessingActivity) -> Section:
    objections = activity.objections
    blocks: list[Block] = []
    how = next((one.reason for one in activity.rights or () if one.right == "objection" and one.reason), "")
    if how:
        blocks.append(para(" ".join(how.split())))
    if objections is None or not (objections.rules or objections.exemptions):
        blocks.append(para("Which choice stops this use is not stated."))
    else:
        if objections.rules:
            head = ("Your choice", "What it stops", "What happens then")
            rows = tuple(_objection(one) for one in objections.rules)
            blocks.append(Table("What each choice stops", head, rows))
        if objections.exemptions:
            head = ("These choices", "Why they do not stop it", "Where that is laid down")
            exempt = tuple(_exemption(one, objections.rules) for one in objections.exemptions)
            caption = "Where a choice does not count" if objections.rules else "Why your choices do not stop this"
            blocks.append(Table(caption, head, exempt))
    blocks.append(para(Link("All the choices you have, and how to make them", "opt-out"), "."))
    return section("objecting", "How to say no, and what happens then", *blocks)


def _objection(rule: ObjectionRule) -> tuple[Text, ...]:
    which = f" Only: {phrases.datasets(rule.datasets)}." if rule.datasets else ""
    stopped = "; ".join(words.FORMAT[one] for one in rule.covers_formats)
    then = " ".join(rule.consequence.split()) or "What happens then is not stated."
    return row(words.capital(words.SCHEME[rule.scheme]), f"{words.capital(stopped)}.{which}", then)


def _exemption(one: Exemption, rules: tuple[ObjectionRule, ...]) -> tuple[Text, ...]:
    named = words.listed(words.SCHEME[scheme] for scheme in one.schemes) if one.schemes else words.SCHEME[""]
    both = any(not one.schemes or rule.scheme in one.schemes for rule in rules)
    when = f"Only where {words.EXEMPTION[one.kind]}." if both else f"Because {words.EXEMPTION[one.kind]}."
    return row(words.capital(named), when, one.reference)


def rights(activity: ProcessingActivity) -> Section:
    heading = "Your rights here"
    if not activity.rights:
        return section("rights", heading, para("Your rights here are not stated."), _all_rights())
    rows = tuple(
        row(phrases.RIGHT[one.right], phrases.APPLIES[one.applies], " ".join(one.reason.split()) or phrases.NOT_STATED)
        for one in activity.rights
    )
    return section("rights", heading, Table(heading, ("Your right", "Does it hold?", "Why"), rows), _all_rights())


def _all_rights() -> Block:
    return para(Link("What each right means and how to use it", "rights"), ".")


def protection(activity: ProcessingActivity) -> Section:
    measures = [phrases.sentence(phrases.plain(one, phrases.MEASURE)) for one in activity.measures or ()]
    block = bullets(measures) if measures else para("What protects the records is not stated.")
    return section(
        "protection", "How it is kept safe", block, para(Link("How we keep all records safe", "protection"), ".")
    )


def documents(activity: ProcessingActivity, setting: Setting) -> Section:
    named = dict.fromkeys((*documents_of(activity), *_of_roles_and_flows(activity)))
    rows = tuple(_document(one, activity, setting) for one in named)
    blocks: list[Block] = []
    if rows:
        blocks.append(para("This rests on the papers below. When one of them ends, what needs it stops on that day."))
        head = ("Paper", "Needed for", "Holds until", "On the day of this notice")
        blocks.append(Table("Papers and their last days", head, rows))
    else:
        blocks.append(para("The register names no paper with an end date for this."))
    if activity.publication and activity.publication.documents:
        blocks += [para("You can also ask us for:"), bullets(activity.publication.documents)]
    return section("documents", "Papers it depends on", *blocks)


def _of_roles_and_flows(activity: ProcessingActivity) -> Iterator[str]:
    for rule in activity.roles or ():
        yield from rule.requires
    for flow in activity.flows or ():
        if flow.instrument:
            yield flow.instrument


def _document(instrument_id: str, activity: ProcessingActivity, setting: Setting) -> tuple[Text, ...]:
    found = setting.register.instrument(instrument_id)
    part = "All of it" if instrument_id in documents_of(activity) else "A part of it"
    if found is None:
        return row(instrument_id, part, phrases.NOT_STATED, "We do not have it")
    last = words.day(found.valid_until) if found.valid_until else "No end"
    return row(found.reference, part, last, holds(found, setting.at))


def holds(instrument: Instrument, at: date) -> str:
    """Whether a document holds on a day, in three words."""
    if instrument.is_live(at):
        return "Holds"
    return "Not yet" if at < instrument.valid_from else "Has ended"
