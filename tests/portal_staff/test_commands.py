"""`caldicott accounts`, and what the desk does when it is killed, forged or kept elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from uuid import uuid4

import pyotp
import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from tests.portal.serving import environment
from tests.portal_staff.conftest import KEY, NOON, REGISTER, move_to, rows_of

from caldicott.portal.staff import trail
from caldicott.stores.audit_log import read_entries
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.desk import accounts, attempts, opening, sealing
from caldicott.vocabulary.errors import ProgramFault, WrongUsage


def run(ground, folder, *words):
    """The command as a program of its own, on a copy of the store."""
    if not folder.exists():
        shutil.copytree(ground, folder)
    program = [sys.executable, "-c", "from caldicott.cli import main; main()", "accounts"]
    return subprocess.run(
        [*program, *map(str, words), "--store", str(folder / "store")],
        env=environment(folder / "home"), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_invitation_is_printed_once_and_kept_as_a_digest(ground, tmp_path):
    """The link, and until when; the audit trail has who invited, the role and the organisation, and no name."""
    words = ("invite", "--role", "gp", "--organisation", "Z80001", "--name", "Alex Invented", "--json")
    done = run(ground, tmp_path / "a", *words)
    told = json.loads(done.stdout)
    token = told["link"].split("/")[-2]
    store = tmp_path / "a" / "store"
    kept = rows_of(store, "invitation")
    assert (len(kept), token in str(kept)) == (1, False)
    entry = list(read_entries(store / "audit"))[-1]
    assert (entry.event, entry.references) == ("invited", ("role gp", "organisation Z80001"))
    assert (
        "Alex" not in (store / "audit" / "entries.jsonl").read_text()
        if (store / "audit" / "entries.jsonl").exists()
        else True
    )
    listed = run(ground, tmp_path / "a", "list", "--json")
    assert json.loads(listed.stdout) == {"accounts": []}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("invite", "--role", "king", "--organisation", "Z80001", "--name", "A"), "role-unknown"),
        (("invite", "--role", "patient", "--organisation", "Z80001", "--name", "A"), "role-unknown"),
        (("invite", "--role", "gp", "--organisation", "Z99999", "--name", "A"), "organisation-unknown"),
        (("invite", "--role", "gp", "--organisation", "Z80001", "--name", " "), "name-missing"),
        (("end", "nobody"), "account-unknown"),
        (("provider", "/nowhere.toml"), "provider-unreadable"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_next_step(ground, tmp_path, words, code):
    """One paragraph, an exit code, nothing made."""
    done = run(ground, tmp_path / "a", *words)
    assert done.returncode in {1, 2}
    assert code in done.stderr
    assert "Next:" in done.stderr
    assert "Traceback" not in done.stderr


def test_ending_an_account_ends_its_visits(desk):
    """By the command line's own steps: the account opens nothing, here or anywhere."""
    gp = desk.employ()
    browser = desk.signed_in(gp)
    assert accounts.end(gp.id, at=desk.clock.now)
    assert not accounts.end(gp.id, at=desk.clock.now)
    assert browser.get("/staff/").status_code == 403


def test_what_a_killed_program_left_is_entered_at_the_next_start_and_once(desk):
    """The sign-in was true before the kill, so it is in the trail after the start; twice asked, once there."""
    from django.db import transaction

    with transaction.atomic():
        trail.note("sign-in", trail.Outcome.DONE, trail.Actor("somebody"))
    assert desk.events() == []
    waiting = rows_of(desk.store, "outbox")
    trail.deliver()
    assert desk.events() == [("sign-in", "done", "somebody", ())]
    from caldicott.stores.desk.models import Outbox

    # Killed between the trail and the outbox: the entry waits again.
    Outbox.objects.create(act_id=waiting[0]["act_id"], entry=waiting[0]["entry"])
    trail.deliver()
    assert len(desk.events()) == 1


def test_what_is_not_true_is_not_recorded(desk):
    """An act that fails half way leaves neither a row nor an entry."""
    with pytest.raises(RuntimeError):
        half_way()
    trail.deliver()
    assert desk.events() == []


def half_way():
    with trail.recorded():
        trail.note("sign-in", trail.Outcome.DONE, trail.Actor("somebody"))
        raise RuntimeError


def test_without_a_desk_there_is_no_page_of_staff(desk):
    """A public site without --staff answers as if they were not there."""
    move_to({})
    browser = desk.browser()
    assert browser.get("/staff/sign-in/").status_code == 404
    assert browser.get("/staff/").status_code == 403
    assert browser.get("/opt-out/").status_code == 200


def test_a_sealed_secret_opens_for_its_own_account_only(desk):
    """A row moved to another account, or another portal's key, opens nothing and says what to do."""
    sealed = sealing.seal("secret", key=KEY, bound_to="a")
    assert sealing.unseal(sealed, key=KEY, bound_to="a") == "secret"
    for key, bound in ((KEY, "b"), ("x" * 60, "a")):
        with pytest.raises(ProgramFault) as found:
            sealing.unseal(sealed, key=key, bound_to=bound)
        assert found.value.code == "desk-key-differs"


def test_behind_https_a_forms_origin_is_known(desk):
    """The server in front ends https; a form from our https page is taken, one from elsewhere is not."""
    from caldicott.portal.settings import PortalSettings, django_settings

    portal = PortalSettings(desk.portal.register, desk.portal.published, KEY, hosts=("portal.example",), https=True)
    made = django_settings(portal)
    assert made["CSRF_TRUSTED_ORIGINS"] == ["https://portal.example"]
    with override_settings(CSRF_TRUSTED_ORIGINS=made["CSRF_TRUSTED_ORIGINS"], ALLOWED_HOSTS=["portal.example"]):
        from django.test import Client

        browser = Client(enforce_csrf_checks=True, SERVER_NAME="portal.example")
        browser.get("/staff/sign-in/")
        words = {"csrfmiddlewaretoken": browser.cookies["__Host-csrf"].value, "name": "a", "password": "b"}
        for origin, status in (("https://portal.example", 422), ("https://evil.example", 403)):
            assert browser.post("/staff/sign-in/", words, headers={"origin": origin}).status_code == status


@pytest.mark.parametrize("address", ["mysql://a/b", "postgresql://host", "desk.sqlite"])
def test_another_database_is_not_taken(address, tmp_path):
    """The address is not repeated: it may hold a password."""
    with pytest.raises(WrongUsage) as found:
        opening.location(tmp_path, address)
    assert address not in str(found.value)


@pytest.fixture(scope="module")
def postgresql():
    """A PostgreSQL of the test's own, or the one that CALDICOTT_TEST_DESK names."""
    if given := os.environ.get("CALDICOTT_TEST_DESK"):
        yield given
        return
    # Debian keeps the server's programs off the path, a folder a version.
    places = os.pathsep.join([os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    control = shutil.which("pg_ctl", path=places)
    initdb = control and shutil.which("initdb", path=str(Path(control).resolve().parent))
    # PostgreSQL does not run for root.
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if not control or not initdb or (other and not shutil.which("runuser")):
        pytest.skip("no PostgreSQL here; name an empty database in CALDICOTT_TEST_DESK")
    folder = Path(tempfile.mkdtemp(prefix="desk-"))
    if other:
        shutil.chown(folder, "postgres")
    rows, user = str(folder / "rows"), f"d{uuid4().hex[:8]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    subprocess.run([*other, initdb, "-D", rows, "-U", user, "-A", "trust"], check=True, cwd=folder, **quiet)
    start = [*other, control, "-D", rows, "-o", options, "-w", "-l", f"{folder}/log", "start"]
    subprocess.run(start, check=True, cwd=folder, **quiet)
    try:
        yield f"postgresql://{user}@{str(folder).replace('/', '%2F')}/postgres"
    finally:
        connections.close_all()
        subprocess.run([*other, control, "-D", rows, "-m", "fast", "stop"], check=True, cwd=folder, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_the_desk_stands_on_postgresql_too(desk, postgresql):
    """Accounts, visits, lock-out and the outbox, on the other database."""
    move_to(opening.location(desk.store, postgresql))
    opening.make_ready()
    gp = desk.employ()
    browser = desk.signed_in(gp)
    assert browser.get("/staff/").status_code == 200
    for _ in range(6):
        desk.first_step(desk.browser(), gp, password="not the right one")
    assert attempts.rests_until(sealing.keyed_digest(accounts.fold(gp.sign_in_name), KEY), at=NOON)
    browser.post("/staff/sign-out-everywhere/")
    assert [one[0] for one in desk.events()] == ["sign-in", *["sign-in"] * 6, "sign-out"]
    assert desk.events()[-2][3] == ("resting",)


def test_a_demos_store_has_ready_sign_ins_for_each_role(ground, tmp_path):
    """Every role the register gives work to, at an organisation of its own rules; made anew, the earlier ones end."""
    folder = shutil.copytree(ground, tmp_path / "a")
    mark(folder / "store")
    told = json.loads(run(ground, folder, "demo", "--json").stdout)
    people = {one["name"]: (one["role"], one["organisation"]) for one in told["sign_ins"]}
    assert people["demo.gp"][1].startswith("Z80")
    assert people["demo.gp-group"] == ("gp", "example-federation")
    assert people["demo.ceff-officer"] == ("ceff_officer", "example-icb")
    assert {role for role, _place in people.values()} == {
        rule["role"]
        for path in (REGISTER / "activities").glob("*.toml")
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("roles", ())
    } - {"patient", "public"}
    code = run(ground, folder, "code", "demo.gp").stdout.strip()
    secret = next(one["totp_secret"] for one in told["sign_ins"] if one["name"] == "demo.gp")
    assert pyotp.TOTP(secret).verify(code, valid_window=1)
    assert told["password"] not in str(rows_of(folder / "store", "account"))
    again = json.loads(run(ground, folder, "demo", "--json").stdout)
    assert again["password"] != told["password"]
    listed = json.loads(run(ground, folder, "list", "--json").stdout)["accounts"]
    assert sum(not one["ended"] for one in listed) == len(people)


@pytest.mark.parametrize("words", [("demo",), ("code", "demo.gp")])
def test_ready_sign_ins_are_for_a_demos_store_alone(ground, tmp_path, words):
    """On any other store nothing is made and nothing told."""
    done = run(ground, tmp_path / "a", *words)
    assert (done.returncode, "not-a-demo" in done.stderr, done.stdout) == (1, True, "")
    assert rows_of(tmp_path / "a" / "store", "account") == []


def mark(store):
    catalogue = Catalogue(store / "catalogue.sqlite")
    catalogue.set_setting("demo", "invented people")
    catalogue.close()


def test_the_tables_are_those_of_the_models(desk):
    """A change of a table without its migration would fail at somebody's next start."""
    call_command("makemigrations", "desk", check=True, dry_run=True, verbosity=0)
