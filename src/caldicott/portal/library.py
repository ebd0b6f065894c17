"""The versions of the notice that were published, as they were published: a folder, read by a list of its files.

An address is looked up in the list and never joined to a path, so no address
reaches a file that is not a published one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldicott.portal.assets import media_type
from caldicott.portal.body import body
from caldicott.register.kept import read_versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from caldicott.portal.body import Body
    from caldicott.register.kept import Published


@dataclass(frozen=True)
class Library:
    """A published folder at one moment."""

    versions: tuple[Published, ...] = ()
    """Oldest first."""
    _places: Mapping[str, Path] = field(default_factory=dict, repr=False)
    _bodies: dict[str, Body] = field(default_factory=dict, repr=False)

    def file(self, name: str) -> Body | None:
        """A published file by its name below the folder; None if it was not published or is gone by now."""
        if name not in self._bodies and name in self._places:
            try:
                self._bodies[name] = body(self._places[name].read_bytes(), media_type(name))
            except FileNotFoundError:
                return None
        return self._bodies.get(name)


def open_library(folder: Path) -> Library:
    """What is published there; an empty library if nothing is yet."""
    if not folder.is_dir():
        return Library()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if _is_published(path)}
    return Library(read_versions(folder), files)


def _is_published(path: Path) -> bool:
    # A link could point at anything of the machine.
    return path.is_file() and not path.is_symlink()
