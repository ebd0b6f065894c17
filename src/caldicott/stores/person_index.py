"""The person index with its history: numbers to persons since when, and every merger, split and re-issue.

Nothing is rewritten: an event is added, and what holds is what the events come to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.safe_haven.identity.persons import Change, Event
from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.names import unused_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.stores.store import Store

HISTORY: Final = "person-history"
_OWNER: Final = "index"
_SCOPE: Final = "persons/history"
_SCHEMA: Final = pa.schema(
    [
        ("event", pa.string()),
        ("number", pa.int64()),
        ("person", pa.int64()),
        ("other_number", pa.int64()),
        ("other_person", pa.int64()),
        ("on", pa.date32()),
    ]
)


@dataclass(frozen=True)
class PersonIndex:
    """The index of one store."""

    store: Store

    def history(self) -> list[Change]:
        """Every event, in the order it was recorded."""
        found = []
        for file in self.store.catalogue.files(HISTORY, _OWNER):
            aad = f"{HISTORY}/{file.part}".encode()
            key = self.store.keys.open(file.key_id).use(aad.decode())
            table = clear.read_table(self.store.root / file.path, key=key, aad=aad)
            found += [Change(**{**row, "event": Event(row["event"])}) for row in table.to_pylist()]
        return found

    def write(self, changes: Sequence[Change], *, created: date) -> LiveFile:
        """New events; live once the caller's transaction says so."""
        folder = self.store.root / "persons"
        folder.mkdir(mode=0o700, exist_ok=True)
        part = f"{len(self.store.catalogue.files(HISTORY)):09d}.{unused_name()}"
        path = folder / f"{HISTORY}.{part}.parquet"
        key_id = self.store.keys.key_for(_SCOPE, created=created)
        aad = f"{HISTORY}/{part}".encode()
        rows = [{**change.__dict__, "event": change.event.value} for change in changes]
        table = pa.Table.from_pylist(rows, schema=_SCHEMA)
        clear.write(path, table.to_reader(), key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return LiveFile(str(path.relative_to(self.store.root)), HISTORY, _OWNER, part, table.num_rows, key_id)

    def first_known(self) -> dict[int, tuple[int, date]]:
        """Every number with its own person and the day it was first met."""
        found = {}
        rows = ClearRows(self.store)
        for file in self.store.catalogue.files("persons", _OWNER):
            name, *rest = file.part.split(".")
            if name == "numbers":
                day = date.fromisoformat(rest[0]) if len(rest) > 1 else date.min
                table = rows.read_index_file(file)
                pairs = zip(table["number"].to_pylist(), table["person_id"].to_pylist(), strict=True)
                found.update({number: (person, day) for number, person in pairs})
        return found
