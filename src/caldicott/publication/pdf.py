"""The whole notice as one PDF/UA-1, for printing and for post.

Drawn from the same pages as the web pages, with a template of its own. The same
pages on the same day give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import every_section
from caldicott.publication.paper import SCHEME, pdf
from caldicott.publication.rendering import TEMPLATES, environment, safe_outside
from caldicott.publication.walking import pictures
from caldicott.register.words import day
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from caldicott.publication.document import Link, Page
    from caldicott.publication.rendering import Site

_STARTS = frozenset({"types-of-information", "every-use", "processors", "opt-out", "rights"})
"""Parts that begin on a page of their own; the others follow on, which saves a third of the paper."""


def notice_pdf(
    pages: Sequence[Page], site: Site, *, title: str = "", files: Mapping[str, bytes] | None = None
) -> bytes:
    """Cover, contents with page numbers and every page, tagged for screen readers.

    `files` are pictures that no page carries itself, such as the logo or the flow map, by their path `assets/…`.
    """
    drawn = {f"assets/{one.name}": one.svg.encode() for one in pictures(pages) if one.svg}
    style = (TEMPLATES / "print.css").read_text(encoding="utf-8")
    html = notice_html(pages, site, title=title)
    return pdf(html, style=style, faulty=_faulty, pictures={**(files or {}), **drawn})


def notice_html(pages: Sequence[Page], site: Site, *, title: str = "") -> str:
    """What is printed, before it is laid out."""
    title = title or site.branding.service_name
    footer = f"{site.branding.organisation}: {title}" + (f", version {site.version}" if site.version else "")
    return (
        environment(strict=True)
        .get_template("print.jinja")
        .render(
            pages=pages, site=site, title=title, footer=footer, to=_places(pages), place=_place, scheme=SCHEME,
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


def _faulty(said: str) -> ProgramFault:
    """A notice that was printed with something missing is not published."""
    return ProgramFault(
        f"the notice could not be printed as it is ({said})",
        code="print-faulty",
        next_step="if it names a logo, give one as SVG, PNG or JPEG; else report this",
    )
