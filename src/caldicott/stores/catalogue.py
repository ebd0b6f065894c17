"""The catalogue: which submissions, runs and files are live. The single point where an act becomes true.

SQLite in WAL mode with full syncs. It holds ids, counts and paths, never a
row value. An act's files are written and synced first; one transaction here
makes them live and puts the act's audit entry into the outbox.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from caldicott.stores.key_files import sync
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS submission (
  uid TEXT PRIMARY KEY, sender TEXT NOT NULL, id TEXT NOT NULL, dataset TEXT NOT NULL, layout TEXT NOT NULL,
  purposes TEXT NOT NULL, agreement TEXT NOT NULL, format TEXT NOT NULL,
  period_from TEXT NOT NULL, period_to TEXT NOT NULL, update_kind TEXT NOT NULL,
  extracted TEXT NOT NULL, received TEXT NOT NULL, content_sha256 TEXT NOT NULL, key_id TEXT NOT NULL,
  rows INTEGER NOT NULL, quarantined INTEGER NOT NULL, counts TEXT NOT NULL,
  UNIQUE (sender, id)
);
CREATE TABLE IF NOT EXISTS live_file (
  path TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, part TEXT NOT NULL,
  rows INTEGER NOT NULL, key_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS file_digest (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS live_file_owner ON live_file (kind, owner);
CREATE TABLE IF NOT EXISTS destroyed_key (
  key_id TEXT PRIMARY KEY, scope TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS run (
  id TEXT PRIMARY KEY, activity TEXT NOT NULL, at TEXT NOT NULL, register_digest TEXT NOT NULL, counts TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outcome (
  submission TEXT NOT NULL REFERENCES submission (uid), activity TEXT NOT NULL,
  excluded_by TEXT NOT NULL, superseded INTEGER NOT NULL, released INTEGER NOT NULL,
  PRIMARY KEY (submission, activity)
);
CREATE TABLE IF NOT EXISTS outbox (act_id TEXT PRIMARY KEY, entry BLOB NOT NULL);
"""

_FILES = "SELECT live_file.*, coalesce(sha256, '') FROM live_file LEFT JOIN file_digest USING (path)"


@dataclass(frozen=True)
class LiveFile:
    """A file that is part of the store: its path below the store, what it is, whose, which part."""

    path: str
    kind: str
    owner: str
    part: str
    rows: int
    key_id: str = ""
    sha256: str = ""
    """Of a file that lies open; an encrypted one says by itself that it was changed."""


@dataclass(frozen=True)
class SubmissionRecord:
    """What the catalogue knows of a landed submission."""

    uid: str
    sender: str
    id: str
    dataset: str
    layout: str
    purposes: tuple[str, ...]
    agreement: str
    format: str
    period_from: str
    period_to: str
    update_kind: str
    extracted: str
    received: str
    content_sha256: str
    key_id: str
    rows: int
    quarantined: int
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class DestroyedKey:
    """A data key that was ended by `keys destroy`: what for, when, by whom and why."""

    key_id: str
    scope: str
    at: str
    actor: str
    role: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What one activity's latest run made of one submission's admitted rows."""

    submission: str
    activity: str
    excluded_by: dict[str, int]
    superseded: int
    released: int


class Catalogue:
    """The store's own record of itself."""

    def __init__(self, path: Path) -> None:
        self._root = path.parent
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as fault:
            raise ProgramFault(
                f"the catalogue cannot be opened ({type(fault).__name__})",
                code="catalogue-unreadable",
                where=path.name,
                next_step="check the disk and the folder's permissions; the store is as it was",
            ) from None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or none of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def add_submission(self, record: SubmissionRecord) -> None:
        values = {**record.__dict__, "purposes": json.dumps(record.purposes), "counts": json.dumps(record.counts)}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self._db.execute(f"INSERT INTO submission ({names}) VALUES ({marks})", values)

    def submissions(self) -> tuple[SubmissionRecord, ...]:
        """Every landed submission that can still be read, oldest extract first."""
        gone = self.destroyed_keys()
        return tuple(one for one in self.every_submission() if one.key_id not in gone)

    def every_submission(self) -> tuple[SubmissionRecord, ...]:
        """The same, with those whose key was destroyed."""
        cursor = self._db.execute("SELECT * FROM submission ORDER BY extracted, sender, id")
        names = [column[0] for column in cursor.description]
        return tuple(_submission(dict(zip(names, row, strict=True))) for row in cursor)

    def submission(self, sender: str, submission_id: str) -> SubmissionRecord | None:
        """The submission the sender calls so, whether or not it can still be read."""
        return next((r for r in self.every_submission() if (r.sender, r.id) == (sender, submission_id)), None)

    def destroyed_keys(self) -> dict[str, DestroyedKey]:
        """The keys that were ended here, by id, in the order they were."""
        cursor = self._db.execute("SELECT key_id, scope, at, actor, role, reason FROM destroyed_key ORDER BY rowid")
        return {row[0]: DestroyedKey(*row) for row in cursor}

    def destroy_keys(self, keys: list[DestroyedKey]) -> None:
        """What lies under them is no longer live; the sweep removes it."""
        for key in keys:
            self._db.execute(
                "INSERT INTO destroyed_key VALUES (:key_id, :scope, :at, :actor, :role, :reason)", key.__dict__
            )
            self._db.execute("DELETE FROM live_file WHERE key_id = ?", (key.key_id,))

    def files_under(self, key_id: str) -> tuple[LiveFile, ...]:
        """Live files that this key opens."""
        cursor = self._db.execute(f"{_FILES} WHERE key_id = ? ORDER BY kind, owner, part, path", (key_id,))
        return tuple(LiveFile(*row) for row in cursor)

    def add_files(self, files: list[LiveFile]) -> None:
        """They become live with the transaction; their names and their folders' names last from before it."""
        self._sync_folders(files)
        self._db.executemany(
            "INSERT INTO live_file VALUES (:path, :kind, :owner, :part, :rows, :key_id)",
            [file.__dict__ for file in files],
        )
        self._db.executemany(
            "INSERT INTO file_digest VALUES (:path, :sha256)", [file.__dict__ for file in files if file.sha256]
        )

    def _sync_folders(self, files: list[LiveFile]) -> None:
        # A file's own sync does not promise its name, nor the names of new folders above it.
        folders = {self._root / above for file in files for above in PurePosixPath(file.path).parents}
        for folder in sorted(folders, reverse=True):
            sync(folder)

    def retire_files(self, kind: str, owner: str) -> None:
        """They stop being live; the sweep removes them from the disk."""
        chosen = "kind = ? AND owner = ?"
        self._db.execute(
            f"DELETE FROM file_digest WHERE path IN (SELECT path FROM live_file WHERE {chosen})", (kind, owner)
        )
        self._db.execute(f"DELETE FROM live_file WHERE {chosen}", (kind, owner))

    def retire_all_of(self, submission: str) -> None:
        """Every file of a submission stops being live, whatever key it lies under."""
        self._db.execute("DELETE FROM live_file WHERE owner = ?", (submission,))

    def files(self, kind: str, owner: str | None = None) -> tuple[LiveFile, ...]:
        """Live files of a kind, in order of part and path."""
        cursor = self._db.execute(
            f"{_FILES} WHERE kind = ? AND (? IS NULL OR owner = ?) ORDER BY owner, part, path", (kind, owner, owner)
        )
        return tuple(LiveFile(*row) for row in cursor)

    def files_below(self, folder: str) -> tuple[LiveFile, ...]:
        """Live files of every kind whose path begins so, in order of owner, kind and part."""
        cursor = self._db.execute(
            f"{_FILES} WHERE substr(path, 1, ?) = ? ORDER BY owner, kind, part, path", (len(folder), folder)
        )
        return tuple(LiveFile(*row) for row in cursor)

    def live_paths(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._db.execute("SELECT path FROM live_file"))

    def key_ids(self) -> tuple[str, ...]:
        """The data key of each live file that is encrypted."""
        return tuple(row[0] for row in self._db.execute("SELECT key_id FROM live_file WHERE key_id <> ''"))

    def record_run(self, run_id: str, *, activity: str, at: str, digest: str, counts: dict[str, Any]) -> None:
        self._db.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?)", (run_id, activity, at, digest, json.dumps(counts)))

    def latest_runs(self) -> dict[str, dict[str, Any]]:
        """The latest run of each activity: id, day and counts."""
        cursor = self._db.execute("SELECT activity, id, at, register_digest, counts FROM run ORDER BY rowid")
        return {
            activity: {"id": run_id, "at": at, "register_digest": digest, "counts": json.loads(counts)}
            for activity, run_id, at, digest, counts in cursor
        }

    def record_outcomes(self, activity: str, outcomes: list[Outcome]) -> None:
        """Replaces what the activity's earlier run said."""
        self._db.execute("DELETE FROM outcome WHERE activity = ?", (activity,))
        self._db.executemany(
            "INSERT INTO outcome VALUES (?, ?, ?, ?, ?)",
            [(o.submission, o.activity, json.dumps(o.excluded_by), o.superseded, o.released) for o in outcomes],
        )

    def outcomes(self) -> tuple[Outcome, ...]:
        cursor = self._db.execute("SELECT submission, activity, excluded_by, superseded, released FROM outcome")
        return tuple(Outcome(s, a, json.loads(e), n, r) for s, a, e, n, r in cursor)

    def put_outbox(self, act_id: str, entry: bytes) -> None:
        self._db.execute("INSERT INTO outbox VALUES (?, ?)", (act_id, entry))

    def outbox(self) -> tuple[tuple[str, bytes], ...]:
        return tuple((row[0], row[1]) for row in self._db.execute("SELECT act_id, entry FROM outbox ORDER BY rowid"))

    def clear_outbox(self, act_ids: list[str]) -> None:
        self._db.executemany("DELETE FROM outbox WHERE act_id = ?", [(act_id,) for act_id in act_ids])


def _submission(values: dict[str, Any]) -> SubmissionRecord:
    purposes, counts = tuple(json.loads(values["purposes"])), json.loads(values["counts"])
    return SubmissionRecord(**{**values, "purposes": purposes, "counts": counts})
