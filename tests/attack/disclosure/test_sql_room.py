"""An analyst who tries to get out of the SQL room what is in it gets nothing: no value, no count, no hint."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

import people
from attack.disclosure.sql_tricks import INSIDE, OUTSIDE
from caldicott.engines.duckdb import sql_room as engine
from caldicott.engines.duckdb import sql_room_child as child
from caldicott.engines.duckdb.sql_room import Limits
from caldicott.operations.sql_room import as_text, kept_table, look, marts_of, query
from caldicott.stores.airlock import ROOM
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage
from stage import PLANNING, RISK, Stage, episode

ANALYST = "commissioning_analyst"
QUICK = Limits(seconds=1, megabytes=200, rows=1_000)
MARK = "needle"
NIGHTLY = os.environ.get("CALDICOTT_NIGHTLY") == "1"


def _stage(folder, register, *, marked):
    """Twelve people; in one of two worlds one of them bears the mark."""
    stage = Stage(folder, register)
    crowd = people.invented(13)[1:]
    rows = [episode(person, f"r{place:02}", f"2025-06-{place + 1:02}") for place, person in enumerate(crowd)]
    if marked:
        rows[0] = episode(crowd[0], f"{MARK}1", "2025-06-01")
    stage.send("ncdr-sus-apc", rows)
    stage.answer(crowd)
    stage.land()
    stage.run()
    return stage


@pytest.fixture(scope="module")
def worlds(tmp_path_factory, example_icb):
    """Two stores that differ in one fact about one person."""
    return [_stage(tmp_path_factory.mktemp(f"room{n}"), example_icb, marked=bool(n)) for n in (0, 1)]


def _asked(stage, statement, name="result", limits=QUICK, **who):
    """Everything that comes out: the answer, or the words of the refusal."""
    with stage.house() as house:
        try:
            asked = {"activity": PLANNING, "role": ANALYST, "statement": statement, "name": name, "limits": limits}
            return repr(query(replace(house, **who), **asked))
        except CaldicottError as fault:
            return f"{fault.code}: {fault} {fault.next_step}"


@pytest.fixture(scope="module")
def room(worlds):
    """The child's own connection over the marts, asked here so that a hundred tricks take no hundred processes."""
    with worlds[1].house() as house:
        places = [str(house.store.root / file.path) for file in marts_of(house, PLANNING)["sus-apc"]]
    schema = engine.columns_of({"sus_apc": [Path(place) for place in places]})["sus_apc"]
    asked = child.Question("", {"sus_apc": places}, {"sus_apc": schema.serialize().to_pybytes()}, 1_000, 200, 1)
    return asked, child.connected(asked)


@pytest.mark.parametrize("trick", OUTSIDE)
def test_a_way_out_is_not_allowed(room, trick):
    """Files, settings, other statements, packing, endless ones: refused before any row is read."""
    asked, connection = room
    how, words, rows = child.answered(replace(asked, statement=OUTSIDE[trick]), connection)
    assert (how, rows) == (child.NOT_ALLOWED, b"")
    assert words
    assert MARK not in words


@pytest.mark.parametrize("trick", OUTSIDE if NIGHTLY else ["copy out", "recursion", "a fault with a value"])
def test_a_way_out_is_refused(worlds, trick):
    """The same through the whole operation: a sentence with a next step."""
    with worlds[1].house() as house, pytest.raises(DoesNotHold) as fault:
        query(house, activity=PLANNING, role=ANALYST, statement=OUTSIDE[trick], name="result", limits=QUICK)
    assert fault.value.code in {"sql-not-allowed", "sql-does-not-fit", "sql-never-ends"}
    assert fault.value.next_step
    assert MARK not in str(fault.value)


def test_there_are_more_than_sixty_tricks():
    """The list is as long as was asked for."""
    assert len(OUTSIDE) + len(INSIDE) >= 100


@pytest.mark.parametrize("trick", INSIDE if NIGHTLY else ["a fault by a cast", "existence", "many rows"])
def test_what_may_run_tells_nothing_outside(worlds, trick):
    """Two worlds that differ in one person: the same words come out, whatever the statement met."""
    statement = INSIDE[trick].replace("{first}", MARK)
    said = [_asked(stage, statement) for stage in worlds]
    assert said[0] == said[1]
    assert said[0].startswith("Answered(")


def test_what_may_run_does_differ_inside(worlds):
    """The test above can fail: inside the room the two worlds differ."""
    statement = INSIDE["a count of one"].replace("{first}", MARK)
    counts = []
    for stage in worlds:
        _asked(stage, statement)
        with stage.house() as house:
            counts.append(kept_table(house, PLANNING, "result").to_pylist())
    assert [list(rows[0].values()) for rows in counts] == [[0], [1]]


def test_a_fault_in_a_row_is_told_inside_only(worlds):
    """A cast that fails on one person's row: inside it is said that it failed, without the value."""
    _asked(worlds[1], INSIDE["a fault by a cast"].replace("{first}", MARK))
    with worlds[1].house() as house:
        how, rows = look(house, activity=PLANNING, role=ANALYST, name="result")
    assert (how, rows) == ("failed", None)


@pytest.mark.parametrize("statement", ["SELECT 1 AS n FROM sus_apc", INSIDE["time"].replace("{first}", MARK)])
def test_the_answer_takes_as_long_as_was_asked(worlds, statement):
    """A quick statement and an endless one answer after the same time, so that time is no hint."""
    begun = time.monotonic()
    _asked(worlds[1], statement, limits=Limits(seconds=2, megabytes=200))
    assert time.monotonic() - begun >= 2


def test_a_statement_that_does_not_end_over_empty_tables_is_said_to(worlds):
    """Rows multiplied by rows without a table: stopped, with a sentence."""
    many = (
        "WITH a AS (SELECT 1 AS n UNION ALL SELECT 2), b AS (SELECT 1 AS n FROM a a1, a a2, a a3, a a4, a a5, a a6), "
    )
    many += "c AS (SELECT 1 AS n FROM b b1, b b2, b b3, b b4, b b5, b b6) SELECT count(*) AS n FROM c, c d"
    assert _asked(worlds[0], many).startswith("sql-never-ends")


def test_nothing_of_the_room_can_be_read_on_the_disk(worlds):
    """Results are sealed, their size says little, and no working file is left."""
    stage = worlds[1]
    _asked(
        stage, f"SELECT person_token, provider_reference FROM sus_apc WHERE provider_reference LIKE '{MARK}%'", "one"
    )
    _asked(stage, "SELECT person_token, provider_reference FROM sus_apc", "all_of_them")
    files = sorted((stage.store / ROOM).glob("*"))
    assert all(MARK.encode() not in path.read_bytes() for path in files)
    assert len({path.stat().st_size for path in files}) == 1
    assert not [path for path in stage.store.iterdir() if path.name.startswith("room-work-")]


def test_what_a_killed_statement_left_is_removed_by_the_next(worlds):
    """A working folder with rows in it does not outlive the next statement."""
    left = worlds[0].store / "room-work-killed"
    left.mkdir()
    (left / "rows.parquet").write_bytes(b"rows")
    _asked(worlds[0], "SELECT 1 AS n FROM sus_apc")
    assert not left.exists()


def test_a_result_can_be_asked_again(worlds):
    """A result is a table of the room for the next statement, and for nobody else's."""
    stage = worlds[1]
    _asked(stage, "SELECT person_token, provider_reference AS reference FROM sus_apc", "mine")
    assert _asked(stage, "SELECT count(*) AS n FROM mine", "counted").startswith("Answered(")
    with stage.house() as house:
        assert kept_table(house, PLANNING, "counted").to_pylist() == [{"n": 12}]
        other = house.__class__(**{**house.__dict__, "actor": "somebody-else"})
        with pytest.raises(DoesNotHold) as fault:
            query(other, activity=PLANNING, role=ANALYST, statement="SELECT * FROM mine", name="x", limits=QUICK)
    assert fault.value.code == "sql-not-allowed"


@pytest.mark.parametrize(
    "again", ["SELECT count(*) AS n FROM failed", "SELECT nothing FROM failed", "SELECT 1 AS n FROM gone"]
)
def test_a_result_that_failed_is_there_as_much_as_one_that_did_not(worlds, again):
    """A statement fails on one person's row. What the next one says of its result must not tell in which world."""
    for stage in worlds:
        _asked(stage, INSIDE["a fault by a cast"].replace("{first}", MARK), "failed", actor="newcomer")
    with worlds[1].house() as house:
        found = look(replace(house, actor="newcomer"), activity=PLANNING, role=ANALYST, name="failed")
    assert found == ("failed", None)
    said = [_asked(stage, again, "next", actor="newcomer") for stage in worlds]
    assert said[0] == said[1]


def test_a_column_that_is_not_there_comes_with_those_that_are(worlds):
    """Whoever cannot see the tables is told what they may ask for: names of columns, nothing of rows."""
    said = _asked(worlds[1], "SELECT month FROM sus_apc")
    assert said.startswith("sql-does-not-fit")
    assert "sus_apc has the columns person_token, " in said
    assert MARK not in said


def test_a_file_is_not_taken_for_a_result(worlds):
    """`--table falls.csv` is a slip for `--file`; it is said, and makes no request of nothing."""
    with worlds[1].house() as house, pytest.raises(WrongUsage, match="no name of a result") as fault:
        as_text(house, PLANNING, "falls.csv")
    assert "--file" in fault.value.next_step


@pytest.mark.parametrize("role", ["public", "ig_officer", "caldicott_guardian", "hr_officer", "researcher", "wizard"])
def test_only_whose_ceiling_is_rows_may_enter(worlds, role):
    """Whoever may have only counts, or nothing, is refused by the register."""
    with worlds[0].house() as house, pytest.raises(Refused):
        query(house, activity=PLANNING, role=role, statement="SELECT 1 AS n FROM sus_apc", name="x", limits=QUICK)


def test_nobody_enters_where_the_ceiling_is_counts(worlds):
    """In the activity of risk scores the analyst may have counts alone."""
    with worlds[0].house() as house, pytest.raises(Refused):
        query(house, activity=RISK, role=ANALYST, statement="SELECT 1 AS n", name="x", limits=QUICK)


def test_the_trail_has_the_statement_by_hash_and_no_count(worlds):
    """Who asked, and the hash of what; neither the words nor a number of rows."""
    stage = worlds[1]
    _asked(stage, f"SELECT 1 AS n FROM sus_apc WHERE provider_reference = '{MARK}1'")
    entry = [found for found in stage.entries() if found.event == "sql"][-1]
    assert any(reference.startswith("sha256:") for reference in entry.references)
    assert not entry.counts
    assert MARK not in repr(entry)
