"""The books within reach of a worker: opened once, and after that only what new acts added is read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from caldicott.engines.duckdb.invoices_books import DECISION, POSTING
from caldicott.engines.duckdb.invoices_desk import EVIDENCE as EVIDENCE_COLUMNS
from caldicott.engines.duckdb.invoices_desk import LETTER, DeskEngine
from caldicott.stores.ceff import DECISIONS, EVIDENCE, LETTERS, POSTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from caldicott.stores.catalogue import LiveFile
    from caldicott.stores.ceff import Ceff

Answer = TypeVar("Answer")
_KINDS: Final = {
    DECISIONS: ("decision", DECISION), POSTINGS: ("posting", POSTING), EVIDENCE: ("evidence", EVIDENCE_COLUMNS),
    LETTERS: ("letter", LETTER),
}  # fmt: skip


@dataclass
class Shelf:
    """The books of one store as far as they were taken in."""

    books: DeskEngine = field(default_factory=DeskEngine)
    taken: set[str] = field(default_factory=set)
    evidence_files: dict[int, list[str]] = field(default_factory=dict)
    """By act, the paths that the numbers of its places stand for."""
    known: dict[str, Any] = field(default_factory=dict)
    """Sums that hold until the next act."""

    def sums(self, name: str, counted: Callable[[], Answer]) -> Answer:
        """What was counted since the last act, or counted now."""
        if name not in self.known:
            self.known[name] = counted()
        found: Answer = self.known[name]
        return found

    def catch_up(self, ceff: Ceff) -> None:
        """Take in what acts added since the last time."""
        fresh = [file for kind in _KINDS for file in ceff.store.catalogue.files(kind) if file.path not in self.taken]
        if not fresh:
            return
        self.known.clear()
        for file in fresh:
            self._take(file, ceff.read_file(file, _KINDS[file.kind][1].names))
        self.books.settle_in(sorted({int(file.part) for file in fresh}))
        self.taken.update(file.path for file in fresh)

    def _take(self, file: LiveFile, rows: pa.Table) -> None:
        self.books.take(_KINDS[file.kind][0], int(file.part), rows)
        if file.kind == EVIDENCE:
            self.evidence_files[int(file.part)] = json.loads((rows.schema.metadata or {})[b"files"])


_SHELVES_MOST: Final = 2
"""A worker serves one store; whoever opens many, such as the tests, must not keep them all in memory."""
_shelves: dict[tuple[str, int], Shelf] = {}


def shelf_of(ceff: Ceff) -> Shelf:
    """The shelf of this store in this worker, up to date."""
    # By store and by worker: a forked worker must not share its parent's connection to the engine.
    name = (f"{ceff.store.root.resolve()}:{ceff.store.id}", os.getpid())
    shelf = _shelves.pop(name, None) or Shelf()
    while len(_shelves) >= _SHELVES_MOST:
        _shelves.pop(next(iter(_shelves)))
    _shelves[name] = shelf  # the latest stands last
    try:
        shelf.catch_up(ceff)
    except BaseException:
        # Half taken in is worse than not at all: the next asks anew.
        _shelves.pop(name, None)
        raise
    return shelf
