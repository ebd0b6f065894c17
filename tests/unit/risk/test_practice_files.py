"""Lists wait in memory for the pages after: the newest run's, up to a size, and never the rolls."""

from __future__ import annotations

import pytest

import risk_ward as ward
from caldicott.operations import practice_files
from caldicott.operations.practice_files import found, list_of
from caldicott.operations.reidentify_rights import standing_of
from caldicott.operations.stratify import LIST
from caldicott.vocabulary.errors import DoesNotHold
from stage import RISK


@pytest.fixture(scope="module")
def stage(tmp_path_factory, example_icb):
    return ward.scored(tmp_path_factory.mktemp("ward"), example_icb)


@pytest.fixture
def reads(monkeypatch):
    """The files read from the disk, with nothing kept from before."""
    seen, real = [], practice_files._read
    monkeypatch.setattr(practice_files, "_lists", practice_files._Lists())
    monkeypatch.setattr(practice_files, "_read", lambda path, file: seen.append(path.stem) or real(path, file))
    return seen


def listed(house, practice):
    return list_of(house, RISK, practice, standing_of(house, RISK)).rows


def test_a_list_is_read_once_and_is_the_same(stage, reads):
    """Also with the words that are the same in every row kept once."""
    with stage.house() as house:
        first, again = listed(house, "Z80001"), listed(house, "Z80001")
        assert listed(house, "Z89999").num_rows == 0
    assert (reads, again.num_rows, {*again.column("practice").to_pylist()}) == (["Z80001"], 5, {"Z80001"})
    assert first is again


def test_beyond_a_size_the_list_used_longest_ago_is_forgotten(stage, reads, monkeypatch):
    """Memory is bounded by what lists take, however many practices there are; the newest always stays."""
    monkeypatch.setattr(practice_files, "MOST_BYTES", 1)
    with stage.house() as house:
        for practice in ("Z80001", "Z80002", "Z80002", "Z80001"):
            listed(house, practice)
    assert reads == ["Z80001", "Z80002", "Z80001"]


def test_after_a_run_the_pages_show_its_list(stage, reads, tmp_path):
    """What was kept of the run before is not shown any more."""
    own = ward.copied(stage, tmp_path / "ward")
    token = ward.tokens_by_number(own)[ward.WELL.number]
    left = ward.registered(ward.WELL, DateOfDeactivation="2026-04-01")
    own.land(own.send("emis-patients", [left], name="left", update="net-change", extracted="2026-05-02T06:00:00"))
    with own.house() as house:
        before = listed(house, "Z80001")
    own.run(RISK)
    with own.house() as house:
        after = listed(house, "Z80001")
        files = found(house, LIST, RISK, run=standing_of(house, RISK)["run"])
    assert token in before.column("person_token").to_pylist()
    assert token not in after.column("person_token").to_pylist()
    assert all((own.store / file.path).exists() for file in files.values())


def test_a_list_that_somebody_changed_is_shown_to_nobody(stage, reads, tmp_path):
    """One byte more, a list of another practice, or none: the page says that the list is not what the run wrote."""
    own = ward.copied(stage, tmp_path / "ward")
    with own.house() as house:
        files = found(house, LIST, RISK, run=standing_of(house, RISK)["run"])
    path, other = (own.store / files[practice].path for practice in ("Z80001", "Z80002"))
    for content in (path.read_bytes() + b"x", other.read_bytes(), None):
        path.write_bytes(content) if content else path.unlink()
        with pytest.raises(DoesNotHold) as fault:
            ward.listed(own)
        assert fault.value.code == "mart-changed"
    assert reads == ["Z80001"] * 3
