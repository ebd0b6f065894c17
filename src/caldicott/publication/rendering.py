"""A page as HTML: the frame, the menu and one loop for each kind of block.

The published folder and the portal draw the same pages with the same
templates; only how a link is written differs, so that is a function each
brings. The portal extends `layout.jinja` for its own pages and takes
`TEMPLATES`, `STATIC`, `environment` and `render_page` from here.

Nothing a register says is ever markup: autoescape is on, no template says
`safe`, and only web, mail and telephone addresses become links.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import relpath
from typing import TYPE_CHECKING

import jinja2

from caldicott.publication.document import Link
from caldicott.register.words import day
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date

    from caldicott.publication.document import Block, Page, Picture

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
FRONTEND_VERSION = "10.6.1"
NHSUK_CSS = f"nhsuk/nhsuk-frontend-{FRONTEND_VERSION}.min.css"
NHSUK_JS = f"nhsuk/nhsuk-frontend-{FRONTEND_VERSION}.min.js"

FILE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; base-uri 'none'; form-action 'none'"
)
"""What a published file may load. In a `meta` element, which cannot say `frame-ancestors`."""
_LOWEST_FOOTER = ("contacts", "accessibility", "cookies")
_PARENTS = {"activities": "purposes"}
"""Which page stands above the pages of a folder."""
_OUTSIDE = ("https://", "http://", "mailto:", "tel:")


@dataclass(frozen=True, slots=True)
class Branding:
    """Whose pages these are. No NHS logo by default: it belongs to NHS bodies, who set it here."""

    organisation: str
    service_name: str = "How we use your information"
    logo: str | None = None
    """File name below assets/ of the published folder; what the portal's `link` makes of it there."""


@dataclass(frozen=True, slots=True)
class Site:
    """What every page of one edition shares."""

    branding: Branding
    menu: tuple[Link, ...]
    version: str
    published: date | None
    at: date
    base: str = ""
    """Where a kept copy of a version is, such as `versions/2026-1`; a page of it says that it is one."""
    footer: tuple[Link, ...] = ()
    titles: tuple[tuple[str, str], ...] = ()
    """Slug and title of each page, for breadcrumbs."""
    policy: str = FILE_POLICY
    """The security policy written into the page; empty where a server sends it as a header."""


def site_of(pages: Iterable[Page], branding: Branding, *, version: str, published: date | None, at: date) -> Site:
    """The site that these pages make: menu and footer from what they say of themselves."""
    every = tuple(pages)
    titles = tuple((page.slug, page.title) for page in every)
    known = dict(titles)
    menu = tuple(Link(page.menu_text or page.title, page.slug) for page in every if page.in_menu)
    footer = tuple(Link(known[slug], slug) for slug in _LOWEST_FOOTER if slug in known)
    return Site(branding, menu, version, published, at, footer=footer, titles=titles)


def environment(*, strict: bool = False) -> jinja2.Environment:
    """Our templates and the NHS.UK macros. Those macros read parameters that are not there, so by default
    a missing name is empty; `strict` is for our own pages, where it is a bug.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES), jinja2.PackageLoader("nhsuk_frontend_jinja")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined if strict else jinja2.ChainableUndefined,
        auto_reload=False,
    )
    equip(made)
    return made


def equip(env: jinja2.Environment) -> None:
    """What `layout.jinja` and the block macros need, for an environment that somebody else makes."""
    env.filters.update(kind=_kind, day=day)
    env.globals.update(nhsuk_css=NHSUK_CSS, nhsuk_js=NHSUK_JS, unknown=_unknown)


def render_page(
    page: Page,
    site: Site,
    *,
    link: Callable[[Link], str],
    asset: Callable[[str], str] | None = None,
    csp_nonce: str | None = None,
) -> str:
    """The page as HTML.

    `link` says where a link of this site leads, also pictures (`assets/…`); `asset`
    where a file of `STATIC` is, by default below `assets/` too.
    """
    template = _strict().get_template("page.jinja")
    return template.render(
        page=page,
        trail=_trail(page, site),
        **frame(page.title, site, link=link, asset=asset, current=page.slug, csp_nonce=csp_nonce),
    )


def frame(
    title: str,
    site: Site,
    *,
    link: Callable[[Link], str],
    asset: Callable[[str], str] | None = None,
    current: str = "",
    csp_nonce: str | None = None,
) -> dict[str, object]:
    """What `layout.jinja` needs in its context."""
    led = _only_safe(link)

    def href(to: str) -> str:
        return led(Link("", to))

    def below_assets(name: str) -> str:
        return href(f"assets/{name}")

    def file(picture: Picture) -> str:
        return href(f"assets/{picture.name}")

    logo = below_assets(site.branding.logo) if site.branding.logo else ""
    return {
        "title": title, "site": site, "link": led, "href": href, "asset": asset or below_assets, "file": file,
        "asset_logo": logo, "newest": href("versions/../index.html") if site.base else "",
        "current": current, "nonce": csp_nonce,
    }  # fmt: skip


def relative_links(page: Page, slugs: Collection[str], *, base: str = "") -> Callable[[Link], str]:
    """How a file of the published folder points at the others, so that the folder works from any place.

    `base` is the folder of the page's own version, such as `versions/2026-1`, which holds all it needs.
    """
    here = f"{base}/{page.slug}" if base else page.slug
    folder = here.rpartition("/")[0] or "."

    def to(link: Link) -> str:
        if link.is_outside:
            return link.to
        target, _, anchor = link.to.partition("#")
        fragment = f"#{anchor}" if anchor else ""
        if target in {"", page.slug}:
            return fragment or f"{page.slug.rpartition('/')[2]}.html"
        name = f"{target}.html" if target in slugs else target
        # The versions stand side by side at the root, whichever of them the page belongs to.
        place = name if name.startswith("versions/") or not base else f"{base}/{name}"
        return relpath(place, folder) + fragment

    return to


def _only_safe(link: Callable[[Link], str]) -> Callable[[Link], str]:
    """The same, but nothing that a browser would run: an address of an unknown kind stays words."""

    def led(one: Link) -> str:
        to = link(one)
        has_scheme = ":" in to.partition("/")[0]
        return "" if has_scheme and not safe_outside(to) else to

    return led


def safe_outside(to: str) -> bool:
    """Whether an address outside is of a kind that a browser opens and does not run."""
    return to.lower().startswith(_OUTSIDE)


def _trail(page: Page, site: Site) -> tuple[Link, ...]:
    """The way from the front page to here; the front page has none."""
    if page.slug == "index":
        return ()
    known = dict(site.titles)
    parent = _PARENTS.get(page.slug.rpartition("/")[0], "")
    above = (Link(known[parent], parent),) if parent in known else ()
    return (Link("Home", "index"), *above)


@cache
def _strict() -> jinja2.Environment:
    return environment(strict=True)


def _kind(block: Block) -> str:
    return type(block).__name__


def _unknown(block: Block) -> str:
    raise ProgramFault(f"no template draws a block of the kind {_kind(block)}", code="block-unknown", next_step="a bug")
