"""Which admitted rows may be second copies of a record: what is remembered of each row while it is placed.

Twenty-four bytes a row of one submission, so that no sealed file is read again
for it. Nearly every key occurs once; only rows whose key occurs again are
looked at by the engine, which also compares whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_COLUMNS: Final = ("record_hash", "identity", "file_row")


@dataclass(repr=False)
class Keys:
    """Record key, identity and place of every admitted row that has a record key."""

    pieces: list[pa.Table] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Keys({sum(piece.num_rows for piece in self.pieces)} rows)"

    def add(self, admitted: pa.Table) -> None:
        """Remember the rows' keys, and nothing else of them."""
        if "record_hash" in admitted.column_names and admitted.column("record_hash").null_count < admitted.num_rows:
            # Copied: three columns of what the engine handed over would keep all the others in memory.
            every = pa.array(np.arange(admitted.num_rows, dtype=np.int32))
            self.pieces.append(pa.table({name: _plain(admitted.column(name)).take(every) for name in _COLUMNS}))

    def take_suspects(self) -> pa.Table | None:
        """The rows whose key occurs again, whoever they are of; None if there are none. The others are forgotten."""
        pieces, self.pieces = self.pieces, []
        if not pieces:
            return None
        keys = pa.concat_tables(pieces)
        hashes = np.sort(keys.column("record_hash").drop_null().to_numpy())
        again = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        return keys.filter(pc.is_in(keys.column("record_hash"), value_set=pa.array(again))) if len(again) else None


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values, not places in a list: lists of two pieces differ."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
