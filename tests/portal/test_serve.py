"""`caldicott serve` as a program: it starts, tells its address, refuses in one paragraph, and ends when told."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.portal.serving import command, environment, served, store_of

from caldicott.cli.serve import how_to_serve
from caldicott.portal.secret_key import NAME, secret_key
from caldicott.vocabulary.errors import ProgramFault

SECONDS = 30


def ask(address, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.fixture
def store(tmp_path):
    """A store of the example register, with nothing in it."""
    return store_of("example-icb", tmp_path / "store")


@pytest.fixture
def refused(tmp_path):
    """Runs the command where it must be refused: the exit code and the one paragraph."""

    def run(*words):
        done = subprocess.run(
            command(*words), env=environment(tmp_path), capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        return done.returncode, done.stderr

    return run


@pytest.mark.enable_socket
def test_the_site_of_a_store_answers_where_it_says(store, tmp_path):
    """The address that is printed is the one that answers, with the store's register, by the workers of gunicorn."""
    with served(store, tmp_path) as address:
        status, headers, content = ask(address)
        assert (status, b"NHS Example Integrated Care Board" in content) == (200, True)
        assert headers["Server"] == "gunicorn"
        assert json.loads(ask(address, "/healthz")[2])["status"] == "ok"
        assert ask(address, method="POST")[0] == 405
        assert ask(address, method="HEAD")[2] == b""
        assert ask(address, Host="evil.example")[0] == 400
        assert ask(address, "/" + "a" * 9000)[0] == 414
        assert ask(address, "/versions/../../../../etc/passwd")[0] == 404
        assert not list(tmp_path.rglob("*.ctl"))


@pytest.mark.enable_socket
def test_names_logo_and_https_are_settings(store, tmp_path):
    """Another body's name and picture, a name to be called by, and the promise of https."""
    logo = tmp_path / "ours.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"><title>Ours</title></svg>', encoding="utf-8")
    words = ("--organisation", "Ours & Co", "--service", "Our notice", "--logo", logo, "--allow-host", "notice.example")
    with served(store, tmp_path, *words, "--https") as address:
        status, headers, content = ask(address, Host="notice.example", X_Forwarded_Proto="https")
        assert status == 200
        assert b"Ours &amp; Co" in content
        assert b"Our notice</title>" in content
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert b'src="/assets/logo.svg"' in content
        assert ask(address, "/assets/logo.svg")[1]["Content-Type"] == "image/svg+xml"


@pytest.mark.enable_socket
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told(store, tmp_path, how):
    """Ctrl-C and a stop by the system end it and its workers at once, as a success, and free the port."""
    program = subprocess.Popen(
        command("--store", store, "--port", 0), env=environment(tmp_path), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    address = program.stdout.readline().split()[-1]
    assert ask(address)[0] == 200
    os.killpg(program.pid, how)  # a terminal sends Ctrl-C to the whole group
    _, told = program.communicate(timeout=SECONDS)
    assert program.returncode == 0
    assert "Traceback" not in told
    with pytest.raises(ConnectionRefusedError):
        ask(address)


@pytest.mark.enable_socket
def test_a_port_that_is_taken_is_told(store, refused):
    """Somebody else answers there: exit code 2, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, told = refused("--store", store, "--port", taken.getsockname()[1])
    assert code == 2
    assert "something else already answers there (port-in-use). Next: name another port with --port" in told


@pytest.mark.enable_socket
def test_an_address_of_another_machine_is_told(store, refused):
    """192.0.2.1 is nobody's."""
    code, told = refused("--store", store, "--host", "192.0.2.1", "--port", 0)
    assert (code, "(address-unknown)" in told) == (2, True)


@pytest.mark.enable_socket
def test_a_register_that_does_not_hold_is_not_served(refused, tmp_path):
    """Each fault is named with its file; nothing is shown."""
    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "controller.toml").write_text("broken", encoding="utf-8")
    code, told = refused("--store", store_of(tmp_path / "register", tmp_path / "store"), "--port", 0)
    assert code == 1
    assert "controller.toml:1" in told


def test_where_there_is_no_store_is_told(refused, tmp_path):
    """Exit code 1, and how to make one; none is made by asking."""
    code, told = refused("--store", tmp_path / "nothing")
    assert code == 1
    assert "there is no store here" in told
    assert "caldicott demo" in told
    assert not (tmp_path / "nothing").exists()


def test_a_store_that_names_no_register_is_told(refused, tmp_path):
    """The register can be named beside it."""
    code, told = refused("--store", store_of("", tmp_path / "store"))
    assert (code, "name the register with --register" in told) == (2, True)


def test_a_picture_that_cannot_be_shown_is_told(refused, store, tmp_path):
    """A file that is not there, or of another kind."""
    for name in ("none.svg", "store/catalogue.sqlite"):
        code, told = refused("--store", store, "--logo", tmp_path / name)
        assert (code, "logo-unreadable" in told) == (2, True)


BOTH = "http://127.0.0.1:{0}/ and http://localhost:{0}/staff/"
"""The site by its number; the desk by the name from which browsers take the cookie of a sign-in without https."""


@pytest.fixture
def demo(monkeypatch, capsys):
    """Runs the end of the demo: its long beginning has tests of its own."""
    program = importlib.import_module("caldicott.cli.app")
    demonstrated = importlib.import_module("caldicott.cli.demo")
    monkeypatch.setattr(demonstrated, "demonstrate", lambda **_: None)
    started = []
    monkeypatch.setattr(
        program.serve_command, "serve", lambda store, port, *, staff: started.append((store, port, staff))
    )

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", "demo", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert not ended.value.code
        return capsys.readouterr().out.strip(), started

    return run


def test_the_demo_without_serving_ends_with_the_command_and_the_address(demo, tmp_path):
    """The last line is the exact command, quoted for the shell, and where the site will be."""
    said, started = demo("--store", tmp_path / "a store", "--no-serve")
    assert said.endswith(f"caldicott serve --store '{tmp_path / 'a store'}' --staff -> {BOTH.format(8000)}")
    assert started == []
    said, _ = demo("--store", "demo-store", "--no-serve", "--port", 8123)
    assert said.endswith(f"caldicott serve --store demo-store --staff --port 8123 -> {BOTH.format(8123)}")


def test_the_command_is_told_as_it_can_be_typed(monkeypatch):
    """Where the program is not on the path, as in `make demo`, its place is told with it."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [".venv/bin/caldicott", "demo"])
    assert how_to_serve(Path("demo-store"), 8000) == (
        "Its public site and its staff desk: .venv/bin/caldicott serve --store demo-store --staff -> "
        + BOTH.format(8000)
    )


def test_the_demo_starts_the_site_of_its_store(demo):
    """Unless it is told not to; with the desk of staff, for which it made sign-ins."""
    assert demo("--store", "demo-store", "--port", 8123) == ("", [(Path("demo-store"), 8123, True)])


def test_the_secret_key_is_the_owners_alone_and_lasts(tmp_path):
    """Made once below the user's configuration, readable by nobody else, the same the next time."""
    key = secret_key({}, tmp_path)
    path = tmp_path / ".config" / "caldicott" / "portal" / NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) >= 50
    assert secret_key({}, tmp_path) == key
    assert secret_key({"XDG_CONFIG_HOME": str(tmp_path / "other")}, tmp_path) != key


@pytest.mark.parametrize(
    ("content", "mode", "code"), [("k" * 60, 0o644, "portal-key-open"), ("kkkk", 0o600, "portal-key-short")]
)
def test_a_secret_key_that_is_none_is_not_used(tmp_path, content, mode, code):
    """One that others can read, or that is too short: told with what to do, and its words are not."""
    secret_key({}, tmp_path)
    path = tmp_path / ".config" / "caldicott" / "portal" / NAME
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(ProgramFault) as fault:
        secret_key({}, tmp_path)
    assert fault.value.code == code
    assert content not in str(fault.value)
    assert "remove the file" in str(fault.value)


@pytest.mark.enable_socket
def test_nothing_of_the_store_but_its_register_is_touched(store, tmp_path):
    """The site holds no lock and needs no key: the platform goes on working beside it."""
    before = sorted(Path(store).iterdir())
    with served(store, tmp_path) as address:
        assert ask(address)[0] == 200
        assert not (store / "lock").exists()
    assert [path for path in sorted(Path(store).iterdir()) if path not in before] == []
    assert not (tmp_path / ".config" / "caldicott" / "keys").exists()
