"""The page on the four forms of information, and how much of each we use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Details, Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, joined, para, row, section, these, to_activity
from caldicott.publication.pages.four_formats import picture
from caldicott.register import words
from caldicott.register.completeness import formats_out
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.publication.document import Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity


def page(setting: Setting) -> Page:
    return Page(
        slug="types-of-information",
        title="The four forms of information",
        lead="A record can tell a lot about you or almost nothing. Here are the four forms, and where we use each.",
        sections=(
            section("picture", "One record in four forms", picture()),
            section("forms", "What each form means", bullets(explained())),
            _where(setting),
            _says_who(setting),
            _kinds(setting),
        ),
        in_menu=True,
        menu_text="Forms of information",
    )


def explained() -> tuple[str, ...]:
    """The four forms in one line each, for this page and the overview."""
    return tuple(f"{phrases.FORM[one]}. {phrases.FORM_EXPLAINED[one]}" for one in DataFormat)


def _where(setting: Setting) -> Section:
    rows = tuple(row((to_activity(one),), *(_mark(one, form) for form in DataFormat)) for one in setting.shown)
    head = ("Use", *(phrases.FORM[one] for one in DataFormat))
    return section(
        "where",
        "Which form we use for what",
        para(
            "“Comes in” is how records reach us or those who work for us. “Goes out” is what somebody may see or get."
        ),
        Details("See the form for each use", (Table("Forms in each use", head, rows),)),
    )


def _mark(activity: ProcessingActivity, form: DataFormat) -> str:
    said = [
        *(["comes in"] if activity.format_in is form else []),
        *(["goes out"] if form in formats_out(activity) else []),
    ]
    return words.capital(" and ".join(said)) or "No"


def uses_of(activity: ProcessingActivity, form: DataFormat) -> bool:
    """Whether the form comes in or goes out somewhere in the activity."""
    return activity.format_in is form or form in formats_out(activity)


def identifying(setting: Setting) -> tuple[str, ...]:
    """In how many uses something says who a person is, for this page and the overview."""
    some = sum(uses_of(one, DataFormat.IDENTIFIABLE) for one in setting.shown)
    return (f"In {some} of our {len(setting.shown)} uses, at least one step has information that says who you are.",)


def _says_who(setting: Setting) -> Section:
    used = [one for one in setting.shown if uses_of(one, DataFormat.IDENTIFIABLE)]
    rows = tuple(row((to_activity(one, "who-sees-it"),), _allowed_by(one), _trust(one)) for one in used)
    return section(
        "says-who-you-are",
        "Where something says who you are",
        *(para(one) for one in identifying(setting)),
        para("This list is closed. For each of them, here is what in law lets us."),
        Table(
            "Uses in which something says who you are", ("Use", "What in law allows it", "Things told in trust"), rows
        ),
    )


def _allowed_by(activity: ProcessingActivity) -> str:
    codes = dict.fromkeys(basis.article6 for basis in activity.data_protection_basis or () if basis.article6)
    return " ".join(phrases.ARTICLE[one] for one in codes) or phrases.NOT_STATED


def _trust(activity: ProcessingActivity) -> str:
    basis = activity.confidentiality_basis
    return phrases.CONFIDENCE[basis.kind] if basis else phrases.NOT_STATED


def _kinds(setting: Setting) -> Section:
    return section(
        "kinds",
        "Which kinds of facts",
        Table("Kinds of facts", ("What it tells of", "Used for"), tuple(_kind_rows(setting))),
    )


def _kind_rows(setting: Setting) -> Iterator[tuple[Text, ...]]:
    kinds = dict.fromkeys(kind for one in setting.shown for kind in one.personal_data or ())
    for kind in kinds:
        of_it = [one for one in setting.shown if kind in (one.personal_data or ())]
        yield row(words.capital(phrases.plain(kind, phrases.KIND)), these(of_it, setting.shown))
    silent = [to_activity(one) for one in setting.shown if not one.personal_data]
    if silent:
        yield row(phrases.NOT_STATED, joined(silent))
