"""The map of flows: the picture in a frame, and below it, use by use, each flow in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Details, Link, Page, Paragraph, Picture, Table, text
from caldicott.publication.flows import flow_rows
from caldicott.publication.pages import phrases
from caldicott.publication.pages.activity_rules import holds
from caldicott.publication.pages.blocks import para, row, section, use
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.publication.document import Text
    from caldicott.publication.flows import FlowRow
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity

PICTURE = "assets/flow-map.svg"
TABLE = "flow-map.csv"
_HEAD = ("From", "To", "What is sent", "How often", "Under this paper", "Looked at again by")


def page(setting: Setting) -> Page:
    shown = {one.id for one in setting.shown}
    flows = [one for one in flow_rows(setting.register) if one.activity in shown]
    silent = [one.title for one in setting.shown if not one.flows]
    return Page(
        slug="flow-map",
        title="Map of flows",
        lead="Here is each way that records take to us, between those who work for us, and out again.",
        sections=(
            section(
                "map",
                "The map",
                para(f"The map has {phrases.several(len(flows), 'flow', 'flows')}. You can move it in its frame."),
                *([_picture(flows)] if flows else []),
                para(Link("See the map by itself, as large as you like", PICTURE), "."),
            ),
            section(
                "table",
                "All flows",
                para("Here is the same in words. Open a use to see how its records travel."),
                para("Each flow is looked at again by the day in the last column."),
                *([para(f"For these uses no flow is stated: {'; '.join(silent)}.")] if silent else []),
                *(_use(one, flows, setting) for one in setting.shown if one.flows),
                para(Link("All flows as one table, with how and from where each is sent (CSV)", TABLE), "."),
            ),
        ),
    )


def _picture(flows: Sequence[FlowRow]) -> Picture:
    counts = {form: sum(one.format is form for one in flows) for form in DataFormat}
    forms = (
        f"{phrases.FORM[form]}: {phrases.several(many, 'flow', 'flows')}." for form, many in counts.items() if many
    )
    way = "Lines run from left to right. They start where records come from and end with who gets them."
    says = " ".join((way, *forms))
    # The file is made with the tables; here it is only shown.
    return Picture(PICTURE.removeprefix("assets/"), "", says, is_wide=True)


def _use(activity: ProcessingActivity, flows: Sequence[FlowRow], setting: Setting) -> Details:
    of_it = [one for one in flows if one.activity == activity.id]
    table = Table(activity.title, _HEAD, tuple(_row(one, setting) for one in of_it))
    summary = f"{activity.title}: {phrases.several(len(of_it), 'flow', 'flows')}"
    return Details(summary, (Paragraph(text("For: ", *use(activity, setting), ".")), table))


def _row(one: FlowRow, setting: Setting) -> tuple[Text, ...]:
    return row(
        words.capital(phrases.body(one.source_id, setting.register)),
        words.capital(phrases.body(one.recipient_id, setting.register)),
        f"{_records(one)} {phrases.FORM[one.format]}.",
        words.capital(one.frequency) or phrases.NOT_STATED,
        _paper(one, setting),
        words.day(one.review_due) if one.review_due else phrases.NOT_STATED,
    )


def _records(one: FlowRow) -> str:
    return " ".join(phrases.sentence(phrases.dataset(each)) for each in one.datasets) or phrases.NOT_STATED


def _paper(one: FlowRow, setting: Setting) -> str:
    found = setting.register.instrument(one.instrument_id)
    if found is None:
        return one.instrument or "None"
    ended = "" if found.is_live(setting.at) else f" ({holds(found, setting.at).lower()})"
    return f"{phrases.sentence(one.instrument)} It holds {words.until(found.valid_until)}{ended}."
