"""A copy of the example register that a test may break, and what the check then says."""

from __future__ import annotations

import importlib
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from caldicott import bootstrap
from caldicott.register import kept, parse
from caldicott.register.check import check_folder

EXAMPLE = Path(__file__).parents[3] / "registers" / "example-icb"
AT = date(2026, 11, 22)


@dataclass(frozen=True)
class Copy:
    """A register folder and a folder of published versions beside it."""

    folder: Path
    published: Path

    def change(self, file, old, new, *, after=""):
        """Replace the first `old` (after some other text, if given) and return the line on which it stands."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        start = text.index(old, text.index(after))
        path.write_text(text[:start] + new + text[start + len(old) :], encoding="utf-8")
        return text[:start].count("\n") + 1

    def add(self, file, text):
        """Add to the end of a file, and return the line on which it begins."""
        path = self.folder / file
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        path.write_text(before + text, encoding="utf-8")
        return before.count("\n") + 1

    def publish(self, version):
        """Keep the register as it is now as that version, as `publish` does."""
        folder = self.published / "versions" / version
        folder.mkdir(parents=True)
        (folder / "register.json").write_bytes(kept.as_json(parse.load(self.folder)))

    def faults(self, *, at=AT):
        """Everything the check says."""
        _, faults = check_folder(self.folder, at=at, published=kept.read_versions(self.published))
        return faults

    def told(self, code, *, at=AT):
        """What the check says under that code: place below the folder, severity, words and next step."""
        return [
            (f"{Path(fault.file).relative_to(self.folder).as_posix()}:{fault.line}", fault.severity, str(fault))
            for fault in self.faults(at=at)
            if fault.code == code
        ]


@pytest.fixture
def register_copy(tmp_path):
    """The example register, to be changed."""
    folder = tmp_path / "register"
    shutil.copytree(EXAMPLE, folder)
    return Copy(folder, tmp_path / "published")


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys, home):
    """Runs `caldicott ...` by the program's own entry point, on the day of these tests."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.setattr(bootstrap, "today", lambda: AT)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main()
        said = capsys.readouterr()
        return Answer(ended.value.code or 0, said.out, said.err)

    return run
