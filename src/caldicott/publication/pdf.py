"""The whole notice as one PDF/UA-1, for printing and for post.

Drawn from the same pages as the web pages, with a template of its own. The
renderer is given a fetcher that knows our own pictures and nothing else, so
that no text can make it open a file or an address. The same pages on the same
day give the same bytes.
"""

from __future__ import annotations

import gc
import hashlib
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caldicott.publication.document import every_section
from caldicott.publication.rendering import TEMPLATES, environment, safe_outside
from caldicott.publication.walking import pictures
from caldicott.register.words import day
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from caldicott.publication.document import Link, Page
    from caldicott.publication.rendering import Site

_STARTS = frozenset({"types-of-information", "every-use", "processors", "opt-out", "rights"})
"""Parts that begin on a page of their own; the others follow on, which saves a third of the paper."""
_SCHEME = "published:"
"""Of the addresses the renderer may open; they lead to values in memory."""


def notice_pdf(
    pages: Sequence[Page], site: Site, *, title: str = "", files: Mapping[str, bytes] | None = None
) -> bytes:
    """Cover, contents with page numbers and every page, tagged for screen readers.

    `files` are pictures that no page carries itself, such as the logo or the flow map, by their path `assets/…`.
    """
    from weasyprint import CSS, HTML

    drawn = {f"assets/{one.name}": one.svg.encode() for one in pictures(pages) if one.svg}
    html = notice_html(pages, site, title=title)
    style = (TEMPLATES / "print.css").read_text(encoding="utf-8")
    with _no_complaints(), _no_collecting():
        made: bytes = HTML(string=html, url_fetcher=_OurPictures({**(files or {}), **drawn})).write_pdf(
            stylesheets=[CSS(string=style)],
            pdf_variant="pdf/ua-1",
            # An identifier is random by default, and two readers could not compare what they were given.
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
        )
    return made


def notice_html(pages: Sequence[Page], site: Site, *, title: str = "") -> str:
    """What is printed, before it is laid out."""
    title = title or site.branding.service_name
    footer = f"{site.branding.organisation}: {title}" + (f", version {site.version}" if site.version else "")
    return (
        environment(strict=True)
        .get_template("print.jinja")
        .render(
            pages=pages, site=site, title=title, footer=footer, to=_places(pages), place=_place, scheme=_SCHEME,
            day=day, opening=_opening, starts=_STARTS,
        )
    )  # fmt: skip


def _opening(key: str) -> str:
    """A heading that opens its own line ends like a sentence."""
    return key if key.endswith((".", "?", "!", ":")) else f"{key}."


def _place(slug: str, anchor: str = "") -> str:
    # Anchors are unique in their page only; a slash would end the name of a place.
    return "--".join(part for part in (slug.replace("/", "-."), anchor) if part)


def _places(pages: Iterable[Page]) -> Callable[[Link], str]:
    """Where a link leads on paper: to another place of it, outside, or (a file beside it) nowhere."""
    known = {page.slug: {one.id for one in every_section(page.sections) if one.heading} for page in pages}

    def to(link: Link) -> str:
        if link.is_outside:
            return link.to if safe_outside(link.to) else ""
        slug, _, anchor = link.to.partition("#")
        if slug not in known:
            return ""
        return "#" + (_place(slug, anchor) if anchor in known[slug] else _place(slug))

    return to


class _OurPictures:
    """Opens our own pictures; anything else is an error, and every error ends the printing."""

    _fail_on_errors = True  # asked for by the renderer, of a fetcher that refused

    def __init__(self, known: Mapping[str, bytes]) -> None:
        self._known = known

    def __call__(self, url: str) -> object:
        from weasyprint.urls import URLFetcherResponse

        name = url.removeprefix(_SCHEME)
        if not url.startswith(_SCHEME) or name not in self._known:
            raise LookupError("an address that is not ours")
        kind = {"Content-Type": "image/svg+xml"} if name.endswith(".svg") else {}
        return URLFetcherResponse(url, self._known[name], kind)


class _Complaints(logging.Handler):
    """What the renderer would only write to its log: a picture it could not draw, a rule it did not know."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Laying out makes millions of objects that live to the end; looking for dead ones among them took a quarter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _no_complaints() -> Iterator[None]:
    """A notice that was printed with something missing is not published."""
    heard, log = _Complaints(), logging.getLogger("weasyprint")
    log.addHandler(heard)
    try:
        yield
    finally:
        log.removeHandler(heard)
    if heard.said:
        raise ProgramFault(
            f"the notice could not be printed as it is ({heard.said[0]})",
            code="print-faulty",
            next_step="if it names a logo, give one as SVG, PNG or JPEG; else report this",
        )
