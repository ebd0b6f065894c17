"""Rows whose person was found by tracing, rows that are left out because nobody was, and what came of each record.

A traced row is a copy of a row that landed, under the key of its own submission:
when that key is destroyed, the copy goes with it. Nothing that landed is rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.landing_zone import clear_aad, quarantine_aad, repeats_aad
from caldicott.stores.names import unused_name

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from caldicott.stores.catalogue import SubmissionRecord
    from caldicott.stores.store import Store

TRACED: Final = "traced"
PASSED_OVER: Final = "passed-over"
PART: Final = "~part"
"""The column of traced rows that says to which part of the store each belongs; it never leaves this file."""
OUTCOMES: Final = "identity-outcomes"
_OUTCOMES_SCOPE: Final = "persons/outcomes"
_HELD: Final = ("file_row", "fault", "raw")


def aad_of(file: LiveFile) -> bytes:
    """What binds a file of clear rows to its place: of what kind it is, whose, and which part."""
    if file.kind in {TRACED, PASSED_OVER}:
        return f"{file.kind}/{file.owner}".encode()
    return clear_aad(file.owner, file.part)


def of_part(rows: pa.Table, part: str, wanted: Collection[str]) -> pa.Table:
    """Those of the wanted columns that traced rows of one part have."""
    chosen = rows.filter(pc.equal(rows.column(PART), part))
    return chosen.select([name for name in rows.column_names if name in wanted and name != PART])


@dataclass(frozen=True)
class TracedRows:
    """What tracing reads and writes of a store, besides the clear rows themselves."""

    store: Store

    def only_file(self, kind: str, submission: str) -> LiveFile | None:
        """The one file of that kind that a submission may have."""
        return next(iter(self.store.catalogue.files(kind, submission)), None)

    def held(self, submission: str, reasons: Collection[str]) -> pa.Table:
        """Rows held back at the door for one of these reasons, with their raw text."""
        aad = quarantine_aad(submission)
        found = [self._held(file, aad, reasons) for file in self.store.catalogue.files("quarantine", submission)]
        schema = pa.schema([("file_row", pa.int64()), ("fault", pa.string()), ("raw", pa.string())])
        return pa.concat_tables(found) if found else schema.empty_table()

    def _held(self, file: LiveFile, aad: bytes, reasons: Collection[str]) -> pa.Table:
        key = self.store.keys.open(file.key_id).use(aad.decode())
        rows = clear.read_table(self.store.root / file.path, key=key, aad=aad, columns=_HELD)
        code = pc.list_element(pc.split_pattern(rows.column("fault"), "|"), 0)
        return rows.filter(pc.is_in(code, value_set=pa.array(sorted(reasons), pa.string())))

    def repeats(self, submission: str) -> frozenset[int]:
        """Rows that landing passes over as second copies."""
        aad = repeats_aad(submission)
        found: set[int] = set()
        for file in self.store.catalogue.files("repeats", submission):
            key = self.store.keys.open(file.key_id).use(aad.decode())
            table = clear.read_table(self.store.root / file.path, key=key, aad=aad, columns=("file_row",))
            found.update(table.column("file_row").to_pylist())
        return frozenset(found)

    def write(self, kind: str, submission: SubmissionRecord, rows: pa.Table) -> LiveFile:
        """Rows of one kind; live once the caller's transaction says so."""
        folder = self.store.root / "clear" / submission.uid
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        path = folder / f"{kind}-{unused_name()}.parquet"
        relative = str(path.relative_to(self.store.root))
        file = LiveFile(relative, kind, submission.uid, "", rows.num_rows, submission.key_id)
        aad = aad_of(file)
        clear.write(path, rows.to_reader(), key=self.store.keys.open(submission.key_id).use(aad.decode()), aad=aad)
        return file

    def write_outcomes(self, submission: SubmissionRecord, rows: pa.Table, *, created: date) -> LiveFile:
        """What came of every traced record of a submission; live once the caller's transaction says so."""
        folder = self.store.root / "persons"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"outcomes.{unused_name()}.parquet"
        relative = str(path.relative_to(self.store.root))
        key_id = self.store.keys.key_for(_OUTCOMES_SCOPE, created=created)
        file = LiveFile(relative, OUTCOMES, submission.uid, path.stem, rows.num_rows, key_id)
        aad = _outcomes_aad(file)
        clear.write(path, rows.to_reader(), key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return file

    def outcomes(self, submission: str) -> pa.Table | None:
        """What came of every traced record of a submission, as last traced."""
        for file in self.store.catalogue.files(OUTCOMES, submission):
            aad = _outcomes_aad(file)
            key = self.store.keys.open(file.key_id).use(aad.decode())
            return clear.read_table(self.store.root / file.path, key=key, aad=aad)
        return None


def _outcomes_aad(file: LiveFile) -> bytes:
    return f"{OUTCOMES}/{file.owner}/{file.part}".encode()
