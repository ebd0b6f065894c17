"""Where the notice hangs: always today's, always of the register as it stands.

The register's files and the published folder are looked at for every request,
which costs a few dozen `stat` calls. When a file or the day has changed the
notice is made anew. A register that does not hold is not shown, exactly as the
platform does not work by it: the last one that held stays up, dated today, and
the log and the health page say so. The same goes for a published folder that
cannot be read.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from caldicott import bootstrap
from caldicott.portal import log
from caldicott.portal.library import Library, open_library
from caldicott.portal.notice import Notice
from caldicott.register import parse
from caldicott.vocabulary.errors import CaldicottError

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
        """Today's. Within `one_look` the folders are looked at once."""
        look = _looks.get()
        if look is None:
            return self._looked_at()
        if self not in look:
            look[self] = self._looked_at()
        return look[self]

    def _looked_at(self) -> Notice:
        with self._lock:
            seen = (bootstrap.today(), _stamps(self._portal.register), _stamps(self._portal.published))
            if self._notice is None or seen != self._seen:
                # Before the work: what changes during it is seen by the next reader.
                self._seen = seen
                self._notice = self._first(seen[0]) if self._notice is None else self._renewed(self._notice, seen[0])
            return self._notice

    def _first(self, day: date) -> Notice:
        register = parse.load(self._portal.register)
        return self._made(register, open_library(self._portal.published), day)

    def _renewed(self, last: Notice, day: date) -> Notice:
        self._held_back = ""
        try:
            library = open_library(self._portal.published)
        except (CaldicottError, OSError) as fault:
            library = last.library
            self._hold_back("the published folder cannot be read", fault)
        try:
            return self._made(parse.load(self._portal.register), library, day)
        except (CaldicottError, OSError) as fault:
            self._hold_back("the register does not hold", fault)
            return self._made(last.register, library, day)

    def _made(self, register: Register, library: Library, day: date) -> Notice:
        return Notice(register, library, day=day, portal=self._portal)

    def _hold_back(self, what: str, fault: CaldicottError | OSError) -> None:
        if isinstance(fault, OSError):
            # Files that are replaced while they are read: looked at again with the next reader.
            self._seen = None
        self._held_back = fault.code if isinstance(fault, CaldicottError) else "disk-fault"
        log.warning(f"{what}; the last that did is shown", self._held_back)


_looks: ContextVar[dict[Board, Notice] | None] = ContextVar("looks", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """One request works by one register from its beginning to its end, and looks for a newer one once."""
    token = _looks.set({})
    try:
        yield
    finally:
        _looks.reset(token)


@cache
def board_of(portal: PortalSettings) -> Board:
    """The one board of a portal in this program."""
    return Board(portal)


def _stamps(folder: Path) -> Stamps:
    # What tells a file that was written or replaced from one that was not.
    try:
        return tuple(sorted(_walk(os.fspath(folder))))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _walk(folder: str) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            else:
                # Gone between the two calls is a change like any other: it is then not in the list.
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    yield entry.path, found.st_ino, found.st_mtime_ns, found.st_size
