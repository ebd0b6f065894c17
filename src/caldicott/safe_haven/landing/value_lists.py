"""Columns of few values: each value listed once, and every row a place in the list.

Most columns of a hospital record say one of a handful of things. As places in a
list (Arrow's dictionary arrays) such a column is cheap to cut by month, seal,
read and write again. What must not happen is that a list carries a value whose
rows are not there: those of a record that was held back, of a person who
objects. `only_used` sees to that, wherever rows were left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

_LOOKED_AT = 65_536
_ROWS_A_VALUE = 16
"""A list is worth having when, among the first rows, each of its values stands in so many or more."""


@dataclass
class ValueLists:
    """Which columns of one landing are listed: decided by its first rows, so that all its pieces are of one type."""

    chosen: frozenset[str] | None = None

    def listed(self, rows: pa.Table) -> pa.Table:
        """The same rows, the chosen text columns as places in a list."""
        if self.chosen is None:
            self.chosen = frozenset(of_few_values(rows))
        return with_lists(rows, self.chosen)


def of_few_values(rows: pa.Table) -> list[str]:
    """The text columns that say few things, by a look at the first rows."""
    first = rows.slice(0, _LOOKED_AT)
    most = first.num_rows // _ROWS_A_VALUE
    texts = [field.name for field in first.schema if pa.types.is_string(field.type)]
    return [name for name in texts if pc.count_distinct(first.column(name), mode="all").as_py() <= most]


def with_lists(rows: pa.Table, names: Collection[str]) -> pa.Table:
    """The same rows, these columns as places in a list."""
    plain = [field.name for field in rows.schema if field.name in names and pa.types.is_string(field.type)]
    return _each(rows, plain, pc.dictionary_encode)


def without_lists(rows: pa.Table, names: Collection[str]) -> pa.Table:
    """The same rows, these columns as plain text."""
    return _each(rows, [name for name in listed_in(rows.schema) if name in names], lambda column: column.cast("string"))


def listed_in(schema: pa.Schema) -> list[str]:
    """The columns that are places in a list."""
    return [field.name for field in schema if is_listed(field)]


def is_listed(field: pa.Field) -> bool:
    """Whether a column is places in a list."""
    return bool(pa.types.is_dictionary(field.type))


def written(schema: pa.Schema, *, codec: str) -> dict[str, Any]:
    """How Arrow's writer is to put such columns into Parquet: lists as lists, which are packed to the bit already.

    To look for few values in the other columns costs more than it saves (measured). Arrow's own schema is left out
    beside lists, so that who does not ask for them reads plain text.
    """
    lists = listed_in(schema)
    return {
        "compression": {name: "none" if name in lists else codec for name in schema.names} if lists else codec,
        "use_dictionary": lists or False,
        "store_schema": not lists,
    }


def only_used(rows: pa.Table) -> pa.Table:
    """The same rows, every list without the values that no row has, and in the order of the alphabet.

    The order in which values were met would tell of the order of the sender's file.
    """
    return _each(rows.unify_dictionaries(), listed_in(rows.schema), _only_used)


def _only_used(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    places, values = array.indices, array.dictionary
    is_used = np.zeros(len(values), dtype=bool)
    is_used[places.drop_null().to_numpy()] = True
    kept = values.filter(pa.array(is_used))
    order = pc.sort_indices(kept)
    moved = np.zeros(len(values), dtype=np.int32)
    moved[np.flatnonzero(is_used)[order.to_numpy()]] = np.arange(len(kept), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(moved).take(places), kept.take(order))


def _each(rows: pa.Table, names: Iterable[str], change: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> pa.Table:
    for name in names:
        rows = rows.set_column(rows.schema.get_field_index(name), name, change(rows.column(name)))
    return rows
