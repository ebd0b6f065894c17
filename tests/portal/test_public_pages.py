"""Every page and file of the public site: there, closed, unmarked, and quick to send again."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import get_resolver, resolve
from tests.portal import crawl

from caldicott.portal import addresses
from caldicott.portal.settings import PERMISSIONS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
NEVER = {"Set-Cookie", "X-Powered-By", "Access-Control-Allow-Origin", "Strict-Transport-Security"}


class Page(HTMLParser):
    """What a page loads, where it leads, its headings and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.title = ""
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [given["href"]] if tag == "a" else []
        self.loads += [given[name] for name in ("src", "data-frontend") if name in given]
        self.loads += [given["href"]] if tag == "link" else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        self._in_title = tag == "title"

    def handle_data(self, text):
        self.title += text if self._in_title else ""

    def handle_endtag(self, _tag):
        self._in_title = False


def test_every_public_address_answers_closed_and_unmarked(portal):
    """Each page and file is there, sets no cookie, and tells the browser to load nothing from anywhere else."""
    for address in crawl.every(portal.notice):
        answer = portal.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Content-Security-Policy"] == POLICY, address
        assert not NEVER & set(answer.headers), address
        assert not answer.cookies, address
        closed = {
            "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS,
        }  # fmt: skip
        assert {name: answer.headers.get(name) for name in closed} == closed, address
        assert "Cookie" not in answer.headers.get("Vary", ""), address


def test_no_kind_of_address_is_left_out_of_the_crawl(portal_of, own_register, published):
    """A new address in the program is crawled from the day it is added, or this fails."""
    portal = portal_of(register=own_register, published=published)
    reached = {resolve(urlsplit(address).path).view_name for address in crawl.every(portal.notice)}
    assert reached == {pattern.name for pattern in get_resolver("caldicott.portal.urls").url_patterns}


def test_the_notice_has_the_parts_that_were_promised(portal):
    """The parts of the notice, one page for each activity that it tells of, and their files."""
    told = {f"activities/{one.id}" for one in portal.notice.register.activities if one.publication.in_notice}
    parts = {
        "index", "purposes", "types-of-information", "linking", "sharing", "processors", "protection", "retention",
        "opt-out", "rights", "contacts", "changes", "flow-map", "record-of-processing", "accessibility", "cookies",
    }  # fmt: skip
    assert set(portal.notice.pages) >= parts | told
    assert told
    assert set(portal.notice.files) >= {"assets/four-formats.svg", "policies.cedar"}


def test_every_link_leads_somewhere(portal_of, own_register, published):
    """No link of the site ends in nothing, and every anchor is on the page it names."""
    portal = portal_of(register=own_register, published=published)
    seen = {}

    def page_at(place):
        if place not in seen:
            answer = portal.get(place)
            html = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
            seen[place] = (answer.status_code, Page(answer.content.decode()) if html else None)
        return seen[place]

    for address in crawl.pages(portal.notice):
        status, page = page_at(address)
        assert status == 200, address
        for link in (*page.links, *page.loads):
            place, _, anchor = urljoin(address, link).partition("#")
            if urlsplit(place).scheme:
                assert link in page.links, (address, link)
                continue
            found, there = page_at(place)
            assert found == 200, (address, link)
            assert not anchor or there is None or anchor in there.ids, (address, link)


def test_every_page_has_its_own_title_and_headings_in_order(portal):
    """Titles tell pages apart; one main heading; no level is jumped; no id twice; nothing inline."""
    titles = {}
    for address in crawl.pages(portal.notice):
        page = Page(portal.text(address))
        titles.setdefault(page.title, []).append(address)
        assert page.headings.count(1) == 1, address
        assert all(after <= before + 1 for before, after in pairwise(page.headings)), address
        assert [one for one in page.ids if page.ids.count(one) > 1] == [], address
        assert page.inline == [], address
        assert page.title.endswith(f" - {portal.notice.edition.title}"), address
    assert [places for places in titles.values() if len(places) > 1] == []


def test_a_page_that_is_still_true_is_not_sent_again(portal):
    """A browser asks each time, and gets the page only if it changed."""
    first = portal.get("/opt-out/")
    again = portal.get("/opt-out/", if_none_match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert portal.get("/opt-out/", if_none_match='"another"').status_code == 200


def test_pages_are_sent_packed_to_who_unpacks(portal):
    """Phones load less; who does not ask for it gets plain bytes."""
    plain = portal.get("/purposes/")
    packed = portal.get("/purposes/", accept_encoding="br, gzip;q=0.8")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert len(packed.content) < len(plain.content) / 2
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("refused", ["gzip;q=0", "gzip; q=0.000", "identity", "br, gzip;q=0", "notgzip", ""])
def test_nobody_is_sent_what_they_cannot_unpack(portal, refused):
    """The bytes are plain unless gzip was asked for."""
    assert "Content-Encoding" not in portal.get("/purposes/", accept_encoding=refused).headers


def test_style_sheets_are_kept_for_good_under_an_address_of_their_own(portal):
    """The address changes with the files, so a browser may keep them; another release's address is not answered."""
    for address in crawl.static():
        assert portal.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    _, _, _, name = address.split("/", 3)
    assert portal.get(f"/static/0123456789abcdef/{name}").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_public_pages_take_nothing_in(portal, method):
    """Nothing can be sent to a public page: it says so, keeps nothing, and sets no cookie."""
    for address in ("/", "/opt-out/", "/policies.cedar", "/healthz", "/versions/"):
        answer = getattr(portal.client, method)(address)
        assert answer.status_code == 405, address
        assert answer.headers["Allow"] == "GET, HEAD"
        assert not answer.cookies
        if method != "trace":
            assert "can only be read" in answer.content.decode()


def test_head_tells_the_length_and_sends_nothing(portal):
    """HEAD is GET without the bytes."""
    full, bare = portal.get("/rights/"), portal.client.head("/rights/")
    assert bare.content == b""
    assert bare.headers["Content-Length"] == str(len(full.content))
    assert bare.headers["ETag"] == full.headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/opt-out", "/opt-out/"),
        ("/opt-out.html", "/opt-out/"),
        ("/index.html", "/"),
        ("/index/", "/"),
        ("/activities/risk-stratification.html", "/activities/risk-stratification/"),
    ],
)
def test_pages_are_found_by_their_other_names(portal, asked, place):
    """Without its slash, or as the published folder calls it, a page is shown where it is."""
    answer = portal.get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (301, place)


def test_a_file_says_what_it_is(portal):
    """A table comes as a table and a picture as a picture, whatever the machine thinks of endings."""
    types = {path: portal.get(addresses.of_file(path)).headers["Content-Type"] for path in portal.notice.files}
    assert types["assets/four-formats.svg"] == "image/svg+xml"
    assert types["policies.cedar"] == "text/plain; charset=utf-8"
    assert not [path for path, kind in types.items() if kind == "application/octet-stream"]


@pytest.mark.parametrize(
    "address",
    [
        "/nothing/", "/nothing", "/activities/nothing/", "/changes/1/2/", "/versions/none/", "/static/x/y.css",
        "/../../etc/passwd", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/%00",
        "/versions/2026-1/../../../etc/passwd", "/versions/2026-1/%2e%2e/%2e%2e/register.json", "//etc/passwd",
    ],
)  # fmt: skip
def test_what_is_not_published_is_not_there(portal, address):
    """An address leads to a page of the notice or to a plain page that says there is none."""
    answer = portal.get(address)
    assert answer.status_code == 404, address
    assert "Page not found" in answer.content.decode()
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Cache-Control"] == "no-store"
