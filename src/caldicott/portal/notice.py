"""The notice of one day: its pages and files as they go out, each made when it is first asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from caldicott.policy import cedar
from caldicott.portal import addresses, assets, between, faults
from caldicott.portal.body import body
from caldicott.publication import edition as editions
from caldicott.publication import notice as publication
from caldicott.publication import records
from caldicott.publication.document import Details, Link, Picture, every_section
from caldicott.publication.rendering import Branding, render_page, site_of
from caldicott.register.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from caldicott.portal.body import Body
    from caldicott.portal.library import Library
    from caldicott.portal.settings import PortalSettings
    from caldicott.publication.document import Block, Page
    from caldicott.publication.rendering import Site
    from caldicott.register.model import Register

HTML: Final = "text/html; charset=utf-8"
_LOGO: Final = "logo"


class Notice:
    """What the public may read today. Everything in it follows from the register, the day and what was published."""

    def __init__(self, register: Register, library: Library, *, day: date, portal: PortalSettings) -> None:
        self.register = public(register)
        self.library = library
        self.day = day
        self.edition = editions.current(self.register, day, editions.earlier_from(library.versions))
        self._portal = portal
        self.pages: Mapping[str, Page] = {
            page.slug: page for page in publication.pages(self.register, at=day, edition=self.edition)
        }
        self._bodies: dict[str, Body] = {}
        self._link = addresses.links_to(self.pages)

    @cached_property
    def files(self) -> Mapping[str, Body]:
        """What can be taken away: tables, the map, the register for machines, the pictures of the pages."""
        made = {one.path: body(one.content, one.media_type) for one in records.artefacts(self.register, at=self.day)}
        policies = body(cedar.export(self.register).policies.encode(), assets.media_type("policies.cedar"))
        return {**self._pictures(), "policies.cedar": policies, **self._logo(), **made}

    def page(self, slug: str) -> Body | None:
        """A page of the notice; None if it has none of that name."""
        page = self.pages.get(slug)
        return self._kept(addresses.of_page(slug), lambda: page) if page else None

    def file(self, path: str) -> Body | None:
        """A file of today's notice, or one that stands in the published folder."""
        return self.files.get(path) or self._static(path) or self.library.file(path)

    def version(self, version: str, path: str) -> Body | None:
        """A page or file of a version as it was published."""
        return self.library.file(f"versions/{version}/{path}")

    def versions(self) -> Body:
        """The list of versions, with what changed from one to the next."""
        return self._kept(addresses.VERSIONS, self._list_of_versions)

    @property
    def is_as_published(self) -> bool:
        """Whether the register is, to the letter, the one that was published as this version."""
        kept = [one.register.digest for one in self.library.versions if one.version == self.edition.version]
        return kept == [self.register.digest]

    def changes(self, old: str, new: str) -> Body | None:
        """What changed between two versions; None unless both are known and different."""
        if old == new or old not in self.registers or new not in self.registers:
            return None
        return self._kept(addresses.of_changes(old, new), lambda: between.changes_page(old, new, self.registers))

    def fault(self, status: int, reference: str = "") -> bytes:
        """The page that says what went wrong."""
        return self.render(faults.page_for(status, reference))

    @cached_property
    def registers(self) -> Mapping[str, Register]:
        """The register of each version, oldest first: as published, or as it stands if today's is not published yet."""
        kept = {one.version: public(one.register) for one in self.library.versions}
        return kept if self.edition.version in kept else {**kept, self.edition.version: self.register}

    def render(self, page: Page) -> bytes:
        return render_page(page, self._site, link=self._link, asset=assets.address).encode()

    @cached_property
    def _site(self) -> Site:
        logo = f"{_LOGO}{self._portal.logo.suffix.lower()}" if self._portal.logo else None
        branding = Branding(
            self._portal.organisation or self.register.controller.name,
            self._portal.service_name or self.edition.title,
            logo,
        )
        made = site_of(
            self.pages.values(), branding, version=self.edition.version, published=self.edition.published, at=self.day
        )
        # The policy is sent as a header, which can say more than a page can.
        return replace(made, policy="", footer=(*made.footer, Link("Versions of this notice", addresses.VERSIONS)))

    def warm(self) -> None:
        """Make everything now, so that a notice that cannot be shown is found before a reader finds it."""
        for slug in self.pages:
            self.page(slug)
        self.versions()
        for path in (*self.files, *assets.files()):
            self.file(path)

    def _kept(self, address: str, make: Callable[[], Page]) -> Body:
        if address not in self._bodies:
            self._bodies[address] = body(self.render(make()), HTML)
        return self._bodies[address]

    def _list_of_versions(self) -> Page:
        printed = {one for one in self.registers if self.version(one, between.PRINTED)}
        return between.list_of_versions(self.edition, self.registers, printed)

    def _pictures(self) -> dict[str, Body]:
        drawn = [picture for page in self.pages.values() for picture in _pictures(page)]
        return {f"assets/{one.name}": body(one.svg.encode(), assets.media_type(one.name)) for one in drawn if one.svg}

    def _logo(self) -> dict[str, Body]:
        logo = self._portal.logo
        if logo is None:
            return {}
        name = f"{_LOGO}{logo.suffix.lower()}"
        return {f"assets/{name}": body(logo.read_bytes(), assets.media_type(name))}

    def _static(self, path: str) -> Body | None:
        # Versions as they were published name the style sheets by their plain names.
        folder, _, name = path.partition("/")
        return assets.files().get(name) if folder == "assets" else None


def _pictures(page: Page) -> Iterator[Picture]:
    for section in every_section(page.sections):
        yield from _drawn(section.blocks)


def _drawn(blocks: Iterable[Block]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Details):
            yield from _drawn(block.blocks)
