"""The engine against plain loops, and the laws every score keeps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.stratification.scoring import Bench, written
from tests.unit.stratification.slow_scores import HOW, prefixes, value

from caldicott.engines.duckdb.scores import Question, ScoreEngine, Sources
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.stratification.catalogue import choose

ON = date(2026, 3, 31)
LISTED = sorted({code for name in HOW for code, _group in prefixes(name)})
TAILS = ("", "0", "9", "X", "D", "05")
A_CODE = st.one_of(
    st.builds(lambda code, tail: code + tail, st.sampled_from(LISTED), st.sampled_from(TAILS)),
    st.from_regex(r"[A-Z][0-9]{2}\.?[0-9]?", fullmatch=True),
    st.sampled_from(["", "  ", "?", "F03X", "i10.x", "I21 ", "I-21.4", "123456789", "é21"]),
)
PEOPLE = st.lists(
    st.lists(st.tuples(A_CODE, st.dates(date(2023, 1, 1), date(2026, 6, 30))), max_size=8), min_size=1, max_size=12
)
FEW = settings(max_examples=8, deadline=None)


def engine_over(folder, rows, names, *, on=None):
    path = written(folder, "codes.csv", "person_id code date", rows)
    choice = choose(names, own={})
    engine = ScoreEngine(
        Question(choice.to_compute, choice.asked, on=on),
        Sources(SourceFile(path, ("person_id", "code", "date"))),
        threads=1,
    )
    engine.prepare(months=on is not None)
    return engine


def rows_of(people):
    """A row a code, and one for everybody, so that a person without codes is there too."""
    return [
        row
        for place, codes in enumerate(people)
        for row in [(f"p{place}", "A000", "2023-01-01"), *((f"p{place}", code, str(day)) for code, day in codes)]
    ]


def months_earlier(day, months):
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError


@FEW
@given(PEOPLE)
def test_equals_the_loops(people):
    """Every score of every person is what plain loops over the published tables give."""
    with TemporaryDirectory() as folder:
        answer = engine_over(Path(folder), rows_of(people), tuple(HOW)).table().to_pylist()
    found = {row["person_id"]: {name: Decimal(row[name]) for name in HOW} for row in answer}
    assert found == {
        f"p{place}": {name: value(name, [code for code, _day in codes]) for name in HOW}
        for place, codes in enumerate(people)
    }


@FEW
@given(PEOPLE, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(people, chance):
    """The same rows in another order, some of them twice, give the same scores."""
    rows = rows_of(people)
    shuffled = rows + rows[::2]
    chance.shuffle(shuffled)
    with TemporaryDirectory() as folder:
        once = engine_over(Path(folder), rows, tuple(HOW)).table()
        twice = engine_over(Path(folder), shuffled, tuple(HOW)).table()
    assert once.equals(twice)


@FEW
@given(PEOPLE, A_CODE)
def test_a_further_code_takes_nothing_away(people, code):
    """One more code never lowers a plain count of conditions."""
    with TemporaryDirectory() as folder:
        before = engine_over(Path(folder), rows_of(people), ("charlson-rcs",)).table().column("charlson-rcs")
        more = [[*codes, (code, ON)] for codes in people]
        after = engine_over(Path(folder), rows_of(more), ("charlson-rcs",)).table().column("charlson-rcs")
    assert all(b >= a for a, b in zip(before.to_pylist(), after.to_pylist(), strict=True))


@FEW
@given(PEOPLE, st.integers(0, 30))
def test_any_earlier_month_without_reading_again(people, months):
    """Kept month by month, an earlier day has the scores that the rows up to that day give, windows included."""
    day = months_earlier(ON, months)
    begins = months_earlier(day, 24)
    with TemporaryDirectory() as folder:
        answer = engine_over(Path(folder), rows_of(people), ("hfrs", "charlson-1987"), on=ON).table(months_ago=months)
    for row in answer.to_pylist():
        codes = people[int(row["person_id"][1:])]
        assert Decimal(row["hfrs"]) == value("hfrs", [code for code, at in codes if begins < at <= day])
        assert Decimal(row["charlson-1987"]) == value("charlson-1987", [code for code, at in codes if at <= day])


def test_one_day_and_month_by_month_agree(tmp_path):
    """The lean reading for one day and the reading by months give the same table."""
    rows = [
        (f"p{n % 40}", LISTED[n * 7 % len(LISTED)], f"202{3 + n % 3}-0{1 + n % 9}-{10 + n % 19}") for n in range(900)
    ]
    by_months = engine_over(tmp_path, rows, ("hfrs", "charlson-1987", "segment-b2h-like"), on=ON).table()
    answer = Bench(tmp_path).codes(*rows).ask("hfrs", "charlson-1987", "segment-b2h-like", on=ON)
    wanted = {row["person_id"]: {name: str(row[name]) for name in row} for row in by_months.to_pylist()}
    assert answer == wanted
