"""A record beside the persons it may be of: what a reviewer is told of each value."""

from __future__ import annotations

import pytest

from caldicott.safe_haven.identity.beside import Mark, beside, is_one_slip, mark
from caldicott.safe_haven.identity.review import Case

SAME, WRITTEN, NEAR, DIFFERS = Mark.SAME, Mark.WRITTEN, Mark.NEAR, Mark.DIFFERS

MARKS = [
    ("family", "Quibble", "QUIBBLE", SAME),
    ("family", "O'Quibble", "OQUIBBLE", WRITTEN),
    ("family", "Quíbble-Worth", "Quibble Worth", WRITTEN),
    ("family", "Quibble", "Quibbel", NEAR),
    ("family", "Quibble", "Quible", NEAR),
    ("family", "Quibble", "Zephrine", DIFFERS),
    ("family", "Иванова", "Иванова", SAME),
    ("family", "王", "李", DIFFERS),
    ("given", None, "Zephrine", Mark.NOT_SAID),
    ("given", "Zephrine", None, Mark.NOT_HELD),
    ("birth_date", "1950-03-04", "1950-03-04", SAME),
    ("birth_date", "1950-03-04", "1950-03-14", NEAR),
    ("birth_date", "1950-03-04", "1950-04-03", NEAR),
    ("birth_date", "1950-03-04", "1951-04-04", DIFFERS),
    ("birth_date", "1900-01-01", "1900-01-01", Mark.NOT_HELD),
    ("birth_date", "1900-01-01", "1950-03-04", Mark.NOT_SAID),
    ("gender", "M", "1", WRITTEN),
    ("gender", "1", "2", DIFFERS),
    ("postcode", "zz1 1qj", "ZZ1 1QJ", SAME),
    ("postcode", "ZZ11QJ", "ZZ1 1QJ", WRITTEN),
    ("postcode", "ZZ1 1QJ", "ZZ1 9XX", NEAR),
    ("postcode", "ZZ1 1QJ", "ZZ2 9XX", DIFFERS),
    ("number", "9000158389", "9000158398", NEAR),
    ("number", "9000158389", "9000158389", SAME),
]


@pytest.mark.parametrize(("field", "said", "held", "expected"), MARKS)
def test_each_value_says_how_it_stands_to_the_record(field, said, held, expected):
    """In words; what is not said is never called alike, and a day that stands for "not known" says nothing."""
    assert mark(field, said, held) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("ab", "ab", False), ("ab", "ba", True), ("abc", "ab", True), ("abc", "bc", True), ("abcd", "bacd", True),
     ("abcd", "abdd", True), ("abcd", "badc", False), ("a", "abc", False), ("", "a", True), ("abc", "cba", False)],
)  # fmt: skip
def test_one_slip_is_one_slip(one, other, expected):
    """One too many, too few or wrong, or two changed over; both ways round."""
    assert is_one_slip(one, other) is expected
    assert is_one_slip(other, one) is expected


def test_rows_of_which_nobody_says_anything_are_left_out():
    """What is left stands in one order, with a cell a candidate; printing tells no value."""
    case = Case(
        "c", {"family": "Quibble", "nhs_number": None}, ({"number": "9000158389"}, {"number": None}), (), "r", "s"
    )
    found = beside(case)
    assert [row.field for row in found] == ["number", "family"]
    assert [[cell.mark for cell in row.cells] for row in found] == [
        [Mark.NOT_SAID, Mark.NOT_HELD], [Mark.NOT_HELD, Mark.NOT_HELD]
    ]  # fmt: skip
    assert "9000158389" not in f"{found!r} {found[0].cells!r}"
    assert "Quibble" not in repr(found)
