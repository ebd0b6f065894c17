"""The small files of a practice, found at once: its list, kept in memory for the pages after.

Which files there are changes with a run and with nothing else, so it is asked
of the catalogue once a run. A list knows nobody (tokens and scores), so it may
wait in memory; the roll, which knows people, never does.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.operations.practice_query import FILTERS, choices
from caldicott.operations.stratify import LIST, empty_list, setting_of
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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

    def read(self, path: Path, file: LiveFile) -> Listed:
        with self._lock:
            if (known := self._tables.get(path)) is not None:
                self._tables.move_to_end(path)
                return known
        table = _read(path, file)
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
        return _lists.read(house.store.root / file.path, file)
    return Listed(empty_list(), dict.fromkeys(FILTERS, ()))


def lists_of(
    house: House, activity: str, practice: str, tokens: Sequence[str], standing: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The entries of these tokens on the practice's list."""
    rows = list_of(house, activity, practice, standing).rows
    wanted = pc.is_in(rows.column("person_token"), value_set=pa.array([*tokens], pa.string()))
    return {str(row["person_token"]): row for row in rows.filter(wanted).to_pylist()}


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


def _read(path: Path, file: LiveFile) -> pa.Table:
    """The rows, from the very bytes whose seal was compared.

    Raises:
        DoesNotHold: they are not what the run wrote.
    """
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DoesNotHold(
            f"the list of the practice {file.part} is not what its run wrote; nothing of it is shown",
            code="mart-changed",
            where=file.owner,
            next_step="find out who could write to the store, then make the lists anew: "
            f"`caldicott run REGISTER --store DIR --activity {file.owner}`",
        )
    table = pq.read_table(pa.BufferReader(content))
    for place, name in enumerate(table.column_names):
        if name in _SAME_IN_EVERY_ROW:  # a third of the whole, for three words
            table = table.set_column(place, name, table.column(name).dictionary_encode())
    return table
