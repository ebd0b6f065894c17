"""Kept safe: sealed on the disk, and every act written down where nobody can change it unseen."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
import pytest

from caldicott.operations.verify.control import State
from caldicott.stores.audit_log import verify as verify_log

SEALED = ("clear", "quarantine", "persons", "vault")


@pytest.mark.keeps("L2-024", "DO-013", "L1-108", "L1-098")
def test_identifiable_records_do_not_open_without_their_key(town):
    """Landed rows, rows held back, who is who, and whose code it is: none of these files opens for a reader."""
    for zone in SEALED:
        files = [path for path in (town.stage.store / zone).rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert path.read_bytes()[:4] == b"PARE"
            with pytest.raises(OSError, match="encrypt"):
                pq.read_table(path)


@pytest.mark.keeps("L2-024", "DO-013")
def test_the_keys_are_not_in_the_store(town, tmp_path):
    """A copy of the store without the key kept outside it is of no use."""
    from caldicott.stores.store import Store, StoreSettings
    from caldicott.vocabulary.errors import CaldicottError

    copy = tmp_path / "stolen"
    shutil.copytree(town.stage.store, copy)
    settings = StoreSettings(environ={}, home=tmp_path / "another-home")
    with pytest.raises(CaldicottError):
        Store(copy, settings=settings, created=town.stage.today, create=False)


@pytest.mark.keeps("L2-024")
def test_each_dataset_and_purpose_has_a_key_of_its_own(town):
    """One key lost is not all lost."""
    with town.stage.house() as house:
        keys = {one.id: one.key_id for one in house.store.catalogue.submissions()}
        scopes = {house.store.keys.scope_of(key) for key in keys.values()}
    assert len(scopes) == len(set(keys.values()))
    assert keys["hospital"] != keys["practice"] != keys["community"]


@pytest.mark.keeps("DO-013", "L1-108", "L2-024")
def test_every_act_is_in_the_trail_with_its_decision(town):
    """Each landing, run and export, and each yes and no before them, stands in the trail with role, use and reason."""
    entries = town.stage.entries()
    done = [entry for entry in entries if entry.outcome == "done"]
    assert sum(entry.event == "admit" for entry in done) == len(town.stage.status()["submissions"])
    assert sum(entry.event == "run" for entry in done) == len(town.runs)
    assert sum(entry.event == "export" for entry in done) == len(town.exports)
    decisions = [entry for entry in entries if entry.event == "decision"]
    assert {entry.outcome for entry in decisions} == {"permit", "refusal"}
    assert all(entry.role and entry.activity and entry.reasons for entry in decisions)
    assert all(any(d.role == role and d.activity == activity and d.outcome == "refusal" for d in decisions)
               for role, activity in town.refused)  # fmt: skip


@pytest.mark.keeps("L1-108", "L2-024", "L1-094")
@pytest.mark.parametrize("how", ["changed", "removed", "cut"])
def test_a_change_to_the_trail_is_found(town, tmp_path, how):
    """A letter changed, an entry taken out, the end cut off: each is found, and the trail as it was is found whole."""
    copy = tmp_path / "audit"
    shutil.copytree(town.stage.store / "audit", copy)
    assert verify_log(copy).ok
    path = next(one for one in copy.iterdir() if one.read_bytes().startswith(b'{"act_id"'))
    lines = path.read_bytes().splitlines(keepends=True)
    if how == "changed":
        lines[3] = lines[3].replace(b"permit", b"refusal").replace(b"done", b"failed")
    path.write_bytes(b"".join(lines[:-1] if how == "cut" else [*lines[:2], *lines[2 + (how == "removed") :]]))
    assert not verify_log(copy).ok


@pytest.mark.keeps("L1-108", "DO-013", "L2-024", "L1-094")
def test_verify_says_so_of_safety(report):
    """`verify` opens every file, counts the keys and walks the trail."""
    for control in ("encrypted-at-rest", "keys-apart", "keys-wrapped", "audit-verifies", "every-act-recorded",
                    "decisions-recorded", "releases-recorded"):  # fmt: skip
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L1-100")
def test_the_store_is_sealed(town):
    """At rest nothing identifiable is open; exported files are not sealed for their receiver yet."""
    clear = list((town.stage.store / "clear").rglob("*.parquet"))
    assert clear
    assert all(path.read_bytes()[-4:] == b"PARE" for path in clear)
