"""`publish`: the register as the notice, whole and at once, or not at all.

There is no store behind it and nobody's record in it, so nothing is asked of
policy and nothing goes to the audit trail: it shows what the register says.
What it refuses is a register that does not hold, a notice without one of its
parts, and a version that would say something else than when it was published.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldicott.policy import cedar
from caldicott.publication import edition as editions
from caldicott.publication import notice, reading_age, records
from caldicott.publication.markdown import markdown
from caldicott.publication.pdf import notice_pdf
from caldicott.publication.printed import printed
from caldicott.publication.rendering import STATIC, Branding, relative_links, render_page, site_of
from caldicott.publication.walking import links, pictures
from caldicott.register import parse
from caldicott.register.check import check, check_folder
from caldicott.register.faults import RegisterDoesNotHold, errors_of
from caldicott.register.kept import FILE, VERSIONS, as_json, read_versions
from caldicott.register.public import public
from caldicott.stores.published_folder import PublishedFolder
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from caldicott.publication.document import Page
    from caldicott.publication.edition import Edition
    from caldicott.publication.reading_age import PageGrade
    from caldicott.publication.rendering import Site
    from caldicott.register.model import Register

Files = dict[str, bytes]
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOGOS = frozenset({".svg", ".png", ".jpg", ".jpeg"})


@dataclass(frozen=True, slots=True)
class Names:
    """What stands in the header, where it is not what the register says."""

    organisation: str | None = None
    service: str | None = None
    logo: Path | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What the public can read now."""

    version: str
    published: date
    at: date
    to: Path
    register_digest: str
    files: tuple[tuple[str, int], ...]
    """Path and bytes of everything of this version, without the kept copies."""
    versions: tuple[str, ...]
    reading: tuple[PageGrade, ...]


def publish(
    register: Register,
    *,
    to: Path,
    at: date,
    register_folder: Path | None = None,
    names: Names | None = None,
    told: Callable[[str], None] = lambda _step: None,
) -> Published:
    """Write every page and file of the notice that holds on that day.

    Raises:
        RegisterDoesNotHold: the register has faults; with its folder each is named by file and line.
        DoesNotHold: a part of the notice is missing, or this version said something else before.
        WrongUsage: the folder to publish to holds something else.
    """
    folder = PublishedFolder(to.resolve())
    with folder.held():
        listed = folder.manifest().get("files", {})
        kept = read_versions(folder.root)
        _require_holding(register, register_folder, at=at, published=kept)
        notice.require_parts(register)
        edition = editions.current(register, at, editions.earlier_from(kept))
        _require_same_words(register, edition, {one.version: one.register for one in kept})
        register = public(register)
        told("pages")
        pages = notice.pages(register, at=at, edition=edition)
        given = names or Names()
        branding = _branding(given, register, edition)
        site = site_of(pages, branding, version=edition.version, published=edition.published, at=at)
        files = _files(register, pages, site, logo=given.logo, told=told)
        _require_whole(pages, files, [*listed, *(f"{VERSIONS}/{edition.version}/{name}" for name in files)])
        told("writing")
        return _keep(folder, register, pages, site, files=files, listed=listed)


def _require_holding(
    register: Register, folder: Path | None, *, at: date, published: tuple[editions.Published, ...]
) -> None:
    if folder is None:
        faults = check(register, at=at, published=published)
    else:
        _, faults = check_folder(folder, at=at, published=published)
    if errors_of(faults):
        raise RegisterDoesNotHold(errors_of(faults))


def _require_same_words(register: Register, edition: Edition, kept: Mapping[str, Register]) -> None:
    if not _VERSION.fullmatch(edition.version):
        raise DoesNotHold(
            f"the version `{edition.version}` cannot be the name of a folder",
            code="version-unusable",
            where=parse.CONTROLLER,
            next_step="use letters, digits, dots and hyphens, such as 2026-1",
        )
    before = kept.get(edition.version)
    # A comment or the order of keys changes the digest of the texts and nothing that anybody reads.
    # What is withheld is not published, so its changes are not told; that it is withheld and why is.
    if before is not None and public(before).model_copy(update={"digest": register.digest}) != public(register):
        raise DoesNotHold(
            f"version {edition.version} of the notice was published before with another content",
            code="version-published",
            where=parse.CONTROLLER,
            next_step="give the change a new version: add it with its day to [[notices]] in controller.toml; "
            "`caldicott register diff` shows what changed",
        )


def _branding(names: Names, register: Register, edition: Edition) -> Branding:
    logo = names.logo
    if logo is not None and (logo.suffix.lower() not in _LOGOS or not logo.is_file()):
        raise WrongUsage(
            "the logo is not a picture that can be published",
            code="logo-unusable",
            where=str(logo),
            next_step=f"name a file that ends in {', '.join(sorted(_LOGOS))}",
        )
    return Branding(
        names.organisation or register.controller.name,
        names.service or edition.title,
        f"logo{logo.suffix.lower()}" if logo else None,
    )


def _files(
    register: Register,
    pages: tuple[Page, ...],
    site: Site,
    *,
    logo: Path | None,
    told: Callable[[str], None],
) -> Files:
    """Everything but the HTML, which says where it stands."""
    made: Files = {f"assets/{path.relative_to(STATIC).as_posix()}": path.read_bytes() for path in _static()}
    made |= {f"assets/{one.name}": one.svg.encode() for one in pictures(pages) if one.svg}
    if site.branding.logo and logo is not None:
        made[f"assets/{site.branding.logo}"] = logo.read_bytes()
    told("tables")
    made |= {one.path: one.content for one in records.artefacts(register, at=site.at)}
    made["policies.cedar"] = cedar.export(register).policies.encode()
    made["notice.md"] = markdown(pages).encode()
    made["reading-age.csv"] = _reading_table(reading_age.report(pages))
    told("PDF")
    made["notice.pdf"] = notice_pdf(printed(pages), site, files=made)
    return made


def _static() -> Iterable[Path]:
    return sorted(path for path in STATIC.rglob("*") if path.is_file())


def _reading_table(grades: Iterable[PageGrade]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("page", "grade", "words", "sentences", "reference"))
    for one in grades:
        table.writerow((one.page, f"{one.grade:.1f}", one.words, one.sentences, "yes" if one.is_reference else "no"))
    return out.getvalue().encode()


def _require_whole(pages: tuple[Page, ...], files: Files, elsewhere: Iterable[str]) -> None:
    """No link of a page leads to something that is not published."""
    anchors = {page.slug: page.anchors() for page in pages}
    there = {*files, *elsewhere}
    for page in pages:
        for link in links(page):
            slug, _, anchor = (link.to if not link.to.startswith("#") else page.slug + link.to).partition("#")
            leads = (not anchor or anchor in anchors[slug]) if slug in anchors else slug in there
            if not leads and not link.is_outside:
                raise ProgramFault(
                    f"the page `{page.slug}` leads to `{link.to}`, which is not published",
                    code="link-dead",
                    next_step="report this; nothing was published",
                )


def _html(pages: tuple[Page, ...], site: Site) -> Files:
    slugs = {page.slug for page in pages}
    return {
        f"{page.slug}.html": render_page(page, site, link=relative_links(page, slugs, base=site.base)).encode()
        for page in pages
    }


def _keep(
    folder: PublishedFolder,
    register: Register,
    pages: tuple[Page, ...],
    site: Site,
    *,
    files: Files,
    listed: Mapping[str, str],
) -> Published:
    """Today's pages at the root, beside them a whole copy of each version as it was first published."""
    now = {**files, **_html(pages, site), FILE: as_json(register)}
    base = f"{VERSIONS}/{site.version}"
    kept = {path: known for path, known in listed.items() if path.startswith(f"{VERSIONS}/")}
    copy: Files = {}
    if f"{base}/{FILE}" not in kept:
        copy = {**now, **_html(pages, replace(site, base=base))}
    heading = {
        "version": site.version,
        "published": str(site.published),
        "at": str(site.at),
        "controller": register.controller.id,
        "register_digest": register.digest,
    }
    folder.replace({**now, **{f"{base}/{path}": content for path, content in copy.items()}}, kept=kept, heading=heading)
    return Published(
        version=site.version,
        published=site.published or site.at,
        at=site.at,
        to=folder.root,
        register_digest=register.digest,
        files=tuple((path, len(content)) for path, content in sorted(now.items())),
        versions=tuple(sorted({path.split("/")[1] for path in kept} | {site.version})),
        reading=tuple(reading_age.report(pages)),
    )
