"""Who is who and who remains, on small tables: mergers of any shape, objections in any order."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.people import BIT, DuckDbPeople
from caldicott.vocabulary.terms import Objection

T1, T1_OFF = "827241000000103", "827261000000102"


def _numbers(values):
    return pa.table({"identity": pa.array(values, pa.int64())}).to_reader()


def _index(engine, numbers):
    ids = pa.table({"number": pa.array(numbers, pa.int64()), "person_id": pa.array(range(len(numbers)), pa.int64())})
    local = pa.table(
        {"kind": pa.array([], pa.string()), "value": pa.array([], pa.string()), "person_id": pa.array([], pa.int64())}
    )
    engine.add_index(ids.to_reader(), local.to_reader())


def _merge(engine, pairs):
    current, old = [a for a, _b in pairs], [f"{b:010d}" for _a, b in pairs]
    engine.add_mergers(
        pa.table({"identity": pa.array(current, pa.int64()), "superseded_nhs_number": old}).to_reader(), since=0
    )


def _objections(engine, coded, *, since=0, replaced=(), sender="Z80001"):
    engine.add_objections(
        pa.table({
            "identity": pa.array([n for n, *_r in coded], pa.int64()),
            "objection_code": [c for _n, c, *_r in coded],
            "recorded_on": pa.array([date.fromisoformat(on) for _n, _c, on, *_r in coded], pa.date32()),
            "record_hash": pa.array([key for *_r, key, _w in coded], pa.uint64()),
            "withdrawn": [withdrawn for *_r, withdrawn in coded],
            "file_row": pa.array(range(len(coded)), pa.int64()),
            "practice": pa.array(["Z80001"] * len(coded), pa.string()),
        }).to_reader(),
        sender=sender, since=since, replaced=replaced,
    )  # fmt: skip


def living(pairs, seen):
    """Each seen number with the one that stands for it."""
    engine = DuckDbPeople(threads=1)
    engine.add_numbers(_numbers(seen))
    _merge(engine, pairs)
    engine.follow_mergers()
    found = dict(engine.connection.execute("SELECT number, living FROM living").fetchall())
    engine.connection.close()
    return found


@pytest.mark.parametrize(("pairs", "expected"), [
    ([], {1: 1, 2: 2}),
    ([(2, 1)], {1: 2, 2: 2}),
    ([(2, 1), (3, 2)], {1: 3, 2: 3, 3: 3}),
    ([(1, 1)], {1: 1}),
    ([(2, 1), (1, 2)], {1: 1, 2: 1}),
    ([(2, 1), (3, 2), (1, 3)], {1: 1, 2: 1, 3: 1}),
    ([(2, 5), (3, 2), (2, 3), (5, 9)], {5: 2, 9: 2, 2: 2, 3: 2}),
    ([(2, 1), (2, 1)], {1: 2, 2: 2}),
    ([(9, 1), (9, 2), (9, 3)], {1: 9, 2: 9, 3: 9}),
])  # fmt: skip
def test_mergers_are_followed(pairs, expected):
    """To the living number; in a circle to its lowest."""
    assert living(pairs, list(expected)) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=14))
def test_who_leads_to_another_is_one_person_with_it(pairs):
    """Whatever the feed says, a superseded number and where it leads never stand for two people."""
    found = living(pairs, list(range(1, 13)))
    first = {}
    for current, old in pairs:
        if current != old:
            first[old] = max(first.get(old, 0), current)
    assert all(found[old] == found[current] for old, current in first.items())
    assert all(found[number] == number for number in range(1, 13) if number not in first)


def objecting(*submissions, number=1):
    """The schemes by which that number objects after these submissions."""
    engine = DuckDbPeople(threads=1)
    engine.add_numbers(_numbers([1, 2]))
    for since, (coded, extra) in enumerate(submissions):
        _objections(engine, coded, since=since, **extra)
    _index(engine, [1, 2])
    engine.follow_mergers()
    engine.settle(ndop_answered=True)
    mask = engine.connection.execute("SELECT mask FROM person WHERE identity = ?", [number]).fetchone()[0]
    engine.connection.close()
    return {scheme.value for scheme, bit in BIT.items() if mask & bit} - {Objection.NATIONAL_DATA_OPT_OUT.value}


def test_the_newest_word_on_a_coded_record_counts():
    """A record deleted by a later extract is not there, whichever way it spoke; another practice's record stays."""
    dissent, back = (1, T1, "2020-01-01", 7, False), (1, T1_OFF, "2021-01-01", 8, False)
    assert objecting(([dissent, back], {})) == set()
    assert objecting(([dissent, back], {}), ([(*back[:4], True)], {})) == {"type1"}
    assert objecting(([dissent], {}), ([(*dissent[:4], True)], {})) == set()
    assert objecting(([dissent], {}), ([(*dissent[:4], True)], {"sender": "Z80002"})) == {"type1"}


def test_what_only_settling_needs_is_gone_once_it_is_done():
    """A run holds whose an identity is and who objects; what senders said to find that out is not kept in memory."""
    engine = DuckDbPeople(threads=1)
    engine.add_numbers(_numbers([1, 2]))
    _index(engine, [1, 2])
    engine.follow_mergers()
    engine.settle(ndop_answered=True)
    found = engine.connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    engine.connection.close()
    assert [name for (name,) in found] == ["current", "living", "objection", "objection_code", "person", "person_local"]


def test_a_replaced_period_of_codes_is_gone():
    """What a newer replacement of the period does not bring is no longer said."""
    inside, before = (1, T1, "2025-06-01", 7, False), (1, T1, "2020-06-01", 7, False)
    period = {"replaced": [(date(2025, 4, 1), date(2026, 3, 31))]}
    assert objecting(([inside], period)) == set()
    assert objecting(([before], period)) == {"type1"}


def test_who_is_not_in_the_answer_has_opted_out():
    """With an answer: who is not in it is out. Without one: everyone is."""
    for answered, allowed, expected in ((True, [1], {1}), (True, [], set()), (False, [1, 2], set())):
        engine = DuckDbPeople(threads=1)
        engine.add_numbers(_numbers([1, 2]))
        engine.add_allowed(_numbers(allowed))
        _index(engine, [1, 2])
        engine.follow_mergers()
        engine.settle(ndop_answered=answered)
        bit = BIT[Objection.NATIONAL_DATA_OPT_OUT]
        found = engine.connection.execute(f"SELECT identity FROM person WHERE mask & {bit} = 0").fetchall()
        engine.connection.close()
        assert {row[0] for row in found} == expected
