"""`caldicott accounts login`: whose login it is at the command line, said by who invites, and recorded."""

from __future__ import annotations

import json

import pytest
from tests.portal_staff.conftest import rows_of
from tests.portal_staff.test_commands import mark, run

from caldicott.stores.audit_log import read_entries


def last_entry(folder):
    return list(read_entries(folder / "store" / "audit"))[-1]


def employed(ground, folder):
    """The ids of a demo's accounts, by role."""
    run(ground, folder, "list")
    mark(folder / "store")
    told = json.loads(run(ground, folder, "demo", "--json").stdout)
    return {one["role"]: one["id"] for one in told["sign_ins"]}


def test_a_login_is_tied_to_an_account_and_the_list_shows_it(ground, tmp_path):
    """For the review of access: who has an account, and by which logins they come at the command line."""
    folder = tmp_path / "a"
    account = employed(ground, folder)["ceff_officer"]
    done = run(ground, folder, "login", "ada", account)
    assert done.returncode == 0, done.stderr
    assert (last_entry(folder).event, last_entry(folder).references) == (
        "login-tied", ("login ada", f"account {account}"),
    )  # fmt: skip
    listed = json.loads(run(ground, folder, "list", "--json").stdout)["accounts"]
    assert {one["id"]: one["logins"] for one in listed if one["logins"]} == {account: ["ada"]}
    assert run(ground, folder, "login", "ada", "--none").returncode == 0
    assert (last_entry(folder).event, last_entry(folder).references) == ("login-without-account", ("login ada",))
    listed = json.loads(run(ground, folder, "list", "--json").stdout)["accounts"]
    assert not any(one["logins"] for one in listed)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("login", "ada"), "login-whose"),
        (("login", "ada", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "--none"), "login-whose"),
        (("login", "ada", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"), "account-unknown"),
        (("login", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "--none"), "login-malformed"),
        (("login", " ", "--none"), "login-malformed"),
        (("login", "x" * 81, "--none"), "login-malformed"),
        (("login", "999 123 4567", "--none"), "login-malformed"),
        (("invite", "--role", "gp", "--organisation", "Z80001", "--name", "A", "--login", " ada"), "login-malformed"),
    ],
)
def test_what_cannot_be_said_of_a_login_is_told_with_the_next_step(ground, tmp_path, words, code):
    """One paragraph, an exit code, nothing kept and nothing invited."""
    done = run(ground, tmp_path / "a", *words)
    assert done.returncode in {1, 2}
    assert code in done.stderr
    assert "Next:" in done.stderr
    assert rows_of(tmp_path / "a" / "store", "invitation") == []


def test_an_invitation_keeps_the_login_until_the_account_is_made(ground, tmp_path):
    """It is recorded with the invitation, and ties nothing yet."""
    folder = tmp_path / "a"
    words = ("invite", "--role", "gp", "--organisation", "Z80001", "--name", "Ada Invented", "--login", "ada")
    assert run(ground, folder, *words).returncode == 0
    assert last_entry(folder).references == ("role gp", "organisation Z80001", "login ada")
    assert [one["login"] for one in rows_of(folder / "store", "invitation")] == ["ada"]


def test_nobody_says_of_their_own_login_that_it_has_no_account(ground, tmp_path, monkeypatch):
    """A refusal by rule, in words, with whom to ask."""
    monkeypatch.setenv("LOGNAME", "ada")
    done = run(ground, tmp_path / "a", "login", "ada", "--none")
    assert done.returncode == 3
    assert "Ask a colleague" in done.stderr
