"""The printed notice: a PDF that screen readers can read, made from our own values alone."""

from __future__ import annotations

import importlib.util
import logging
import re
import zlib
from pathlib import Path

import page as pdf_validation
import pytest
from weasyprint import HTML

from caldicott.publication.document import Details, Link, Page, Paragraph, Picture, Section, Table, text
from caldicott.publication.pdf import notice_html, notice_pdf
from caldicott.publication.rendering import Branding, site_of
from caldicott.vocabulary.errors import ProgramFault

_spec = importlib.util.spec_from_file_location("rendering_sample", Path(__file__).with_name("sample.py"))
sample = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sample)


@pytest.fixture(scope="module")
def printed():
    """The sample site, printed once."""
    every = sample.pages()
    return notice_pdf(every, sample.site(every), title="How we use your information")


def texts_in(pdf):
    """Everything readable in the file, with its compressed parts opened."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    opened = []
    for stream in streams:
        try:
            opened.append(zlib.decompress(stream))
        except zlib.error:
            opened.append(stream)
    return pdf + b"\n".join(opened)


def test_it_keeps_the_standard_for_screen_readers(printed):
    """The file keeps every rule of PDF/UA-1 that a machine can check."""
    report = pdf_validation.validate_pdf_bytes(printed, profile="pdf/ua-1")
    assert [f"{failure.rule_id}: {failure.message}" for failure in report.failures] == []
    assert report.is_compliant
    assert report.rules.total > 50


def test_the_validator_can_say_no():
    """The check above means something: the same words printed without tags fail it."""
    page = sample.pages()[4]
    untagged = HTML(string=notice_html((page,), sample.site((page,)))).write_pdf()
    assert not pdf_validation.validate_pdf_bytes(untagged, profile="pdf/ua-1").is_compliant


def test_the_same_pages_give_the_same_bytes(printed):
    """Two readers can compare what they were given."""
    every = sample.pages()
    assert notice_pdf(every, sample.site(every), title="How we use your information") == printed


def test_it_has_language_title_bookmarks_and_pictures_in_words(printed):
    """A reader's program finds the language, the title, the way about and what a picture shows."""
    inside = texts_in(printed)
    assert b"/Lang (en)" in inside
    assert b"How we use your information" in inside
    assert b"/Outlines" in inside
    assert b"/Alt (some words)" in inside


def test_every_page_of_the_notice_is_in_it_once():
    """Each page has its place and an entry in the contents that leads there."""
    every = sample.pages()
    html = notice_html(every, sample.site(every))
    places = re.findall(r' id="([^"]+)"', html)
    assert len(places) == len(set(places))
    targets = re.findall(r'href="#([^"]+)"', html)
    assert set(targets) <= set(places)
    assert len(re.findall(r'<section class="part', html)) == len(every)


def test_a_link_to_a_file_beside_it_is_words_on_paper():
    """On paper nothing leads to a file that is not there."""
    words = Paragraph(text(Link("the table", "record.csv"), Link("run me", "javascript://x/%0aalert(1)")))
    page = Page("index", "T", "L", (Section("s", "S", (words,)),))
    html = notice_html((page,), sample.site((page,)))
    assert "<p>the tablerun me</p>" in html


def test_hostile_words_stay_words_on_paper():
    """What a register says cannot become markup in the printed notice."""
    every = sample.pages(sample.HOSTILE)
    html = notice_html(every, sample.site(every))
    assert "<script" not in html
    assert "onerror=alert(1)>" not in html.replace("onerror=alert(1)&gt;", "")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "https://a.example/x.svg", "published:assets/unknown.svg"])
def test_a_picture_that_points_elsewhere_stops_the_printing(address):
    """The renderer opens our own pictures and nothing else: no file of the machine, no address."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
        f'<image width="9" height="9" xlink:href="{address}"/></svg>'
    )
    page = Page("index", "T", "L", (Section("s", "S", (Picture("p.svg", svg, says="p"),)),))
    with pytest.raises(ProgramFault) as caught:
        notice_pdf((page,), sample.site((page,)))
    assert caught.value.code == "print-faulty"


def test_pictures_behind_a_line_to_open_are_printed_too():
    """On paper everything is open, with its pictures."""
    hidden = Details("More", (Picture("p.svg", sample.SVG, says="a hidden picture"),))
    page = Page("index", "T", "L", (Section("s", "S", (hidden,)),))
    assert b"/Alt (a hidden picture)" in texts_in(notice_pdf((page,), sample.site((page,))))


def test_a_logo_is_on_the_cover(caplog):
    """An organisation's own logo is printed, and said in words."""
    page = Page("index", "T", "L", ())
    site = site_of(
        (page,), Branding("A Board", logo="logo.svg"), version="", published=None, at=sample.site((page,)).at
    )
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        assert b"/Alt (A Board)" in texts_in(notice_pdf((page,), site, files={"assets/logo.svg": sample.SVG.encode()}))
    assert caplog.records == []


def test_a_table_too_wide_for_paper_is_printed_row_by_row():
    """More columns than paper has room for are not squeezed: each value stands with its heading."""
    head = tuple(f"head {number}" for number in range(9))
    table = Table("Wide", head, (tuple(text(f"value {number}") for number in range(9)),))
    page = Page("index", "T", "L", (Section("s", "S", (table,)),))
    html = notice_html((page,), sample.site((page,)))
    assert "<table" not in html
    assert "head 0: value 0; head 1: value 1;" in html
    assert "head 8: value 8." in html
