"""Open what landed: the live clear rows, repeats and person index of a store, as streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from caldicott.safe_haven.persons import LOCAL, NUMBERS
from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.landing_zone import repeats_aad
from caldicott.stores.traced_rows import aad_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date

    from caldicott.stores.store import Store

_PERSONS_SCOPE = "persons/index"
_OWNER = "index"


@dataclass(frozen=True)
class ClearRows:
    """Reads for the safe haven; a file opens only at its own place and with its own key."""

    store: Store

    def parts(self, submission: str) -> tuple[LiveFile, ...]:
        """The submission's clear files, by month."""
        return self.store.catalogue.files("clear", submission)

    def read(
        self, file: LiveFile, columns: Sequence[str] | None = None, *, wanted: Collection[str] | None = None
    ) -> pa.RecordBatchReader:
        """The rows of one clear file: all its columns, exactly `columns`, or those of `wanted` that it has.

        Those of `wanted` come with value lists where they lie so: who makes a mart of them goes on with these.
        """
        aad, path = aad_of(file), self.store.root / file.path
        key, lists = self.store.keys.open(file.key_id).use(aad.decode()), wanted is not None
        return clear.read(path, key=key, aad=aad, columns=columns, wanted=wanted, with_value_lists=lists)

    def read_all(
        self, submission: str, columns: Sequence[str], *, outside_period: bool = False
    ) -> pa.RecordBatchReader | None:
        """Some columns of all of a submission's clear rows, or of those outside its period; None if it has none."""
        # Rows of the period lie by month, YYYY-MM; the others by year, or undated.
        files = [file for file in self.parts(submission) if not (outside_period and "-" in file.part)]
        if not files:
            return None
        first = self.read(files[0], columns)
        schema = first.schema

        def batches() -> Iterator[pa.RecordBatch]:
            yield from first
            for file in files[1:]:
                yield from self.read(file, columns)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def repeats(self, submission: str) -> list[pa.RecordBatchReader]:
        """The rows to pass over, if the submission repeated records."""
        aad = repeats_aad(submission)
        return [
            clear.read(self.store.root / file.path, key=self.store.keys.open(file.key_id).use(aad.decode()), aad=aad)
            for file in self.store.catalogue.files("repeats", submission)
        ]

    def person_index(self) -> tuple[pa.Table, pa.Table]:
        """Every known identity with its person: numbers, then the others."""
        return self._index("numbers", NUMBERS), self._index("local", LOCAL)

    def write_person_index(self, name: str, rows: pa.Table, *, created: date) -> LiveFile:
        """New identities as a new file; live once the caller's transaction says so."""
        import secrets

        # The day stands in the part's name: since when a number is known is the same for all of a file.
        part = f"{name}.{created.isoformat()}.{secrets.token_hex(8)}"
        folder = self.store.root / "persons"
        folder.mkdir(mode=0o700, exist_ok=True)
        key_id = self.store.keys.key_for(_PERSONS_SCOPE, created=created)
        aad = _persons_aad(part)
        path = folder / f"{part}.parquet"
        clear.write(path, rows.to_reader(), key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return LiveFile(str(path.relative_to(self.store.root)), "persons", _OWNER, part, rows.num_rows, key_id)

    def _index(self, name: str, schema: pa.Schema) -> pa.Table:
        tables = [
            self.read_index_file(file)
            for file in self.store.catalogue.files("persons", _OWNER)
            if file.part.startswith(f"{name}.")
        ]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def read_index_file(self, file: LiveFile) -> pa.Table:
        """One file of the person index."""
        aad = _persons_aad(file.part)
        key = self.store.keys.open(file.key_id).use(aad.decode())
        return clear.read_table(self.store.root / file.path, key=key, aad=aad)


def _persons_aad(part: str) -> bytes:
    return f"persons/{part}".encode()
