"""A file that is hashed as it is written, so that nobody has to read it again to know what was written."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer


class HashedFile(io.BufferedWriter):
    """A new file of bytes; `sha256` speaks of all that was handed over."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "x"))
        self._digest = hashlib.sha256()

    def write(self, piece: Buffer, /) -> int:
        """Hash and write; a seek would make the hash untrue, and there is none in Parquet."""
        self._digest.update(piece)
        return super().write(piece)

    def seekable(self) -> bool:
        """Never: what is written stays where it was written."""
        return False

    @property
    def sha256(self) -> str:
        """Of all that was written so far."""
        return self._digest.hexdigest()
