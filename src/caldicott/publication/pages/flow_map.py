"""The map of flows: what comes and goes, from whom to whom, as a table beside the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Page, Table
from caldicott.publication.flows import flow_rows
from caldicott.publication.pages import phrases
from caldicott.publication.pages.activity_rules import holds
from caldicott.publication.pages.blocks import para, row, section, use
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.publication.document import Text
    from caldicott.publication.flows import FlowRow
    from caldicott.publication.pages.setting import Setting

PICTURE = "assets/flow-map.svg"
_HEAD = (
    "From",
    "To",
    "Which records",
    "In which form",
    "For which use",
    "From which place",
    "To which place",
    "How it is sent",
    "How often",
    "Under this paper",
    "Paper holds until",
    "Looked at again by",
)


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
                para(f"The map has {phrases.several(len(flows), 'flow', 'flows')}."),
                para(Link("See the map as a picture", PICTURE), ". The table below says the same."),
                para("Each flow is looked at again by the day in the last column."),
                *([para(f"For these uses no flow is stated: {'; '.join(silent)}.")] if silent else []),
            ),
            section("table", "All flows", Table("All flows", _HEAD, tuple(_row(one, setting) for one in flows))),
        ),
    )


def _row(one: FlowRow, setting: Setting) -> tuple[Text, ...]:
    activity = setting.register.activity(one.activity)
    return row(
        words.capital(phrases.body(one.source_id, setting.register)),
        words.capital(phrases.body(one.recipient_id, setting.register)),
        phrases.datasets(one.datasets) if one.datasets else phrases.NOT_STATED,
        phrases.FORM[one.format],
        use(activity, setting) if activity else one.activity_title,
        words.capital(phrases.plain(one.from_zone, phrases.ZONE)) or phrases.NOT_STATED,
        words.capital(phrases.plain(one.to_zone, phrases.ZONE)) or phrases.NOT_STATED,
        words.capital(one.transport) or phrases.NOT_STATED,
        words.capital(one.frequency) or phrases.NOT_STATED,
        one.instrument or "None",
        _holds_until(one, setting),
        words.day(one.review_due) if one.review_due else phrases.NOT_STATED,
    )


def _holds_until(one: FlowRow, setting: Setting) -> str:
    found = setting.register.instrument(one.instrument_id)
    if found is None:
        return phrases.NOT_STATED if one.instrument_id else "None"
    last = words.day(found.valid_until) if found.valid_until else "No end"
    return last if found.is_live(setting.at) else f"{last} ({holds(found, setting.at).lower()})"
