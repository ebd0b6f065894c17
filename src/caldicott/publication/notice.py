"""The whole notice as pages, and the check that none of its four parts is missing.

A page is computed from the register and a day and from nothing else, so that
what the public reads is what the platform enforces. What the register does not
state is said to be not stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.publication.pages import (
    activity,
    changed,
    contacts,
    flow_map,
    formats,
    linking,
    opt_out,
    overview,
    processors,
    protection,
    record,
    retention,
    rights,
    sharing,
    site,
    uses,
)
from caldicott.publication.pages.setting import Setting, is_shown
from caldicott.register.public import public
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.terms import ActivityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from caldicott.publication.document import Page
    from caldicott.publication.edition import Edition
    from caldicott.register.model import ProcessingActivity, Register

_PAGES: tuple[Callable[[Setting], Page], ...] = (
    uses.page,
    formats.page,
    linking.page,
    sharing.page,
    processors.page,
    protection.page,
    retention.page,
    opt_out.page,
    rights.page,
    contacts.page,
    changed.page,
    flow_map.page,
    record.page,
    site.accessibility,
    site.cookies,
)


def pages(register: Register, *, at: date, edition: Edition) -> tuple[Page, ...]:
    """Every page of the notice as it stands on that day: the overview first, then the uses, then the rest."""
    # Of what is withheld no page can tell what it is not given.
    setting = Setting(public(register), at, edition)
    whole = tuple(make(setting) for make in _PAGES)
    each = tuple(activity.page(one, setting) for one in setting.shown)
    return (overview.page(setting, whole), whole[0], *each, *whole[1:])


@dataclass(frozen=True, slots=True)
class MissingPart:
    """A part that the notice promises and the register does not fill."""

    part: str
    """`use`, `sharing`, `security` or `rights`."""
    activity: str
    """Empty where no activity at all fills the part."""
    what: str
    next_step: str


_PARTS: dict[str, tuple[str, Callable[[ProcessingActivity], object], str]] = {
    "use": ("what we do with information", lambda one: one.plain_text.strip(), "plain_text"),
    "sharing": ("who receives it", lambda one: one.recipients is not None, "recipients"),
    "security": ("how it is kept safe", lambda one: one.measures, "measures"),
    "rights": ("what rights people have", lambda one: one.rights, "rights"),
}


def missing_parts(register: Register) -> tuple[MissingPart, ...]:
    """Each of the four parts that is not filled: by any activity, or in a strict register by an active one."""
    told = [one for one in register.activities if is_shown(one)]
    return tuple(found for part in _PARTS for found in _missing(part, told, is_strict=register.controller.strict))


def _missing(part: str, told: list[ProcessingActivity], *, is_strict: bool) -> Iterator[MissingPart]:
    says, fills, field = _PARTS[part]
    if not any(fills(one) for one in told):
        what = f"no activity in the notice says {says}"
        yield MissingPart(part, "", what, f"write `{field}` in activities/*.toml")
        return
    for one in told:
        if is_strict and one.status is ActivityStatus.ACTIVE and not fills(one):
            what = f"the activity {one.id} does not say {says}"
            yield MissingPart(part, one.id, what, f"write `{field}` in activities/{one.id}.toml")


def require_parts(register: Register) -> None:
    """Pass if all four parts are there.

    Raises:
        DoesNotHold: a part is missing; nothing may be published.
    """
    missing = missing_parts(register)
    if missing:
        raise DoesNotHold(
            f"the notice would lack a part it promises: {'; '.join(one.what for one in missing)}",
            code="notice-part-missing",
            where=f"activities/{missing[0].activity}.toml" if missing[0].activity else "activities",
            next_step=missing[0].next_step,
        )
