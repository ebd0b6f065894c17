"""The queue of doubtful links in the store: cases and answers, encrypted, added to and never changed.

Each answer is a file of its own at first. Every so often all of them are written
again as one, in the order given: thousands of small files would cost a reviewer
seconds a case.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.safe_haven.identity.review import Answer, Case, State, chosen, standing
from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.names import unused_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.stores.store import Store

CASES: Final = "review-cases"
ANSWERS: Final = "review-answers"
_OWNER: Final = "review"
_SCOPE: Final = "persons/review"
_SCHEMA: Final = pa.schema([("case", pa.string()), ("content", pa.string())])
FOLDED_AT: Final = 64
"""So many files of answers become one. Ours: what a page reads stays under a hundredth of a second a file."""


@dataclass(frozen=True)
class ReviewQueue:
    """Cases and answers of one store."""

    store: Store
    counted: Callable[[Sequence[Answer]], Sequence[Answer]] = tuple
    """Which of a case's answers count, each under the one name of its person: names are not persons."""

    def cases(self) -> dict[str, Case]:
        """Every case, in the order it came."""
        return {case.id: case for case in (_case(content) for content in self._read(CASES))}

    def answers(self) -> tuple[Answer, ...]:
        """Every answer, in the order given."""
        return tuple(Answer(**content) for content in self._read(ANSWERS))

    def answers_by_case(self) -> dict[str, list[Answer]]:
        """As they were given, under the names they were given by."""
        found: dict[str, list[Answer]] = {}
        for answer in self.answers():
            found.setdefault(answer.case, []).append(answer)
        return found

    def decided(self) -> dict[str, dict[int, int | None]]:
        """For each submission, the rows that were settled: the person's number, or None for nobody."""
        said = self.answers_by_case()
        if not said:
            return {}
        found: dict[str, dict[int, int | None]] = {}
        for case in self.cases().values():
            stands = standing(self.counted(said.get(case.id, ())))
            if stands.state is State.SETTLED:
                number = chosen(case, stands.choice)
                for uid, row in case.rows:
                    found.setdefault(uid, {})[row] = number
        return found

    def write_cases(self, cases: Sequence[Case], *, created: date) -> LiveFile:
        """New cases; live once the caller's transaction says so."""
        return self._write(CASES, [(case.id, asdict(case)) for case in cases], created=created)

    def write_answer(self, answer: Answer, *, created: date) -> LiveFile:
        """One answer, with all before it where they are to become one file; `keep_answer` makes it live."""
        said = [answer]
        if len(self.store.catalogue.files(ANSWERS, _OWNER)) >= FOLDED_AT:
            said = [*self.answers(), answer]
        return self._write(ANSWERS, [(one.case, asdict(one)) for one in said], created=created)

    def keep_answer(self, file: LiveFile) -> None:
        """Inside the caller's transaction: the file is live, and where it holds all answers the earlier ones go."""
        if file.rows > 1:
            self.store.catalogue.retire_files(ANSWERS, _OWNER)
        self.store.catalogue.add_files([file])

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Whoever answers reads what was said and adds to it: nobody else may between the two.

        Pages answer beside a run, so the store's own lock is not theirs to take.
        """
        descriptor = os.open(self._folder(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _folder(self) -> Path:
        folder = self.store.root / "persons"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _write(self, kind: str, contents: Sequence[tuple[str, dict[str, Any]]], *, created: date) -> LiveFile:
        # The place in the order is part of the name: answers count in the order they were given.
        part = f"{self._next_place(kind):09d}.{unused_name()}"
        path = self._folder() / f"{kind}.{part}.parquet"
        key_id = self.store.keys.key_for(_SCOPE, created=created)
        aad = f"{kind}/{part}".encode()
        rows = pa.table(
            [[case for case, _content in contents], [json.dumps(content) for _case, content in contents]],
            schema=_SCHEMA,
        )
        clear.write(path, rows.to_reader(), key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return LiveFile(str(path.relative_to(self.store.root)), kind, _OWNER, part, rows.num_rows, key_id)

    def _next_place(self, kind: str) -> int:
        live = self.store.catalogue.files(kind, _OWNER)
        return int(live[-1].part.partition(".")[0]) + 1 if live else 0

    def _read(self, kind: str) -> Iterator[dict[str, Any]]:
        for file in self.store.catalogue.files(kind, _OWNER):
            aad = f"{kind}/{file.part}".encode()
            key = self.store.keys.open(file.key_id).use(aad.decode())
            table = clear.read_table(self.store.root / file.path, key=key, aad=aad)
            yield from (json.loads(content) for content in table.column("content").to_pylist())


def _case(content: dict[str, Any]) -> Case:
    rows = tuple((uid, row) for uid, row in content["rows"])
    return Case(**{**content, "rows": rows, "candidates": tuple(content["candidates"])})
