"""Looking a user's file through before the engine reads it, as landing does: header, encoding, quotes, columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.facts.layout import Column, ColumnClass, ColumnType, IdentityKind, Layout, TableForm
from caldicott.stores.submissions import tables
from caldicott.stores.submissions.faults import Reason
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN: Final = "write it again as UTF-8 CSV with a header line, or as Parquet"
_WORDS: Final = {
    Reason.DUPLICATE_COLUMN: "two of its columns have the same name",
    Reason.EMPTY_FILE: "it is empty or has no header line",
    Reason.LINE_TOO_LONG: "a line is longer than any table's",
    Reason.NOT_PARQUET: "it is not a Parquet file",
    Reason.NOT_UTF8: "it is not UTF-8 text",
    Reason.NUL_BYTE: "it is not plain text: it holds NUL bytes or another encoding",
    Reason.UNCLOSED_QUOTE: "a quote does not close",
    Reason.UNKNOWN_FILE_KIND: "it is neither .csv (or .csv.gz, .txt) nor .parquet",
}


def open_table(path: Path, role: str, required: tuple[str, ...]) -> tuple[str, ...]:
    """The file's column names in lower case, once nothing speaks against reading it.

    Raises:
        DoesNotHold: it is not there, cannot be read as a table, or lacks a column.
    """
    if not path.is_file():
        raise _refused(role, "there is no such file", "file-missing", "name a file that exists")
    layout = _layout(required)
    faults = [fault for fault in tables.preflight(path, layout) if fault.reason is not Reason.UNKNOWN_COLUMN]
    broken = [fault for fault in faults if fault.reason is not Reason.MISSING_COLUMN]
    if broken:
        raise _refused(role, _WORDS.get(broken[0].reason, str(broken[0].reason)), broken[0].reason.value)
    names = tuple(name.strip().lower() for name in tables.header(path, layout))
    if len({*names}) < len(names):
        raise _refused(role, _WORDS[Reason.DUPLICATE_COLUMN], Reason.DUPLICATE_COLUMN.value)
    missing = [name for name in required if name not in names]
    if missing:
        raise DoesNotHold(
            f"it has no column `{'`, `'.join(missing)}`",
            code=Reason.MISSING_COLUMN.value,
            where=role,
            next_step=f"its first line must name the columns: {', '.join(required)} (others are left alone)",
        )
    return names


def _layout(required: tuple[str, ...]) -> Layout:
    """A layout of text columns, so that the landing stage's own check can be used."""
    columns = tuple(Column(name, name, ColumnType.TEXT, ColumnClass.CLINICAL) for name in required)
    return Layout(
        id="score", dataset="", title="", source="", reader="table", table=TableForm(), record_key=(), occurred=None,
        update_type=None, deletes=(), ordered=(), identity_kind=IdentityKind.NONE, identity_column=None,
        identity_optional=True, status_column=None, withheld_column=None, columns=columns,
    )  # fmt: skip


def _refused(role: str, what: str, code: str, next_step: str = _AGAIN) -> DoesNotHold:
    return DoesNotHold(
        f"the file cannot be used: {what}",
        code=code,
        where=role,
        next_step=next_step,
    )
