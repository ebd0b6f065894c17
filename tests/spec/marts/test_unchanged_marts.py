"""A mart that somebody changed is found, named, and given to nobody."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3

import pyarrow.parquet as pq
import pytest

import people
from caldicott.operations.mart_check import check_marts, holds
from caldicott.vocabulary.errors import DoesNotHold
from stage import PLANNING, RISK, episode


@pytest.fixture
def made(house):
    """Two months of hospital rows, run."""
    one, other = people.invented(2)
    rows = [episode(one, "A"), episode(other, "B"), episode(one, "C", "2025-07-02")]
    house.land(house.send("ncdr-sus-apc", rows), house.answer([one, other]))
    house.run()
    return house


def check(stage):
    with stage.house() as house:
        return check_marts(house)


def a_file(stage, part="sus-apc/2025-06"):
    with stage.house() as house:
        return next(file for file in house.store.catalogue.files("mart", PLANNING) if file.part == part)


def test_the_hash_kept_is_that_of_the_file(made):
    """The catalogue holds, for each file of the marts, the SHA-256 of its bytes; the linked mart's too."""
    with made.house() as house:
        files = house.store.catalogue.files("mart", PLANNING)
    told = {file.part: file.sha256 for file in files}
    assert told == {file.part: hashlib.sha256((made.store / file.path).read_bytes()).hexdigest() for file in files}
    assert {"sus-apc/2025-06", "sus-apc/2025-07", "commissioning-mart/2025-06"} <= told.keys()


def test_untouched_marts_hold(made):
    """Looking finds nothing where nobody changed anything."""
    found = check(made)
    assert (found["files"], holds(found)) == (4, True)


@pytest.mark.parametrize("change", ["one byte", "a row less", "gone", "another month's"])
def test_a_changed_mart_is_named_and_given_to_nobody(made, change):
    """Whatever was done to the file: status names dataset and month, and an export is refused."""
    path = made.store / a_file(made).path
    if change == "one byte":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif change == "a row less":
        pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    elif change == "gone":
        path.unlink()
    else:
        path.write_bytes((made.store / a_file(made, "sus-apc/2025-07").path).read_bytes())
    assert [one["part"] for one in check(made)["changed"]] == ["sus-apc/2025-06"]
    with pytest.raises(DoesNotHold, match="sus-apc, 2025-06") as refused:
        made.export("commissioning_analyst", "out")
    assert refused.value.code == "mart-changed"
    assert not (made.root / "out").exists()


def test_a_new_run_makes_it_good(made):
    """The marts are made anew from what landed; then everything holds again."""
    (made.store / a_file(made).path).write_bytes(b"PAR1")
    made.run()
    assert holds(check(made))
    assert made.refs() == ["A", "B", "C"]


def test_who_changes_the_catalogue_too_is_told_by_the_trail(made):
    """A file and its hash changed together still differ from what the run entered into the audit trail."""
    file = a_file(made)
    path = made.store / file.path
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    with sqlite3.connect(made.store / "catalogue.sqlite") as catalogue:
        changed = hashlib.sha256(path.read_bytes()).hexdigest()
        catalogue.execute("UPDATE file_digest SET sha256 = ? WHERE path = ?", (changed, file.path))
    catalogue.close()
    found = check(made)
    assert (found["changed"], found["not_as_recorded"], holds(found)) == ([], [PLANNING], False)


def test_a_change_under_the_same_size_and_time_is_found(made):
    """Setting the clock of the file back does not hide what was written into it, even from who looked before."""
    path = made.store / a_file(made).path
    assert holds(check(made))
    about, content = path.stat(), bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not holds(check(made))


def test_scores_of_a_month_that_was_changed_are_not_carried_on(house):
    """An earlier month of scores cannot be made anew: changed, it is dropped, said, and never shown."""
    person = people.invented(1)[0]
    house.land(
        house.send("emis-patients", [people.patient(person, "P1")]),
        house.send("ncdr-sus-apc", [episode(person, "A")]),
        house.answer([person]),
    )
    house.run(RISK)
    with house.house() as opened:
        before = next(f for f in opened.store.catalogue.files("mart", RISK) if f.part.startswith("risk-scores/"))
    later = house.send("ncdr-sus-apc", [episode(person, "B", "2026-04-02")], period=("2026-04-01", "2026-04-30"))
    house.land(later)
    (house.store / before.path).write_bytes(b"PAR1")
    ran = house.run(RISK)
    assert ran.counts["months of scores dropped because a file was changed"] == 1
    with house.house() as opened:
        parts = {f.part for f in opened.store.catalogue.files("mart", RISK)}
    assert before.part not in parts
    assert "risk-scores/2026-04" in parts
    assert holds(check(house))


def test_the_trail_knows_the_receipt_of_an_export(made):
    """Who received a folder can show later that it is what left: receipt and trail tell the same hashes."""
    made.export("commissioning_analyst", "out")
    receipt = (made.root / "out" / "receipt.json").read_bytes()
    exported = next(entry for entry in made.entries() if entry.event == "export" and entry.outcome == "done")
    assert hashlib.sha256(receipt).hexdigest() in exported.references
    for name, told in json.loads(receipt)["files"].items():
        assert hashlib.sha256((made.root / "out" / name).read_bytes()).hexdigest() == told
