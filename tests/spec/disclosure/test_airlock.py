"""What leaves the analysts' room was asked for, looked at by a program, and approved by two people who did not ask."""

from __future__ import annotations

import csv
from contextlib import suppress

import pytest

import people
from caldicott.operations import airlock
from caldicott.operations.staff import say_without_account, tie
from caldicott.stores.airlock import AIRLOCK
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from stage import PLANNING, RISK, Stage, episode

ANALYST, OFFICER, GUARDIAN = "commissioning_analyst", "ig_officer", "caldicott_guardian"
COUNTS = "month,service,count\n2025-06,falls,13\n2025-06,other,4\n2025-07,falls,41\n2025-07,other,23\n"
WORDS = "finding,value\nmedian wait in minutes,83.5\n"


@pytest.fixture
def stage(tmp_path, example_icb):
    """A store with a mart."""
    stage = Stage(tmp_path, example_icb)
    crowd = people.invented(9)[1:]
    stage.send("ncdr-sus-apc", [episode(person, f"r{n}") for n, person in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run()
    with stage.house() as house:
        for login in ("ann", "ben", "cora", "dan"):
            say_without_account(house, login)
    return stage


def _as(house, actor):
    return house.__class__(**{**house.__dict__, "actor": actor})


def _requested(stage, tables, by="ann", activity=PLANNING, role=ANALYST):
    with stage.house() as house:
        return airlock.request(_as(house, by), activity=activity, role=role, context="A board paper", tables=tables)


def _reviewed(stage, number, by, role=OFFICER, verdict="approve"):
    with stage.house() as house:
        return airlock.review(_as(house, by), number, role=role, verdict=verdict, comment="Looked at every cell")


def _released(stage, number, to="out", by="ann"):
    with stage.house() as house:
        return airlock.release(_as(house, by), number, role=ANALYST, to=stage.root / to)


def test_two_people_approve_and_then_the_file_leaves(stage):
    """Asked, approved by an officer and by the guardian: the tables lie in the folder, counts as the gate lets them."""
    made = _requested(stage, {"falls.csv": COUNTS, "words.csv": WORDS})
    assert made.state == "waiting"
    assert _reviewed(stage, made.number, "ben").state == "waiting"
    assert _reviewed(stage, made.number, "cora", GUARDIAN).state == "approved"
    assert _released(stage, made.number).state == "released"
    with (stage.root / "out" / "falls.csv").open() as stream:
        shown = {(row["month"], row["service"]): row["count"] for row in csv.DictReader(stream)}
    assert shown == {("2025-06", "falls"): "15", ("2025-06", "other"): "*", ("2025-07", "falls"): "40",
                     ("2025-07", "other"): "25"}  # fmt: skip
    assert (stage.root / "out" / "words.csv").read_text() == WORDS


@pytest.mark.parametrize("approvals", [[], [("ben", OFFICER)], [("ben", OFFICER), ("ben", GUARDIAN)]])
def test_without_two_people_nothing_leaves(stage, approvals):
    """No check, one check, or one person in two posts: refused, and no folder is made."""
    made = _requested(stage, {"falls.csv": COUNTS})
    for by, role in approvals:
        with suppress(Refused):
            _reviewed(stage, made.number, by, role)
    with pytest.raises(Refused) as fault:
        _released(stage, made.number)
    assert fault.value.code == "airlock-not-approved"
    assert not (stage.root / "out").exists()


def test_nobody_checks_their_own_request(stage):
    """Also not in another role."""
    made = _requested(stage, {"falls.csv": COUNTS})
    with pytest.raises(Refused) as fault:
        _reviewed(stage, made.number, "ann", GUARDIAN)
    assert fault.value.code == "airlock-own-request"


@pytest.mark.parametrize("role", ["public", "gp", ANALYST, "processor_staff", "data_protection_officer", "wizard"])
def test_only_posts_that_the_register_names_check(stage, role):
    """Everybody else is refused by the one decision."""
    made = _requested(stage, {"falls.csv": COUNTS})
    with pytest.raises(Refused):
        _reviewed(stage, made.number, "dan", role)


@pytest.mark.parametrize(
    ("role", "activity"), [("public", PLANNING), (OFFICER, PLANNING), (ANALYST, RISK), ("gp", RISK)]
)
def test_only_who_may_release_may_ask(stage, role, activity):
    """The register names who may give out the activity's counts; no request of others is kept."""
    with pytest.raises(Refused):
        _requested(stage, {"falls.csv": COUNTS}, role=role, activity=activity)
    assert not (stage.store / AIRLOCK).exists()


def test_a_returned_request_is_changed_and_checked_anew(stage):
    """A return with a reason; after the change both checks are needed again."""
    made = _requested(stage, {"falls.csv": COUNTS})
    _reviewed(stage, made.number, "ben")
    assert _reviewed(stage, made.number, "cora", GUARDIAN, "return").state == "returned"
    with pytest.raises(Refused):
        _reviewed(stage, made.number, "dora")
    with stage.house() as house:
        with pytest.raises(Refused):
            airlock.change(_as(house, "ben"), made.number, role=ANALYST, context="mine", tables={"x.csv": COUNTS})
        now = airlock.change(_as(house, "ann"), made.number, role=ANALYST, context="less", tables={"x.csv": COUNTS})
    assert (now.state, now.checkers) == ("waiting", ())
    _reviewed(stage, made.number, "ben")
    with pytest.raises(Refused):
        _released(stage, made.number)
    _reviewed(stage, made.number, "cora", GUARDIAN)
    assert _released(stage, made.number).state == "released"


BLOCKED = {
    "a row a person": "person_token,count\nx,12\ny,13\n",
    "an identifier": f"group,count\n{people.invented(2)[1].number},12\n",
    "a postcode": f"area,people\n{people.invented(2)[1].postcode},100\n",
    "a code of a person": "group,count\nC0123456789ABCDEFG7,40\n",
    "no rows": "group,count\n",
    "nothing": "",
}


@pytest.mark.parametrize("what", BLOCKED)
def test_what_must_not_leave_nobody_can_approve(stage, what):
    """Rows of persons and what looks like an identifier: the author may ask, but no checker can let it pass."""
    made = _requested(stage, {"table.csv": BLOCKED[what]})
    with pytest.raises(Refused) as fault:
        _reviewed(stage, made.number, "ben")
    assert fault.value.code == "airlock-blocked"
    assert "9" * 3 not in str(fault.value)
    assert _reviewed(stage, made.number, "ben", verdict="return").state == "returned"


def test_the_author_is_not_told_what_the_program_found(stage):
    """Findings depend on rows, and the author may have no right to them: a checker sees them, the author the state."""
    made = _requested(stage, {"falls.csv": COUNTS, "table.csv": BLOCKED["a postcode"]})
    with stage.house() as house:
        mine, findings = airlock.opened(_as(house, "ann"), made.number, role=ANALYST)
        assert (findings, set(mine.tables.values())) == ((), {""})
        theirs, found = airlock.opened(_as(house, "ben"), made.number, role=OFFICER)
    assert theirs.tables["falls.csv"] == COUNTS
    by_name = {one.name: one for one in found}
    assert (by_name["falls.csv"].gate, by_name["falls.csv"].small, by_name["falls.csv"].blocking) == ("proved", 1, ())
    assert by_name["table.csv"].identifiers == 1


def test_the_history_only_grows(stage):
    """An entry changed, or taken from the middle, stops the request; the trail has the hash of every entry."""
    made = _requested(stage, {"falls.csv": COUNTS})
    _reviewed(stage, made.number, "ben")
    _reviewed(stage, made.number, "cora", GUARDIAN)
    folder = stage.store / AIRLOCK / made.number
    events = [entry for entry in stage.entries() if entry.event.startswith("airlock")]
    assert [entry.event for entry in events] == ["airlock-request", "airlock-review", "airlock-review"]
    assert not any(word in path.read_bytes() for path in folder.iterdir() for word in (b"falls", b"ann", b"count"))
    (folder / "000002.sealed").unlink()
    with pytest.raises(DoesNotHold) as fault:
        _released(stage, made.number)
    assert fault.value.code == "airlock-broken"


def test_a_request_is_released_once(stage):
    """A second release is refused: a new file needs new eyes."""
    made = _requested(stage, {"falls.csv": COUNTS})
    _reviewed(stage, made.number, "ben")
    _reviewed(stage, made.number, "cora", GUARDIAN)
    _released(stage, made.number)
    with pytest.raises(Refused):
        _released(stage, made.number, to="again")
    assert not (stage.root / "again").exists()


def test_words_are_asked_for(stage):
    """A request without a context, a check without a comment: wrong usage, nothing kept."""
    with stage.house() as house, pytest.raises(WrongUsage):
        airlock.request(_as(house, "ann"), activity=PLANNING, role=ANALYST, context=" ", tables={"x.csv": COUNTS})
    made = _requested(stage, {"falls.csv": COUNTS})
    with stage.house() as house, pytest.raises(WrongUsage):
        airlock.review(_as(house, "ben"), made.number, role=OFFICER, verdict="approve", comment="")


@pytest.mark.parametrize("name", ["../up.csv", "/etc/x.csv", ".hidden.csv", "a/b.csv", "table.exe", ""])
def test_a_table_s_name_is_a_plain_file_name(stage, name):
    """The name becomes a file's; one that leads elsewhere is not taken."""
    with pytest.raises(WrongUsage):
        _requested(stage, {name: COUNTS})


def test_one_person_by_two_doors_is_one_checker(stage):
    """Whoever asked by the pages does not check by the command line, and one checker by two names is one."""
    account = "11111111-1111-4111-8111-111111111111"
    made = _requested(stage, {"falls.csv": COUNTS}, by=account)
    with stage.house() as house:
        tie(house, "ben", account)
    with pytest.raises(Refused) as caught:
        _reviewed(stage, made.number, "ben")
    assert caught.value.code == "same-person"
    with pytest.raises(Refused) as caught:
        _reviewed(stage, made.number, "who-is-this")
    assert caught.value.code == "login-unknown"
    assert _reviewed(stage, made.number, "cora", GUARDIAN).state == "waiting"
    assert _reviewed(stage, made.number, "dan").state == "approved"
