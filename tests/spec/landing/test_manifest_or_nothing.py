"""A submission is what its manifest says, or nothing of it is taken in. And each row taken in has one place."""

from __future__ import annotations

import re
from datetime import date

import pytest

import people
from stage import PLANNING, RISK, Stage, episode

CROWD = people.invented(4)[1:]


def _rows():
    return [episode(person, f"r{place}") for place, person in enumerate(CROWD)]


def _edit(pattern, replacement):
    def edit(place):
        path = place / "manifest.toml"
        written, count = re.subn(pattern, replacement, path.read_text(), count=1)
        assert count == 1
        path.write_text(written)

    return edit


def _append_file(place):
    (place / "ncdr-sus-apc.csv").write_text("something else\n")


def _link(place):
    file = place / "ncdr-sus-apc.csv"
    aside = place.parent / "aside.csv"
    file.rename(aside)
    file.symlink_to(aside)


# what is wrong: how it is made so, the exit code, the error's code.
FAULTS = {
    "a row too few": (_edit("rows = 3", "rows = 4"), 1, "rows-differ"),
    "a row too many": (_edit("rows = 3", "rows = 2"), 1, "rows-differ"),
    "another digest": (_edit(r'sha256 = "\w{8}', 'sha256 = "00000000'), 1, "submission-file"),
    "the file was changed": (_append_file, 1, "submission-file"),
    "the file is missing": (lambda place: (place / "ncdr-sus-apc.csv").unlink(), 1, "submission-file"),
    "the file is a link": (_link, 1, "submission-file"),
    "a path outside": (_edit('path = "', 'path = "../'), 1, "manifest"),
    "an absolute path": (_edit('path = "', 'path = "/'), 1, "manifest"),
    "an unknown layout": (_edit("ncdr-sus-apc", "no-such-layout"), 1, "layout-unknown"),
    "a layout of another dataset": (
        _edit('layout = "ncdr-sus-apc"', 'layout = "ncdr-sus-op"'),
        1,
        "layout-other-dataset",
    ),
    "a column the layout does not know": (
        lambda place: _change_file(place, b"Sex", b"Gossip"),
        1,
        "unknown_column",
    ),
    "a required column missing": (lambda place: _change_file(place, b"Episode_Start_Date", b"Sex2"), 1, None),
    "an unknown key": (_edit("update =", 'gossip = "x"\nupdate ='), 1, "manifest"),
    "no agreement named": (_edit("agreement = .*\n", ""), 1, "manifest"),
    "an unknown format": (_edit('format = "identifiable"', 'format = "secret"'), 1, "manifest"),
    "a format the file is not in": (
        _edit('format = "identifiable"', 'format = "aggregated"'),
        1,
        "format-other-than-layout",
    ),
    "not TOML": (lambda place: (place / "manifest.toml").write_text("[[["), 1, "manifest"),
    "the period backwards": (_edit("period_to = .*", "period_to = 2020-01-01"), 1, "manifest"),
    "a purpose not in the register": (_edit("risk-stratification", "advertising"), 3, "unknown-activity"),
    "a purpose that does not use the dataset": (_edit("risk-stratification", "complaints"), 3, None),
    "an agreement the register does not have": (_edit("dars-dsa", "handshake"), 3, "unknown-agreement"),
    "an agreement about other datasets": (_edit("dars-dsa", "gp-sharing-agreement"), 3, "agreement-other-dataset"),
    "an agreement about another dataset": (_edit("dars-dsa", "local-flows-agreement"), 3, "agreement-other-dataset"),
}


def _change_file(place, old, new):
    path = place / "ncdr-sus-apc.csv"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    import hashlib

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _edit(r'sha256 = "\w{64}', f'sha256 = "{digest}')(place)


@pytest.fixture(scope="module")
def store(tmp_path_factory, example_icb):
    """A store with one submission in it; each fault is tried against it."""
    stage = Stage(tmp_path_factory.mktemp("manifests"), example_icb)
    stage.land(stage.send("ncdr-sus-apc", _rows(), name="before"))
    return stage


@pytest.mark.parametrize("fault", FAULTS)
def test_a_submission_that_is_not_what_it_says_is_refused_whole(store, fault):
    """Nothing of it stays: the store's files and its account are the same before and after; the sender is told why."""
    break_it, exit_code, code = FAULTS[fault]
    place = store.send("ncdr-sus-apc", _rows())
    break_it(place)
    files, account = store.files(), store.status()["submissions"]
    (landed,) = store.land(place)
    assert landed.fault is not None
    assert landed.fault.exit_code == (exit_code or landed.fault.exit_code)
    assert landed.fault.code == (code or landed.fault.code)
    assert landed.fault.next_step
    assert store.files() == files
    assert store.status()["submissions"] == account
    assert not any(person.number in str(landed.fault) for person in CROWD)


def test_a_refused_submission_does_not_hold_up_the_others(house):
    """Of three folders the middle one is wrong: the other two land."""
    for name in ("a", "b", "c"):
        house.send("ncdr-sus-apc", _rows(), name=name)
    FAULTS["another digest"][0](house.inbox / "b")
    landed = house.land()
    assert [entry.fault is None for entry in landed] == [True, False, True]
    assert {entry["id"] for entry in house.status()["submissions"]} == {"a", "c"}


def test_a_corrected_submission_lands_under_the_same_id(house):
    """A refusal leaves no trace that would stand in the way of the corrected manifest."""
    place = house.send("ncdr-sus-apc", _rows(), name="again")
    FAULTS["a row too few"][0](place)
    assert house.land(place)[0].fault is not None
    _edit("rows = 4", "rows = 3")(place)
    assert house.land(place)[0].fault is None
    assert house.account("again")["admitted"] == 3


@pytest.mark.parametrize(("today", "document"), [
    (date(2029, 4, 1), "DARS-EXAMPLE-0001"), (date(2026, 3, 31), "DARS-EXAMPLE-0001"),
    (date(2027, 4, 1), "governance training"),
])  # fmt: skip
def test_a_document_outside_its_dates_stops_landing(house, today, document):
    """Before the first day and after the last the landing is refused, and the refusal names the document."""
    house.today = today
    (landed,) = house.land(house.send("ncdr-sus-apc", _rows()))
    assert landed.fault.exit_code == 3
    assert document in landed.fault.what
    assert house.files() == {}


@pytest.mark.parametrize("today", [date(2026, 4, 1), date(2027, 3, 31)])
def test_the_first_and_the_last_day_hold(house, today):
    """Both ends belong to the term."""
    house.today = today
    assert house.land(house.send("ncdr-sus-apc", _rows()))[0].fault is None


def test_every_row_has_one_place(house):
    """Good, bad, repeated, withheld, malformed: rows in = admitted + held back + excluded, each reason counted."""
    good = CROWD[0]
    rows = [
        episode(good, "ok"), episode(good, "ok"), episode(CROWD[1], "out"),
        episode(good, "n", NHS_Number="1234567890"), episode(good, "d", "2025-02-30"),
        episode(good, "f", "2026-05-02"), episode(good, "", "2025-06-01"),
        episode(good, "o", Episode_End_Date="2025-05-01"), episode(good, "t", Episode_Number="seven"),
        episode(good, "leak", Provider_Reference_Number=f"see {good.number}"),
        episode(good, "w", NHS_Number="", Withheld_Identity_Reason="02"),
    ]  # fmt: skip
    place = house.send("ncdr-sus-apc", rows, name="mixed", declared=len(rows) + 1)
    path = place / "ncdr-sus-apc.csv"
    path.write_text(path.read_text() + "too,few,columns\n")
    import hashlib

    _edit(r'sha256 = "\w{64}', f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}')(place)
    house.answer([good])
    assert [entry.fault for entry in house.land()] == [None, None]
    house.run()
    account = house.account("mixed")
    assert account["quarantined_by"] == {
        "date_in_future": 1, "date_invalid": 1, "date_order": 1, "duplicate_record": 1,
        "identifier_in_free_column": 1, "malformed_row": 1, "nhs_number_check_digit": 1, "number_invalid": 1,
        "required_missing": 1,
    }  # fmt: skip
    assert (account["rows"], account["admitted"], account["quarantined"], account["excluded"]) == (12, 2, 9, 1)
    assert account["balanced"]
    assert house.refs() == ["ok", "w"]


def test_a_submission_for_one_purpose_is_used_for_no_other(house):
    """What was sent for planning only is not in risk stratification's marts."""
    house.send("ncdr-sus-apc", _rows(), purposes=(PLANNING,))
    house.send("ncdr-sus-op", [people.row("ncdr-sus-op", CROWD[0], "x")])
    house.answer(CROWD)
    house.land()
    house.run(RISK)
    assert house.mart("sus-apc", RISK) == []
    assert len(house.mart("sus-op", RISK)) == 1
