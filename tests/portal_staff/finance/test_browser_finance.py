"""The pages of the locked area in a real browser: for everyone, at three widths, as valid HTML."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pyotp
import pytest
from tests.browsing import WIDTHS, Looks, follow
from tests.portal_staff.conftest import REGISTER
from tests.portal_staff.test_browser import choose, served

from caldicott import bootstrap
from caldicott.operations.invoices.zone import add_member, enter
from integration.invoices.desk import Desk as Bills

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module")
def area(ground, tmp_path_factory):
    """A portal on a store with bills, some of them asked about, of every width of number."""
    folder = tmp_path_factory.mktemp("area")
    shutil.copytree(ground / "store", folder / "store")
    home = shutil.copytree(ground / "home", folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        bills = Bills(folder, bootstrap.load_register(str(REGISTER)))
        bills.bill(1, sus={"HRG": "HN22B"})
        bills.bill(2, sus=False, backing={"NHS_Number_Trace_Status": "02"})
        bills.bill(3)
        bills.bill(4, Invoice_Number="A-RATHER-LONG-NUMBER-OF-AN-INVOICE-77", Quantity="5", Line_Amount="28523.75")
        bills.validate(actor="first")
        with bills.house() as house, house.store.catalogue.transaction():
            house.store.catalogue.set_setting("ceff_members", "[]")  # the browser's officer is the first member
        keys = {line: f"{row['submission']}/{row['file_row']}" for line, row in bills.decided().items()}
    with served(folder / "store", home) as started:
        yield started, keys


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_for_everyone_and_valid(area, page, width, tmp_path):
    """From the closed door to the decided line: no barrier, nothing sideways, valid HTML."""
    site, keys = area
    visit = page(width)
    look = Looks(visit, tmp_path / "pages", width)

    choose(visit, site.invite("ceff_officer", "example-icb"), f"officer.{width}")
    visit.fill("#code", pyotp.TOTP(visit.locator("code").inner_text().replace(" ", "")).now())
    follow(visit.get_by_role("button", name="Make my account"))
    follow(visit.get_by_role("link", name="I have kept them"))
    follow(visit.get_by_role("link", name="Checking bills").first)
    root = f"{site.address}/staff/invoices/"
    if width != WIDTHS[0]:
        look("not-a-member")
        _let_in(site)
        visit.goto(root)
    else:
        look("closed")
        follow(visit.get_by_role("button", name="Become the first member"))
    look("start")
    visit.locator("summary").first.click()
    look("start-with-reasons")
    for name in ("queue", "month", "upload", "members", "letters", "decisions"):
        visit.goto(f"{root}{name}/")
        look(name)
    visit.goto(f"{root}queue/?provider=RZ1&reason=activity-differs")
    look("queue-of-one-reason")
    visit.goto(f"{root}lines/{keys['L1']}/")
    look("line")
    visit.goto(f"{root}upload/")
    follow(visit.get_by_role("button", name="Take in"))
    look("upload-with-errors")
    visit.goto(f"{root}lines/{keys['L2']}/")
    if visit.locator("#choice-1").count():
        visit.locator("label[for=choice-7]").click()
        follow(visit.get_by_role("button", name="Decide this line"))
        look("decided")
    visit.goto(f"{root}letters/")
    if visit.get_by_role("button", name="Write to RZ1").count():
        follow(visit.get_by_role("button", name="Write to RZ1"))
    look("letters-sent")
    visit.goto(root)
    follow(visit.get_by_role("button", name="Check now"))
    look("checked")
    assert look.found == {}
    assert look.faults() == []


def _let_in(site):
    """As a member would from the command line; the portal's accounts go by their ids."""
    ids = [one["id"] for one in json.loads(site.accounts("list", "--store", site.store, "--json"))["accounts"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", site.env["HOME"])
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        with bootstrap.open_house(bootstrap.load_register(str(REGISTER)), site.store) as house:
            first = json.loads(house.store.catalogue.setting("ceff_members"))[0]
            for one in ids:
                add_member(enter(replace(house, actor=first), ["invoices"]), one)
