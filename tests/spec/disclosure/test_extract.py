"""Single records leave only where each is one of several alike; otherwise nothing leaves."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter, defaultdict

import pytest

import people
from caldicott.disclosure.records import Criteria
from caldicott.operations.extract import INTRUDER, REPORT, Request, extract
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

QUASI = ("age", "sex", "practice", "seen")
HEADER = [*QUASI, "diagnosis", "token", "cost"]


def _rows(number, seed=1):
    chance = random.Random(seed)
    for place in range(number):
        yield [
            chance.randrange(20, 90), chance.choice("FM"), f"A8100{chance.randrange(4)}",
            f"2025-{chance.randrange(4, 10):02}-{chance.randrange(1, 29):02}",
            chance.choice(["I21.9", "J44.1", "E11.9", "E11.5", "F00.1"]), f"t{place}", chance.randrange(100, 900),
        ]  # fmt: skip


@pytest.fixture
def table(tmp_path):
    """Two thousand invented people, nearly all alone with what could be known of them."""
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(_rows(2_000))
    return path


def _made(table, **changes):
    asked = {"quasi": QUASI, "sensitive": "diagnosis", "to": table.parent / "out", "others": ("cost",), **changes}
    return extract(Request(table, **asked))


def _out(table):
    with (table.parent / "out" / "extract.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(("k", "l", "t"), [(5, 2, None), (12, 3, None), (5, 2, 0.5)])
def test_every_record_is_one_of_k_alike(table, k, l, t):  # noqa: E741
    """Counted by hand on the written file: k alike, l sensitive values among them, no further than t from everybody."""
    done = _made(table, criteria=Criteria(k=k, l=l, t=t))
    groups = defaultdict(Counter)
    rows = _out(table)
    for row in rows:
        groups[tuple(row[name] for name in QUASI)][row["diagnosis"]] += 1
    assert min(sum(group.values()) for group in groups.values()) == done.measured.k >= k
    assert min(len(group) for group in groups.values()) == done.measured.l >= l
    everybody = Counter(row["diagnosis"] for row in rows)
    furthest = max(
        0.5 * sum(abs(group[code] / sum(group.values()) - everybody[code] / len(rows)) for code in everybody)
        for group in groups.values()
    )
    assert furthest == pytest.approx(done.measured.t, abs=1e-9)
    assert t is None or furthest <= t
    assert len(rows) == done.rows >= 0.96 * 2_000


def test_no_day_and_no_column_that_was_not_asked_for_leaves(table):
    """Days become months or more; the token, which nobody named, stays."""
    _made(table)
    rows = _out(table)
    assert set(rows[0]) == {*QUASI, "diagnosis", "cost"}
    assert all(len(row["seen"]) <= len("2025-Q2") for row in rows)


def test_the_order_tells_nothing(table):
    """The records stand in the order of their values, whatever the order they came in."""
    _made(table)
    first = (table.parent / "out" / "extract.csv").read_text()
    header, *lines = table.read_text().splitlines()
    random.Random(5).shuffle(lines)
    table.write_text("\n".join([header, *lines]) + "\n")
    _made(table, to=table.parent / "again")
    assert (table.parent / "again" / "extract.csv").read_text() == first


def test_the_report_says_how_it_stands(table):
    """Steps, sizes, who is alone before and after, and the intruder's luck; nobody is alone after."""
    _made(table)
    report = json.loads((table.parent / "out" / REPORT).read_text())
    assert report["alone_before"][" x ".join(QUASI)] > 1_500
    assert set(report["alone_after"].values()) == {0}
    assert report["intruder"]["found_alone"] == 0
    assert report["intruder"]["looked_for"] == 1_000
    assert report["risk"]["of_one_record_at_most"] <= 0.2
    assert "Done by (post):" in (table.parent / "out" / INTRUDER).read_text()


def test_rare_codes_are_made_coarser(table):
    """A diagnosis that fewer than five people have keeps its first three characters only."""
    with table.open("a", newline="") as stream:
        csv.writer(stream).writerow([50, "F", "A81000", "2025-05-01", "G12.2", "t", 300])
    _made(table)
    assert "G12.2" not in {row["diagnosis"] for row in _out(table)}


@pytest.mark.parametrize(("column", "value"), [
    ("cost", people.invented(2)[1].number), ("cost", people.invented(2)[1].postcode), ("cost", "born 1950-03-04"),
    ("cost", "C0123456789ABCDEFG7"), ("cost", "somebody@example.org"),
])  # fmt: skip
def test_what_looks_like_an_identifier_stops_it(table, column, value):
    """One such cell among two thousand: nothing is written, and the value is not in the message."""
    with table.open("a", newline="") as stream:
        row = dict(zip(HEADER, [50, "F", "A81000", "2025-05-01", "I21.9", "t", 300], strict=True))
        csv.writer(stream).writerow({**row, column: value}.values())
    with pytest.raises(DoesNotHold) as fault:
        _made(table)
    assert fault.value.code == "extract-identifiers"
    assert str(value) not in str(fault.value)
    assert not (table.parent / "out").exists()


def test_records_that_cannot_be_made_safe_do_not_leave(tmp_path):
    """Three people cannot be five alike: refused, and no folder is made."""
    table = tmp_path / "few.csv"
    table.write_text("age,diagnosis\n30,I21.9\n40,J44.1\n50,E11.9\n")
    with pytest.raises(Refused) as fault:
        extract(Request(table, ("age",), "diagnosis", tmp_path / "out"))
    assert fault.value.code == "extract-not-safe"
    assert not (tmp_path / "out").exists()


def test_a_column_that_is_not_there_is_named(table):
    """And a column cannot be both known and to be kept."""
    with pytest.raises(DoesNotHold) as fault:
        _made(table, quasi=("age", "shoe_size"))
    assert "shoe_size" in str(fault.value)
    with pytest.raises(WrongUsage):
        _made(table, quasi=("age", "diagnosis"))
