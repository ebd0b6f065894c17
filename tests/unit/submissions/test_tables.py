"""A plain table is looked at before the engine loads it."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caldicott.facts import layout as layouts
from caldicott.stores.submissions.faults import Fault, Reason
from caldicott.stores.submissions.tables import header, preflight

HEADER = b"Health Service ID,Age,Arrival Time\n"
ROW = b"999-000-0018,42,2019-04-07 02:16:52\n"


@pytest.fixture
def layout():
    return layouts.load("ae-london")


def written(tmp_path, content, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_header_is_read_through_packing_mark_and_line_end(tmp_path, layout, name, mark, end):
    """None of the three is part of a column's name."""
    path = written(tmp_path, mark + (HEADER + ROW).replace(b"\n", end), name)
    assert header(path, layout) == ["Health Service ID", "Age", "Arrival Time"]
    assert preflight(path, layout) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"\n\n", Reason.EMPTY_FILE),
        ((HEADER + ROW).decode().encode("utf-16"), Reason.NUL_BYTE),
        (HEADER + ROW + b"\0", Reason.NUL_BYTE),
        (HEADER + b"999-000-0018,\xff,x\n", Reason.NOT_UTF8),
        (HEADER + b"999-000-0018,\xe2\x82", Reason.NOT_UTF8),
        (b"Health Service ID,Age,Age\n", Reason.DUPLICATE_COLUMN),
        (b"," * 10_000 + b"x\n", Reason.TOO_MANY_COLUMNS),
        (HEADER + b"9" * 1_100_000 + b"\n", Reason.LINE_TOO_LONG),
        (HEADER + b"9" * 2_500_000, Reason.LINE_TOO_LONG),
        (b"x" * 2_000_000, Reason.LINE_TOO_LONG),
        (HEADER + b'999-000-0018,"never closed\n' + ROW, Reason.UNCLOSED_QUOTE),
        (b'"Health Service ID,Age\n', Reason.UNCLOSED_QUOTE),
    ],
)
def test_bytes_that_two_readers_would_read_differently_are_refused(tmp_path, layout, content, reason):
    """Each with its own reason, and about the file, not about a value."""
    assert preflight(written(tmp_path, content), layout) == [Fault("file", reason, rows=0)]


def test_unknown_and_missing_columns_are_both_named_but_never_by_the_files_words(tmp_path, layout):
    """A file without a header has a person in its first line."""
    faults = preflight(written(tmp_path, ROW), layout)
    assert faults == [
        *(Fault(f"column {number}", Reason.UNKNOWN_COLUMN, rows=0) for number in (1, 2, 3)),
        Fault("column 'Health Service ID'", Reason.MISSING_COLUMN, rows=0),
    ]


@pytest.mark.parametrize(
    ("name", "content"), [("x.csv.gz", b"\x1f\x8b\x08broken"), ("x.xlsx", b"PK"), ("x.parquet", b"PAR1")]
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, layout, name, content):
    """Broken packing, an unknown kind, a Parquet file without a footer."""
    path = tmp_path / name
    path.write_bytes(content)
    (fault,) = preflight(path, layout)
    assert fault.reason in {Reason.ARCHIVE_UNREADABLE, Reason.UNKNOWN_FILE_KIND, Reason.NOT_PARQUET}


def test_a_parquet_file_has_its_header_in_its_schema(tmp_path, layout):
    """The same checks, another file kind."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"Health Service ID": ["999-000-0018"], "Other": [1]}), path)
    assert header(path, layout) == ["Health Service ID", "Other"]
    assert preflight(path, layout) == [Fault("column 2", Reason.UNKNOWN_COLUMN, rows=0)]


@pytest.mark.parametrize(("last", "faults"), [(b"\xa9", []), (b"x", [Fault("file", Reason.NOT_UTF8, rows=0)])])
def test_a_letter_that_lies_across_two_pieces_is_looked_at_whole(tmp_path, layout, last, faults):
    """A file is looked through piece by piece; half a letter at the end of one is judged with the next."""
    start = HEADER + ROW * ((1 << 20) // len(ROW))
    start = start[: (1 << 20) - 1].rpartition(b"\n")[0] + b"\n"
    filled = start + b"x" * ((1 << 20) - 1 - len(start)) + b"\xc3" + last + b",42,2019-04-07 02:16:52\n" + ROW
    assert preflight(written(tmp_path, filled), layout) == faults
