"""The page on sharing: who receives what, in which form, for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Facts, Page, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import joined, para, row, section, to_activity
from caldicott.publication.pages.standing import stops
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity, RecipientRule


def page(setting: Setting) -> Page:
    return Page(
        slug="sharing",
        title="Who receives information",
        lead="Here is everyone who receives information from us, in which form, and why.",
        sections=(
            section("in-brief", "In brief", *brief(setting)),
            *(_form(one, setting) for one in DataFormat),
            _unsaid(setting),
        ),
        in_menu=True,
        menu_text="Who receives it",
    )


def brief(setting: Setting) -> tuple[Block, ...]:
    """How many now receive what says who a person is, and who they are by reason; for this page and the overview."""
    if not any(True for _ in _rules(setting)):
        return (para("Who receives information is not stated."),)
    reasons = _reasons(setting)
    now = {name for names in reasons.values() for name in names}
    if not now:
        return (para("Nobody now receives information from us that says who you are."),)
    those = phrases.several(len(now), "body or group receives", "bodies or groups receive")
    return (
        para(f"{those} information that says who you are."),
        para("Here is why:"),
        Facts(tuple((phrases.WHY_SHARED[kind], _each(names)) for kind, names in reasons.items())),
        para("No others receive it."),
    )


def _each(names: Iterable[str]) -> tuple[Text, ...]:
    return tuple(text(words.capital(one)) for one in names)


def _reasons(setting: Setting) -> dict[ConfidentialityKind | None, dict[str, None]]:
    """Who receives by what lifts the duty of confidence, in the order of the law's list."""
    found: dict[ConfidentialityKind | None, dict[str, None]] = {kind: {} for kind in (*ConfidentialityKind, None)}
    for activity, rule in _rules(setting):
        if rule.format is DataFormat.IDENTIFIABLE and not stops(activity, setting.register, setting.at):
            basis = activity.confidentiality_basis
            found[basis.kind if basis else None][phrases.body(rule.recipient, setting.register)] = None
    return {kind: names for kind, names in found.items() if names}


def _rules(setting: Setting) -> Iterator[tuple[ProcessingActivity, RecipientRule]]:
    for activity in setting.shown:
        for rule in activity.recipients or ():
            yield activity, rule


def _form(form: DataFormat, setting: Setting) -> Section:
    rows = tuple(_row(activity, rule, setting) for activity, rule in _rules(setting) if rule.format is form)
    heading = f"Receives {words.FORMAT[form]}"
    if not rows:
        return section(form, heading, para("Nobody."))
    return section(form, heading, Table(heading, ("Who", "Why", "For which use", "Is it done now?"), rows))


def _row(activity: ProcessingActivity, rule: RecipientRule, setting: Setting) -> tuple[Text, ...]:
    found = stops(activity, setting.register, setting.at)
    return row(
        words.capital(phrases.body(rule.recipient, setting.register)),
        phrases.sentence(rule.purpose) or phrases.NOT_STATED,
        (to_activity(activity, "who-receives-it"),),
        "No" if found else "Yes",
    )


def _unsaid(setting: Setting) -> Section:
    nobody = [to_activity(one) for one in setting.shown if one.recipients == ()]
    silent = [to_activity(one) for one in setting.shown if one.recipients is None]
    blocks = []
    if nobody:
        blocks.append(para("Nobody outside receives anything from these uses: ", *joined(nobody), "."))
    if silent:
        blocks.append(para("For these uses it is not stated who receives anything: ", *joined(silent), "."))
    return section("nobody", "Uses that share nothing", *(blocks or [para("Each use shares something.")]))
