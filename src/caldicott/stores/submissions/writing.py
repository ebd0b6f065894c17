"""Writes the manifest for a folder of files, so that a sender need not count and hash by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.stores.submissions.faults import Unreadable
from caldicott.stores.submissions.manifest import MANIFEST, parse, sha256_of
from caldicott.stores.submissions.mesh import read_answer
from caldicott.stores.submissions.resources import READERS, read
from caldicott.stores.submissions.tables import count_rows
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from caldicott.facts.layout import Layout
    from caldicott.stores.submissions.manifest import Manifest
    from caldicott.vocabulary.formats import DataFormat
    from caldicott.vocabulary.terms import Objection

OPT_OUT_READER: Final = "ndop-dat"


@dataclass(frozen=True)
class Heading:
    """What only the sender knows about a submission."""

    id: str
    sender: str
    purposes: tuple[str, ...]
    agreement: str
    format: DataFormat
    period_from: date
    period_to: date
    update: str
    extracted: datetime
    objections_applied: tuple[Objection, ...] = ()
    practices: tuple[str, ...] = ()


def write_manifest(folder: Path, heading: Heading, *, layout: Layout, files: list[Path] | None = None) -> Manifest:
    """Write `manifest.toml` for the folder's files (all of them, or those named) and read it back.

    Raises:
        DoesNotHold: a file cannot be read whole, or the heading is not sound.
        WrongUsage: there is a manifest already, or there are no files.
    """
    target = folder / MANIFEST
    chosen = sorted(files) if files is not None else _all_files(folder)
    if target.exists() or not chosen:
        raise WrongUsage(
            "the folder has a manifest already" if target.exists() else "the folder has no files",
            code="manifest-exists" if target.exists() else "folder_empty",
            where=str(folder),
            next_step="write a manifest for a folder with files and without a manifest",
        )
    written = _heading(heading, layout) + "".join(_file(path, folder, layout) for path in chosen)
    with target.open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(written)
    return _read_back(folder, target)


def _read_back(folder: Path, target: Path) -> Manifest:
    try:
        return parse(folder)
    except DoesNotHold:
        target.unlink()  # ours, a moment old, and wrong
        raise


def _all_files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in found if path.name != MANIFEST and not path.name.startswith("."))


def rows_of(path: Path, layout: Layout) -> int:
    """How many data rows (resources, numbers) the file has by the layout's reader."""
    try:
        if layout.reader in READERS:
            return _resources(path, layout)
        return read_answer(path).lines if layout.reader == OPT_OUT_READER else count_rows(path, layout)
    except Unreadable as unreadable:
        raise _cannot_count(path, unreadable.reason.value) from None


def _resources(path: Path, layout: Layout) -> int:
    result = read(path, layout)
    for _batch in result.batches:
        pass
    whole_file = [fault for fault in result.faults if fault.place == "file" and fault.rows == 0]
    if whole_file:
        raise _cannot_count(path, whole_file[0].reason.value)
    return result.rows + result.fault_rows


def _cannot_count(path: Path, reason: str) -> DoesNotHold:
    return DoesNotHold(
        f"a file cannot be counted: {reason}",
        code="file-unreadable",
        where=str(path),
        next_step="correct or leave out the file, then write the manifest again",
    )


def _heading(heading: Heading, layout: Layout) -> str:
    return "\n".join(
        [
            "[submission]",
            f"id = {_quoted(heading.id)}",
            f"dataset = {_quoted(layout.dataset)}",
            f"layout = {_quoted(layout.id)}",
            f"sender = {_quoted(heading.sender)}",
            f"purposes = [{', '.join(map(_quoted, heading.purposes))}]",
            f"agreement = {_quoted(heading.agreement)}",
            f"format = {_quoted(heading.format.value)}",
            f"period_from = {heading.period_from.isoformat()}",
            f"period_to = {heading.period_to.isoformat()}",
            f"update = {_quoted(heading.update)}",
            f"extracted = {heading.extracted.isoformat()}",
            f"objections_applied = [{', '.join(_quoted(scheme.value) for scheme in heading.objections_applied)}]",
            *([f"practices = [{', '.join(map(_quoted, heading.practices))}]"] if heading.practices else []),
            "",
        ]
    )


def _file(path: Path, folder: Path, layout: Layout) -> str:
    name = path.relative_to(folder).as_posix()
    rows, digest = rows_of(path, layout), sha256_of(path)
    return f"\n[[files]]\npath = {_quoted(name)}\nrows = {rows}\nsha256 = {_quoted(digest)}\n"


def _quoted(written: str) -> str:
    """A TOML basic string."""
    safe = "".join(f"\\u{ord(char):04X}" if ord(char) < 32 or char in '"\\\x7f' else char for char in written)  # noqa: PLR2004
    return f'"{safe}"'
