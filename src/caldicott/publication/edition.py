"""Versions of the notice: which one holds on a day, what came before, and what changed since.

A notice has a date. The register says which versions there were; the registers
of earlier versions are kept beside them, so that old notices stay readable and
anyone can ask what changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.register.diff import Change
from caldicott.register.diff import diff as changes_between
from caldicott.register.kept import Published, as_json, from_json, read_versions
from caldicott.register.public import public
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from caldicott.register.model import Notice, Register

__all__ = [
    "Change",
    "Earlier",
    "Edition",
    "Published",
    "as_json",
    "changes",
    "changes_between",
    "current",
    "earlier_from",
    "from_json",
    "read_versions",
]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version that was published before, with the register it told of."""

    version: str
    published: date
    register: Register


@dataclass(frozen=True, slots=True)
class Edition:
    """The version of the notice that holds on a day."""

    version: str
    published: date
    title: str
    earlier: tuple[Earlier, ...] = ()
    """Newest first; never this version itself."""


def current(register: Register, at: date, earlier: tuple[Earlier, ...] = ()) -> Edition:
    """The newest version published on or before that day.

    Raises:
        DoesNotHold: none had been published by then.
    """
    notices = [one for one in register.controller.notices if one.published <= at]
    if not notices:
        raise _nothing_published(register, at)
    newest = _newest(notices)
    before = [one for one in earlier if one.version != newest.version and one.published <= newest.published]
    return Edition(
        newest.version,
        newest.published,
        newest.title or f"How {register.controller.name} uses your information",
        tuple(sorted(before, key=lambda one: (one.published, one.version), reverse=True)),
    )


def _newest(notices: list[Notice]) -> Notice:
    # Of two published on one day the first written stands: a short notice is listed after the one it shortens.
    return max(enumerate(notices), key=lambda numbered: (numbered[1].published, -numbered[0]))[1]


def _nothing_published(register: Register, at: date) -> DoesNotHold:
    coming = min((one.published for one in register.controller.notices), default=None)
    next_step = (
        f"publish from {coming} on, or correct `published` in controller.toml"
        if coming
        else "add [[notices]] with its version and day to controller.toml"
    )
    return DoesNotHold(
        f"{register.controller.name} has no notice that was published by {at}",
        code="no-notice-yet",
        where="controller.toml",
        next_step=next_step,
    )


def earlier_from(published: Iterable[Published]) -> tuple[Earlier, ...]:
    """Kept registers as earlier versions, each dated by its own register."""
    return tuple(Earlier(one.version, one.published, public(one.register)) for one in published)


def changes(edition: Edition, register: Register) -> tuple[Change, ...]:
    """What changed for people since the newest earlier version; nothing if there is none."""
    return changes_between(edition.earlier[0].register, register) if edition.earlier else ()
