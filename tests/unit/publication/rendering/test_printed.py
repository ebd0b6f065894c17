"""What is printed: short enough for a waiting room, and nothing on paper that the website does not say."""

from __future__ import annotations

import contextlib
import re
import zlib
from datetime import date

import page as pdf_validation
import pytest

from caldicott import bootstrap
from caldicott.publication import edition, notice
from caldicott.publication.document import Bullets, Facts, Paragraph, Table, every_section
from caldicott.publication.fact_sheet import plain
from caldicott.publication.pdf import notice_html, notice_pdf
from caldicott.publication.printed import EVERY_USE, NOT_PRINTED, printed
from caldicott.publication.rendering import Branding, site_of
from caldicott.publication.walking import every_block

DAYS = {
    "example-icb": date(2026, 11, 22),
    "leeds-2018": date(2018, 9, 1),
    "dorset-2018": date(2018, 9, 1),
    "oxfordshire-2016": date(2016, 12, 1),
}
MOST_SHEETS_OF_PAPER = 45


def pages_of(name, on=None):
    register = bootstrap.load_register(name)
    at = on or DAYS[name]
    return notice.pages(register, at=at, edition=edition.current(register, at))


def site(pages, at=DAYS["example-icb"]):
    return site_of(pages, Branding("A Board"), version="1", published=at, at=at)


def said(pages):
    """Every run of words, without sentence ends, which lists put in."""
    html = notice_html(pages, site(pages))
    return re.sub(r"[\s.;:]+", " ", re.sub(r"<[^>]+>", " ", html))


def sheets_of(pdf):
    """How many pages the file has; the objects that say so are packed."""
    opened = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            opened += zlib.decompress(stream)
    return len(re.findall(rb"/Type\s*/Page\b", opened + pdf))


@pytest.fixture(scope="module")
def whole():
    return pages_of("example-icb")


@pytest.fixture(scope="module")
def paper(whole):
    return printed(whole)


@pytest.mark.parametrize("name", DAYS)
def test_each_use_is_printed_with_who_sees_it_who_receives_it_how_long_and_how_to_say_no(name):
    """Every register: no use is lost on the way to paper, nor one of the answers a person may ask for."""
    told = pages_of(name)
    on_paper = {one.slug: one for one in printed(told)}
    uses = [one for one in told if one.slug.startswith("activities/")]
    assert uses
    for use in uses:
        facts = [block for block in every_block(on_paper[use.slug]) if isinstance(block, Facts)]
        keys = {key for block in facts for key, _ in block.rows}
        same = {key for block in every_block(on_paper.get(EVERY_USE, use)) if isinstance(block, Facts)
                for key, _ in block.rows}  # fmt: skip
        headings = {one.heading for one in every_section(use.sections)}
        left = {"Your rights here", "Papers it depends on", "What we do and why"}
        assert headings - left <= keys | same


def test_what_is_said_of_a_use_stays_said(whole, paper):
    """Who may see records of a use, and in which form, is on paper word for word."""
    words = said(paper)
    page = next(one for one in whole if one.slug == "activities/risk-stratification")
    table = next(one for section in page.sections if section.id == "who-sees-it" for one in section.blocks
                 if isinstance(one, Table))  # fmt: skip
    for row in table.rows:
        for cell in row:
            if plain(cell) != "No other terms.":
                assert re.sub(r"[\s.;:]+", " ", plain(cell)).strip() in words


def test_what_every_use_says_is_said_once(whole, paper):
    """What holds for all uses has a part of its own and is not said nineteen times."""
    once = next(one for one in paper if one.slug == EVERY_USE)
    rows = [row for block in every_block(once) if isinstance(block, Facts) for row in block.rows]
    assert ("Since when", "1 April 2026.") in [(key, "".join(map(plain, answer))) for key, answer in rows]
    sheets = [one for one in paper if one.slug.startswith("activities/")]
    assert len(sheets) == sum(one.slug.startswith("activities/") for one in whole)
    again = [key for one in sheets for block in every_block(one) if isinstance(block, Facts) for key, _ in block.rows]
    assert "Since when" not in again
    assert "Who sees it, in which form" in again


def test_nothing_is_the_same_for_every_use_where_there_is_one_use(whole):
    """One use says all there is to say of it by itself."""
    one = [page for page in whole if page.slug == "activities/research"]
    slugs = [page.slug for page in printed(one)]
    assert slugs == ["activities/research"]


def test_what_is_left_out_is_named_with_where_to_ask(paper, whole):
    """A reader of the paper knows what else there is: the map, the record and the other pages of the website."""
    last = paper[-1]
    assert last.slug == NOT_PRINTED
    named = {key for block in every_block(last) if isinstance(block, Facts) for key, _ in block.rows}
    on_paper = {one.slug for one in paper}
    assert named == {one.title for one in whole if one.slug not in on_paper}
    assert {"Map of flows", "Record of processing activities"} <= named
    told = " ".join(plain(block.words) for block in every_block(last) if isinstance(block, Paragraph))
    assert "Whom to ask" in told
    assert "contacts" in on_paper


def test_nothing_on_paper_leads_to_a_page_that_is_not_printed(paper):
    """No line of the paper sends a reader to a part that the paper has not."""
    html = notice_html(paper, site(paper))
    places = set(re.findall(r' id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= places
    words = said(paper)
    assert "Each way a record takes is on the map of flows" not in words


def test_tables_are_lists_on_paper(paper):
    """No table of words is squeezed onto paper."""
    assert "<table" not in notice_html(paper, site(paper))
    lists = [block for one in paper for block in every_block(one) if isinstance(block, Bullets)]
    assert lists


@pytest.mark.parametrize("name", DAYS)
def test_it_is_short_and_keeps_the_standard_for_screen_readers(name):
    """Each register prints in few sheets and passes every rule of PDF/UA-1 that a machine can check."""
    told = printed(pages_of(name))
    made = notice_pdf(told, site(told))
    report = pdf_validation.validate_pdf_bytes(made, profile="pdf/ua-1")
    assert [f"{failure.rule_id}: {failure.message}" for failure in report.failures] == []
    assert 5 < sheets_of(made) <= MOST_SHEETS_OF_PAPER
