"""Where a landing writes: encrypted files by month, the quarantine, and the rows to pass over.

Written once under the submission's own new folder; live only when the
catalogue says so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from caldicott.stores.catalogue import LiveFile
from caldicott.stores.clear import EncryptedWriter, write

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa

    from caldicott.stores.key_records import DataKey

# Small row groups: three years of months are open at once, each holding back less than one group.
_ROWS_WAITING = 32_768
_WRITERS = 2
_CLOSERS = 8


def clear_aad(submission: str, part: str) -> bytes:
    """What binds a clear file to its place: another submission's file does not open there."""
    return f"clear/{submission}/{part}".encode()


def quarantine_aad(submission: str) -> bytes:
    """What binds a quarantine file to its submission."""
    return f"quarantine/{submission}".encode()


def repeats_aad(submission: str) -> bytes:
    """What binds the list of repeated records to its submission."""
    return f"repeats/{submission}".encode()


@dataclass(frozen=True)
class ZoneKeys:
    """The data keys of one landing: clear rows and the quarantine never share one."""

    clear_id: str
    clear: DataKey
    quarantine_id: str
    quarantine: DataKey


class LandingZone:
    """The sink of one landing."""

    def __init__(self, root: Path, *, submission: str, keys: ZoneKeys) -> None:
        self._root = root
        self._submission = submission
        self._keys = keys
        self._parts: dict[str, EncryptedWriter] = {}
        self._held: EncryptedWriter | None = None
        self._pool = ThreadPoolExecutor(_WRITERS)
        self.files: list[LiveFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        writers = [*self._parts.values(), *([self._held] if self._held else [])]
        with self._pool, ThreadPoolExecutor(_CLOSERS) as closers:
            # Waiting for the disk is most of a small landing: the files are closed and synced side by side.
            ended = [closers.submit(writer.__exit__, kind, fault, trace) for writer in writers]
        for one in ended:
            one.result()
        if kind is None:
            self.files += [self._live("clear", part, writer) for part, writer in self._parts.items()]
            self.files += [self._live("quarantine", "", self._held)] if self._held else []

    def admit(self, parts: dict[str, pa.Table]) -> None:
        """Rows by part. Parts are written side by side: compressing and sealing is what landing waits for."""
        writers = [(self._part(part, rows.schema), rows) for part, rows in parts.items()]
        list(self._pool.map(lambda pair: pair[0].write(pair[1]), writers))

    def hold(self, rows: pa.Table) -> None:
        """Rows held back, with their reason and their raw text."""
        if self._held is None:
            self._held = self._open("quarantine", "held", rows.schema)
        self._held.write(rows)

    def pass_over(self, repeats: pa.Table) -> None:
        """Rows of `clear` that are second copies: quarantined by a list, the file itself is never rewritten."""
        path = self._path("repeats", "repeats")
        aad = repeats_aad(self._submission)
        rows = write(path, repeats.to_reader(), key=self._keys.quarantine.use(aad.decode()), aad=aad)
        relative = str(path.relative_to(self._root))
        self.files.append(LiveFile(relative, "repeats", self._submission, "", rows, self._keys.quarantine_id))

    def _part(self, part: str, schema: pa.Schema) -> EncryptedWriter:
        if part not in self._parts:
            self._parts[part] = self._open("clear", part, schema)
        return self._parts[part]

    def _open(self, zone: str, part: str, schema: pa.Schema) -> EncryptedWriter:
        is_clear = zone == "clear"
        aad = clear_aad(self._submission, part) if is_clear else quarantine_aad(self._submission)
        key = (self._keys.clear if is_clear else self._keys.quarantine).use(aad.decode())
        return EncryptedWriter(self._path(zone, part), schema, key=key, aad=aad, row_group_size=_ROWS_WAITING)

    def _path(self, zone: str, part: str) -> Path:
        folder = self._root / zone / self._submission
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / f"{part}.parquet"

    def _live(self, kind: str, part: str, writer: EncryptedWriter) -> LiveFile:
        key_id = self._keys.clear_id if kind == "clear" else self._keys.quarantine_id
        path = str(writer.path.relative_to(self._root))
        return LiveFile(path, kind, self._submission, part, writer.rows, key_id)
