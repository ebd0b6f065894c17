"""Pages as HTML: what a register says stays words, headings go down in steps, tables can be read aloud."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from caldicott.publication.document import Link, Page, Paragraph, Section, Table, text
from caldicott.publication.rendering import Branding, environment, frame, relative_links, render_page, site_of
from caldicott.vocabulary.errors import ProgramFault

_spec = importlib.util.spec_from_file_location("rendering_sample", Path(__file__).with_name("sample.py"))
sample = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sample)

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """Elements in order, with their attributes; complains about tags that do not close."""

    def __init__(self):
        super().__init__()
        self.elements, self.open, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def every(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]


def read(html):
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline


def drawn(page=None, every=None, **changed):
    every = every or sample.pages()
    page = page or every[0]
    slugs = {one.slug for one in every}
    site = replace(sample.site(every), **changed)
    return render_page(page, site, link=relative_links(page, slugs))


def test_hostile_words_stay_words():
    """Whatever a register says, in any place, is shown as it was written and never becomes markup."""
    every = sample.pages(sample.HOSTILE)
    outline = read(drawn(every=every, branding=Branding(sample.HOSTILE, sample.HOSTILE), version=sample.HOSTILE))
    plain = read(drawn())
    assert [tag for tag, _ in outline.elements] == [tag for tag, _ in plain.elements]
    assert sample.HOSTILE in "".join(outline.words)
    assert all(not name.startswith("on") for _, attrs in outline.elements for name in attrs)


def test_only_web_mail_and_telephone_addresses_become_links():
    """An address that a browser would run is shown as words."""
    hostile = ("javascript://x/%0aalert(1)", "JaVaScript://x/%0aalert(1)", "data://x,y", "vbscript://x")
    words = tuple(Link(f"say {number}", to) for number, to in enumerate(hostile))
    page = Page("index", "T", "L", (Section("s", "S", (Paragraph(text(*words, Link("go", "https://a.example"))),)),))
    outline = read(drawn(page, (page,)))
    inside = [attrs["href"] for attrs in outline.every("a") if "://" in attrs["href"]]
    assert inside == ["https://a.example"]
    assert "say 0say 1say 2say 3" in "".join(outline.words)


def test_nothing_is_written_into_the_page_that_the_policy_forbids():
    """No script, style or event stands in the page itself, and nothing is loaded from elsewhere."""
    for page in sample.pages():
        outline = read(drawn(page))
        assert all("style" not in attrs for _, attrs in outline.elements)
        assert outline.every("style") == []
        assert all(attrs.get("src") for attrs in outline.every("script"))
        loaded = [attrs["src"] for attrs in outline.every("script", "img")]
        loaded += [attrs["href"] for attrs in outline.every("link")]
        assert loaded
        assert all("//" not in where and not where.startswith(("/", "data:")) for where in loaded)
        assert "default-src 'none'" in outline.every("meta")[1]["content"]


def test_headings_go_down_in_steps():
    """One first-level heading, and no level is left out on the way down."""
    levels = [int(tag[1]) for tag, _ in read(drawn()).elements if re.fullmatch(r"h[1-6]", tag)]
    before_footer = levels[:-1] if levels[-1] == 2 else levels
    assert before_footer.count(1) == 1
    assert before_footer[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(before_footer))


def test_every_table_can_be_read_aloud():
    """A table has a caption, its heads say their direction, and its roles stay when rows are drawn as cards."""
    outline = read(drawn())
    tables = outline.every("table")
    assert len(tables) == len(outline.every("caption")) > 0
    assert all(table["role"] == "table" for table in tables)
    assert {attrs["scope"] for attrs in outline.every("th")} == {"col", "row"}
    assert all(attrs["role"] in {"columnheader", "rowheader"} for attrs in outline.every("th"))
    assert all(attrs["role"] == "cell" for attrs in outline.every("td"))


def test_a_table_wider_than_a_screen_scrolls_in_its_own_frame():
    """Nine columns and more stand in a named region that the keyboard reaches, so that the page never scrolls."""
    head = tuple(f"head {number}" for number in range(9))
    table = Table("All flows", head, (tuple(text("value") for _ in head),))
    page = Page("index", "T", "L", (Section("s", "S", (table,)),))
    regions = [attrs for attrs in read(drawn(page, (page,))).every("div") if attrs.get("role") == "region"]
    assert [(one["aria-label"], one["tabindex"]) for one in regions] == [("All flows", "0")]
    assert all(attrs.get("role") != "region" for attrs in read(drawn()).every("div"))


def test_a_picture_says_what_it_shows():
    """Who cannot see a picture gets its words."""
    pictures = read(drawn()).every("img")
    assert [one["alt"] for one in pictures] == ["some words"] * 2
    assert {one["src"] for one in pictures} == {"assets/four-formats.svg"}


def test_a_page_names_itself_and_its_notice():
    """Title, language, version, day of publication and day of update are on every page."""
    html = drawn(sample.pages()[3])
    assert "<title>Risk scores - How we use your information</title>" in html
    assert '<html lang="en">' in html
    assert "Version 2026-1 of this notice, published on 1 April 2026" in html
    assert "Last updated on 22 November 2026" in html


def test_the_way_back_is_shown():
    """A page below another leads back to it and to the front; the front page leads nowhere."""
    trail = '<a class="nhsuk-breadcrumb__link" href="{}">{}</a>'
    below = drawn(sample.pages()[3])
    assert trail.format("../index.html", "Home") in below
    assert trail.format("../purposes.html", "What we do") in below
    assert "nhsuk-breadcrumb" not in drawn(sample.pages()[0])


def test_the_menu_marks_the_page_one_is_on():
    """Exactly one entry of the menu is the present page."""
    for number in range(4):
        outline = read(drawn(sample.pages()[number]))
        assert sum(attrs.get("aria-current") == "page" for attrs in outline.every("a")) == 1


@pytest.mark.parametrize(
    ("here", "base", "to", "expected"),
    [
        ("index", "", "opt-out", "opt-out.html"),
        ("index", "", "opt-out#how", "opt-out.html#how"),
        ("index", "", "assets/map.svg", "assets/map.svg"),
        ("index", "", "ropa.csv", "ropa.csv"),
        ("activities/risk", "", "activities/plan#x", "plan.html#x"),
        ("activities/risk", "", "index", "../index.html"),
        ("activities/risk", "", "assets/site.css", "../assets/site.css"),
        ("activities/risk", "", "#who", "#who"),
        ("activities/risk", "", "activities/risk#who", "#who"),
        ("activities/risk", "", "activities/risk", "risk.html"),
        ("activities/risk", "versions/1", "index", "../index.html"),
        ("activities/risk", "versions/1", "assets/site.css", "../assets/site.css"),
        ("changes", "versions/2", "versions/1/index.html", "../1/index.html"),
        ("changes", "", "versions/1/index.html", "versions/1/index.html"),
        ("index", "versions/1", "activities/plan", "activities/plan.html"),
        ("index", "", "https://a.example/b", "https://a.example/b"),
    ],
)
def test_links_are_relative(here, base, to, expected):
    """A published folder works from a disk and below any address, since every link starts from its own file."""
    slugs = {"index", "opt-out", "activities/risk", "activities/plan"}
    assert relative_links(Page(here, "T", "L", ()), slugs, base=base)(Link("x", to)) == expected


def test_a_logo_is_shown_only_where_one_was_given():
    """The NHS logo is for NHS bodies: no logo unless the organisation brings its own."""
    assert "<img" not in drawn(sample.pages()[4])
    with_logo = drawn(sample.pages()[4], branding=Branding("A Board", logo="logo.svg"))
    assert '<img class="nhsuk-header__organisation-logo" src="assets/logo.svg" alt="">' in with_logo


def test_a_server_brings_its_own_links_and_nonce():
    """The portal writes links, static files and nonce its own way and sends the policy as a header."""
    every = sample.pages()
    html = render_page(
        every[0],
        replace(sample.site(every), policy=""),
        link=lambda link: f"/n/{link.to}",
        asset=lambda name: f"/s/{name}?v=1",
        csp_nonce="abc",
    )
    assert 'href="/s/site.css?v=1"' in html
    assert 'nonce="abc"' in html
    assert "Content-Security-Policy" not in html
    assert 'src="/n/assets/four-formats.svg"' in html


def test_a_kept_copy_says_that_it_is_one():
    """Who reads an old version is told so, and led to the notice that holds now."""
    page = sample.pages()[3]
    site = replace(sample.site(sample.pages()), base="versions/2026-1")
    slugs = {one.slug for one in sample.pages()}
    html = render_page(page, site, link=relative_links(page, slugs, base=site.base))
    assert "as it was published in version 2026-1" in html
    assert '<a href="../../../index.html">' in html
    assert "as it was published" not in drawn(page)


def test_an_unknown_block_is_a_bug_that_says_so():
    """A block that no template draws is never silently left out."""
    page = Page("index", "T", "L", (Section("s", "S", ("not a block",)),))
    with pytest.raises(ProgramFault) as caught:
        drawn(page, (page,))
    assert caught.value.code == "block-unknown"


def test_the_frame_serves_other_pages():
    """The portal's own pages extend the same frame, with the NHS.UK macros at hand."""
    env = environment()
    source = (
        '{% extends "layout.jinja" %}{% from "nhsuk/components/button/macro.jinja" import button %}'
        '{% block content %}{{ button({"text": "<b>Go"}) }}{% endblock %}'
    )
    context = frame("Sign in", sample.site(sample.pages()), link=lambda link: f"/{link.to}")
    html = env.from_string(source).render(**context)
    assert "<title>Sign in - How we use your information</title>" in html
    assert "&lt;b&gt;Go" in html


def test_support_links_are_those_that_there_are():
    """The footer leads to the contacts, and to no page that does not exist."""
    made = site_of(sample.pages(), Branding("A Board"), version="1", published=None, at=date(2026, 1, 1))
    assert made.footer == (Link("Contacts", "contacts"),)
