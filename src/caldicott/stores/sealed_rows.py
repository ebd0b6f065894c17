"""What landed, described but not opened: for an engine whose workers decrypt beside the computation.

Beside `ClearRows`, with the same questions; an answer says which files, which
columns and under which keys, and opens only where somebody asks it to. It
carries keys: it is never printed, and never becomes part of a query's text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa  # noqa: TC002  read by the dataclass

from caldicott.stores import clear
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.landing_zone import repeats_aad
from caldicott.stores.traced_rows import TRACED, aad_of, of_part

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.stores.catalogue import LiveFile
    from caldicott.stores.store import Store


@dataclass(frozen=True)
class SealedFile:
    """One encrypted file, its own key, and the columns wanted of it. May travel to a worker, and opens there."""

    path: Path
    key: bytes = field(repr=False)
    aad: bytes = field(repr=False)
    columns: tuple[str, ...]
    part: str = ""
    """Of a file with rows of several parts, the one that is wanted."""

    def opened(self) -> pa.RecordBatchReader:
        """The rows, by the one reader of the store."""
        if not self.part:
            return clear.read(self.path, key=self.key, aad=self.aad, columns=self.columns)
        return of_part(clear.read_table(self.path, key=self.key, aad=self.aad), self.part, self.columns).to_reader()


@dataclass(frozen=True)
class Sealed:
    """Rows of one schema in some files."""

    files: tuple[SealedFile, ...]
    schema: pa.Schema


@dataclass(frozen=True)
class SealedRows:
    """The questions of `ClearRows`, answered without opening more than a file's footer."""

    store: Store

    def parts(self, submission: str) -> tuple[LiveFile, ...]:
        """The submission's clear files, by month."""
        return ClearRows(self.store).parts(submission)

    def read(
        self, file: LiveFile, columns: Sequence[str] | None = None, *, wanted: Collection[str] | None = None
    ) -> Sealed:
        """One clear file: all its columns, exactly `columns`, or those of `wanted` that it has."""
        return self._sealed([file], aad_of(file), columns=columns, wanted=wanted)

    def read_all(self, submission: str, columns: Sequence[str], *, outside_period: bool = False) -> Sealed | None:
        """Some columns of all of a submission's clear rows, or of those outside its period; None if it has none."""
        files = [file for file in self.parts(submission) if not (outside_period and "-" in file.part)]
        if not files:
            return None
        first = self.read(files[0], columns)
        others = (self._file(file, aad_of(file), tuple(columns)) for file in files[1:])
        return Sealed((*first.files, *others), first.schema)

    def repeats(self, submission: str) -> list[Sealed]:
        """The rows to pass over, if the submission repeated records."""
        files = self.store.catalogue.files("repeats", submission)
        return [self._sealed([file], repeats_aad(submission)) for file in files]

    def person_index(self) -> tuple[pa.Table, pa.Table]:
        """Every known identity with its person: numbers, then the others."""
        return ClearRows(self.store).person_index()

    def write_person_index(self, name: str, rows: pa.Table, *, created: date) -> LiveFile:
        """New identities as a new file; live once the caller's transaction says so."""
        return ClearRows(self.store).write_person_index(name, rows, created=created)

    def _sealed(
        self,
        files: Sequence[LiveFile],
        aad: bytes,
        *,
        columns: Sequence[str] | None = None,
        wanted: Collection[str] | None = None,
    ) -> Sealed:
        first = self._file(files[0], aad, ())
        with clear.read(first.path, key=first.key, aad=aad, columns=columns, wanted=wanted) as reader:
            schema = reader.schema
        return Sealed(tuple(self._file(file, aad, tuple(schema.names)) for file in files), schema)

    def _file(self, file: LiveFile, aad: bytes, columns: tuple[str, ...]) -> SealedFile:
        key = self.store.keys.open(file.key_id).use(aad.decode())
        part = file.part if file.kind == TRACED else ""
        return SealedFile(self.store.root / file.path, key, aad, columns, part)
