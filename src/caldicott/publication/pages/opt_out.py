"""The opt-out guide: for each way of objecting what it stops, what it does not, how to make it, what happens then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Details, Link, Page, Table, text
from caldicott.publication.pages import phrases, schemes
from caldicott.publication.pages.blocks import bullets, joined, para, row, section, to_activity, use
from caldicott.publication.pages.formats import uses_of
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import CODED_OBJECTIONS, Objection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import Exemption, ObjectionRule, ProcessingActivity

STOPS, STOPS_SOME, GOES_ON, NOT_USED = "Stops", "Stops in part", "Goes on", "Not used"


def page(setting: Setting) -> Page:
    found = schemes_of(setting)
    sections = [_first(setting), *(_scheme(one, setting) for one in found), *_unsaid(setting)]
    return Page(
        slug="opt-out",
        title="Your choices: how to say no",
        lead="There is more than one way to say no. Here is what each of them stops, and what it does not.",
        sections=tuple(sections),
        in_menu=True,
        menu_text="Your choices",
    )


def schemes_of(setting: Setting) -> tuple[Objection, ...]:
    """The ways of objecting that stop something in this register, in the order of the closed list."""
    named = {rule.scheme for one in setting.shown for rule in _rules(one)}
    return tuple(one for one in Objection if one in named)


def _rules(activity: ProcessingActivity) -> tuple[ObjectionRule, ...]:
    return activity.objections.rules if activity.objections else ()


def _exemptions(activity: ProcessingActivity) -> tuple[Exemption, ...]:
    return activity.objections.exemptions if activity.objections else ()


def choices(setting: Setting) -> tuple[Text, ...]:
    """Each choice in one line with what it stops, for this page and the overview."""
    found = schemes_of(setting)
    # The national opt-out took the place of type 2; where the register has both, type 2 is no longer a choice.
    replaced = {Objection.TYPE_2} if Objection.NATIONAL_DATA_OPT_OUT in found else set()
    return tuple(_choice(one, setting) for one in found if one not in replaced)


def _choice(scheme: Objection, setting: Setting) -> Text:
    stopped = [one for one in setting.shown if any(rule.scheme is scheme for rule in _rules(one))]
    name = Link(words.capital(words.SCHEME[scheme]), f"opt-out#{scheme}")
    return text(
        name,
        f". {schemes.WHAT[scheme]} It counts for: ",
        *joined(to_activity(one, "objecting") for one in stopped),
        ".",
    )


def _first(setting: Setting) -> Section:
    blocks: list[Block] = []
    if choices(setting):
        blocks += [para("You have these choices:"), Bullets(choices(setting))]
    else:
        blocks.append(para("The register names no choice that stops a use."))
    blocks += [
        para("If you want to know what a choice means for your own care, ask your GP practice first."),
        para("If you made a choice more than once, the last one counts."),
    ]
    return section("in-brief", "In brief", *blocks)


def _scheme(scheme: Objection, setting: Setting) -> Section:
    name = words.capital(words.SCHEME[scheme])
    return section(
        str(scheme),
        name,
        para(schemes.WHAT[scheme]),
        parts=(
            section(f"{scheme}-how", "How to say it", *_how(scheme, setting)),
            _stopped(scheme, setting),
            section(f"{scheme}-then", "What happens then", _then(scheme, setting)),
            _not_stopped(scheme, setting),
        ),
    )


def _how(scheme: Objection, setting: Setting) -> Iterator[Block]:
    yield para(schemes.HOW[scheme])
    if scheme is Objection.NATIONAL_DATA_OPT_OUT:
        yield para(Link("Make your choice on the NHS website", schemes.NATIONAL_PAGE), ".")
        days = setting.register.controller.settings.ndop_answer_valid_days
        yield para(f"We ask the national service who has opted out. We use no answer that is older than {days} days.")
    settings = setting.register.controller.settings
    if scheme in CODED_OBJECTIONS and "coded_answers" in settings.model_fields_set:
        days = settings.coded_answers.answer_valid_days
        yield para(
            f"Your GP practice tells us who has objected. If it has not told us in the last {days} days, we leave out "
            "everyone who is registered there."
        )


def _stopped(scheme: Objection, setting: Setting) -> Section:
    concerned = [one for one in setting.shown if any(rule.scheme is scheme for rule in _rules(one))]
    rows = tuple(_reach_row(one, scheme, setting) for one in concerned)
    head = ("Use", *(phrases.FORM[one] for one in DataFormat), "Which records", "But not if")
    return section(
        f"{scheme}-stops",
        "What it stops",
        para("The table shows for each form whether your records are left out."),
        para("“Not used” means that nobody is given this form by itself."),
        Details("See what it stops in each use", (Table(f"What {words.SCHEME[scheme]} stops", head, rows),)),
    )


def _reach_row(activity: ProcessingActivity, scheme: Objection, setting: Setting) -> tuple[Text, ...]:
    named = dict.fromkeys(one for rule in _rules(activity) if rule.scheme is scheme for one in rule.datasets)
    unless = [words.capital(words.EXEMPTION[one.kind]) for one in _exempting(activity, scheme)]
    return row(
        use(activity, setting, "objecting"),
        *(effect(activity, scheme, form) for form in DataFormat),
        phrases.datasets(named) if named else "All",
        "; ".join(unless) or "No exception",
    )


def effect(activity: ProcessingActivity, scheme: Objection, form: DataFormat) -> str:
    """What a choice does to one form in one activity, by the register's objection rules."""
    covering = [rule for rule in _rules(activity) if rule.scheme is scheme and form in rule.covers_formats]
    if not covering:
        return GOES_ON if uses_of(activity, form) else NOT_USED
    used = {use.dataset for use in activity.datasets or ()}
    left = used - {one for rule in covering for one in rule.datasets}
    return STOPS_SOME if left and all(rule.datasets for rule in covering) else STOPS


def _then(scheme: Objection, setting: Setting) -> Block:
    lines = tuple(
        text(to_activity(one, "objecting"), ": ", " ".join(rule.consequence.split()) or phrases.NOT_STATED)
        for one in setting.shown
        for rule in _rules(one)
        if rule.scheme is scheme
    )
    return Bullets(lines)


def _exempting(activity: ProcessingActivity, scheme: Objection) -> list[Exemption]:
    return [one for one in _exemptions(activity) if not one.schemes or scheme in one.schemes]


def _not_stopped(scheme: Objection, setting: Setting) -> Section:
    untouched = [one for one in setting.shown if all(rule.scheme is not scheme for rule in _rules(one))]
    exempt = [one for one in untouched if _exempting(one, scheme)]
    silent = [to_activity(one, "objecting") for one in untouched if one.objections is None]
    others = [to_activity(one, "objecting") for one in untouched if one.objections and one not in exempt]
    blocks: list[Block] = []
    if exempt:
        rows = tuple(row((to_activity(one, "objecting"),), *_why(one, scheme)) for one in exempt)
        head = ("Use", "Why it goes on", "Where that is laid down")
        table = Table(f"What {words.SCHEME[scheme]} does not stop", head, rows)
        blocks += [
            para("It does not stop these uses: ", *joined(to_activity(one, "objecting") for one in exempt), "."),
            Details("See why, and where that is laid down", (table,)),
        ]
    if others:
        blocks += [para("This choice is not about these uses:"), bullets(text(one) for one in others)]
    if silent:
        blocks += [para("For these uses the register does not say:"), bullets(text(one) for one in silent)]
    blocks = blocks or [para("It stops something in each of our uses.")]
    return section(f"{scheme}-goes-on", "What it does not stop", *blocks)


def _why(activity: ProcessingActivity, scheme: Objection) -> tuple[str, str]:
    exempting = _exempting(activity, scheme)
    why = " ".join(phrases.sentence(words.EXEMPTION[one.kind]) for one in exempting)
    return why, "; ".join(one.reference for one in exempting)


def _unsaid(setting: Setting) -> Iterator[Section]:
    silent = [to_activity(one) for one in setting.shown if one.objections is None]
    if silent:
        yield section(
            "not-stated",
            "Where nothing is said",
            para("For these uses it is not stated whether you can say no:"),
            bullets(text(one) for one in silent),
        )
