"""Where the notice hangs: always today's, always of the register as it stands.

The register's files and the published folder are looked at for every request,
which costs a few dozen `stat` calls. When a file or the day has changed the
notice is made anew. A register that does not hold is not shown, exactly as the
platform does not work by it: the last one that held stays up, dated today, and
the log and the health page say so.
"""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from caldicott import bootstrap
from caldicott.portal import log
from caldicott.portal.library import open_library
from caldicott.portal.notice import Notice
from caldicott.register import parse
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from caldicott.portal.settings import PortalSettings
    from caldicott.register.model import Register

Stamps = tuple[tuple[str, int, int, int], ...]


class Board:
    """The notice of a portal, renewed when it has to be."""

    def __init__(self, portal: PortalSettings) -> None:
        self._portal = portal
        self._lock = Lock()
        self._seen: tuple[date, Stamps, Stamps] | None = None
        self._notice: Notice | None = None
        self._held_back = ""

    @property
    def held_back(self) -> str:
        """The code of the fault for which the register as it stands is not shown; empty if it is shown."""
        return self._held_back

    def notice(self) -> Notice:
        """Today's."""
        with self._lock:
            seen = (bootstrap.today(), _stamps(self._portal.register), _stamps(self._portal.published))
            if self._notice is None or seen != self._seen:
                self._notice = self._renewed(seen[0])
                self._seen = seen
            return self._notice

    def _renewed(self, day: date) -> Notice:
        register = self._register()
        return Notice(register, open_library(self._portal.published), day=day, portal=self._portal)

    def _register(self) -> Register:
        try:
            register = parse.load(self._portal.register)
        except DoesNotHold as fault:
            if self._notice is None:
                raise
            self._held_back = fault.code
            log.warning("the register does not hold and is held back; the last one that held is shown", fault.code)
            return self._notice.register
        self._held_back = ""
        return register


@cache
def board_of(portal: PortalSettings) -> Board:
    """The one board of a portal in this program."""
    return Board(portal)


def _stamps(folder: Path) -> Stamps:
    # What tells a file that was written or replaced from one that was not.
    return tuple(sorted(_walk(os.fspath(folder)))) if folder.is_dir() else ()


def _walk(folder: str) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            else:
                found = entry.stat(follow_symlinks=False)
                yield entry.path, found.st_ino, found.st_mtime_ns, found.st_size
