"""What counts as plain CSV, and that two readers find the same rows in it."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.facts import layout as layouts
from caldicott.operations.reading import checked
from caldicott.stores.submissions import tables
from caldicott.stores.submissions.plain import Plainness
from caldicott.vocabulary.errors import DoesNotHold
from stage import LANDING_RULES

NAMES = ["Health Service ID", "Age", "Time in A&E (mins)", "Arrival Time", "Postcode", "Treatment"]
HEADER = ",".join(NAMES) + "\n"
# Right and wrong numbers, text with a number in it, days that are none: all from the never-issued range.
VALUES = st.sampled_from(
    [
        "", "NULL", '""', '"NULL"', "999-000-0018", '"999 000 0018"', "9990000018", "9990000019", "42", "x",
        '"a ""b"" c"', '"two\nlines"', '"a,b"', "2019-04-07 02:16:52", "2091-04-07 02:16:52", "no day",
        "told by 999 000 0018", '"SW1A 2AA"', "é", "'", " ", "\t",
    ]
)  # fmt: skip


COLUMNS = 2


def is_plain(content: bytes, cuts: tuple[int, ...] = ()) -> bool:
    """As a file is looked through: in pieces, wherever they are cut."""
    plainness = Plainness(",")
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(content)}), len(content)]
    for start, end in pairwise(bounds):
        plainness.see(content[start:end])
    return plainness.holds(COLUMNS)


def by_the_letter(content: bytes) -> bool:
    """The same, byte by byte: a value is quoted whole or not at all, line ends are of one kind, delimiters suffice."""
    state, place, delimiters, lines = "start", 0, 0, 0
    while place < len(content):
        byte, following = content[place : place + 1], content[place + 1 : place + 2]
        if state == "inside" and byte == b'"':
            if following == b'"':
                place += 1
            elif following in {b",", b"\n", b"\r", b""}:
                state = "after"
            else:
                return False
        elif state != "inside":
            if byte == b'"' and state != "start":
                return False
            delimiters, lines = delimiters + (byte == b","), lines + (byte == b"\n")
            state = "inside" if byte == b'"' else "start" if byte in {b",", b"\n"} else "within"
        place += 1
    ends = {content.count(end) for end in (b"\r", b"\n", b"\r\n")}
    is_even = delimiters == (lines + (content[-1:] != b"\n")) * (COLUMNS - 1)
    return is_even and state != "inside" and (not content.count(b"\r") or len(ends) == 1)


@settings(max_examples=600)
@given(
    st.lists(st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"a"]), min_size=1),
    st.tuples(*[st.integers(0, 150)] * 2),
)
@example([b'"a"b"'], (1, 2))
@example([b"a" * 63, b'"'], (64, 64))
@example([b"a" * 63, b',"b"\r\n'], (66, 68))
def test_plain_is_what_reads_so_byte_by_byte(parts, cuts):
    """The look at many bytes together finds what a look at each finds, however the file is cut."""
    content = b"".join(parts)
    assert is_plain(content, cuts) is by_the_letter(content)


def _read(path, layout, *, is_plain):
    engine = DuckDbLanding()
    batches = (
        checked(path, layout, LANDING_RULES, engine) if is_plain else engine.check_table(path, layout, LANDING_RULES)
    )
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [{**row, "raw": json.loads(row["raw"]) if row["raw"] else None} for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    # Now and then a value too few or too many.
    st.integers(0, 9).flatmap(
        lambda odd: st.lists(st.lists(VALUES, min_size=6 - (odd == 0), max_size=6 + (odd == 1)), max_size=12)
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["", "\ufeff"]),
)
def test_two_readers_find_the_same_rows_and_the_same_faults(tmp_path_factory, rows, end, is_ended, mark):
    """Which of them reads a plain file is a matter of speed: rows, faults and what was held back are the same."""
    layout, path = layouts.load("ae-london"), tmp_path_factory.mktemp("plain") / "x.csv"
    lines = [HEADER.strip(), *(",".join(row) for row in rows)]
    content = "\n".join(lines) + ("\n" if is_ended else "")
    path.write_bytes((mark + content).replace("\n", end).encode())
    assert tables.look_through(path, layout).is_plain is ({len(row) for row in rows} <= {len(NAMES)})
    assert _read(path, layout, is_plain=True) == _read(path, layout, is_plain=False)


def test_a_list_of_few_values_is_looked_through_for_numbers(tmp_path):
    """A column that comes as places in a list hides no NHS number, and its fault is what a look at each row finds."""
    layout, path = layouts.load("ae-london"), tmp_path / "x.csv"
    told = ["seen", "as 999 000 0018 said"]
    lines = [f"9990000018,42,5,2019-04-07 02:16:52,SW1A 2AA,{told[place % 50 == 7]}" for place in range(400)]
    path.write_text(HEADER + "\n".join(lines))
    found = list(checked(path, layout, LANDING_RULES, DuckDbLanding()))
    (listed,) = {str(batch.schema.field("treatment").type) for batch in found}
    assert listed.startswith("dictionary")
    rows = _read(path, layout, is_plain=True)
    assert rows == _read(path, layout, is_plain=False)
    assert [place for place, row in enumerate(rows) if row["fault"]] == list(range(7, 400, 50))
    assert {row["fault"] for row in rows} == {None, "identifier_in_free_column|Treatment"}


def test_a_line_too_long_beside_one_too_short_is_held_back_like_any_other(tmp_path):
    """The file as a whole has as many delimiters as it must, and no row of it is lost."""
    layout, path = layouts.load("ae-london"), tmp_path / "x.csv"
    lines = ["9990000018,42,5,2019-04-07 02:16:52,SW1A 2AA,x"] * 3
    path.write_text(HEADER + "\n".join([*lines, lines[0] + ",y", *lines, lines[0].rpartition(",")[0], *lines]) + "\n")
    assert tables.look_through(path, layout).is_plain
    rows = _read(path, layout, is_plain=True)
    assert rows == _read(path, layout, is_plain=False)
    assert [row["fault"] for row in rows[-2:]] == ["malformed_row|line 5", "malformed_row|line 9"]


def test_a_file_in_which_two_readers_count_differently_is_refused(tmp_path):
    """Then nobody is sure which rows the sender meant."""
    path = tmp_path / "x.csv"
    path.write_text(HEADER + "9990000018,42\n")
    with pytest.raises(DoesNotHold) as refused:
        list(DuckDbLanding().malformed(path, layouts.load("ae-london"), expected=2))
    assert refused.value.code == "readers-differ"


@pytest.mark.parametrize("content", ['9,"a"b,5,x,y,z\n', '9,a"b",5,x,y,z\n', "9,a,5,x,y,z\r\n", "9,a,5,x\ry,z\n"])
def test_what_readers_take_differently_is_left_to_the_engine(tmp_path, content):
    """A quote within a value, words after a closing quote, line ends of two kinds."""
    path = tmp_path / "x.csv"
    path.write_bytes((HEADER + content).encode())
    assert not tables.look_through(path, layouts.load("ae-london")).is_plain
