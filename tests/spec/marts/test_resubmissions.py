"""Senders send again: the same, a correction, a replacement. The newest extract counts, whatever order it comes in."""

from __future__ import annotations

from itertools import permutations

import pytest

import people
from stage import Stage, episode

CROWD = people.invented(6)


def _rows(*references, on="2025-06-01", **changes):
    return [episode(CROWD[int(ref[0])], ref[0], on, Provider_Reference_Number=ref, **changes) for ref in references]


# what the sender sent, in the order of extraction: (rows, manifest). A reference is a record's number and its edition.
HISTORY = {
    "first": (_rows("0a", "1a", "2a", "3a"), {"extracted": "2026-04-01T06:00:00"}),
    "changes": (
        [*_rows("1b", "4b"), *_rows("2b", Update_Type="1")],
        {"extracted": "2026-04-02T06:00:00", "update": "net-change"},
    ),
    "april again": (
        _rows("5c", on="2025-04-10"),
        {"extracted": "2026-04-03T06:00:00", "period": ("2025-04-01", "2025-04-30")},
    ),
    "more changes": (_rows("0d", on="2025-04-20"), {"extracted": "2026-04-04T06:00:00", "update": "net-change"}),
}
LEFT = ["0d", "1b", "3a", "4b", "5c"]


def _arrive(stage, order):
    for name, (rows, manifest) in HISTORY.items():
        stage.send("ncdr-sus-apc", rows, name=name.replace(" ", "-"), **manifest)
    stage.answer(CROWD, name="answer")
    stage.land(stage.inbox / "answer", *(stage.inbox / name.replace(" ", "-") for name in order))
    stage.run()


@pytest.mark.parametrize("order", list(permutations(HISTORY))[::5])
def test_the_order_of_arrival_says_nothing(tmp_path, example_icb, order):
    """Bulk replacements, updates and deletions give the same mart in whatever order they land."""
    stage = Stage(tmp_path, example_icb)
    _arrive(stage, order)
    assert stage.refs() == LEFT
    accounts = [entry for entry in stage.status()["submissions"] if entry["dataset"] == "sus-apc"]
    assert sum(entry["released"] for entry in accounts) == len(LEFT)
    assert all(entry["balanced"] for entry in accounts)


def test_a_bulk_replacement_takes_the_whole_period_s_place(house):
    """What the newer extract of the period does not have is gone; rows outside the period stay."""
    old = [*_rows("0a", "1a"), *_rows("2a", on="2025-04-10")]
    house.send("ncdr-sus-apc", old, extracted="2026-04-01T06:00:00")
    house.send(
        "ncdr-sus-apc", _rows("1b"), extracted="2026-04-02T06:00:00", period=("2025-05-01", "2026-03-31")
    )  # fmt: skip
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["1b", "2a"]


def test_a_bulk_replacement_takes_the_place_of_older_rows_it_brings_again(house):
    """A GP extract holds years before its period: the same record sent again is in the mart once."""
    for extracted, edition in (("2026-04-01T06:00:00", "a"), ("2026-04-02T06:00:00", "b")):
        house.send("ncdr-sus-apc", _rows(f"0{edition}", on="2019-06-01"), extracted=extracted)
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0b"]


def test_another_sender_replaces_nothing(house):
    """Two hospitals send the same period; neither takes the other's rows out."""
    house.send("ncdr-sus-apc", _rows("0a"), sender="RZ1", extracted="2026-04-01T06:00:00")
    house.send("ncdr-sus-apc", _rows("0b"), sender="RZ2", extracted="2026-04-02T06:00:00")
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0a", "0b"]


def test_another_sender_s_change_touches_nothing(house):
    """Record ids mean something within one sender only: another's deletion of the same id deletes nothing here."""
    house.send("ncdr-sus-apc", _rows("0a", "1a"), sender="RZ1", extracted="2026-04-01T06:00:00")
    house.send("ncdr-sus-apc", _rows("1b"), sender="RZ1", extracted="2026-04-02T06:00:00", update="net-change")
    house.send("ncdr-sus-apc", _rows("0c"), sender="RZ2", extracted="2026-04-02T06:00:00")
    deletion = _rows("0d", Update_Type="1")
    house.send("ncdr-sus-apc", deletion, sender="RZ2", extracted="2026-04-03T06:00:00", update="net-change")
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0a", "1b"]


def test_landing_twice_changes_nothing(house):
    """The same submission again is recognised: no file, no count and no mart is different."""
    house.send("ncdr-sus-apc", _rows("0a", "1a"), name="once")
    house.answer(CROWD)
    house.land()
    house.run()
    files, account = house.files(), house.status()["submissions"]
    landed = house.land()
    assert [entry.already for entry in landed] == [True, True]
    assert [entry.fault for entry in landed] == [None, None]
    assert house.files() == files
    assert house.status()["submissions"] == account


def test_the_same_id_with_other_content_is_refused(house, tmp_path):
    """A sender's name for a submission means one content for ever; what landed stays."""
    house.land(house.send("ncdr-sus-apc", _rows("0a"), name="once"))
    before = house.files()
    other = people.submission(tmp_path / "other", "ncdr-sus-apc", _rows("1a"), name="once")
    (landed,) = house.land(other)
    assert (landed.fault.code, landed.fault.exit_code) == ("submission-differs", 1)
    assert "id of its own" in landed.fault.next_step
    assert house.files() == before


@pytest.mark.parametrize("changed", [{"purposes": ("commissioning-planning",)}, {"update": "net-change"}])
def test_the_same_id_with_another_manifest_is_refused(house, tmp_path, changed):
    """The files are the same but what they are said to be is not: that is another submission."""
    house.land(house.send("ncdr-sus-apc", _rows("0a"), name="once"))
    other = people.submission(tmp_path / "other", "ncdr-sus-apc", _rows("0a"), name="once", **changed)
    (landed,) = house.land(other)
    assert landed.fault is not None
    assert landed.fault.code == "submission-differs"


def test_a_record_twice_in_one_file_is_used_once(house):
    """The second copy is held back under its reason; the first is used; the account adds up."""
    house.send("ncdr-sus-apc", _rows("0a", "1a", "0b", "1a", "0c"), name="twice")
    house.answer(CROWD)
    house.land()
    house.run()
    account = house.account("twice")
    assert house.refs() == ["0a", "1a"]
    assert account["quarantined_by"] == {"duplicate_record": 3}
    assert (account["rows"], account["admitted"], account["released"]) == (5, 2, 2)
    assert account["balanced"]


def test_a_record_twice_over_two_files_is_used_once(house):
    """Repeats are looked for in the whole submission, not file by file."""
    place = house.send("ncdr-sus-apc", _rows("0a"), name="two")
    second = people.submission(house.root / "aside", "ncdr-sus-apc", _rows("0b"), name="x") / "ncdr-sus-apc.csv"
    (place / "second.csv").write_bytes(second.read_bytes())
    manifest = place / "manifest.toml"
    keys = {"rows": 1, "path": "second.csv"}
    import hashlib

    digest = hashlib.sha256(second.read_bytes()).hexdigest()
    entry = f'\n[[files]]\npath = "{keys["path"]}"\nrows = {keys["rows"]}\nsha256 = "{digest}"\n'
    manifest.write_text(manifest.read_text() + entry)
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0a"]
    assert house.account("two")["quarantined_by"] == {"duplicate_record": 1}


def test_a_record_deleted_and_sent_again_is_back(house):
    """The newest word on a record counts."""
    house.send("ncdr-sus-apc", _rows("0a"), extracted="2026-04-01T06:00:00")
    house.send("ncdr-sus-apc", _rows("0b", Update_Type="1"), extracted="2026-04-02T06:00:00", update="net-change")
    house.send("ncdr-sus-apc", _rows("0c"), extracted="2026-04-03T06:00:00", update="net-change")
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0c"]


def test_deleting_what_never_came_changes_nothing(house):
    """A deletion without its record is admitted, counted as withdrawn, and in no mart."""
    house.send("ncdr-sus-apc", _rows("0a"), extracted="2026-04-01T06:00:00")
    house.send(
        "ncdr-sus-apc", _rows("5b", Update_Type="1"), extracted="2026-04-02T06:00:00", update="net-change", name="d"
    )
    house.answer(CROWD)
    house.land()
    house.run()
    assert house.refs() == ["0a"]
    assert house.account("d")["flags"]["withdrawn"] == 1
    assert house.account("d")["released"] == 0
