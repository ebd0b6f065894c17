"""Who is given what. Sixteen roles ask for each mart; each gets its ceiling and nothing more, or a refusal."""

from __future__ import annotations

import csv
import json
from hashlib import sha256

import pyarrow.parquet as pq
import pytest

import people
from caldicott.vocabulary.errors import CaldicottError, Refused
from caldicott.vocabulary.terms import Role
from stage import PLANNING, RISK, Stage, episode

# what each role is given of the two activities that make marts; every role not named is refused.
GIVEN = {
    (Role.COMMISSIONING_ANALYST, PLANNING): {
        "sus-apc": "pseudonymised", "gp-patients": "pseudonymised", "commissioning-mart": "pseudonymised",
    },
    (Role.PROCESSOR_STAFF, PLANNING): {"commissioning-mart": "pseudonymised"},
    (Role.PUBLIC, PLANNING): {"commissioning-mart": "aggregated"},
    (Role.IG_OFFICER, PLANNING): {"commissioning-mart": "aggregated"},
    (Role.CALDICOTT_GUARDIAN, PLANNING): {"commissioning-mart": "aggregated"},
    (Role.COMMISSIONING_ANALYST, RISK): {"risk-scores": "aggregated"},
    (Role.IG_OFFICER, RISK): {"risk-scores": "aggregated"},
    (Role.CALDICOTT_GUARDIAN, RISK): {"risk-scores": "aggregated"},
}  # fmt: skip
CASES = [(role, activity) for activity in (PLANNING, RISK) for role in Role]
# people met in a month: what the hes-2018 rule shows.
SHOWN = {"2025-04": (3, "*"), "2025-05": (7, "*"), "2025-06": (8, "10"), "2025-07": (12, "10"), "2025-08": (13, "15")}


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    """Thirteen people; so many of them in the hospital each month, each twice."""
    stage = Stage(tmp_path_factory.mktemp("exports"), example_icb)
    crowd = people.invented(14)[1:]
    rows = [
        episode(person, f"{month}-{place}-{again}", f"{month}-1{again}")
        for month, (met, _shown) in SHOWN.items()
        for place, person in enumerate(crowd[:met])
        for again in (1, 2)
    ]
    stage.send("ncdr-sus-apc", rows)
    stage.send("emis-patients", [people.patient(person, f"p{i}") for i, person in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run()
    stage.run(RISK)
    return stage


def _given(stage, to):
    """What lies in the exported folder: for each dataset, the kind of its files."""
    folder = stage.root / to
    kinds = {path.relative_to(folder).parts[0]: "pseudonymised" for path in folder.rglob("*.parquet")}
    return kinds | {path.stem: "aggregated" for path in folder.glob("*.csv")}


@pytest.mark.parametrize(("role", "activity"), CASES)
def test_a_role_gets_its_ceiling_and_nothing_more(world, role, activity):
    """The folder holds exactly what the register gives the role; who is given nothing is told why, and gets no file."""
    to = f"out-{activity}-{role}"
    expected = GIVEN.get((role, activity))
    if expected is None:
        with pytest.raises(Refused) as refusal:
            world.export(role, to, activity=activity)
        assert refusal.value.exit_code == 3
        assert refusal.value.what
        assert refusal.value.next_step
        assert not (world.root / to).exists()
    else:
        done = world.export(role, to, activity=activity)
        assert done.formats == expected
        # Beside counts of scores: how many people are out by which objection.
        assert _given(world, to) == expected | ({"opt-outs": "aggregated"} if "risk-scores" in expected else {})
    assert not [path for path in world.root.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("role", "wanted"), [
    (Role.PUBLIC, "pseudonymised"), (Role.IG_OFFICER, "anonymised"), (Role.PROCESSOR_STAFF, "identifiable"),
    (Role.COMMISSIONING_ANALYST, "identifiable"), (Role.COMMISSIONING_ANALYST, "no-such-format"),
])  # fmt: skip
def test_nobody_gets_a_format_above_the_ceiling(world, role, wanted):
    """Asking by name for more is refused, and nothing is written."""
    with pytest.raises(Refused):
        world.export(role, "above", wanted=wanted)
    assert not (world.root / "above").exists()


def test_a_role_may_ask_for_less(world):
    """An analyst who asks for counts gets counts."""
    done = world.export(Role.COMMISSIONING_ANALYST, "less", wanted="aggregated")
    assert set(done.formats.values()) == {"aggregated"}
    assert not list((world.root / "less").rglob("*.parquet"))


def test_counts_are_hidden_or_rounded(world):
    """One to seven people are hidden, everything else is rounded to five [hes-2018]; no exact number leaves."""
    world.export(Role.PUBLIC, "public")
    with (world.root / "public" / "commissioning-mart.csv").open() as stream:
        table = {row["month"]: row for row in csv.DictReader(stream)}
    for month, (_met, shown) in SHOWN.items():
        assert table[month]["persons"] == shown
    for row in table.values():
        assert all(row[name] == "*" or int(row[name]) % 5 == 0 for name in ("persons", "contacts"))


def test_contacts_are_contacts(world):
    """Each of the thirteen came twice in August: the table says so, rounded."""
    world.export(Role.PUBLIC, "contacts")
    with (world.root / "contacts" / "commissioning-mart.csv").open() as stream:
        table = {row["month"]: row for row in csv.DictReader(stream)}
    assert table["2025-08"]["contacts"] == "25"


def test_a_folder_that_is_not_empty_is_not_written_to(world):
    """Nothing of an earlier export is mixed in, and what lies there is untouched."""
    folder = world.root / "used"
    folder.mkdir()
    (folder / "earlier.txt").write_text("kept")
    with pytest.raises(CaldicottError) as fault:
        world.export(Role.PUBLIC, "used")
    assert (fault.value.exit_code, fault.value.code) == (2, "export-not-empty")
    assert [path.name for path in folder.iterdir()] == ["earlier.txt"]


def test_the_receipt_names_every_file_by_its_hash(world):
    """The receiver can show what was given: each file is in the receipt with its SHA-256, and none besides."""
    world.export(Role.COMMISSIONING_ANALYST, "receipted")
    folder = world.root / "receipted"
    receipt = json.loads((folder / "receipt.json").read_text())
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file() and p.name != "receipt.json"}
    assert receipt["files"] == {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert receipt["register_digest"] == world.register.digest
    assert (receipt["role"], receipt["activity"]) == ("commissioning_analyst", PLANNING)
    rows = sum(pq.read_metadata(path).num_rows for path in files.values())
    assert rows == sum(receipt["rows"].values())


def test_an_export_that_fails_leaves_no_file(world, monkeypatch):
    """If the act cannot be kept, no folder and no part of one is left."""
    from caldicott.operations import export as module
    from caldicott.vocabulary.errors import ProgramFault

    def broken(*_args, **_kwargs):
        raise ProgramFault("the disk is full", code="disk", next_step="make room")

    monkeypatch.setattr(module, "_write_receipt", broken)
    before = sorted(path.name for path in world.root.iterdir())
    with pytest.raises(ProgramFault):
        world.export(Role.PUBLIC, "broken")
    assert sorted(path.name for path in world.root.iterdir()) == before


def test_before_a_run_there_is_nothing_to_export(house):
    """The answer is that there is no mart, with the command that makes one; not an empty folder."""
    house.land(house.send("ncdr-sus-apc", [episode(people.invented(2)[1], "r")]))
    with pytest.raises(CaldicottError) as fault:
        house.export(Role.COMMISSIONING_ANALYST, "early")
    assert (fault.value.exit_code, fault.value.code) == (1, "mart-missing")
    assert not (house.root / "early").exists()


def test_an_unknown_role_or_activity_is_refused_by_name(world):
    """The refusal says that it is unknown."""
    for role, activity in (("wizard", PLANNING), (Role.PUBLIC, "gossip")):
        with pytest.raises(Refused) as refusal:
            world.export(role, "unknown", activity=activity)
        assert "unknown" in refusal.value.code
