"""The controlled environment for finance in the store: a place of its own, keys of its own, members of its own.

Landing copies lie below `ceff/`, each submission under a key of its own scope, so
that destroying the key purges that submission and nothing else. Decisions and
postings name nobody and have keys of their own. Nothing here is read by the rest
of the house: its files are of kinds that nothing else asks for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.landing_zone import LandingZone, ZoneKeys, clear_aad, quarantine_aad, repeats_aad
from caldicott.stores.names import unused_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from caldicott.stores.catalogue import SubmissionRecord
    from caldicott.stores.key_records import Certificate
    from caldicott.stores.store import Store

PLACE: Final = "ceff"
ACTIVITY: Final = "invoice-validation"
LANDING: Final = ("ceff-clear", "ceff-quarantine", "ceff-repeats")
DECISIONS, POSTINGS, EVIDENCE, LETTERS = "ceff-decisions", "ceff-postings", "ceff-evidence", "ceff-letters"
_MEMBERS: Final = "ceff_members"
_MARK_SCOPE: Final = "ceff/activity-marks"


@dataclass(frozen=True)
class Ceff:
    """The zone, over an opened store."""

    store: Store

    def members(self) -> tuple[str, ...]:
        """Who may work in the zone."""
        return tuple(json.loads(self.store.catalogue.setting(_MEMBERS) or "[]"))

    def keep_members(self, members: Sequence[str]) -> None:
        """Inside the caller's transaction."""
        self.store.catalogue.set_setting(_MEMBERS, json.dumps(sorted({*members})))

    def submissions(self, dataset: str = "") -> tuple[SubmissionRecord, ...]:
        """What landed here, oldest extract first; the other submissions of the store are not named."""
        landed = (one for one in self.store.catalogue.submissions() if one.purposes == (ACTIVITY,))
        return tuple(one for one in landed if not dataset or one.dataset == dataset)

    def keys(self, dataset: str, uid: str, *, today: date) -> ZoneKeys:
        """New keys of one submission."""
        ring = self.store.keys
        clear_id = ring.key_for(f"ceff/clear/{dataset}/{uid}", created=today)
        held_id = ring.key_for(f"ceff/quarantine/{dataset}/{uid}", created=today)
        return ZoneKeys(clear_id, ring.open(clear_id), held_id, ring.open(held_id))

    def landing(self, uid: str, keys: ZoneKeys) -> LandingZone:
        """Where a submission is written."""
        return LandingZone(self.store.root / PLACE, submission=uid, keys=keys)

    def placed(self, files: Sequence[LiveFile]) -> list[LiveFile]:
        """The files of a landing under their names in the whole store, of kinds nothing else asks for."""
        return [replace(file, path=f"{PLACE}/{file.path}", kind=f"{PLACE}-{file.kind}") for file in files]

    def rows(self, uid: str, wanted: Sequence[str]) -> Iterator[tuple[LiveFile, pa.RecordBatchReader]]:
        """The admitted rows of one submission, a reader a file, with those of the wanted columns that it has."""
        for file in self.store.catalogue.files("ceff-clear", uid):
            yield file, self._open(file, clear_aad(uid, file.part), wanted)

    def held(self, uid: str) -> pa.Table:
        """The rows held back at the door, with reason and raw text."""
        tables = [
            self._open(file, quarantine_aad(uid), ("file_row", "fault", "raw")).read_all()
            for file in self.store.catalogue.files("ceff-quarantine", uid)
        ]
        schema = pa.schema([("file_row", pa.int64()), ("fault", pa.string()), ("raw", pa.string())])
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def repeats(self, uid: str) -> frozenset[int]:
        """Rows to pass over because the submission has them twice."""
        found: set[int] = set()
        for file in self.store.catalogue.files("ceff-repeats", uid):
            found.update(self._open(file, repeats_aad(uid), ("file_row",)).read_all().column("file_row").to_pylist())
        return frozenset(found)

    def acts(self) -> int:
        """How many acts have decided or posted something."""
        numbers = [
            int(file.part) for kind in (DECISIONS, POSTINGS, LETTERS) for file in self.store.catalogue.files(kind)
        ]
        return max(numbers, default=0)

    def write(self, kind: str, rows: pa.RecordBatchReader, *, act: int, today: date) -> LiveFile:
        """Decisions or postings of one act; live once the caller's transaction says so."""
        name = unused_name()
        folder = self.store.root / PLACE / kind.removeprefix(f"{PLACE}-")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_id = self.store.keys.key_for(f"ceff/{kind}", created=today)
        aad = f"{kind}/{name}".encode()
        path = folder / f"{name}.parquet"
        count = clear.write(path, rows, key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return LiveFile(str(path.relative_to(self.store.root)), kind, name, f"{act:06d}", count, key_id)

    def written(self, kind: str, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """What every act decided or posted, oldest first."""
        for file in sorted(self.store.catalogue.files(kind), key=lambda one: one.part):
            yield int(file.part), self.read_file(file, columns)

    def read_file(self, file: LiveFile, columns: Sequence[str]) -> pa.Table:
        """The rows of one file of decisions or postings."""
        return self._open(file, f"{file.kind}/{file.owner}".encode(), columns).read_all()

    def write_evidence(self, rows: pa.RecordBatchReader, paths: Sequence[str], *, act: int, today: date) -> LiveFile:
        """Where the records lie that speak of the act's lines; the names of those files go with it, sealed too."""
        named = rows.schema.with_metadata({b"files": json.dumps(list(paths)).encode()})
        return self.write(EVIDENCE, pa.RecordBatchReader.from_batches(named, rows), act=act, today=today)

    def mark_secret(self, *, today: date) -> str:
        """What activity marks are made with, so that a mark alone can be traced back by nobody."""
        return self.store.key(_MARK_SCOPE, created=today).use("activity-mark").hex()

    def retire(self, uid: str) -> None:
        """The submission's landing copy stops being live; inside the caller's transaction."""
        for kind in LANDING:
            self.store.catalogue.retire_files(kind, uid)

    def key_ids(self, uid: str) -> tuple[str, ...]:
        """The keys under which the submission's landing copy lies."""
        files = [file for kind in LANDING for file in self.store.catalogue.files(kind, uid)]
        return tuple(sorted({file.key_id for file in files}))

    def destroy(self, key_ids: Sequence[str], *, at: date, reason: str) -> list[Certificate]:
        """The keys are gone for good; a certificate each."""
        return [self.store.keys.destroy(key_id, at=at, reason=reason) for key_id in key_ids]

    def sweep(self) -> None:
        """Remove what no act made live, or what one retired."""
        live = self.store.catalogue.live_paths()
        for path in [*(self.store.root / PLACE).rglob("*.parquet")]:
            if str(path.relative_to(self.store.root)) not in live:
                path.unlink()

    def _open(self, file: LiveFile, aad: bytes, wanted: Sequence[str]) -> pa.RecordBatchReader:
        key = self.store.keys.open(file.key_id).use(aad.decode())
        return clear.read(self.store.root / file.path, key=key, aad=aad, wanted=wanted)
