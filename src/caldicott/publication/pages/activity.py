"""The page of one activity: everything the register says of one use of information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.publication.document import Details, Facts, Page, Table, text
from caldicott.publication.pages import activity_rules, phrases
from caldicott.publication.pages.activity_access import forms, who_receives, who_sees
from caldicott.publication.pages.blocks import bullets, inset, para, paragraphs, row, section
from caldicott.publication.pages.standing import stops
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import DataProtectionBasis, ProcessingActivity


def page(activity: ProcessingActivity, setting: Setting) -> Page:
    return Page(
        slug=f"activities/{activity.id}",
        title=activity.title,
        lead="What we do, with whose records, who sees them and in which form, and how you can say no.",
        sections=(
            _what(activity, setting),
            _source(activity, setting),
            _records(activity),
            _law(activity, setting),
            forms(activity, setting),
            who_sees(activity, setting),
            who_receives(activity, setting),
            activity_rules.how_long(activity),
            activity_rules.objecting(activity),
            activity_rules.rights(activity),
            section("computer", "Does a computer decide?", para(phrases.COMPUTER[activity.automated_decision])),
            activity_rules.protection(activity),
            activity_rules.documents(activity, setting),
        ),
    )


def _what(activity: ProcessingActivity, setting: Setting) -> Section:
    blocks: list[Block] = []
    found = stops(activity, setting.register, setting.at)
    if found:
        blocks.append(inset(*(one.sentence for one in found), title="Not done now"))
    blocks += paragraphs(activity.plain_text) or [para(phrases.NOT_STATED)]
    blocks.append(Facts(tuple(_details(activity))))
    if activity.quote:
        blocks.append(Details("What the old notice cites, word for word", (para(activity.quote),)))
    return section("what-we-do", "What we do and why", *blocks)


def _details(activity: ProcessingActivity) -> Iterator[tuple[str, tuple[Text, ...]]]:
    people = [phrases.plain(one, phrases.PEOPLE) for one in activity.data_subjects or ()]
    yield "Whom it is about", (text(words.capital(words.listed(people)) if people else phrases.NOT_STATED),)
    use = {"primary": "Yes, it is part of your own care.", "secondary": "No, it has another purpose."}
    yield "Is it for your own care?", (text(use.get(activity.use or "", phrases.NOT_STATED)),)
    yield "Since when", (text(_since(activity)),)
    due = words.day(activity.review_due) if activity.review_due else phrases.NOT_STATED
    yield "When we look at it again", (text(due),)


def _since(activity: ProcessingActivity) -> str:
    until = f", until {words.day(activity.effective_to)}" if activity.effective_to else ""
    return f"{words.day(activity.effective_from)}{until}" if activity.effective_from else phrases.NOT_STATED


def _source(activity: ProcessingActivity, setting: Setting) -> Section:
    names = [phrases.body(one, setting.register) for one in activity.sources or ()]
    blocks: list[Block] = [para("The records come from:"), bullets(words.capital(one) for one in names)]
    if not names:
        blocks = [para(phrases.NOT_STATED)]
    at_source = dict.fromkeys(scheme for use in activity.datasets or () for scheme in use.objections_applied_at_source)
    if at_source:
        named = words.listed(words.SCHEME[one] for one in at_source)
        blocks.append(para(f"Before we get them, people are left out who chose this: {named}."))
    return section("source", "Where the information comes from", *blocks)


def _records(activity: ProcessingActivity) -> Section:
    blocks: list[Block] = []
    for direction, says in (("in", "These records come in:"), ("out", "From them we make:")):
        named = [phrases.dataset(use.dataset) for use in activity.datasets or () if use.direction == direction]
        if named:
            blocks += [para(says), bullets(dict.fromkeys(named))]
    if not blocks:
        blocks.append(para("Which records are used is not stated."))
    blocks.append(Facts(tuple(_kinds(activity))))
    return section("records", "Which records we use", *blocks)


def _kinds(activity: ProcessingActivity) -> Iterator[tuple[str, tuple[Text, ...]]]:
    kinds = tuple(text(words.capital(phrases.plain(one, phrases.KIND))) for one in activity.personal_data or ())
    yield "They tell of", kinds or (text(phrases.NOT_STATED),)
    special = [phrases.plain(one, phrases.KIND) for one in activity.special_category]
    yield "The law guards this more", (text(words.capital(words.listed(special)) if special else "Nothing here."),)
    allowed = activity.identifiers_allowed
    if allowed is None:
        yield "What may say who you are", (text(phrases.NOT_STATED),)
    else:
        named = words.listed(words.IDENTIFIER[one] for one in allowed) if allowed else "nothing."
        yield "What may say who you are", (text(words.capital(named)),)
    if activity.inputs_whitelist:
        yield "Nothing but these facts may be used", (text(phrases.fields(activity.inputs_whitelist)),)
    if activity.criminal_offence:
        yield "Crime", (text("It can touch on crimes or claims of a crime."),)


def _law(activity: ProcessingActivity, setting: Setting) -> Section:
    bases = activity.data_protection_basis or ()
    plain = dict.fromkeys(phrases.ARTICLE[one] for basis in bases for one in _articles(basis))
    blocks: list[Block] = [bullets(plain)] if plain else [para("What in data protection law allows it is not stated.")]
    confidence = activity.confidentiality_basis
    blocks.append(para(phrases.CONFIDENCE[confidence.kind if confidence else None]))
    rows = [row(words.capital(f"reason {number}"), _citation(basis)) for number, basis in enumerate(bases, 1)]
    if confidence is not None:
        rows.append(row("Things told in trust", confidence.reference or "No reference is stated."))
    if rows:
        blocks.append(Table("The law by its name", ("What for", "Citation"), tuple(rows)))
    blocks.append(
        para(f"The law that this notice was written under: {phrases.LAW[setting.register.controller.regime]}.")
    )
    if setting.register.controller.regime == "dpa1998" and plain:
        blocks.append(
            para("The old notice named no articles. These are our reading, by the numbers of the law of 2018.")
        )
    return section("law", "What in law allows it", *blocks)


def _articles(basis: DataProtectionBasis) -> tuple[str, ...]:
    return tuple(one for one in (basis.article6, basis.article9) if one)


def _citation(basis: DataProtectionBasis) -> str:
    articles = ", ".join(_article(one) for one in _articles(basis))
    schedule = ", ".join(f"Data Protection Act 2018 schedule 1 paragraph {one}" for one in basis.dpa_schedule1)
    statutes = (_statute(one) for one in basis.statutes)
    return "; ".join(one for one in (articles, schedule, *statutes) if one) or phrases.NOT_STATED


def _statute(citation: str) -> str:
    """A statute as the register cites it; where that is known to be wrong, with what it should be."""
    instead = next((one["cite_instead"] for one in governance.table("statutes") if one["citation"] == citation), "")
    return f"{citation} (cited wrongly: it should be {instead})" if instead else citation


def _article(code: str) -> str:
    number, paragraph, letter = code.removeprefix("A").split("-")
    return f"Article {number}({paragraph})({letter})"
