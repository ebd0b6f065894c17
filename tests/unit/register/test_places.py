"""Where a key stands: the line and column that a person is sent to."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldicott.register.places import places

TEXT = '''# a comment with a = sign and [a.header]
id = "a"            # another
plain = """
[not.a.header]
key = "not a key"
ends with a quote""""
literal = \'\'\'
also = 'not a key'
\'\'\'
dotted.inner."quoted key" = 1
numbers = [
    1, # one
    2,
    [3, 4],
]
inline = { a = 1, b = { c = [5, { d = 6 }] } }

[table]
key = 2026-04-01

[table.deeper]
key = true

[[entry]]
name = "first"

[[entry.part]]
name = "part one of first"

[[entry.part]]
name = "part two of first"

[entry.part.below]
key = 1.5

[[entry]]
name = "second \\\\"

[[entry.part]]
name = "part one of second"
'''
EXPECTED = {
    ("id",): (2, 1),
    ("plain",): (3, 1),
    ("literal",): (7, 1),
    ("dotted",): (10, 1),
    ("dotted", "inner"): (10, 8),
    ("dotted", "inner", "quoted key"): (10, 14),
    ("numbers", 0): (12, 5),
    ("numbers", 1): (13, 5),
    ("numbers", 2, 1): (14, 9),
    ("inline", "a"): (16, 12),
    ("inline", "b", "c", 1, "d"): (16, 35),
    ("table",): (18, 1),
    ("table", "key"): (19, 1),
    ("table", "deeper", "key"): (22, 1),
    ("entry",): (24, 1),
    ("entry", 0): (24, 1),
    ("entry", 0, "name"): (25, 1),
    ("entry", 0, "part", 0, "name"): (28, 1),
    ("entry", 0, "part", 1, "name"): (31, 1),
    ("entry", 0, "part", 1, "below", "key"): (34, 1),
    ("entry", 1, "name"): (37, 1),
    ("entry", 1, "part", 0, "name"): (40, 1),
}


@pytest.mark.parametrize("path", EXPECTED, ids=str)
def test_a_key_is_found_where_it_stands(path):
    """Tables, arrays of tables, inline tables, dotted keys and long strings do not confuse the scanner."""
    tomllib.loads(TEXT)
    assert places(TEXT).of(path) == EXPECTED[path]


@pytest.mark.parametrize(
    ("path", "around"),
    [(("entry", 0, "part", 1, "missing"), (30, 1)), (("nowhere",), (1, 1)), (("table", "gone"), (18, 1))],
)
def test_a_missing_key_is_placed_at_what_should_hold_it(path, around):
    """A key that is not there is reported at the nearest thing around it."""
    assert places(TEXT).of(path) == around


def test_nothing_inside_a_text_counts_as_a_key():
    """Words inside a long text are not keys."""
    assert not [path for path in places(TEXT).known if "also" in path or "not" in path]


def test_windows_line_ends_count_as_one_line():
    """A file saved on Windows has the same lines."""
    assert places(TEXT.replace("\n", "\r\n")).of(("entry", 1, "name")) == (37, 1)


def _paths(value, path=()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, (*path, key))
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _paths(one, (*path, index))


KEYS = st.text("abc-_1", min_size=1, max_size=4) | st.text(' ."=[]#é', min_size=1, max_size=3)
SCALARS = st.integers(0, 9) | st.booleans() | st.text('a"#[]{}\n\\=,', max_size=6)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def _quoted(text):
    escaped = "".join(f"\\u{ord(one):04x}" if one in '"\\\n' else one for one in text)
    return f'"{escaped}"'


def _inline(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"  {_inline(one)}, # [[\n" for one in value) + "]"
    return "{ " + ", ".join(f"{_quoted(key)} = {_inline(one)}" for key, one in value.items()) + " }"


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3))
def test_every_value_tomllib_reads_has_a_place(top, entries):
    """Law: the scanner knows exactly the keys and elements that the parser reads."""
    text = "".join(f"{_quoted(key)} = {_inline(value)}\n" for key, value in top.items() if key != "zz")
    for entry in entries:
        text += "[[zz]]\n" + "".join(f"{_quoted(key)} = {_inline(value)}\n" for key, value in entry.items())
    assert set(places(text).known) == set(_paths(tomllib.loads(text)))
