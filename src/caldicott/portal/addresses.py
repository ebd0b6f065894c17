"""Where each page and file of the notice is found in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from caldicott.publication.document import Link


VERSIONS: Final = "/versions/"


def of_page(slug: str) -> str:
    """`/` for the front page, `/opt-out/` for another."""
    return "/" if slug == "index" else f"/{quote(slug)}/"


def of_file(path: str) -> str:
    return f"/{quote(path)}"


def of_version(version: str) -> str:
    """Where a version is read as it was published."""
    return f"{VERSIONS}{quote(version)}/"


def of_changes(old: str, new: str) -> str:
    return f"/changes/{quote(old)}/{quote(new)}/"


def links_to(slugs: Collection[str]) -> Callable[[Link], str]:
    """How a page of the portal points at the others: from the root, so that a page may stand at any depth."""

    def to(link: Link) -> str:
        if link.is_outside or link.to.startswith("/"):
            return link.to
        target, hash_, anchor = link.to.partition("#")
        if not target:
            return hash_ + anchor
        place = of_page(target) if target in slugs else of_file(target)
        return place + hash_ + anchor

    return to
