"""Sign-in with a provider, end to end against a real OpenID Connect server, as CIS2 does it.

The server is oidc-provider on Node, a double that is installed only for tests:
`npm install --prefix tests/portal_staff/cis2`. It enforces RS512 assertions and PKCE.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.browsing import follow
from tests.portal_staff.test_browser import site  # noqa: F401  fixtures

from caldicott.stores.audit_log import read_entries

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

DOUBLE = Path(__file__).parent / "cis2"
CIS2 = """
id = "cis2"
title = "NHS CIS2"
issuer = "{issuer}"
client_id = "caldicott"
key_file = "{key}"
key_id = "test-key"
chosen_claim = ""

[roles]
"S8000:G8000:R8000" = "gp"
"""


@pytest.fixture(scope="module")
def cis2(site, tmp_path_factory):  # noqa: F811  the fixture of that name
    """The provider, running, and declared to the portal by the command line."""
    node = shutil.which("node")
    if node is None or not (DOUBLE / "node_modules" / "oidc-provider").is_dir():
        why = "needs Node 20 and `npm install --prefix tests/portal_staff/cis2`"
        assert not os.environ.get("CI"), f"CI {why}"
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("cis2")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = f"http://localhost:{port}"
    (folder / "cis2.toml").write_text(CIS2.format(issuer=issuer, key=folder / "key.pem"), encoding="utf-8")
    site.accounts("provider", folder / "cis2.toml", "--store", site.store)
    with subprocess.Popen(
        [node, str(DOUBLE / "provider.mjs"), str(port), site.address, str(folder / "public.pem")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as program:  # fmt: skip
        try:
            assert any("ready" in line for line in program.stdout)
            yield issuer
        finally:
            program.terminate()
            program.wait(30)


def sign_in(visit, site, who):  # noqa: F811
    """At the portal, then at the provider, then back."""
    visit.goto(f"{site.address}/staff/sign-in/")
    follow(visit.get_by_role("link", name="Sign in with NHS CIS2"))
    visit.fill("input[name=login]", who)
    visit.fill("input[name=password]", "any")
    follow(visit.locator("button[type=submit]"))
    follow(visit.locator("button[type=submit]"))
    visit.wait_for_url(f"{site.address}/**")


def events(site):  # noqa: F811
    return [(one.event, one.outcome.value, one.reasons, one.references) for one in read_entries(site.store / "audit")]


def test_a_gp_signs_in_and_out_where_the_nhs_does(site, cis2, page):  # noqa: F811
    """Role and organisation come from the provider; who signs out there is signed out here; both are recorded."""
    visit = page()
    sign_in(visit, site, "test-gp")
    assert visit.locator("h1").inner_text() == "My work"
    assert "GP practice Z80001" in visit.locator("main").inner_text()
    assert ("sign-in", "done", (), ("oidc:cis2",)) in events(site)
    visit.goto(f"{cis2}/session/end")
    follow(visit.locator("button[value=yes]"))
    visit.goto(f"{site.address}/staff/")
    assert "signed out where you sign in for the NHS" in visit.locator("main").inner_text()
    assert ("sign-out", "done", ("provider",), ()) in events(site)


def test_before_an_export_the_provider_asks_again(site, cis2, page):  # noqa: F811
    """The fresh proof comes from the provider too, with its own dialog and not from its memory."""
    visit = page()
    sign_in(visit, site, "test-gp")
    visit.goto(f"{site.address}/staff/again/")
    visit.fill("input[name=login]", "test-gp")
    visit.fill("input[name=password]", "any")
    follow(visit.locator("button[type=submit]"))
    if cis2 in visit.url:
        follow(visit.locator("button[type=submit]"))
    visit.wait_for_url(f"{site.address}/staff/")
    assert ("sign-in-again", "done", (), ()) in events(site)


@pytest.mark.parametrize(
    ("who", "code", "told"), [("test-weak", "assurance", "not in a way that is strong enough"),
                              ("test-porter", "no-role", "none of your roles there opens anything here")],
)  # fmt: skip
def test_a_weak_sign_in_and_a_foreign_role_open_nothing(site, cis2, page, who, code, told):  # noqa: F811, PLR0917
    """The page says what to do; the refusal is recorded."""
    visit = page()
    sign_in(visit, site, who)
    assert told in visit.locator("main").inner_text()
    assert ("sign-in", "refusal", (code,), ()) in events(site)
    visit.goto(f"{site.address}/staff/")
    assert visit.url == f"{site.address}/staff/sign-in/"
