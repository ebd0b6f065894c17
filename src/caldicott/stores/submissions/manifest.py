"""The manifest of a submission: what the sender says it is. No manifest, no landing.

Strict, because the manifest is what the decision to admit is made on: an unknown
key, a missing one or a wrong type refuses the submission whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Callable

MANIFEST: Final = "manifest.toml"
UPDATES: Final = ("bulk-replacement", "net-change")
_MANIFEST_BYTES: Final = 1 << 20
_FILES_MOST: Final = 10_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", flags=re.ASCII)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}", flags=re.ASCII)
_ODS: Final = re.compile(r"[A-Z0-9]{2,6}", flags=re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", flags=re.ASCII)
_PATH_BYTES: Final = 255  # no file system takes a longer name
_HASH_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class ManifestFile:
    """One file of the submission: where, how many data rows, what digest."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a sender says about a submission."""

    id: str
    dataset: str
    layout: str
    sender: str
    purposes: tuple[str, ...]
    agreement: str
    format: DataFormat
    period_from: date
    period_to: date
    update: str
    extracted: datetime
    """In UTC where the sender wrote a zone; as written where not. Resubmissions are ordered by it."""
    objections_applied: tuple[Objection, ...]
    practices: tuple[str, ...]
    """Of an extract of objection codes: the practices it holds all codes of, also those of which there is none."""
    files: tuple[ManifestFile, ...]

    @property
    def rows(self) -> int:
        """Data rows of all files together."""
        return sum(file.rows for file in self.files)

    @property
    def digest(self) -> str:
        """Says whether two submissions have the same content: over the declared rows and digests."""
        content = "".join(f"{file.path}\0{file.rows}\0{file.sha256}\n" for file in self.files)
        return hashlib.sha256(content.encode()).hexdigest()


def find(folder: Path) -> list[Path]:
    """Every submission folder under `folder`, itself included, in order; symbolic links are not followed."""
    if not folder.is_dir():
        raise WrongUsage(
            "there is no such folder to land from",
            code="folder-missing",
            where=str(folder),
            next_step="name a folder that holds submissions, each with its manifest.toml",
        )
    found = [Path(place) for place, _folders, names in os.walk(folder, followlinks=False) if MANIFEST in names]
    return sorted(place for place in found if stat.S_ISREG((place / MANIFEST).lstat().st_mode))


def parse(folder: Path) -> Manifest:
    """The manifest of that submission folder.

    Raises:
        DoesNotHold: it is not a manifest in every part; each fault with its line.
    """
    path = folder / MANIFEST
    written = _read(path)
    return _Parsing(written, path).manifest(_toml(written, path))


def verify_files(manifest: Manifest, folder: Path) -> None:
    """See that every file is there, is itself, and is what the sender hashed.

    Raises:
        DoesNotHold: one is not; the submission is refused whole.
    """
    _verify(manifest, folder, _file_fault)


def verify_places(manifest: Manifest, folder: Path) -> None:
    """The quick half of `verify_files`: every file is there, inside the folder, and a regular file."""
    _verify(manifest, folder, _place_fault)


def _verify(manifest: Manifest, folder: Path, fault_of: Callable[[Path, ManifestFile], str]) -> None:
    for number, file in enumerate(manifest.files, start=1):
        if fault := fault_of(folder, file):
            raise DoesNotHold(
                f"file {number} of the manifest {fault}",
                code="submission-file",
                where=str(folder / MANIFEST),
                next_step="ask the sender for the submission again; nothing of it was taken in",
            )


def _file_fault(folder: Path, file: ManifestFile) -> str:
    if fault := _place_fault(folder, file):
        return fault
    place = folder.joinpath(*PurePosixPath(file.path).parts)
    return "" if sha256_of(place) == file.sha256 else "is not what the sender hashed: its SHA-256 differs"


def _place_fault(folder: Path, file: ManifestFile) -> str:
    if not _is_inside(file.path):
        return "lies outside the submission folder"
    place = folder
    for part in PurePosixPath(file.path).parts:
        place = place / part
        if place.is_symlink():
            return "is reached over a symbolic link"
    if not place.exists():
        return "is missing"
    return "" if stat.S_ISREG(place.lstat().st_mode) else "is not a regular file"


def _is_inside(written: str) -> bool:
    path = PurePosixPath(written)
    odd = "\\" in written or not written.isprintable() or written[1:2] == ":" or len(written.encode()) > _PATH_BYTES
    return bool(path.parts) and not odd and not path.is_absolute() and ".." not in path.parts


def sha256_of(path: Path) -> str:
    """The file's SHA-256, read in pieces, not through a symbolic link."""
    digest = hashlib.sha256()
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as stream:  # noqa: PTH123
        while piece := stream.read(_HASH_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            raise _fault(path, "there is no manifest", 0)
        if path.stat().st_size > _MANIFEST_BYTES:
            raise _fault(path, "the manifest is larger than one megabyte", 0)
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise _fault(path, "the manifest is not UTF-8", 0) from None


def _toml(written: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise _fault(path, "the manifest is not TOML", int(line[1]) if line else 0) from None
    except (RecursionError, ValueError, OverflowError):
        raise _fault(path, "the manifest is not TOML that can be read", 0) from None


def _fault(path: Path, what: str, line: int) -> DoesNotHold:
    return DoesNotHold(
        what,
        code="manifest",
        where=f"{path}:{line}" if line else str(path),
        next_step="correct the manifest as docs/how-to/land-real-input.md describes; nothing was taken in",
    )


class _Parsing:
    """Reads one manifest and knows on which line each key stands."""

    def __init__(self, written: str, path: Path) -> None:
        self._lines, self._path = written.split("\n"), path

    def manifest(self, content: dict[str, Any]) -> Manifest:
        self._keys(content, {"submission", "files"}, "the manifest", 0)
        top = content["submission"]
        if not isinstance(top, dict):
            raise _fault(self._path, "[submission] is not a table", self._line("submission"))
        top = {"practices": [], **top}  # the one key that may be left out
        self._keys(top, set(_FIELDS), "[submission]", 0)
        found = {name: self._field(top, name) for name in _FIELDS}
        if found["period_from"] > found["period_to"]:
            raise _fault(self._path, "the period ends before it begins", self._line("period_to"))
        return Manifest(**found, files=self._files(content["files"]))

    def _field(self, top: dict[str, Any], name: str) -> Any:
        kind, read = _FIELDS[name]
        value = read(top[name])
        if value is None:
            raise _fault(self._path, f"'{name}' must be {kind}", self._line(name))
        return value

    def _files(self, files: Any) -> tuple[ManifestFile, ...]:
        if not isinstance(files, list) or not files or len(files) > _FILES_MOST:
            raise _fault(self._path, "[[files]] must name between one and ten thousand files", self._line("files"))
        found = tuple(self._file(entry, number) for number, entry in enumerate(files, start=1))
        if len({file.path for file in found}) != len(found):
            raise _fault(self._path, "[[files]] names one file twice", self._line("path"))
        return found

    def _file(self, entry: Any, number: int) -> ManifestFile:
        if not isinstance(entry, dict):
            raise _fault(self._path, f"[[files]] entry {number} is not a table", self._line("files"))
        self._keys(entry, {"path", "rows", "sha256"}, f"[[files]] entry {number}", number)
        path, rows, digest = entry["path"], entry["rows"], entry["sha256"]
        if not isinstance(path, str) or not _is_inside(path):
            what = "'path' must be a file inside the submission folder, without '..'"
            raise _fault(self._path, what, self._line("path", number))
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise _fault(self._path, "'rows' must be a whole number from 0", self._line("rows", number))
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            what = "'sha256' must be 64 hexadecimal digits in lower case"
            raise _fault(self._path, what, self._line("sha256", number))
        return ManifestFile(path, rows, digest)

    def _keys(self, table: dict[str, Any], expected: set[str], of: str, nth: int) -> None:
        missing, unknown = sorted(expected - table.keys()), sorted(table.keys() - expected)
        if missing:
            raise _fault(self._path, f"{of} lacks {', '.join(missing)}", 0)
        if unknown:
            what = f"{of} has an unknown key; known are {', '.join(sorted(expected))}"
            raise _fault(self._path, what, self._line(unknown[0], max(1, nth)))

    def _line(self, key: str, nth: int = 1) -> int:
        """The line where that key stands for the nth time; 0 when it is written in an unusual way."""
        pattern = re.compile(rf"\s*(\[+)?\s*[\"']?{re.escape(key)}[\"']?\s*(=|\])")
        places = [number for number, line in enumerate(self._lines, start=1) if pattern.match(line)]
        return places[min(nth, len(places)) - 1] if places else 0


def _matching(pattern: re.Pattern[str]) -> Any:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else None


def _one_of(words: tuple[str, ...]) -> Any:
    return lambda value: value if isinstance(value, str) and value in words else None


def _format(value: Any) -> DataFormat | None:
    return DataFormat(value) if isinstance(value, str) and value in set(DataFormat) else None


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        return None


def _purposes(value: Any) -> tuple[str, ...] | None:
    is_list = isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)
    is_sound = is_list and all(_ID.fullmatch(word) for word in value) and len(set(value)) == len(value)
    return tuple(value) if is_sound else None


def _objections(value: Any) -> tuple[Objection, ...] | None:
    schemes = set(Objection)
    is_list = isinstance(value, list) and all(isinstance(word, str) and word in schemes for word in value)
    return tuple(Objection(word) for word in value) if is_list and len(set(value)) == len(value) else None


def _practices(value: Any) -> tuple[str, ...] | None:
    is_list = isinstance(value, list) and all(isinstance(word, str) and _ODS.fullmatch(word) for word in value)
    return tuple(value) if is_list and len(set(value)) == len(value) else None


_FIELDS: Final[dict[str, tuple[str, Any]]] = {
    "id": ("up to 100 letters, digits, dots, hyphens", _matching(_NAME)),
    "dataset": ("the id of a dataset", _matching(_ID)),
    "layout": ("the id of a layout", _matching(_ID)),
    "sender": ("an ODS code", _matching(_ODS)),
    "purposes": ("a list of one or more ids of activities, none twice", _purposes),
    "agreement": ("the id of an instrument", _matching(_ID)),
    "format": ("one of " + ", ".join(DataFormat), _format),
    "period_from": ("a date, without quotes", _day),
    "period_to": ("a date, without quotes", _day),
    "update": ("one of " + ", ".join(UPDATES), _one_of(UPDATES)),
    "extracted": ("a date and time, without quotes", _instant),
    "objections_applied": ("a list of " + ", ".join(Objection) + ", [] for none", _objections),
    "practices": ("a list of ODS codes, none twice", _practices),
}
