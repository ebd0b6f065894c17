"""Laws of the person index: order says nothing, what is undone is undone, and nothing crosses a re-issue."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.identity_people import joined, keep_apart
from caldicott.engines.duckdb.people import DuckDbPeople
from caldicott.safe_haven.identity.persons import Change, Event, Joined, changes, standing

ON = date(2026, 5, 4)
NUMBERS = st.integers(1, 8)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8)


def living(pairs, apart=()):
    """Who leads to whom, as a run sees it; person 100 + n is number n's own."""
    people = DuckDbPeople()
    table = pa.table(
        {
            "identity": pa.array([new for _old, new in pairs], pa.int64()),
            "superseded_nhs_number": [f"{old:010d}" for old, _new in pairs],
        }
    )
    people.add_mergers(table.to_reader(), since=0)
    known = pa.table({"number": pa.array(range(1, 9), pa.int64()), "person_id": pa.array(range(101, 109), pa.int64())})
    local = pa.table({"kind": [], "value": [], "person_id": []})
    none = pa.schema([("kind", pa.string()), ("value", pa.string()), ("person_id", pa.int64())])
    people.add_index(known.to_reader(), local.cast(none).to_reader())
    keep_apart(people, apart)
    people.follow_mergers()
    return {one.number: one for one in joined(people)}


@settings(max_examples=25, deadline=None)
@given(pairs=PAIRS, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_says_nothing(pairs, order):
    """The same mergers in any order lead to the same persons."""
    shuffled = list(pairs)
    order.shuffle(shuffled)
    one, other = living(pairs), living(shuffled)
    assert {n: j.living for n, j in one.items()} == {n: j.living for n, j in other.items()}


@settings(max_examples=25, deadline=None)
@given(pairs=PAIRS, apart=st.sets(NUMBERS, min_size=1, max_size=3))
def test_nothing_is_joined_across_a_reissue(pairs, apart):
    """A number that was given anew leads to nobody, and nobody to it, whatever chain the feed has."""
    found = living(pairs, apart)
    assert not apart & found.keys()
    assert not apart & {one.living for one in found.values()}


JOINED = st.dictionaries(NUMBERS, NUMBERS, max_size=6).map(
    lambda found: [Joined(n, 100 + n, m, 100 + m) for n, m in found.items() if n != m]
)


@given(first=JOINED, second=JOINED)
def test_after_the_changes_what_holds_is_what_the_feed_says(first, second):
    """Whatever held before: the events lead exactly to what is joined now, and again there is nothing to do."""
    history = changes([], first, on=ON)
    history += changes(history, second, on=ON)
    assert {n: c.other_person for n, c in standing(history).items()} == {j.number: j.living_person for j in second}
    assert changes(history, second, on=ON) == []


@given(now=JOINED)
def test_a_merger_undone_restores(now):
    """Joined and parted: nothing holds, and every event has its opposite in the history."""
    history = changes([], now, on=ON)
    history += changes(history, [], on=ON)
    assert standing(history) == {}
    events = [change.event for change in history]
    assert events.count(Event.MERGE) == events.count(Event.SPLIT) == len(now)


def test_a_change_prints_no_number():
    """Nor a person."""
    assert "9" not in repr(Change(Event.MERGE, 9_000_000_009, 99, 9_999_999, 999, ON))
