"""The style sheets, scripts and icons: read once, packed once, kept by browsers for a year.

They are few and never change while a portal runs, so they go out by the same
way as pages. The address holds a digest of them all: another release has other
addresses, and no browser mixes the two.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from caldicott.portal.body import body
from caldicott.publication.rendering import STATIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from caldicott.portal.body import Body

_TYPES = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8", ".md": "text/markdown; charset=utf-8", ".pdf": "application/pdf",
    ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".jsonld": "application/ld+json",
    ".ttl": "text/turtle; charset=utf-8", ".cedar": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8", ".png": "image/png", ".jpg": "image/jpeg",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
"""Said here, because what a machine's own table says differs from machine to machine."""


def media_type(name: str) -> str:
    """What a file is by its ending; bytes to be saved if the ending is not known."""
    return _TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


@cache
def files() -> Mapping[str, Body]:
    """Every static file by its name below the folder."""
    return {path.relative_to(STATIC).as_posix(): _read(path) for path in sorted(STATIC.rglob("*")) if path.is_file()}


@cache
def digest() -> str:
    """Names this set of files."""
    tags = "".join(f"{name} {file.tag}\n" for name, file in files().items())
    return hashlib.sha256(tags.encode()).hexdigest()[:16]


def address(name: str) -> str:
    """Where a static file is found."""
    return f"/static/{digest()}/{name}"


def _read(path: Path) -> Body:
    return body(path.read_bytes(), media_type(path.name))
