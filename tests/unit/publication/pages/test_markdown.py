"""The notice as Markdown: every word of every page is in it, and no word can become markup."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from tests.spec.publication.noticeboard import links, published, said

from caldicott.publication.document import (
    Bullets,
    Details,
    Facts,
    Inset,
    Link,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
    text,
)
from caldicott.publication.markdown import anchor_of, markdown

HOSTILE = (
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "a | b",
    "a \\| b \\",
    "[x](y)",
    "![x](y)",
    "[x][y]",
    "`code` ``more``",
    "*a* _b_ **c** __d__ ~~e~~",
    "one\ntwo\n\nthree",
    "one\n# two",
    "# heading #",
    "1. list",
    "12) list",
    "- list",
    "+ list",
    "> quote",
    "---",
    "===",
    "    indented",
    "&lt; &amp; &#x41;",
    "https://evil.example/ www.evil.example",
    "someone@evil.example",
    "line\u2028separator\x85next",
    "<!-- hidden -->",
    "\\*not\\*",
    "[^1]: note",
    "$x$",
)
READER = (
    MarkdownIt("gfm-like", {"html": True}) if False else MarkdownIt("commonmark").enable(["table", "strikethrough"])
)


def whole(*blocks):
    return markdown([Page("here", "Title", "Lead.", (Section("a", "Heading", blocks),))])


def read(document):
    """What a reader of the document sees: the words of every inline run, and which kinds of markup there are."""
    tokens = READER.parse(document)
    inline = [one for one in tokens if one.type == "inline"]
    seen = ["".join(child.content or " " * (child.type == "softbreak") for child in one.children) for one in inline]
    return seen, {one.type for one in tokens} | {child.type for one in inline for child in one.children}


def squeezed(words):
    return re.sub(r"\s+", " ", words).strip()


PLAIN = {"inline", "text", "heading_open", "heading_close", "paragraph_open", "paragraph_close", "html_inline"}
LIST = {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"}
STRONG = {"strong_open", "strong_close"}
QUOTE = {"blockquote_open", "blockquote_close"}
TABLE = {f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")}


def kinds(document):
    """The markup of the document, without the escapes that CommonMark reads as text."""
    return read(document)[1] - {"text_special"}


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words_wherever_they_stand(words):
    """Signs that mean something in Markdown or HTML are shown as they are, in every place words can stand."""
    places = {
        "paragraph": (Paragraph(text(words)), PLAIN),
        "list": (Bullets((text(words), text("second"))), PLAIN | LIST),
        "answer": (Facts(((words, (text(words),)),)), PLAIN | LIST | STRONG),
        "inset": (Inset((text(words),), title=words), PLAIN | QUOTE | STRONG),
        "details": (Details(words, (Paragraph(text(words)),)), PLAIN | STRONG),
        "cell": (Table(words, (words, "b"), ((text(words), text("b")),)), PLAIN | STRONG | TABLE),
        "picture": (Picture("x.svg", "", words, words), PLAIN | {"em_open", "em_close"}),
    }
    for place, (block, allowed) in places.items():
        document = whole(block)
        seen, _ = read(document)
        assert kinds(document) <= allowed, place
        assert any(squeezed(words) in squeezed(run) for run in seen), place
        assert document.count("<a id=") == _anchors(document), place


def _anchors(document):
    """Every piece of HTML that a reader takes for HTML is an anchor of ours."""
    pieces = [
        child.content
        for one in READER.parse(document)
        if one.type == "inline"
        for child in one.children
        if child.type == "html_inline"
    ]
    assert set(pieces) <= {'<a id="here">', '<a id="here--a">', "</a>"}
    return pieces.count("</a>")


def test_hostile_headings_stay_headings():
    """A title with signs in it stays one heading."""
    for words in HOSTILE:
        document = markdown([Page("here", words, "Lead.", (Section("a", words),))])
        assert read(document)[0].count(squeezed(words)) == 2, words
        assert kinds(document) <= PLAIN


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("other", "#other"),
        ("other#risk", "#other--risk"),
        ("assets/flow-map.svg", "assets/flow-map.svg"),
        ("https://example.org/a b)>", "https://example.org/a%20b%29%3E"),
        ("mailto:dpo@example.org", "mailto:dpo@example.org"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        (" JavaScript:alert(1)", None),
    ],
)
def test_a_link_leads_inside_the_document_or_to_a_safe_address(to, expected):
    """Links of the notice lead to its headings; what is not the web, mail or telephone is no link."""
    pages = [
        Page("here", "Here", "Lead.", (Section("a", "A", (Paragraph(text(Link("go [there](x)", to))),)),)),
        Page("other", "Other", "Lead.", (Section("risk", "Risk"),)),
    ]

    opened = [
        child.attrs["href"]
        for one in READER.parse(markdown(pages))
        if one.type == "inline"
        for child in one.children
        if child.type == "link_open"
    ]

    assert opened == ([expected] if expected else [])


@pytest.mark.parametrize("name", ["example-icb", "leeds-2018", "oxfordshire-2016", "dorset-2018"])
def test_every_word_of_every_page_is_in_the_document(name):
    """Whatever a page says, the Markdown says: titles, paragraphs, lists, answers, cells and the words of pictures."""
    seen = [squeezed(run) for run in read(markdown(published(name)))[0]]
    exact, together = set(seen), "\n".join(seen)

    for one in published(name):
        for run in said(one):
            assert squeezed(run) in exact or squeezed(run) in together, run


def test_every_link_inside_the_document_leads_to_an_anchor_of_it():
    """The table of contents of the Markdown document works."""
    found = published("example-icb")
    document = markdown(found)

    for one in found:
        for link in links(one):
            slug, _, part = link.to.partition("#")
            if slug in {each.slug for each in found}:
                assert f'<a id="{anchor_of(slug, part)}"></a>' in document


def test_a_table_keeps_its_columns():
    """Every row of a table has as many cells as its head, whatever is in them."""
    table = Table("T", ("a", "b", "c"), ((text("1|2"), text("\\"), text("`|`")), (text(""), text("x"), text("y"))), 2)

    rows = [line for line in whole(table).splitlines() if line.startswith("|")]
    cells = [one for one in READER.parse(whole(table)) if one.type == "td_open"]
    assert rows[1] == "| --- | --- | ---: |"
    assert len(cells) == 6
