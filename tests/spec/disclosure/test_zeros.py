"""`public-strict`: nobody, few and cover wear one marker, so that no file says where there is nobody."""

from __future__ import annotations

import csv
import io
import itertools
import random

import numpy as np
import pytest
from scipy.optimize import linprog

from attack.disclosure import attacker, playing, sessions
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.table import CountTable, Row
from caldicott.disclosure.zeros import with_every_cell
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import DoesNotHold, Refused


def written(tmp_path, header, rows, name="t.csv"):
    with (tmp_path / name).open("w", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return tmp_path / name


def protected(path, *, rule="public-strict", to="out", ledger=None):
    answer = protect(Request((path,), rule, path.parent / to, None, ledger))
    header, *rows = csv.reader(io.StringIO(answer.files[path.name]))
    return {tuple(row[: header.index("count")]): row[header.index("count") :] for row in rows}


def crossed(seed, shape=(6, 5)):
    """An invented table with all totals, many of whose cells hold nobody."""
    chance = random.Random(seed)
    counts: dict = {}
    for cell in itertools.product(
        *[[f"{name}{n}" for n in range(size)] for name, size in zip("pc", shape, strict=True)]
    ):
        count = chance.choice([0, 0, 3, 12, 30, 55])
        for key in itertools.product(*[(value, "All") for value in cell]):
            counts[key] = counts.get(key, 0) + count
    return counts


def bounds_of(printed, cell):
    """From the file alone: the least and most that linear equations leave for a cell; a marker says nothing."""
    atoms = {key: place for place, key in enumerate(key for key in printed if "All" not in key)}
    rows, limits = [], []
    for key, (shown,) in printed.items():
        if shown == "*":
            continue
        inside = [float(all(k in {"All", a} for k, a in zip(key, atom, strict=True))) for atom in atoms]
        low, high = (0, 0) if shown == "0" else (int(shown) - 2, int(shown) + 2)
        rows += [inside, [-one for one in inside]]
        limits += [high, -low]
    aim = np.zeros(len(atoms))
    aim[atoms[cell]] = 1
    ends = [linprog(sign * aim, A_ub=rows, b_ub=limits, bounds=(0, 10_000)) for sign in (1, -1)]
    assert all(one.status == 0 for one in ends)
    return round(ends[0].fun, 6), round(-ends[1].fun, 6)


def test_nobody_and_few_wear_the_same_marker(tmp_path):
    """Under the strict rule a table prints no zero; under the national rule it does."""
    table = written(
        tmp_path, "practice,condition,count", [("P1", "a", 40), ("P1", "b", 0), ("P2", "a", 3), ("P2", "b", 60)]
    )
    strict, national = protected(table), protected(table, rule="hes-2018", to="other")
    assert strict["P1", "b"] == strict["P2", "a"] == ["*"]
    assert (national["P1", "b"], national["P2", "a"]) == (["0"], ["*"])


def test_a_cell_that_the_table_leaves_out_is_there_and_withheld(tmp_path):
    """A line that is missing would say that nobody is there; so no line is missing."""
    table = written(tmp_path, "practice,condition,count", [("P1", "a", 40), ("P2", "a", 30), ("P2", "b", 60)])
    assert protected(table)["P1", "b"] == ["*"]
    assert ("P1", "b") not in protected(table, rule="hes-2018", to="other")


@pytest.mark.parametrize("seed", range(6))
def test_from_the_file_alone_no_empty_cell_can_be_told_to_be_empty(tmp_path, seed):
    """Of every cell with nobody an attacker must still think at least five numbers possible, nought among them."""
    counts = crossed(seed)
    printed = protected(written(tmp_path, "practice,condition,count", [(*key, count) for key, count in counts.items()]))
    empty = [key for key, count in counts.items() if count == 0 and "All" not in key]
    assert empty
    assert "0" not in {shown for (shown,) in printed.values()}
    for cell in empty:
        least, most = bounds_of(printed, cell)
        assert least == 0
        assert most >= 4


def test_a_group_that_falls_in_one_category_cannot_be_told(tmp_path):
    """All forty of a practice have one condition; the file leaves open that five of them have another."""
    rows = [("P1", "a", 40), ("P1", "b", 0), ("P1", "All", 40), ("P2", "a", 30), ("P2", "b", 60), ("P2", "All", 90),
            ("All", "a", 70), ("All", "b", 60), ("All", "All", 130)]  # fmt: skip
    printed = protected(written(tmp_path, "practice,condition,count", rows))
    assert printed["P1", "All"] == ["40"]
    assert bounds_of(printed, ("P1", "b"))[1] >= 4


def test_a_second_table_does_not_tell_where_nobody_is(tmp_path):
    """With a ledger the second table is judged with the first: the difference of both names no empty group."""
    memory = tmp_path / "memory"
    first = [("P1", "a", 40), ("P1", "b", 0), ("P2", "a", 30), ("P2", "b", 60)]
    protected(written(tmp_path, "practice,condition,count", first), ledger=memory)
    second = protected(
        written(tmp_path, "practice,count", [("P1", 40), ("P2", 90)], "s.csv"), to="later", ledger=memory
    )
    assert set(second) == {("P1",), ("P2",)}
    third = protected(written(tmp_path, "condition,count", [("a", 70), ("b", 60)], "u.csv"), to="last", ledger=memory)
    # Both totals of P1 and of condition b are out or withheld; none of them may be nought.
    assert "0" not in {cell[0] for cell in (*second.values(), *third.values())}


def test_a_sum_of_nothing_is_withheld_and_cannot_be_worked_out(tmp_path):
    """No pounds are no people: what is left between a total and its parts is not nothing for sure."""
    rows = [("P1", 40, 4000.0, 150.0, 140.0), ("P2", 0, 0.0, 0.0, 0.0), ("P3", 50, 5000.0, 150.0, 150.0),
            ("P4", 30, 2500.0, 120.0, 110.0), ("All", 120, 11500.0, 150.0, 150.0)]  # fmt: skip
    printed = protected(written(tmp_path, "practice,count,cost,largest,second", rows))
    assert printed["P2",] == ["*", "*"]
    shown = {key[0]: int(cell[1]) for key, cell in printed.items() if cell[1] != "*"}
    assert not {"P1", "P3", "P4", "All"} <= set(shown), "the total and all other parts would leave nothing for P2"


def test_too_many_combinations_are_a_sentence(tmp_path):
    """A table whose full cross cannot be printed is refused by name, not by running out of memory."""
    rows = [(f"a{n}", f"b{n}", 20) for n in range(300)]
    with pytest.raises(DoesNotHold) as told:
        protected(written(tmp_path, "one,two,count", rows))
    assert told.value.code == "tables-too-wide"


def test_what_is_filled_in_is_measured_like_the_rest():
    """Where people and sums are counted, an added line has nobody and nothing in each."""
    rows = (Row(("P1", "a"), 2, 9, 8, 70.0, 20.0, 10.0), Row(("P2", "b"), 3, 9, 8, 70.0, 20.0, 10.0))
    added = with_every_cell(CountTable("t", ("practice", "condition"), rows), Hierarchies()).rows[2:]
    assert {row.values for row in added} == {("P1", "b"), ("P2", "a")}
    assert {(row.count, row.people, row.amount, row.largest, row.second) for row in added} == {(0, 0, 0.0, 0.0, 0.0)}


def possible_of(printed, *, withheld):
    """What `public-strict` leaves open of a printed cell."""
    return withheld if printed == "*" else (max(int(printed) - 2, 10), int(printed) + 2)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_scripted_analysts_find_no_empty_group(tmp_path, monkeypatch, seed):
    """Everybody but one, month on month, two who collude: of no group of nobody to nine are fewer than five left."""
    monkeypatch.setattr(attacker, "interval", possible_of)
    monkeypatch.setattr(playing, "SMALL", range(10))
    world, seen = sessions.World(seed), []
    (tmp_path / "levels.csv").write_text(sessions.HIERARCHY)
    for number, one in enumerate(sessions.SCRIPTS[seed % len(sessions.SCRIPTS)](random.Random(seed))):
        path = tmp_path / f"t{number}.csv"
        path.write_text(world.table(one)[0])
        out = tmp_path / f"out{number}"
        try:
            protect(Request((path,), "public-strict", out, tmp_path / "levels.csv", tmp_path / "memory"))
        except Refused:
            continue  # then nothing of it is seen
        seen += playing.returned(out / path.name, world, one)
    met = playing.attacked(world, seen, "strict", withheld=(0, 5_000))
    assert met["strict: small groups"] > 100
    assert met["strict: exact"] == met["strict: fewer than five values"] == 0
