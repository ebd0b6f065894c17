"""What is counted before the gate is what a person with the rows before them would count."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caldicott.analytics import expression
from caldicott.analytics.cube import Cube
from caldicott.analytics.definition import Source
from caldicott.analytics.question import Axis
from caldicott.engines.duckdb import indicators
from caldicott.engines.duckdb.indicators import DuckDbIndicators
from caldicott.engines.duckdb.indicators_marts import Marts

MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02")
COLUMNS = ("person_token", "practice", "age_band", "sex", "provider", "minutes_in_department", "cost")
KINDS = (*[pa.string()] * 5, pa.int64(), pa.decimal128(18, 2))
NAMED = {"practice": "practice", "age": "age_band", "sex": "sex", "provider": "provider", "time": "month"}
LEVELS = {**NAMED, "time": "month"}
QUESTIONS = [
    ("practice", "age"), ("provider", "time"), ("practice", "sex", "time"), ("time",), ("age", "provider"),
    ("sex", "provider", "time"), (),
]  # fmt: skip


def rows_of(seed, people=40, each=6):
    """Invented rows of a snapshot: people move and grow older between months, and within one."""
    chance = random.Random(seed)
    for month in MONTHS:
        for _ in range(people * each // len(MONTHS)):
            person = chance.choice([None, *(f"P{number:03}" for number in range(people))])
            yield month, (
                person, chance.choice(["Z80001", "Z80021", "Z80301", None]), chance.choice(["0-4", "5-9", "90+"]),
                chance.choice(["1", "2", None]), chance.choice(["RZ1", "RZ2", "RZ3", None]),
                chance.choice([30, 240, 241, None]), chance.choice([Decimal("9.5"), Decimal(-1), Decimal(700), None]),
            )  # fmt: skip


def marts(folder, rows, *, without=""):
    """Files as a mart has them; of the first month one column may be missing, as before a sender delivered it."""
    paths = []
    for month in MONTHS:
        own = [row for at, row in rows if at == month]
        made = {name: pa.array([row[place] for row in own], KINDS[place]) for place, name in enumerate(COLUMNS)}
        if month == MONTHS[0]:
            made.pop(without, None)
        path = folder / f"month={month}" / "rows.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(made), path)
        paths.append(path)
    return Marts({"sus-ec": paths})


def cube(names):
    axes = tuple(Axis(name, LEVELS[name], (LEVELS[name],), ()) for name in names)
    source = Source("sus-ec", expression.claim("cost is known", where="test"))
    within = expression.claim("minutes_in_department <= 240", where="test")
    return Cube("c", source, axes, numerator=within, amount=expression.value("cost", where="test"))


def by_hand(rows, names):
    """Each person in one group of what people are, that of their latest month; and of two there the larger."""
    latest = defaultdict(dict)
    for month, row in rows:
        for place, name in ((1, "practice"), (2, "age"), (3, "sex")):
            if row[place] is not None:
                latest[row[0]][name] = max(latest[row[0]].get(name, ("", "")), (month, row[place]))
    groups = defaultdict(lambda: defaultdict(list))
    for month, row in rows:
        if row[0] is not None and row[6] is not None:
            own = {"provider": row[4] or "unknown", "time": month}
            own |= {name: latest[row[0]].get(name, ("", "unknown"))[1] for name in ("practice", "age", "sex")}
            groups[tuple(own[name] for name in names)][row[0]].append(row)
    return {values: _counted(people) for values, people in groups.items()}


def _counted(people):
    costs = sorted((sum(max(row[6], Decimal(0)) for row in rows) for rows in people.values()), reverse=True)
    within = [sum((row[5] or 999) <= 240 for row in rows) for rows in people.values()]
    return (
        sum(map(len, people.values())), len(people), sum(within), sum(number > 0 for number in within),
        float(sum(costs)), float(costs[0]), float(costs[1]) if len(costs) > 1 else 0.0,
    )  # fmt: skip


def counted(engine, names):
    return {
        cell.values: (
            cell.events, cell.people, cell.events_part, cell.people_part, cell.amount, cell.largest, cell.second,
        )
        for cell in engine.cells(cube(names))
    }  # fmt: skip


@pytest.mark.parametrize("names", QUESTIONS, ids=" by ".join)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_group_is_as_counted_by_hand(tmp_path, names, seed):
    """Events, distinct people, the part of both, the amount and the two largest that one person put in."""
    rows = list(rows_of(seed))
    with DuckDbIndicators(marts(tmp_path, rows), {}, threads=1) as engine:
        assert counted(engine, names) == by_hand(rows, names)


@pytest.mark.parametrize("names", [("practice", "sex", "time"), ("practice", "age")])
def test_it_is_the_same_whether_values_are_few_or_many(tmp_path, monkeypatch, names):
    """Of few values places in a list are compared, of many the texts."""
    rows = list(rows_of(4))
    with DuckDbIndicators(marts(tmp_path, rows), {}, threads=1) as engine:
        few = counted(engine, names)
        monkeypatch.setattr(indicators, "_LISTED_AT_MOST", 0)
        assert "list_position" not in engine.statement(cube(names))[0]
        assert counted(engine, names) == few


def test_a_month_that_lacks_a_column_is_counted_with_the_others(tmp_path):
    """Months are counted by themselves only where all have the same columns."""
    rows = list(rows_of(5))
    without = [(at, (*row[:4], None if at == MONTHS[0] else row[4], *row[5:])) for at, row in rows]
    with DuckDbIndicators(marts(tmp_path, rows, without="provider"), {}, threads=1) as engine:
        assert counted(engine, ("provider", "time")) == by_hand(without, ("provider", "time"))


def test_a_filter_and_an_upper_level_hold_in_each_month(tmp_path):
    """Of one month and one network only: the same as those groups of the table of all."""
    rows, lookups = list(rows_of(7)), {"practice-network": {"Z80001": "North", "Z80021": "North", "Z80301": "South"}}
    practice = Axis("practice", "practice", ("practice",), (("network", "North"),))
    month = Axis("time", "month", ("month",), (("month", MONTHS[1]),))
    asked = Cube("c", Source("sus-ec", expression.claim("cost is known", where="test")), (practice, month))
    expected = {
        values: found[:2]
        for values, found in by_hand(rows, ("practice", "time")).items()
        if values[0] in {"Z80001", "Z80021"} and values[1] == MONTHS[1]
    }
    with DuckDbIndicators(marts(tmp_path, rows), lookups, threads=1) as engine:
        assert {cell.values: (cell.events, cell.people) for cell in engine.cells(asked)} == expected


def test_the_first_of_all_of_a_persons_rows_is_looked_for_in_all_months(tmp_path):
    """A question about each person's first attendance, by month, counts each person in one month."""
    rows = list(rows_of(6))
    asked = cube(("time",))
    first = Cube(
        "c", Source("sus-ec", expression.claim("cost is known", where="test"), day="seen", first=True), asked.axes
    )
    made = marts(tmp_path, rows)
    for path in made.files["sus-ec"]:
        table = pq.read_table(path, partitioning=None)
        day = pa.array([f"{path.parent.name[6:]}-01"] * len(table)).cast(pa.date32())
        pq.write_table(table.append_column("seen", day), path)
    begun = {}
    for month, row in rows:
        if row[0] is not None and row[6] is not None:
            begun[row[0]] = min(begun.get(row[0], month), month)
    with DuckDbIndicators(made, {}, threads=1) as engine:
        found = {cell.values[0]: cell.people for cell in engine.cells(first)}
    assert found == {month: list(begun.values()).count(month) for month in set(begun.values())}
