"""The small files of a practice, found at once: its list, kept in memory for the pages after.

Which files there are changes with a run and with nothing else, so it is asked
of the catalogue once a run. A list knows nobody (tokens and scores), so it may
wait in memory; the roll, which knows people, never does.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from caldicott.operations.practice_query import choices
from caldicott.operations.stratify import LIST, setting_of
from caldicott.operations.stratify import list_of as nobody_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import LiveFile

MOST_BYTES: Final = 160 * 2**20
"""So much of a worker's memory may lists take: about a hundred practices of 7,000 people."""
_RUNS_KEPT: Final = 8
_SAME_IN_EVERY_ROW: Final = ("practice", "month", "criteria_sha256")

_Found = dict[str, "LiveFile"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A practice's list: its rows, and the values that each filter can have in it."""

    rows: pa.Table
    choices: dict[str, tuple[str, ...]]


class _Lists:
    """Lists as they were read, the one that was used longest ago forgotten first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: OrderedDict[Path, Listed] = OrderedDict()
        self._bytes = 0

    def read(self, path: Path) -> Listed:
        with self._lock:
            if (known := self._tables.get(path)) is not None:
                self._tables.move_to_end(path)
                return known
        table = _read(path)
        listed = Listed(table, choices(table))
        with self._lock:
            if path not in self._tables:
                self._tables[path] = listed
                self._bytes += table.nbytes
            while self._bytes > MOST_BYTES and len(self._tables) > 1:
                self._bytes -= self._tables.popitem(last=False)[1].rows.nbytes
        return listed


_lists: Final = _Lists()
_files: Final[OrderedDict[tuple[Path, str, str, str], _Found]] = OrderedDict()


def list_of(house: House, activity: str, practice: str, standing: Mapping[str, Any]) -> Listed:
    """The practice's list as the latest run left it: tokens and scores; empty if it has nobody."""
    file = found(house, LIST, activity, run=str(standing["run"])).get(practice)
    # A file is written once, under a name of its run: the same path is always the same list.
    if file:
        return _lists.read(house.store.root / file.path)
    nobody = nobody_of(house, activity, "")
    return Listed(nobody, choices(nobody))


def found(house: House, kind: str, activity: str, *, run: str) -> _Found:
    """The files of that kind by practice, as the run left them."""
    key = (house.store.root, kind, activity, run)
    if (known := _files.get(key)) is not None:
        return known
    made = {file.part.rpartition("/")[2]: file for file in house.store.catalogue.files(kind, activity)}
    # A run that ended in between has retired the files of the one that was asked for: not kept under its name.
    if f'"{run}"' in (house.store.catalogue.setting(setting_of(activity)) or ""):
        _files[key] = made
        while len(_files) > _RUNS_KEPT:
            _files.popitem(last=False)
    return made


def _read(path: Path) -> pa.Table:
    table = pq.read_table(path, partitioning=None)
    for place, name in enumerate(table.column_names):
        if name in _SAME_IN_EVERY_ROW:  # a third of the whole, for three words
            table = table.set_column(place, name, table.column(name).dictionary_encode())
    return table
