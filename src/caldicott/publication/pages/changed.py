"""The page of changes: the day of this version, what changed since the one before, and the earlier versions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Page, Table
from caldicott.publication.edition import changes, changes_between
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import bullets, para, row, section
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.publication.document import Block, Section
    from caldicott.publication.edition import Change, Earlier
    from caldicott.publication.pages.setting import Setting

_EFFECT = {
    "widens": "More may be seen, by more people or for longer",
    "narrows": "Less may be seen, by fewer people or for less time",
    "neither": "Other changes",
}


def page(setting: Setting) -> Page:
    return Page(
        slug="changes",
        title="What has changed",
        lead="Here is when this notice was last changed, what changed, and where to read the older ones.",
        sections=(
            section("updated", "When this notice was updated", *(para(one) for one in updated(setting))),
            _since(setting),
            _coming(setting),
            _earlier(setting),
        ),
        menu_text="Changes",
    )


def updated(setting: Setting) -> tuple[str, ...]:
    """Version and day, for this page and the overview."""
    edition = setting.edition
    return (f"This notice was updated on {words.day(edition.published)}. It is version {edition.version}.",)


def _since(setting: Setting) -> Section:
    heading = "What changed since the version before"
    if not setting.edition.earlier:
        return section("since", heading, para("We keep no earlier version, so there is nothing to compare."))
    before = setting.edition.earlier[0]
    found = changes(setting.edition, setting.register)
    told = list(_by_effect(found)) or [para("Nothing changed that matters to you.")]
    return section("since", heading, para(f"Since version {before.version} of {words.day(before.published)}:"), *told)


def _by_effect(found: Sequence[Change]) -> Iterator[Block]:
    for effect, heading in _EFFECT.items():
        of_it = [one.sentence for one in found if one.effect == effect]
        if of_it:
            yield para(f"{heading}:")
            yield bullets(of_it)


def _coming(setting: Setting) -> Section:
    return section(
        "rule",
        "No change before you can read it",
        para("We may not begin anything new before the notice that tells of it is out. Our computers hold us to that."),
        para(f"This is what held on {words.day(setting.at)}."),
    )


def _earlier(setting: Setting) -> Section:
    heading = "Earlier versions"
    earlier = setting.edition.earlier
    if not earlier:
        return section("earlier", heading, para("There is none to read here."))
    rows = tuple(
        row((Link(f"Version {one.version}", f"versions/{one.version}/index.html"),), words.day(one.published))
        for one in earlier
    )
    parts = tuple(_step(newer, older) for newer, older in pairwise(earlier))
    return section("earlier", heading, Table(heading, ("Version", "Came out on"), rows), parts=parts)


def _step(newer: Earlier, older: Earlier) -> Section:
    found = [one.sentence for one in changes_between(older.register, newer.register)]
    block = bullets(found) if found else para("Nothing changed that matters to you.")
    return section(f"from-{phrases.anchor(older.version)}", f"From {older.version} to {newer.version}", block)
