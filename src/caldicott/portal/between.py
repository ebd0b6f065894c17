"""The versions of the notice and what changed between two of them, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.portal import addresses
from caldicott.publication.document import Bullets, Link, Page, Paragraph, Section, Table
from caldicott.publication.edition import changes_between
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date

    from caldicott.publication.document import Block
    from caldicott.publication.edition import Change, Edition
    from caldicott.register.model import Register

PRINTED: Final = "notice.pdf"
"""The whole notice of a version as one document, where `caldicott publish` put it."""
_EFFECTS: Final = (
    ("widens", "More use of information about you", "more-use"),
    ("narrows", "Less use of information about you", "less-use"),
    ("neither", "Other changes", "other-changes"),
)


def list_of_versions(edition: Edition, registers: Mapping[str, Register], printed: Collection[str]) -> Page:
    """Every version with its day, newest first, the way to what changed, and the notice to print where there is one."""
    order = list(registers)
    rows = tuple(
        (
            (_read(version, edition),),
            (words.day(_published(version, registers[version])),),
            _before(version, order),
            _to_print(version, printed),
        )
        for version in reversed(order)
    )
    table = Table("Versions of this notice, newest first", ("Version", "Published", "What changed", "To print"), rows)
    return Page(
        "versions",
        "Versions of this notice",
        "Each version stays here as it was published, so that you can see what we said and when.",
        (Section("all-versions", "All versions", (table,)),),
    )


def changes_page(old: str, new: str, registers: Mapping[str, Register]) -> Page:
    """What changed from one version to the other."""
    found = changes_between(registers[old], registers[new])
    return Page(
        "changes-between",
        f"What changed from version {old} to version {new}",
        f"Version {old} was published on {words.day(_published(old, registers[old]))}, "
        f"version {new} on {words.day(_published(new, registers[new]))}.",
        tuple(_sections(found, registers[old], registers[new])) or (_nothing(),),
    )


def _read(version: str, edition: Edition) -> Link:
    if version == edition.version:
        return Link(f"Version {version}, which holds now", "index")
    return Link(f"Version {version}", addresses.of_version(version))


def _before(version: str, order: list[str]) -> tuple[str | Link, ...]:
    place = order.index(version)
    if place == 0:
        return ("The first version kept here.",)
    return (Link(f"Changes since version {order[place - 1]}", addresses.of_changes(order[place - 1], version)),)


def _to_print(version: str, printed: Collection[str]) -> tuple[str | Link, ...]:
    if version in printed:
        return (Link(f"Version {version} (PDF)", f"{addresses.of_version(version)}{PRINTED}"),)
    return ("Not kept here.",)


def _published(version: str, register: Register) -> date | None:
    return min((one.published for one in register.controller.notices if one.version == version), default=None)


def _sections(found: Iterable[Change], old: Register, new: Register) -> Iterator[Section]:
    every = tuple(found)
    for effect, heading, anchor in _EFFECTS:
        changes = [one for one in every if one.effect == effect]
        if changes:
            yield Section(anchor, heading, tuple(_by_activity(changes, old, new)))


def _by_activity(changes: list[Change], old: Register, new: Register) -> Iterator[Block]:
    for activity in dict.fromkeys(one.activity for one in changes):
        entry = new.activity(activity) or old.activity(activity)
        yield Paragraph((f"{entry.title}:" if entry else "For the notice as a whole:",))
        yield Bullets(tuple((one.sentence,) for one in changes if one.activity == activity))


def _nothing() -> Section:
    said = "Nothing changed in what we use, who sees it, how long we keep it or how you can object."
    return Section("no-change", "No change for you", (Paragraph((said,)),))
