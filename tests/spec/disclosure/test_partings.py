"""A table may be of these people as well as of those: whoever asked for it knows, so nobody is found either way."""

from __future__ import annotations

import csv
import random
from itertools import combinations
from types import SimpleNamespace

import pytest

from caldicott.disclosure import partings, selections
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.placed import place
from caldicott.disclosure.table import CountTable, Row
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import Refused

# Two practices of fifty each. In January two of the first are men.
EVERYBODY = {("Jan", "F"): 118, ("Jan", "M"): 112, ("Feb", "F"): 104, ("Feb", "M"): 97}
FIRST = {("Jan", "F"): 18, ("Jan", "M"): 2, ("Feb", "F"): 15, ("Feb", "M"): 15}
WITHOUT_FIRST = {cell: count - FIRST[cell] for cell, count in EVERYBODY.items()}
BY_MONTH = (("month",), {("Jan",): 210, ("Feb",): 171})
WITHOUT_ANOTHER_BY_SEX = (("sex",), {("F",): 197, ("M",): 184})
BOTH = ("month", "sex")


@pytest.fixture
def tell(tmp_path):
    """Tables one after the other against one ledger; what was printed of the last."""

    def told(*tables):
        printed = {}
        for number, (dimensions, rows) in enumerate(tables):
            path = tmp_path / f"t{number}.csv"
            lines = [",".join((*dimensions, "count")), *(f"{','.join(row)},{count}" for row, count in rows.items())]
            path.write_text("\n".join(lines) + "\n")
            protect(Request((path,), "hes-before-2018", tmp_path / "out", None, tmp_path / "memory"))
            with (tmp_path / "out" / path.name).open(newline="") as stream:
                printed = {tuple(row[:-1]): row[-1] for row in list(csv.reader(stream))[1:]}
        return printed

    return told


def test_two_practices_of_the_same_size_are_not_mixed_up(tell):
    """Without one practice by month and without another by sex are 381 people each; a third tells them apart.

    By month and sex without the first: the two men are withheld, and so are the women beside them, as the
    month's total was printed before.
    """
    last = tell((BOTH, EVERYBODY), BY_MONTH, WITHOUT_ANOTHER_BY_SEX, (BOTH, WITHOUT_FIRST))
    assert last["Jan", "M"] == "*"
    assert last["Jan", "F"] == "*"


def test_where_the_ways_are_too_many_to_be_looked_at_nothing_leaves(tell, monkeypatch):
    """Unknown counts as unsafe."""
    monkeypatch.setattr(partings, "_LOOKED_AT", 1)
    with pytest.raises(Refused):
        tell((BOTH, EVERYBODY), BY_MONTH, WITHOUT_ANOTHER_BY_SEX, (BOTH, WITHOUT_FIRST))


def test_where_there_are_more_readings_than_can_be_proved_nothing_leaves(tell, monkeypatch):
    """One reading alone would let the table go."""
    monkeypatch.setattr(selections, "_READINGS_AT_MOST", 1)
    with pytest.raises(Refused):
        tell((BOTH, EVERYBODY), BY_MONTH, WITHOUT_ANOTHER_BY_SEX, (BOTH, WITHOUT_FIRST))


class Told:
    """Tables of which only one thing is said: which may be of the same people."""

    def __init__(self, count, like, of=()):
        said = [*of, *[""] * (count - len(of))]
        table = [SimpleNamespace(of=one, several=frozenset(), dimensions=()) for one in said]
        self.tables = [SimpleNamespace(table=one, smallest=()) for one in table]
        self._like = like

    def may_be_same(self, left, right, _among, *, is_evident):
        return is_evident and (left, right) in self._like

    def speak_of_each_other(self, _left, _right):
        return True


def every_way(count, like):
    """All ways to make groups in which all may be the same, the fewest groups; by trying everything."""
    found = [[]]
    for number in range(count):
        grown = []
        for groups in found:
            grown += [[*groups[:place], [*group, number], *groups[place + 1 :]] for place, group in enumerate(groups)
                      if all((one, number) in like for one in group)]  # fmt: skip
            grown.append([*groups, [number]])
        found = grown
    fewest = min(map(len, found))
    return [groups for groups in found if len(groups) == fewest]


@pytest.mark.parametrize("seed", range(40))
def test_every_way_with_the_fewest_peoples_is_found_and_no_other(seed):
    """Against trying everything, for up to seven tables that may be of the same people at random."""
    chance = random.Random(seed)
    count = chance.randint(1, 7)
    like = {pair for pair in combinations(range(count), 2) if chance.random() < chance.choice([0.3, 0.6, 0.9])}
    found = partings.partings(Told(count, like))
    expected = {
        frozenset(pair for pair in like if not any(set(pair) <= set(group) for group in groups))
        for groups in every_way(count, like)
    }
    assert set(found) == expected
    assert len(found) == len(expected)


def test_tables_of_the_same_records_stay_together():
    """The first and the third could each be of two peoples; known to be of the same records they are of one."""
    like = {(0, 1), (1, 2), (0, 3), (2, 3), (0, 2)}
    assert len(partings.partings(Told(4, like))) == 4
    assert len(partings.partings(Told(4, like, of=["a:1", "", "a:1"]))) == 2


def test_tables_of_other_months_leave_no_ways_open():
    """Each month everybody by sex and the men of one ward by sex: nothing in common with other months, one reading."""
    tables = []
    for number, month in enumerate(("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06")):
        for name, counts in (("all", (100 + number, 120)), ("some", (60, 50 + number))):
            rows = tuple(
                Row((month, sex), line, count) for line, (sex, count) in enumerate(zip("FM", counts, strict=True))
            )
            tables.append(CountTable(f"{name}-{month}.csv", ("month", "sex"), rows))
    dimensions = Hierarchies().dimensions(tables)
    found = selections.readings([place(one, dimensions) for one in tables])
    assert (len(found.found), found.are_all) == (1, True)
