"""One row of a landing copy, by its place: the page of a line opens a handful of rows, never a file."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import create_decryption_properties

from caldicott.stores.landing_zone import clear_aad
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.stores.catalogue import LiveFile
    from caldicott.stores.ceff import Ceff


def row_at(ceff: Ceff, file: LiveFile, position: int, wanted: Sequence[str]) -> dict[str, Any]:
    """The wanted columns, those that the file has, of one row. Only its row group is decrypted."""
    path, aad = ceff.store.root / file.path, clear_aad(file.owner, file.part)
    key = ceff.store.keys.open(file.key_id).use(aad.decode())
    try:
        properties = create_decryption_properties(key, aad_prefix=aad)
        with pq.ParquetFile(str(path), decryption_properties=properties, pre_buffer=False) as opened:
            ends = list(accumulate(opened.metadata.row_group(n).num_rows for n in range(opened.num_row_groups)))
            group = bisect_right(ends, position)
            columns = [name for name in opened.schema_arrow.names if name in wanted]
            rows = opened.read_row_group(group, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException, ValueError):
        raise DoesNotHold(
            "the landing copy does not open or was changed",
            code="file-does-not-open",
            where=file.path,
            next_step="put the file back from the store's copy, and ask again",
        ) from None
    found: dict[str, Any] = rows.slice(position - (ends[group - 1] if group else 0), 1).to_pylist()[0]
    return found
