"""Writes small files, scores them, reads the answer back."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from caldicott.operations.score import Request, score

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, name: str, columns: str, rows) -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns.split())
        writer.writerows(rows)
    return path


def read(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["person_id"]: row for row in csv.DictReader(stream)}


class Bench:
    """A folder with the files of one question."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given: dict[str, Path] = {}
        self.outcome = None

    def codes(self, *rows, columns: str = "person_id code date") -> Bench:
        width = len(columns.split())
        self.given["codes"] = written(self.folder, "codes.csv", columns, [row[:width] for row in rows])
        return self

    def file(self, role: str, columns: str, *rows) -> Bench:
        self.given[role] = written(self.folder, f"{role}.csv", columns, rows)
        return self

    def ask(self, *names: str, **more):
        if "codes" not in self.given:
            self.codes()
        self.outcome = score(Request(to=self.folder / "out.csv", names=names, **self.given, **more))
        return read(self.folder / "out.csv")
