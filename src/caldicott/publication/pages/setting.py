"""What every page is written from: the register, the day it is read for, and the version of the notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.register.public import is_public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.publication.edition import Edition
    from caldicott.register.model import Contact, ProcessingActivity, Register


@dataclass(frozen=True, slots=True)
class Setting:
    """One register, one day, one version: with the same three, every page says the same."""

    register: Register
    at: date
    edition: Edition

    @property
    def shown(self) -> tuple[ProcessingActivity, ...]:
        """The activities the notice tells of, in its order. Those withheld are counted on the page of purposes."""
        told = [one for one in self.register.activities if is_shown(one)]
        return tuple(sorted(told, key=lambda one: (one.publication.order if one.publication else 0, one.id)))

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The posts that answer on that day."""
        return tuple(one for one in self.register.controller.contacts if self._answers(one))

    def _answers(self, contact: Contact) -> bool:
        begun = contact.valid_from is None or contact.valid_from <= self.at
        return begun and (contact.valid_to is None or self.at <= contact.valid_to)

    def contact(self, *roles: str) -> Contact | None:
        """The first of these posts that somebody holds."""
        return next((one for role in roles for one in self.contacts if one.role == role), None)

    def groups(self) -> Iterator[tuple[str, tuple[ProcessingActivity, ...]]]:
        """The activities under the headings the register gives them, in the notice's order."""
        headings = dict.fromkeys(one.publication.section if one.publication else "" for one in self.shown)
        for heading in headings:
            of_it = [one for one in self.shown if one.publication and one.publication.section == heading]
            yield heading or "Other uses", tuple(of_it)


def is_shown(activity: ProcessingActivity) -> bool:
    """Whether the notice tells of the activity."""
    return is_public(activity)
