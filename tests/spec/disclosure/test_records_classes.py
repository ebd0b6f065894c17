"""k, l and t are those of their definitions, by whichever of the two ways of counting they are found."""

from __future__ import annotations

from collections import Counter, defaultdict

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caldicott.disclosure.records import Column, Criteria, Kind
from caldicott.engines.duckdb.extracts import Records
from caldicott.operations.extract import Request, extract

QUASI = ("area", "age", "seen")
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["LS1", "LS2", "BD1", None]), st.sampled_from([31, 32, 47, None]),
        st.sampled_from(["2026-01", "2026-02", "2026-07", None]), st.sampled_from(["E11", "J44", "I21", None]),
        st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6", None]),
    ),
    min_size=1, max_size=60,
)  # fmt: skip
STEPS = (Column("area", Kind.AREA), Column("age", Kind.NUMBER), Column("seen", Kind.MONTH))
CRITERIA = [
    Criteria(k=2, l=1),
    Criteria(k=3, l=2),
    Criteria(k=1, l=3),
    Criteria(k=2, l=1, t=0.5501),
    Criteria(k=2, t=0.3003),
]


def opened(folder, rows, *, person):
    path = folder / "records.parquet"
    columns = dict(zip((*QUASI, "illness", "who"), zip(*rows, strict=True), strict=True))
    kinds = {"age": pa.int64()}
    pq.write_table(
        pa.table({name: pa.array(list(of), kinds.get(name, pa.string())) for name, of in columns.items()}), path
    )
    return Records(path, person="who" if person else "", threads=1)


def by_definition(records, criteria):
    """Records in classes that do not do, from the coarse records one by one."""
    names = ", ".join((*QUASI, "illness", *(('"~person"',) if records.knows_people else ())))
    rows = records.db.execute(f"SELECT {names} FROM coarse").fetchall()
    groups = defaultdict(list)
    for row in rows:
        groups[row[: len(QUASI)]].append(row[len(QUASI) :])
    everybody = Counter(row[len(QUASI)] for row in rows)
    return sum(
        len(one) for one in groups.values() if not does(one, everybody, criteria, is_people=records.knows_people)
    )


def does(members, everybody, criteria, *, is_people):
    size = len({one[1] for one in members} - {None}) if is_people else len(members)
    values = Counter(one[0] for one in members)
    holders = {value: {one[1] for one in members if one[0] == value} - {None} for value in values} if is_people else {}
    shared = any(len(people) == size for value, people in holders.items() if value is not None)
    nobody_holds = is_people and size == 0
    different = 1 if shared or nobody_holds else len(values.keys() - {None})
    total = sum(everybody.values())
    apart = 0.5 * sum(abs(values[value] / len(members) - of / total) for value, of in everybody.items())
    return size >= criteria.k and different >= criteria.l and (criteria.t is None or apart <= criteria.t)


def test_columns_are_called_as_the_sender_calls_them(tmp_path):
    """Names that the program uses for its own sums, a list, whole numbers of any length: counted like any others."""
    made = (
        "SELECT i % 2 AS n, i % 3 AS l, (i % 2)::HUGEINT AS t, i % 3 AS m, [i % 2] AS v, i % 2 AS row_number, "
        "'E1' || i % 4 AS illness FROM range(120) r(i)"
    )
    with duckdb.connect() as db:
        db.execute(f"COPY ({made}) TO '{tmp_path / 'named.parquet'}' (FORMAT parquet)")
    names = ("n", "l", "t", "m", "v", "row_number")
    request = Request(tmp_path / "named.parquet", names, "illness", tmp_path / "out", criteria=Criteria(k=20, l=2))
    done = extract(request)
    # Two by three groups of twenty each, with two illnesses in each.
    assert (done.rows, done.measured.classes, done.measured.k, done.measured.l) == (120, 6, 20, 2)
    assert set(done.steps.values()) == {"as it is", "rare values together"}


def test_a_step_is_asked_of_values_and_not_of_rows(tmp_path):
    """The search for the next step reads the records once: after it they could be gone, and it still says the same."""
    records = opened(tmp_path, [("LS1", 31, "2026-01", "E11", "p1")] * 3, person=True)
    records.coarsen(STEPS, "illness", (), k=2)
    before = records.failing(QUASI, "illness", CRITERIA[0])
    records.db.execute("TRUNCATE record")
    coarser = [Column(one.name, one.kind, 1) for one in STEPS]
    records.coarsen(coarser, "illness", (), k=2)
    assert before == records.failing(QUASI, "illness", CRITERIA[0]) == 3


@pytest.mark.parametrize("person", [False, True])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, climbed=st.integers(0, 63))
def test_both_ways_of_counting_are_the_definition(tmp_path, person, rows, climbed):
    """People where they are known, records where not: as many fail as by hand, at whichever steps the columns are."""
    records = opened(tmp_path, rows, person=person)
    steps = [
        Column(one.name, one.kind, min(climbed // 4**place % 4, len(one.ladder) - 1)) for place, one in enumerate(STEPS)
    ]
    records.coarsen(steps, "illness", (), k=2)
    for criteria in CRITERIA:
        expected = by_definition(records, criteria)
        assert records.failing(QUASI, "illness", criteria) == expected
        assert records.measure(QUASI, "illness", criteria).failing == expected
        records.keep(QUASI, "illness", criteria)
        assert records.db.execute("SELECT count(*) FROM kept").fetchall()[0][0] == len(rows) - expected
    records.db.close()
