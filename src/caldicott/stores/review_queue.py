"""The queue of doubtful links in the store: cases and answers, encrypted, written once, never changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.safe_haven.identity.review import Answer, Case, State, chosen, standing
from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.names import unused_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from caldicott.stores.store import Store

CASES: Final = "review-cases"
ANSWERS: Final = "review-answers"
_OWNER: Final = "review"
_SCOPE: Final = "persons/review"
_SCHEMA: Final = pa.schema([("case", pa.string()), ("content", pa.string())])


@dataclass(frozen=True)
class ReviewQueue:
    """Cases and answers of one store."""

    store: Store

    def cases(self) -> dict[str, Case]:
        """Every case, in the order it came."""
        return {case.id: case for case in (_case(content) for content in self._read(CASES))}

    def answers(self) -> tuple[Answer, ...]:
        """Every answer, in the order given."""
        return tuple(Answer(**content) for content in self._read(ANSWERS))

    def answers_by_case(self) -> dict[str, list[Answer]]:
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
            stands = standing(said.get(case.id, ()))
            if stands.state is State.SETTLED:
                number = chosen(case, stands.choice)
                for uid, row in case.rows:
                    found.setdefault(uid, {})[row] = number
        return found

    def write_cases(self, cases: Sequence[Case], *, created: date) -> LiveFile:
        """New cases; live once the caller's transaction says so."""
        return self._write(CASES, [(case.id, asdict(case)) for case in cases], created=created)

    def write_answer(self, answer: Answer, *, created: date) -> LiveFile:
        """One answer; live once the caller's transaction says so."""
        return self._write(ANSWERS, [(answer.case, asdict(answer))], created=created)

    def _write(self, kind: str, contents: Sequence[tuple[str, dict[str, Any]]], *, created: date) -> LiveFile:
        folder = self.store.root / "persons"
        folder.mkdir(mode=0o700, exist_ok=True)
        # The place in the order is part of the name: answers count in the order they were given.
        part = f"{len(self.store.catalogue.files(kind)):09d}.{unused_name()}"
        path = folder / f"{kind}.{part}.parquet"
        key_id = self.store.keys.key_for(_SCOPE, created=created)
        aad = f"{kind}/{part}".encode()
        rows = pa.table(
            [[case for case, _content in contents], [json.dumps(content) for _case, content in contents]],
            schema=_SCHEMA,
        )
        clear.write(path, rows.to_reader(), key=self.store.keys.open(key_id).use(aad.decode()), aad=aad)
        return LiveFile(str(path.relative_to(self.store.root)), kind, _OWNER, part, rows.num_rows, key_id)

    def _read(self, kind: str) -> Iterator[dict[str, Any]]:
        for file in self.store.catalogue.files(kind, _OWNER):
            aad = f"{kind}/{file.part}".encode()
            key = self.store.keys.open(file.key_id).use(aad.decode())
            table = clear.read_table(self.store.root / file.path, key=key, aad=aad)
            yield from (json.loads(content) for content in table.column("content").to_pylist())


def _case(content: dict[str, Any]) -> Case:
    rows = tuple((uid, row) for uid, row in content["rows"])
    return Case(**{**content, "rows": rows, "candidates": tuple(content["candidates"])})
