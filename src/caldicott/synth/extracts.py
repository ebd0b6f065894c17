"""Submission folders: the file, its count and hash, the manifest; and what is wrong with which row of it."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from caldicott.synth import faults
from caldicott.synth.arrays import NO_DAY, iso
from caldicott.synth.texts import IMPOSSIBLE_DAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.facts.layout import Layout
    from caldicott.synth.arrays import Ints, Texts
    from caldicott.synth.rows import Rows
    from caldicott.synth.sources import Source

WRONG_COLUMNS = ("submission", "file", "row", "record_key", "person", "fault", "expected")
LINK_COLUMNS = ("submission", "file", "row", "record_key", "person")


@dataclass
class DataFile:
    """One file as it grows: bytes go to disk and into the hash at once."""

    path: Path
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("xb")

    def write(self, content: bytes, *, rows: int) -> None:
        self._stream.write(content)
        self.digest.update(content)
        self.rows += rows

    def close(self) -> None:
        self._stream.close()


@dataclass
class Submission:
    """One sender's folder. `write` takes its slice of a chunk; `close` writes the manifest."""

    id: str
    source: Source
    layout: Layout
    sender: str
    file: DataFile
    first_day: int
    last_day: int
    practices: tuple[str, ...] = ()
    """Of objection codes: the practices it holds all codes of."""

    def write(self, table: Texts) -> int:
        """Append the rows; says how many data rows were in the file before."""
        before = self.file.rows
        if before == 0:
            self.file.write(_header(table.column_names), rows=0)
        sink = pa.BufferOutputStream()
        arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=False, batch_size=65_536))
        self.file.write(sink.getvalue(), rows=table.num_rows)
        return before

    def close(self) -> None:
        self.file.close()
        text = _manifest(self)
        self.file.path.with_name("manifest.toml").write_text(text, encoding="utf-8", newline="\n")


def _header(names: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def _manifest(submission: Submission) -> str:
    source, file = submission.source, submission.file
    purposes = ", ".join(f'"{purpose}"' for purpose in source.purposes)
    listed = ", ".join(f'"{code}"' for code in submission.practices)
    practices = f"practices = [{listed}]\n" if listed else ""
    return f"""[submission]
id = "{submission.id}"
dataset = "{source.dataset}"
layout = "{source.layout}"
sender = "{submission.sender}"
purposes = [{purposes}]
agreement = "{source.agreement}"
format = "identifiable"
period_from = {iso(submission.first_day)}
period_to = {iso(submission.last_day)}
update = "bulk-replacement"
extracted = 2026-05-01T06:00:00
objections_applied = []
{practices}
[[files]]
path = "{file.path.name}"
rows = {file.rows}
sha256 = "{file.digest.hexdigest()}"
"""


def slices(rows: Rows, senders: int) -> list[tuple[int, int]]:
    """Where each sender's rows begin and end; the rows are in order of sender."""
    bounds = np.searchsorted(rows.sender, np.arange(senders + 1))
    return list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))


def write_slice(submission: Submission, rows: Rows, low: int, high: int) -> dict[str, list[Texts]]:
    """Write one sender's rows with the copies some of them have; tables of what is wrong and who is who."""
    place = np.arange(low, high)
    table = rows.table.slice(low, high - low)
    copied = np.flatnonzero(rows.fault[low:high] == faults.code("duplicate"))
    if len(copied):
        table = pa.concat_tables([table, table.take(pa.array(copied))]).combine_chunks()
    before = submission.write(table)
    key = table.column(submission.layout.record_key[0]).combine_chunks().cast(pa.string())
    truth = _Truth(submission, rows, before, key)
    wrong = [truth.wrong(fault, place[is_so] - low, place[is_so]) for fault, is_so in _wrong(rows, low, high)]
    wrong.append(truth.wrong("duplicate", np.arange(high - low, table.num_rows), place[copied]))
    is_not_plain = np.flatnonzero(rows.is_not_plain[low:high]) if rows.is_not_plain is not None else copied[:0]
    links = truth.linked(is_not_plain, place[is_not_plain])
    withheld = np.flatnonzero(rows.fault[low:high] == faults.code("identity_withheld"))
    return {"wrong_rows": wrong, "links": [links], "withheld_rows": [truth.linked(withheld, place[withheld])]}


def _wrong(rows: Rows, low: int, high: int) -> list[tuple[str, Any]]:
    drawn = [(name, rows.fault[low:high] == faults.code(name)) for name in faults.names() if name != "duplicate"]
    return drawn + [(name, is_so[low:high]) for name, is_so in rows.natural.items()]


@dataclass(frozen=True)
class _Truth:
    """Names rows of one slice: their number in the file from 1, their key, their person."""

    submission: Submission
    rows: Rows
    before: int
    key: Texts

    def linked(self, in_slice: Ints, in_chunk: Ints) -> Texts:
        count = len(in_slice)
        columns = [
            _same(self.submission.id, count),
            _same(self.submission.file.path.name, count),
            pa.array(self.before + in_slice + 1),
            self.key.take(pa.array(in_slice)),
            person_ids(self.rows.person[in_chunk]),
        ]
        return pa.table(columns, names=list(LINK_COLUMNS))

    def wrong(self, fault: str, in_slice: Ints, in_chunk: Ints) -> Texts:
        count = len(in_slice)
        table = self.linked(in_slice, in_chunk)
        table = table.append_column("fault", _same(fault, count))
        return table.append_column("expected", _same(faults.expected()[fault], count))


def _same(value: str, count: int) -> Texts:
    return pa.array([value], pa.string()).take(pa.array(np.zeros(count, np.int64)))


def person_ids(person: Ints) -> Texts:
    """`P` and eight digits; the name of a person in the truth files only."""
    return pc.binary_join_element_wise("P", pc.utf8_lpad(pa.array(person).cast(pa.string()), 8, "0"), "")


def truth_file(folder: Path, name: str, columns: tuple[str, ...]) -> Callable[[Texts], None]:
    """A CSV file in the truth folder that tables are appended to."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_bytes(_header(list(columns)))

    def append(table: Texts) -> None:
        with path.open("ab") as stream:
            arrow_csv.write_csv(table, stream, arrow_csv.WriteOptions(include_header=False))

    return append


def iso_days(days: Ints) -> Texts:
    """Days as ISO text; null for none."""
    missing = (days == NO_DAY) | (days == IMPOSSIBLE_DAY)
    return pa.array(np.where(missing, 0, days).astype(np.int32), mask=missing).cast(pa.date32()).cast(pa.string())
