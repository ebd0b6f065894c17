"""The page on retention: for each activity how long, from when, and what happens then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Page, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import para, row, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.publication.document import Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity


def page(setting: Setting) -> Page:
    rows = tuple(_row(one) for one in setting.shown)
    head = ("Use", "How long we keep it", "Counted from", "What happens then", "Records as they came in")
    return Page(
        slug="retention",
        title="How long we keep information",
        lead="Here is how long we keep the records of each use, and what happens at the end.",
        sections=(
            section("in-brief", "In brief", *(para(one) for one in in_brief(setting))),
            section("each", "Each use", Table("How long", head, rows)),
        ),
    )


def in_brief(setting: Setting) -> tuple[str, ...]:
    """For how many uses a time is set, for this page and the overview."""
    timed = sum(one.retention is not None for one in setting.shown)
    silent = len(setting.shown) - timed
    if not silent:
        return ("For each use we have set how long records are kept, and what happens then.",)
    if not timed:
        return ("How long records are kept is not stated.",)
    says = f"For {timed} of {len(setting.shown)} uses we have set how long records are kept."
    return (f"{says} For {silent} it is not stated.",)


def _row(activity: ProcessingActivity) -> tuple[Text, ...]:
    kept = activity.retention
    if kept is None:
        return row((to_activity(activity),), phrases.NOT_STATED, "", "", "")
    days = kept.purge_landing_after_days
    return row(
        (to_activity(activity, "how-long"),),
        words.capital(kept.minimum) or phrases.NOT_STATED,
        phrases.counted_from(kept.starts),
        phrases.at_the_end(kept.action),
        f"Wiped after {days} days" if days is not None else "No other time",
    )
