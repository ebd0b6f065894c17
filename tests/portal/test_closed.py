"""Closed unless opened: sign-in by default, known hosts, https, a quiet log, and faults that tell nothing."""

from __future__ import annotations

import json
import logging
import re
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import get_resolver, path

from caldicott.portal import log, server, urls
from caldicott.portal.settings import PortalSettings, django_settings

TYPED = "SECRET-WORDS"


def staff(request):
    return HttpResponse("for staff")


def broken(request):
    raise ValueError(TYPED)


urlpatterns = [
    path("staff/", staff, name="staff"),
    urls.public("broken/", broken, "broken"),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def with_more_pages(portal):
    """The portal with a page for staff and a page that fails."""
    portal.client.raise_request_exception = False
    with override_settings(ROOT_URLCONF=__name__):
        yield portal


@pytest.fixture
def written(django_once, caplog):
    """What the portal wrote to its log."""
    logger = logging.getLogger("caldicott.portal")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "caldicott.portal")
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_a_page_that_is_not_listed_as_public_needs_a_sign_in(with_more_pages, method):
    """Whoever adds a page and says nothing gets a closed one."""
    answer = getattr(with_more_pages.client, method)("/staff/")
    assert answer.status_code == 403
    assert "for staff" not in answer.content.decode().replace("is for staff", "")
    if method != "head":
        assert "You need to sign in" in answer.content.decode()
    assert not answer.cookies
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_from_elsewhere_is_refused(with_more_pages):
    """What is sent to a page for staff without our token is not taken."""
    with_more_pages.client.handler.enforce_csrf_checks = True
    assert with_more_pages.client.post("/staff/", {"a": TYPED}).status_code == 403


def test_the_public_addresses_are_these_and_no_others(portal):
    """Opening a page to the public is a change of this list, which somebody reviews."""
    public = {one.name for one in get_resolver("caldicott.portal.urls").url_patterns if not _needs_sign_in(one)}
    assert public == {
        "front-page", "health", "static", "versions", "version", "version-file", "changes-between", "page", "file",
    }  # fmt: skip


def _needs_sign_in(pattern):
    return getattr(pattern.callback, "login_required", True)


def test_a_cookie_that_somebody_brings_changes_nothing(portal):
    """Public pages neither read nor answer a session, a forged one included."""
    portal.client.cookies["__Host-session"] = "eyJfYXV0aF91c2VyX2lkIjoiMSJ9:forged:forged"
    answer = portal.get("/opt-out/")
    assert (answer.status_code, dict(answer.cookies)) == (200, {})


def test_a_forged_session_opens_nothing(with_more_pages):
    """A session that our key did not sign is no session."""
    with_more_pages.client.cookies["__Host-session"] = "eyJfYXV0aF91c2VyX2lkIjoiMSJ9:forged:forged"
    assert with_more_pages.get("/staff/").status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "a b", ""])
def test_only_names_that_were_given_are_answered(portal, host):
    """A page cannot be had under another's name."""
    answer = portal.client.get("/", HTTP_HOST=host)
    assert answer.status_code == 400
    assert "could not read that request" in answer.content.decode()
    assert "evil" not in answer.content.decode()
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_browsers_are_told_to_come_by_https_only_where_it_is_there(portal):
    """With --https the promise lasts a year; without it no promise is made that would lock readers out."""
    assert portal.client.get("/", secure=True).headers.get("Strict-Transport-Security") is None
    settings = {https: django_settings(_with(portal.settings, https=https)) for https in (True, False)}
    assert settings[True]["SECURE_HSTS_SECONDS"] == 31536000
    assert settings[False]["SECURE_HSTS_SECONDS"] == 0


def _with(settings, *, https):
    return PortalSettings(settings.register, settings.published, settings.secret_key, https=https)


def test_sessions_to_come_are_closed(portal):
    """Signed-in pages will find cookies that only https carries and no script reads."""
    made = django_settings(portal.settings)
    assert made["DEBUG"] is False
    for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE"):
        assert made[name] is True


@pytest.mark.parametrize("given", ["abcdefgh-1234", "A" * 64])
def test_a_safe_reference_is_kept(portal, given):
    """A request can be followed through the front server to here."""
    assert portal.get("/", x_correlation_id=given).headers["X-Correlation-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "A" * 65, "a b c d e f g h", "<script>alert(1)</script>", "ünïcödé-ref"]
)
def test_an_unsafe_reference_is_replaced(portal, given):
    """What could break a line of the log or a header is not taken over."""
    found = portal.get("/", x_correlation_id=given).headers["X-Correlation-ID"]
    assert re.fullmatch("[0-9a-f]{16}", found)


def test_a_fault_of_the_program_tells_the_reader_a_number_and_the_log_a_place(with_more_pages, written):
    """Neither the page nor the log holds the words of the fault, which may quote a row."""
    answer = with_more_pages.get("/broken/", x_correlation_id="reference-0001")
    text = answer.content.decode()
    assert answer.status_code == 500
    assert "does not work at the moment" in text
    assert "reference-0001" in text
    assert "Traceback" not in text
    assert TYPED not in text + written.text
    assert "ValueError at " in written.text
    assert "reference-0001" in written.text


def test_when_even_the_notice_fails_the_page_of_last_resort_is_shown(with_more_pages, written, monkeypatch):
    """A page that needs nothing says that the site does not work; nothing else comes out."""
    monkeypatch.setattr(type(with_more_pages.board), "notice", broken)
    answer = with_more_pages.get("/")
    assert answer.status_code == 500
    assert "does not work at the moment" in answer.content.decode()
    assert TYPED not in answer.content.decode() + written.text


def test_the_log_keeps_nothing_that_a_reader_typed(portal, written):
    """No path, no query, no address of a person: which kind of page, how it ended, how long it took."""
    portal.get(f"/{TYPED}/?q={TYPED}", user_agent=TYPED, referer=f"https://{TYPED}.example/")
    portal.get(f"/opt-out/?nhs={TYPED}")
    portal.client.generic(TYPED, "/opt-out/")
    assert TYPED not in written.text
    assert "127.0.0.1" not in written.text
    kept = [record.getMessage() for record in written.records]
    assert [re.sub(r"[\d.]+ ms [0-9a-f]{16}", "T", line) for line in kept] == [
        "GET page 404 T", "GET page 200 T", "other page 405 T",
    ]  # fmt: skip


def test_django_itself_writes_nothing_anywhere(portal, capfd):
    """Its lines would quote the path."""
    log.set_up()
    portal.get(f"/{TYPED}/")
    portal.client.get("/", HTTP_HOST="evil.example")
    logging.getLogger("caldicott.portal").handlers.clear()
    told = capfd.readouterr()
    assert TYPED not in told.out + told.err
    assert "evil" not in told.out + told.err


def test_the_server_around_the_portal_quotes_nothing_either(written):
    """Three workers; no access log; a fault in the server is told by kind and place; a worker's end is not a fault."""
    options = server._options(SimpleNamespace(detach=lambda: 3))
    chosen = {name: options[name] for name in ("workers", "accesslog", "loglevel", "control_socket_disable")}
    assert chosen == {"workers": 3, "accesslog": None, "loglevel": "error", "control_socket_disable": True}
    logger = object.__new__(options["logger_class"])
    for fault in (ValueError(TYPED), SystemExit(0)):
        try:
            raise fault
        except (ValueError, SystemExit):
            logger.exception("Error handling request %s", TYPED)
    assert [record.getMessage() for record in written.records] == ["ValueError at unknown in the server"]


def test_a_very_long_address_is_no_page(portal):
    """It is answered like any other that is not there."""
    answer = portal.get("/" + "a" * 100_000 + "/")
    assert answer.status_code == 404
    assert len(answer.content) < 50_000


def test_health_tells_which_notice_is_shown_and_nothing_else(portal):
    """The watcher learns the register's digest, the version and the day."""
    answer = portal.get("/healthz")
    assert json.loads(answer.content) == {
        "status": "ok", "held_back_for": "", "register": portal.notice.register.digest, "version": "2026-1",
        "as_published": False, "day": "2026-05-04",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "no-store"
