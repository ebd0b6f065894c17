"""Runs the linkage commands in a folder of the test's own, on invented people."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("id", "nhs_number", "given_name", "family_name", "birth_date", "sex", "postcode")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        return json.loads(self.out)


def command(monkeypatch: Any, capsys: Any, *words: object) -> Answer:
    """`caldicott link …` as its users call it."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.setattr(sys, "argv", ["caldicott", "link", *map(str, words)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        program.main()
    said = capsys.readouterr()
    return Answer(int(ended.value.code or 0), said.out, said.err)


def written(path: Path, rows: list[tuple[Any, ...]], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def pairs(path: Path) -> set[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["left_id"], row["right_id"]) for row in csv.DictReader(file)}
