"""Pieces made while others are looked at, so that neither who reads nor who checks nor who seals waits."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_AHEAD: Final = 6
"""Of some ten thousand rows each, as readers hand them over."""


def ahead(pieces: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same pieces in the same order, the next ones made meanwhile; a fault comes where it would have come."""
    with ThreadPoolExecutor(1) as reader:
        waiting = deque(reader.submit(next, pieces, None) for _ in range(_AHEAD))
        while (piece := waiting.popleft().result()) is not None:
            waiting.append(reader.submit(next, pieces, None))
            yield piece
