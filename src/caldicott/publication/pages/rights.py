"""The page on rights: what each is, where it holds and why, how to use it, and how long we have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.publication.document import Link, Page, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import joined, para, row, section, these, to_activity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity

_ORDER = tuple(phrases.RIGHT)


def page(setting: Setting) -> Page:
    return Page(
        slug="rights",
        title="Your rights",
        lead="The law gives you rights over what we hold about you. Here is what they are and how to use them.",
        sections=(
            section("in-brief", "In brief", *(para(one) for one in in_brief(setting))),
            _how(setting),
            *(_right(one, setting) for one in _named(setting)),
            *_unsaid(setting),
        ),
        in_menu=True,
        menu_text="Your rights",
    )


def _named(setting: Setting) -> tuple[str, ...]:
    named = {rule.right for one in setting.shown for rule in one.rights or ()}
    return tuple(one for one in _ORDER if one in named)


def in_brief(setting: Setting) -> tuple[str, ...]:
    """The rights that hold somewhere, in one line each, for this page and the overview."""
    holding = {rule.right for one in setting.shown for rule in one.rights or () if rule.applies != "no"}
    if not holding:
        return ("Your rights are not stated.",)
    denied = any(rule.applies != "yes" for one in setting.shown for rule in one.rights or ())
    limits = ("Not every right holds in every use.",) if denied else ()
    return (*(phrases.RIGHT_EXPLAINED[one] for one in _ORDER if one in holding), *limits)


def clocks(setting: Setting, right: str) -> tuple[tuple[str, str], ...]:
    """How long we have, under the law of this notice on that day, each with its source."""
    regime, today = setting.register.controller.regime, setting.at.isoformat()
    return tuple(
        (one["says"], one["source"])
        for one in governance.table("rights_clocks")
        if one["regime"] == regime and one["right"] == right and one["valid_from"] <= today
    )


def _how(setting: Setting) -> Section:
    post = setting.contact("rights", "dpo")
    ask = para("Whom to ask is not stated.")
    if post is not None:
        ask = para(f"Ask this team: {post.post}. ", Link("How to reach them", "contacts"), ".")
    told = [*clocks(setting, "any"), *clocks(setting, "access")]
    return section("how", "How to use a right", ask, *(para(says) for says, _ in told), *_laid_down(told))


def _laid_down(told: list[tuple[str, str]]) -> Iterator[Table]:
    if told:
        rows = tuple(row(says, source) for says, source in told)
        yield Table("How long we have, by law", ("How long we have", "Where that is laid down"), rows)


def _right(right: str, setting: Setting) -> Section:
    rows = tuple(_reasons(right, setting))
    heading = phrases.RIGHT[right]
    return section(
        right.replace("_", "-"),
        heading,
        para(phrases.RIGHT_EXPLAINED[right]),
        *(para(says) for says, _ in clocks(setting, right) if right != "access"),
        Table(f"{heading}: where it holds", ("Does it hold?", "Why", "In these uses"), rows),
    )


def _reasons(right: str, setting: Setting) -> Iterator[tuple[Text, ...]]:
    alike: dict[tuple[str, str], list[ProcessingActivity]] = {}
    for activity in setting.shown:
        for rule in activity.rights or ():
            if rule.right == right:
                why = " ".join(rule.reason.split()) or phrases.NOT_STATED
                alike.setdefault((rule.applies, why), []).append(activity)
    order = {"yes": 0, "limited": 1, "no": 2}
    for (applies, why), of_it in sorted(alike.items(), key=lambda one: order[one[0][0]]):
        yield row(phrases.APPLIES[applies], why, these(of_it, setting.shown, "rights"))


def _unsaid(setting: Setting) -> Iterator[Section]:
    silent = [to_activity(one, "rights") for one in setting.shown if not one.rights]
    if silent:
        yield section(
            "not-stated", "Where nothing is said", para("For these uses no right is stated: ", *joined(silent), ".")
        )
    missing = [phrases.RIGHT[one] for one in _ORDER if one not in _named(setting)]
    if missing:
        yield section("not-named", "Rights this notice does not name", para(*text(f"{'; '.join(missing)}.")))
