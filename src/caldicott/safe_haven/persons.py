"""The person index: which identities are one person. An internal random id, never derived from a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = pa.schema([("number", pa.int64()), ("person_id", pa.int64())])
LOCAL = pa.schema([("kind", pa.string()), ("value", pa.string()), ("person_id", pa.int64())])


def new_persons(count: int, entropy: Callable[[int], bytes]) -> pa.Array:
    """So many person ids nobody has: 63 random bits each, so an id says nothing of when or who."""
    ids = np.frombuffer(entropy(8 * count), dtype=np.uint64) >> np.uint64(1)
    if len(np.unique(ids)) < count:
        raise ProgramFault(
            "two new persons drew the same id", code="person-id-collision", next_step="run the same command again"
        )
    return pa.array(ids.astype(np.int64))


def numbered(strangers: pa.Table, entropy: Callable[[int], bytes]) -> pa.Table:
    """The identities with a new person each, in the order they came."""
    return strangers.append_column("person_id", new_persons(strangers.num_rows, entropy))
