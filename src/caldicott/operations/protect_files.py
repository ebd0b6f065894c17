"""Reading tables of counts and hierarchies from files, and writing what may leave.

A table from outside is read strictly: whatever is not understood ends in one
sentence with file, line and column, and never with a count or a value in it.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
import unicodedata
from typing import TYPE_CHECKING, Final

from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.vocabulary import nhs_number
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

CELLS_AT_MOST: Final = 50_000
VALUES_AT_MOST: Final = 10_000
COUNT, PEOPLE, LARGEST, SECOND = "count", "people", "largest", "second"
AMOUNTS: Final = ("sum", "cost")
MEASURES: Final = (COUNT, PEOPLE, *AMOUNTS, LARGEST, SECOND)
_NOT_TAKEN: Final = frozenset(
    {"average", "max", "maximum", "mean", "median", "min", "minimum", "mode", "percent", "percentage", "percentile",
     "proportion", "rate", "ratio", "share", "sd", "variance"}
)  # fmt: skip
_WHOLE: Final = re.compile(r"^\d{1,15}$")
_AMOUNT: Final = re.compile(r"^-?\d{1,15}(\.\d{1,6})?$")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LONG: Final = 200


def read_table(path: Path) -> CountTable:
    """One table of dimension columns and `count`.

    Raises:
        DoesNotHold: it is not such a table; the first fault is named with its place.
    """
    header, lines = _lines(path)
    names = [name.strip().lower() for name in header]
    _check_header(path.name, names)
    dimensions = tuple(name for name in names if name not in MEASURES)
    rows = [_row(path.name, names, cells, line) for line, cells in lines]
    _check_rows(path.name, dimensions, rows)
    return CountTable(path.name, dimensions, tuple(rows), next((name for name in names if name in AMOUNTS), "sum"))


def read_hierarchies(path: Path) -> Hierarchies:
    """CSV with dimension, value, parent; or TOML with a table for each dimension, parent = [values].

    Raises:
        DoesNotHold: it cannot be read, or a value has two parents.
    """
    pairs = _toml_pairs(path) if path.suffix.lower() == ".toml" else _csv_pairs(path)
    parents: dict[str, dict[str, str]] = {}
    for dimension, value, parent, where in pairs:
        known = parents.setdefault(dimension.strip().lower(), {})
        if known.setdefault(value, parent) != parent:
            raise _fault(where, "this value has two parents", "hierarchy-two-parents", "give each value one parent")
    return Hierarchies(parents)


def table_text(
    dimensions: Sequence[str], measures: Sequence[str], rows: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]
) -> str:
    """CSV in an order that tells nothing: by the values, never by the counts or by the order they came in."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*dimensions, *measures))
    for values, printed in sorted(rows, key=lambda row: [_natural(value) for value in row[0]]):
        writer.writerow((*(neutral(value) for value in values), *printed))
    return text.getvalue()


def neutral(value: str) -> str:
    """A value that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _natural(value: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", value) if part]


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as fault:
        raise _unreadable(path, fault) from None
    except UnicodeDecodeError:
        raise _fault(path.name, "it is not UTF-8 text", "not-utf8", "write it again as UTF-8 CSV") from None
    if "\0" in text:
        raise _fault(path.name, "it is not plain text: it holds NUL bytes", "not-utf8", "write it again as UTF-8 CSV")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error:
        where = f"{path.name}:{reader.line_num}"
        raise _fault(where, "a quote does not close, or a cell is too long", "csv-broken", "write it again") from None
    if not any(name.strip() for name in header):
        raise _fault(path.name, "it is empty or has no header line", "file-empty", "give a header line and rows")
    return header, lines


def _check_header(file: str, names: Sequence[str]) -> None:
    where = f"{file}:1"
    if len(set(names)) < len(names) or "" in names:
        raise _fault(where, "two columns have the same name, or one has none", "column-twice", "name each column once")
    if COUNT not in names:
        raise _fault(
            where, "it has no column `count`", "count-missing", "call the column of whole numbers of people `count`"
        )
    for number, name in enumerate(names, 1):
        if _NOT_TAKEN & set(re.split(r"[^a-z]+", name)):
            raise _fault(
                f"{where}:{number}", "this column is neither a dimension nor a sum; a mean or rate leaks exact counts",
                "column-not-taken", "leave it out and compute it from the protected counts",
            )  # fmt: skip
    if sum(name in AMOUNTS for name in names) > 1:
        raise _fault(where, "it has both `sum` and `cost`", "column-not-taken", "protect them in two tables")
    if {LARGEST, SECOND} & set(names) and not {*AMOUNTS} & set(names):
        raise _fault(where, "it has a largest contributor but no sum", "column-not-taken", "add `sum` or `cost`")


def _row(file: str, names: Sequence[str], cells: Sequence[str], line: int) -> Row:
    if len(cells) != len(names):
        raise _fault(
            f"{file}:{line}", f"this line has {len(cells)} cells, the header {len(names)}", "cells-do-not-match",
            "give every line one cell for each column",
        )  # fmt: skip
    found = dict(zip(names, map(_plain, cells), strict=True))
    places = {name: f"{file}:{line}:{name}" for name in names}
    amount = next((name for name in AMOUNTS if name in found), None)
    row = Row(
        tuple(value for name, value in found.items() if name not in MEASURES),
        line,
        _whole(found[COUNT], places[COUNT]),
        _whole(found[PEOPLE], places[PEOPLE]) if PEOPLE in found else None,
        _amount(found[amount], places[amount]) if amount else None,
        _amount(found[LARGEST], places[LARGEST]) if LARGEST in found else None,
        _amount(found[SECOND], places[SECOND]) if SECOND in found else None,
    )
    if row.people is not None and (row.people > row.count or (row.people == 0) != (row.count == 0)):
        raise _fault(
            places[PEOPLE], "the people do not fit the events: nobody without an event, no event without somebody",
            "people-do-not-fit", "count distinct people in `people` and events in `count`",
        )  # fmt: skip
    return row


def _whole(text: str, where: str) -> int:
    if not _WHOLE.match(text):
        what = "a count is negative" if text.startswith("-") else "a count is not a whole number of at most 15 digits"
        raise _fault(where, what, "count-not-whole", "give true counts, unrounded, without signs or separators")
    return int(text)


def _amount(text: str, where: str) -> float:
    if not _AMOUNT.match(text) or text.startswith("-"):
        raise _fault(
            where, "an amount is negative or not a number", "amount-unreadable",
            "give sums of non-negative amounts, such as 1200.50",
        )  # fmt: skip
    return float(text)


def _check_rows(file: str, dimensions: Sequence[str], rows: Sequence[Row]) -> None:
    if not rows:
        raise _fault(file, "it has a header but no rows", "file-empty", "give at least one row")
    if len(rows) > CELLS_AT_MOST:
        raise _fault(
            file, f"it has more than {CELLS_AT_MOST:,} cells, too many to prove", "tables-too-wide",
            "ask for fewer dimensions, or larger groups",
        )  # fmt: skip
    for place, name in enumerate(dimensions):
        _check_values(file, name, {row.values[place] for row in rows})
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row.values in seen:
            raise _fault(
                f"{file}:{row.line}", f"this cell is there already, on line {seen[row.values]}", "cell-twice",
                "give each combination of values once",
            )  # fmt: skip
        seen[row.values] = row.line
        if "" in row.values:
            raise _fault(
                f"{file}:{row.line}:{dimensions[row.values.index('')]}", "a dimension has no value", "value-missing",
                "write `unknown` where it is not known and `All` for a total",
            )  # fmt: skip


def _check_values(file: str, name: str, values: set[str]) -> None:
    where = f"{file}, column {name}"
    if len(values) > VALUES_AT_MOST:
        raise _fault(
            where, f"this column has more than {VALUES_AT_MOST:,} values", "dimension-too-wide",
            "group them (chapters, networks, age bands) and ask again",
        )  # fmt: skip
    if any(_is_identifier(value) for value in values):
        raise _fault(
            where, "this column looks as if it held NHS numbers", "identifier-in-table",
            "a table of counts has groups in its columns, never persons",
        )  # fmt: skip
    if any(len(value) > _LONG for value in values):
        raise _fault(where, f"a value is longer than {_LONG} characters", "value-too-long", "shorten the names")


def _is_identifier(value: str) -> bool:
    return nhs_number.fault_of(nhs_number.canonicalise(value)) is None


def _csv_pairs(path: Path) -> Iterable[tuple[str, str, str, str]]:
    header, lines = _lines(path)
    names = [name.strip().lower() for name in header]
    if sorted(names) != ["dimension", "parent", "value"]:
        raise _fault(
            f"{path.name}:1", "a hierarchy has the columns dimension, value, parent", "hierarchy-columns",
            "write one line for each value and its parent",
        )  # fmt: skip
    for line, cells in lines:
        found = dict(zip(names, map(_plain, cells), strict=False))
        if len(cells) != len(names) or not all(found.values()):
            raise _fault(
                f"{path.name}:{line}", "this line does not have all three", "hierarchy-columns",
                "write dimension, value and parent",
            )  # fmt: skip
        yield found["dimension"], found["value"], found["parent"], f"{path.name}:{line}"


def _toml_pairs(path: Path) -> Iterable[tuple[str, str, str, str]]:
    try:
        document: Mapping[str, object] = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise _unreadable(path, fault) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _fault(path.name, "it is not TOML", "hierarchy-columns", "see docs/how-to/protect-tables.md") from None
    for dimension, groups in document.items():
        if not isinstance(groups, dict) or not all(isinstance(values, list) for values in groups.values()):
            raise _fault(
                f"{path.name}: {dimension}", "a dimension is a table of parent = [values]", "hierarchy-columns",
                'write it as [practice] and "Network 1" = ["A", "B"]',
            )  # fmt: skip
        for parent, values in groups.items():
            for value in values:
                yield dimension, _plain(str(value)), _plain(str(parent)), f"{path.name}: {dimension}"


def _plain(cell: str) -> str:
    """One spelling for what looks the same: an accent typed as a mark of its own would make two groups of one."""
    return unicodedata.normalize("NFC", cell.strip())


def refuse_same_names(paths: Sequence[Path], taken: str) -> None:
    """Two tables of one name would overwrite each other; so would one table and the report."""
    names = [path.name for path in paths]
    if taken in names:
        raise WrongUsage(
            f"a table is called {taken}, as the report is", code="usage", where="TABLE", next_step="rename the table"
        )
    if len(set(names)) < len(names):
        raise WrongUsage(
            "two of the tables have the same file name", code="usage", where="TABLE", next_step="rename one of them"
        )


def _unreadable(path: Path, fault: OSError) -> DoesNotHold:
    if isinstance(fault, FileNotFoundError):
        return _fault(path.name, "there is no such file", "file-missing", "check the path")
    if isinstance(fault, IsADirectoryError):
        return _fault(path.name, "this is a folder", "file-missing", "name the files themselves")
    return _fault(
        path.name, f"it cannot be read ({fault.strerror})", "file-missing", "check the path and who may read it"
    )


def _fault(where: str, what: str, code: str, next_step: str) -> DoesNotHold:
    return DoesNotHold(what, code=code, where=where, next_step=next_step)
