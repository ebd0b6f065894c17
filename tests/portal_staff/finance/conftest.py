"""A locked area with bills in it, and officers at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.portal_staff.conftest import REGISTER, text_of

from caldicott import bootstrap
from caldicott.operations.invoices.zone import add_member, enter
from integration.invoices.desk import Desk as Bills

if TYPE_CHECKING:
    from django.test import Client

ROOT = "/staff/invoices/"


@dataclass
class Finance:
    """The portal's desk and the bills that stand in its store."""

    desk: object
    bills: Bills

    def officer(self, *, member: bool = True) -> tuple[str, Client]:
        """A finance officer, signed in; a member unless said otherwise."""
        person = self.desk.employ("ceff_officer", "example-icb")
        if member:
            with self.bills.house("first") as house:
                add_member(enter(house, ["invoices"]), person.id)
        return person.id, self.desk.signed_in(person)

    def key(self, line: str) -> str:
        row = self.bills.decided()[line]
        return f"{row['submission']}|{row['file_row']}"

    def address(self, line: str) -> str:
        return f"{ROOT}lines/{self.key(line).replace('|', '/')}/"


@pytest.fixture
def finance(desk):
    """Bills land and are checked by somebody who is called "first"."""
    return Finance(desk, Bills(desk.store.parent, bootstrap.load_register(str(REGISTER))))


__all__ = ["ROOT", "text_of"]
