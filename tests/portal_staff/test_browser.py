"""Pages of staff in a real browser: for everyone, at three widths, and with a passkey that the browser itself makes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pyotp
import pytest
from tests.browsing import WIDTHS, Looks, barriers, follow
from tests.portal.serving import command, environment
from tests.portal_staff.conftest import PASSWORD, move_to

from caldicott.stores.audit_log import read_entries
from caldicott.stores.desk import accounts, opening
from caldicott.stores.desk.visits import Opening, Stage, begin

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@dataclass
class Site:
    """A portal as a program of its own, and the command line beside it."""

    address: str
    store: object
    env: dict

    def accounts(self, *words):
        done = subprocess.run(
            [sys.executable, "-c", "from caldicott.cli import main; main()", "accounts", *map(str, words)],
            env=self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def invite(self, role="gp", organisation="Z80001"):
        told = self.accounts(
            "invite", "--store", self.store, "--role", role, "--organisation", organisation,
            "--name", "Alex Invented", "--site", self.address, "--json",
        )  # fmt: skip
        return json.loads(told)["link"]


@contextmanager
def served(store, home):
    env = environment(home)
    with subprocess.Popen(
        command("--store", store, "--port", 0, "--staff"), env=env, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as program:  # fmt: skip
        said = program.stdout.readline()
        port = re.search(r"http://127\.0\.0\.1:(\d+)", said)
        assert port, f"the portal said: {said}"
        try:
            # By its name: passkeys belong to a name, and a number has none.
            yield Site(f"http://localhost:{port[1]}", store, env)
        finally:
            program.terminate()
            program.wait(30)


@pytest.fixture(scope="module")
def site(ground, tmp_path_factory):
    folder = tmp_path_factory.mktemp("staff")
    store = shutil.copytree(ground / "store", folder / "store")
    home = shutil.copytree(ground / "home", folder / "home")
    with served(store, home) as started:
        yield started


def choose(page, link, name):
    page.goto(link)
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    follow(page.get_by_role("button", name="Continue"))


def fresh_code(secret):
    """The code of the next half minute but one: one code opens once, and the test does not wait for the clock."""
    return pyotp.TOTP(secret).at(time.time() + 30)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_whole_way_is_for_everyone_and_is_valid(site, page, width, tmp_path):  # noqa: PLR0915  one way, one test
    """Invitation, second step, codes, home, refusals, errors, sign-out: no barrier, nothing sideways, valid HTML.

    Without scripts: nothing on this way needs one.
    """
    visit = page(width)
    look = Looks(visit, tmp_path / "pages", width)
    visit.on("dialog", lambda dialog: dialog.dismiss())

    visit.goto(f"{site.address}/staff/")
    assert visit.url == f"{site.address}/staff/sign-in/"
    look("sign-in")
    follow(visit.get_by_role("button", name="Continue"))
    look("sign-in-with-errors")
    visit.goto(f"{site.address}/staff/invitation/none/")
    look("no-invitation")
    link = site.invite()
    visit.goto(link)
    look("invitation")
    follow(visit.get_by_role("button", name="Continue"))
    look("invitation-with-errors")
    choose(visit, link, f"alex.{width}")
    look("set-up")
    secret = visit.locator("code").inner_text().replace(" ", "")
    follow(visit.get_by_role("button", name="Make my account"))
    look("set-up-with-errors")
    visit.fill("#code", pyotp.TOTP(secret).now())
    follow(visit.get_by_role("button", name="Make my account"))
    look("recovery-codes")
    follow(visit.get_by_role("link", name="I have kept them"))
    assert visit.locator("h1").inner_text() == "My work"
    look("home")
    visit.locator("summary").first.click()
    look("home-with-reasons")
    visit.goto(f"{site.address}/staff/activities/risk-stratification/")
    look("activity")
    visit.goto(f"{site.address}/staff/activities/invoice-validation/")
    look("refused")
    visit.goto(f"{site.address}/staff/account/")
    look("account")
    visit.goto(f"{site.address}/staff/again/")
    look("again")
    follow(visit.get_by_role("button", name="Sign out"))
    assert visit.url == f"{site.address}/staff/signed-out/"
    look("signed-out")
    follow(visit.get_by_role("link", name="Sign in again"))
    visit.fill("#name", f"alex.{width}")
    visit.fill("#password", PASSWORD)
    follow(visit.get_by_role("button", name="Continue"))
    look("second-factor")
    follow(visit.get_by_role("button", name="Sign in"))
    look("second-factor-with-errors")
    visit.fill("#code", fresh_code(secret))
    follow(visit.get_by_role("button", name="Sign in"))
    assert visit.locator("h1").inner_text() == "My work"
    assert look.found == {}
    assert look.faults() == []


def test_without_scripts_one_signs_in_with_a_code(site, page):
    """The way by password and app needs no script at all."""
    visit = page(390, java_script_enabled=False)
    choose(visit, site.invite(), "no.scripts")
    secret = visit.locator("code").inner_text().replace(" ", "")
    visit.fill("#code", pyotp.TOTP(secret).now())
    follow(visit.get_by_role("button", name="Make my account"))
    follow(visit.get_by_role("link", name="I have kept them"))
    assert visit.locator("h1").inner_text() == "My work"
    cookies = {one["name"]: one for one in visit.context.cookies()}
    assert set(cookies) == {"__Host-session", "__Host-csrf"}
    assert all(one["secure"] and one["httpOnly"] and one["sameSite"] == "Lax" for one in cookies.values())


def test_a_passkey_makes_an_account_and_signs_in_alone(site, page):
    """The browser makes the passkey and answers with it; without a name, without a password; recorded as such."""
    visit = page()
    complaints = []
    visit.on("pageerror", lambda error: complaints.append(str(error)))
    session = visit.context.new_cdp_session(visit)
    session.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    choose(visit, site.invite("ig_officer", "example-icb"), "pass.key")
    follow(visit.get_by_role("button", name="Set up a passkey"))
    assert barriers(visit) == []
    visit.get_by_role("button", name="Make the passkey").click()
    follow(visit.get_by_role("link", name="I have kept them"))
    follow(visit.get_by_role("button", name="Sign out"))
    visit.goto(f"{site.address}/staff/sign-in/")
    follow(visit.get_by_role("button", name="Use a passkey"))
    follow(visit.get_by_role("button", name="Use your passkey"))
    visit.wait_for_url(f"{site.address}/staff/")
    assert visit.locator("h1").inner_text() == "My work"
    visit.goto(f"{site.address}/staff/again/")
    follow(visit.get_by_role("button", name="Use your passkey"))
    follow(visit.get_by_role("button", name="Use your passkey"))
    visit.wait_for_url(f"{site.address}/staff/")
    recorded = [(one.event, one.references) for one in read_entries(site.store / "audit")]
    assert ("sign-in", ("passkey",)) in recorded
    assert ("sign-in-again", ()) in recorded
    assert complaints == []


def test_a_passkey_that_is_stopped_says_so(site, page):
    """Without an authenticator the page tells what to do, and nothing is made."""
    visit = page()
    session = visit.context.new_cdp_session(visit)
    session.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
           "isUserVerified": False, "automaticPresenceSimulation": True}  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    choose(visit, site.invite(), "stop.ped")
    follow(visit.get_by_role("button", name="Set up a passkey"))
    visit.get_by_role("button", name="Make the passkey").click()
    failed = visit.locator("[data-passkey-failed]")
    failed.wait_for(state="visible", timeout=20_000)
    assert "It did not work" in failed.inner_text()


@dataclass
class Ward:
    """A served portal of three practices, and a session of each reader."""

    address: str
    store: object
    sessions: dict

    def enter(self, visit, who):
        """The browser of somebody who has signed in; the way there has a test of its own."""
        visit.context.clear_cookies()
        cookie = {"name": "__Host-session", "value": self.sessions[who], "domain": "localhost", "path": "/"}
        visit.context.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])


@pytest.fixture(scope="module")
def ward(ward_ground, tmp_path_factory):
    folder = tmp_path_factory.mktemp("practices")
    store = shutil.copytree(ward_ground / "store", folder / "store")
    home = shutil.copytree(ward_ground / "home", folder / "home")
    move_to(opening.location(store))
    staff = {"gp": "Z80001", "group": "example-federation", "ig_officer": "example-icb",
             "commissioning_analyst": "example-icb"}  # fmt: skip
    sessions = {who: _session("gp" if who == "group" else who, place) for who, place in staff.items()}
    move_to({})
    with served(store, home) as started:
        yield Ward(started.address, store, sessions)


def _session(role, organisation):
    now = datetime.now(UTC)
    new = accounts.NewAccount(
        id=str(uuid4()), name="Alex Invented", role=role, organisation=organisation,
        sign_in_name=f"{role}.{uuid4().hex[:6]}", password_hash="x",
    )  # fmt: skip
    accounts.make(new, at=now)
    return begin(Opening(stage=Stage.SIGNED_IN, account_id=new.id, method="test"), at=now)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_a_practice_are_for_everyone_and_are_valid(ward, page, width, tmp_path):  # noqa: PLR0915
    """The list in its states, a patient, the forms with errors, work, export, feed, refusals, who looked, counts."""
    visit = page(width)
    look = Looks(visit, tmp_path / "pages", width)
    root = f"{ward.address}/staff/practice/"

    ward.enter(visit, "gp")
    visit.goto(f"{ward.address}/staff/")
    look("home-of-a-practice")
    follow(visit.get_by_role("link", name="Patients at risk"))
    assert visit.url == f"{root}Z80001/"
    look("list")
    for summary in visit.locator("summary").all():
        summary.click()
    look("list-opened")
    visit.fill("input[name=name]", f"kept at {width}")
    follow(visit.get_by_role("button", name="Keep it"))
    look("list-with-a-kept-filter")
    visit.goto(f"{root}Z80001/?change=rising")
    look("list-of-nobody")
    visit.goto(f"{root}Z80001/?sort=nonsense")
    look("list-not-known")
    visit.goto(f"{root}Z80001/?sort=hfrs&left-out=1")
    follow(visit.locator(".nhsuk-table__body a").first)
    look("patient")
    here = visit.url
    visit.select_option("#judgement", "set-aside")
    follow(visit.get_by_role("button", name="Keep our view"))
    look("judgement-with-errors")
    assert visit.title().startswith("Error: ")
    follow(visit.get_by_role("button", name="Keep the note"))
    look("note-with-errors")
    visit.fill("#next_action_on", "2020-01-01")
    follow(visit.get_by_role("button", name="Keep the step"))
    look("step-with-errors")
    visit.goto(here)
    visit.fill("#note", "Called, will call again")
    follow(visit.get_by_role("button", name="Keep the note"))
    visit.select_option("#stage", "shortlisted")
    follow(visit.get_by_role("button", name="Keep the step"))
    for summary in visit.locator("summary").all():
        summary.click()
    look("patient-with-a-case")
    visit.goto(f"{root}Z80001/work/")
    look("work")
    visit.goto(f"{root}Z80001/admitted/")
    look("admitted")
    visit.goto(f"{root}Z80002/")
    look("list-refused")
    visit.goto(f"{root}Z80001/export/?tier=tier+1")
    if "again" in visit.url:
        look("again-before-an-export")
    else:
        look("export")
        follow(visit.get_by_role("button", name="Take it away"))
        look("export-with-errors")
    ward.enter(visit, "group")
    visit.goto(root)
    look("practices-of-a-group")
    visit.goto(f"{root}Z80002/")
    look("list-of-a-group")
    follow(visit.locator(".nhsuk-table__body a").first)
    look("patient-of-a-group")
    visit.goto(f"{root}Z80001/work/")
    look("work-refused")
    ward.enter(visit, "ig_officer")
    visit.goto(f"{ward.address}/staff/who-looked/")
    look("who-looked")
    visit.goto(f"{ward.address}/staff/who-looked/?kind=alerts")
    look("who-looked-at-nothing")
    ward.enter(visit, "commissioning_analyst")
    visit.goto(f"{ward.address}/staff/population/")
    look("population")
    assert look.found == {}
    assert look.faults() == []
