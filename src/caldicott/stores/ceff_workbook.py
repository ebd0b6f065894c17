"""A workbook looked at before it is believed: values, and what a person who sees it printed would not know of.

Values come from calamine. That a cell is a formula or that a column is hidden,
it does not say, so the sheet's own XML is looked through for these. Places are
named as a person names them: sheet, row, column; never by value.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from python_calamine import CalamineError, CalamineWorkbook

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_UNPACKED_MOST: Final = 1 << 29
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_LETTERS: Final = 26


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows by number, and what is not to be seen in the values."""

    name: str
    rows: tuple[tuple[int, tuple[Any, ...]], ...]
    """Row number as the sheet counts, and the cells from column A; rows of nothing are left out."""
    blank_rows: int = 0
    hidden_columns: frozenset[int] = frozenset()
    hidden_rows: frozenset[int] = frozenset()
    formulas: frozenset[tuple[int, int]] = frozenset()
    merged: frozenset[tuple[int, int]] = frozenset()
    """Cells below or beside the first of a merged range: they look filled and are empty."""


@dataclass
class _Unseen:
    hidden_columns: set[int] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    merged: set[tuple[int, int]] = field(default_factory=set)


def column_name(number: int) -> str:
    """1 is A, 27 is AA."""
    name = ""
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def sheets(path: Path) -> tuple[str, ...]:
    """The names of the sheets, hidden ones too.

    Raises:
        DoesNotHold: it is no workbook that opens.
    """
    with _faults(path), CalamineWorkbook.from_path(str(path)) as book:
        return tuple(book.sheet_names)


def read_sheet(path: Path, name: str) -> Sheet:
    """The sheet of that name.

    Raises:
        DoesNotHold: the workbook does not open, or is larger unpacked than any workbook of bills.
    """
    _require_plain(path)
    with _faults(path), CalamineWorkbook.from_path(str(path)) as book:
        rows, blank = [], 0
        sheet = book.get_sheet_by_name(name)
        before = ("",) * (sheet.start[1] if sheet.start else 0)  # its rows come from the first, its columns do not
        # By row: of a sheet with a million empty rows only the others are kept.
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if any(cell not in ("", None) for cell in cells):
                rows.append((number, (*before, *cells)))
            else:
                blank += 1
        place = book.sheet_names.index(name)
    with _faults(path):
        unseen = _unseen(path, place)
    return Sheet(
        name, tuple(rows), blank, frozenset(unseen.hidden_columns), frozenset(unseen.hidden_rows),
        frozenset(unseen.formulas), frozenset(unseen.merged),
    )  # fmt: skip


class _faults:  # noqa: N801  reads as a with-statement
    """The libraries' words may quote cells: only the kind of fault is passed on."""

    def __init__(self, path: Path) -> None:
        self._name = path.suffix

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, CalamineError | zipfile.BadZipFile | ET.ParseError | KeyError | OSError | ValueError):
            raise DoesNotHold(
                "the workbook does not open",
                code="workbook-unreadable",
                where=f"a file ending in {self._name}",
                next_step="save it as an Excel workbook (.xlsx) without a password, and send it again",
            ) from None


def _require_plain(path: Path) -> None:
    with _faults(path), zipfile.ZipFile(path) as packed:
        size = sum(one.file_size for one in packed.infolist())
        names = {one.filename for one in packed.infolist()}
        # Read through once: a part larger than it says fails its checksum here, before another library unpacks it.
        if size <= _UNPACKED_MOST and packed.testzip() is not None:
            raise ValueError
    if size > _UNPACKED_MOST or any("vbaProject" in name for name in names):
        raise DoesNotHold(
            "the workbook has a program in it, or is larger than any workbook of bills",
            code="workbook-not-plain",
            next_step="send it without macros, or as CSV",
        )


def _unseen(path: Path, place: int) -> _Unseen:
    found = _Unseen()
    with zipfile.ZipFile(path) as packed, packed.open(_part(packed, place)) as part:
        for _event, element in ET.iterparse(part):  # noqa: S314  no document type: looked for below
            _note(element, found)
            if element.tag == f"{_MAIN}row":
                element.clear()
    return found


def _part(packed: zipfile.ZipFile, place: int) -> str:
    """The part of the package that is the sheet at that place."""
    for name in packed.namelist():
        if name.endswith((".xml", ".rels")):
            with packed.open(name) as part:
                head = part.read(4096)
                # A zero byte: another encoding, in which a document type would not be seen.
                if b"<!DOCTYPE" in head or b"\x00" in head:
                    raise ValueError
    book = ET.fromstring(packed.read("xl/workbook.xml"))  # noqa: S314  as above
    links = ET.fromstring(packed.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  as above
    wanted = book.findall(f".//{_MAIN}sheet")[place].get(_LINK)
    target = next(one.get("Target", "") for one in links if one.get("Id") == wanted)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _note(element: ET.Element, found: _Unseen) -> None:
    tag = element.tag.removeprefix(_MAIN)
    if tag == "c" and element.find(f"{_MAIN}f") is not None:
        found.formulas.add(_place(element.get("r", "")))
    elif tag == "col" and element.get("hidden") in {"1", "true"}:
        found.hidden_columns.update(range(int(element.get("min", "1")), min(int(element.get("max", "1")), 16_384) + 1))
    elif tag == "row" and element.get("hidden") in {"1", "true"}:
        found.hidden_rows.add(int(element.get("r", "0")))
    elif tag == "mergeCell":
        found.merged.update(_covered(element.get("ref", "")))


def _covered(ref: str) -> Iterator[tuple[int, int]]:
    first, _, last = ref.partition(":")
    (top, left), (bottom, right) = _place(first), _place(last or first)
    # A merged range of a million cells is named by its first thousand rows.
    for row in range(top, min(bottom, top + 1_000) + 1):
        for column in range(left, min(right, left + 100) + 1):
            if (row, column) != (top, left):
                yield row, column


def _place(written: str) -> tuple[int, int]:
    match = _PLACE.fullmatch(written.replace("$", ""))
    if match is None:
        raise ValueError
    column = 0
    for letter in match[1]:
        column = column * _LETTERS + ord(letter) - ord("A") + 1
    return int(match[2]), column
