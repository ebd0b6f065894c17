"""Records of a mart leave only for who may see them, in groups of people and not of rows, and it is recorded."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

import people
from caldicott.disclosure.records import Criteria
from caldicott.engines.duckdb.extracts import Records
from caldicott.operations.extract import REPORT, Request, extract
from caldicott.operations.extract_mart import extract_mart
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from stage import PLANNING, Stage, episode

QUASI = ("sex", "age_band", "month")
KEYS = Records.keys


@pytest.fixture(autouse=True)
def numbers_go_along(monkeypatch):
    """These tests tell people apart by the number of their record; that it never leaves is a test of its own."""
    monkeypatch.setattr(Records, "keys", lambda *_: [])


@pytest.fixture
def stage(tmp_path, example_icb):
    """Forty people in hospital in June, each once, and one of them nine times more, with another illness each time."""
    stage = Stage(tmp_path, example_icb)
    crowd = people.invented(42)[1:]
    rows = [
        episode(one, f"r{place}", "2025-06-11", Der_Primary_Diagnosis_Code=("I219", "J440", "E119")[place % 3])
        for place, one in enumerate(crowd[:40])
    ]
    rows += [episode(crowd[0], f"again{n}", "2025-06-12", Der_Primary_Diagnosis_Code=f"K{n}00") for n in range(9)]
    stage.send("ncdr-sus-apc", rows)
    stage.answer(crowd)
    stage.land()
    stage.run()
    return stage


def made(stage, to="out", *, role="commissioning_analyst", dataset="sus-apc", **changes):
    asked = {"quasi": QUASI, "sensitive": "diagnosis_1", "others": ("provider_reference",), **changes}
    with stage.house() as house:
        request = Request(Path(dataset), to=stage.root / to, **asked)
        return extract_mart(house, request, activity=PLANNING, dataset=dataset, role=role)


def rows_of(stage, to="out"):
    with (stage.root / to / "extract.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_people_are_counted_and_not_rows(stage):
    """Each group has five people at least, counted in the mart by their codes; ten rows of one person are one."""
    made(stage)
    person_of = {row["provider_reference"]: row["person_token"] for row in stage.mart()}
    groups = defaultdict(list)
    for row in rows_of(stage):
        groups[tuple(row[name] for name in QUASI)].append((person_of[row["provider_reference"]], row["diagnosis_1"]))
    assert groups
    for members in groups.values():
        everyone = {person for person, _ in members}
        assert len(everyone) >= 5
        assert not any({person for person, code in members if code == one} == everyone for _, one in members)


def test_no_code_of_a_person_leaves(stage):
    """Nor any column that nobody named; and naming the code is refused."""
    made(stage)
    assert set(rows_of(stage)[0]) == {*QUASI, "diagnosis_1", "provider_reference"}
    with pytest.raises(DoesNotHold) as fault:
        made(stage, "again", others=("person_token",))
    assert fault.value.code == "extract-identifiers"
    assert not (stage.root / "again").exists()


def test_no_number_of_a_record_leaves(stage, monkeypatch):
    """The sender knows each record by it: a column most of whose words stand for one person alone is refused."""
    monkeypatch.setattr(Records, "keys", KEYS)
    with pytest.raises(DoesNotHold, match="provider_reference") as fault:
        made(stage)
    assert fault.value.code == "extract-identifiers"
    assert not (stage.root / "out").exists()
    assert made(stage, others=("admission_method",)).rows


def test_it_is_in_the_trail_with_the_hash_of_its_report(stage):
    """Who, which dataset, how many rows, and what the report said; never a value."""
    done = made(stage)
    entry = next(one for one in stage.entries() if one.event == "extract")
    assert (entry.activity, entry.dataset, entry.role) == (PLANNING, "sus-apc", "commissioning_analyst")
    assert entry.counts == {"rows": done.rows, "left out": done.left_out}
    assert any(one.startswith("report:") for one in entry.references)
    assert json.loads((stage.root / "out" / REPORT).read_text())["counted"].startswith("people")


@pytest.mark.parametrize("role", ["public", "researcher", "gp"])
def test_who_may_not_see_the_rows_gets_no_extract(stage, role):
    """The register decides: a ceiling of counts gives no right to records, however coarse. The refusal is recorded."""
    with pytest.raises(Refused):
        made(stage, role=role)
    assert not (stage.root / "out").exists()
    assert any(
        one.event == "decision" and one.outcome.value == "refusal" and one.role == role for one in stage.entries()
    )


def test_who_objects_since_the_run_is_not_in_it(stage):
    """The mart is as old as its run; what leaves today is without those who object today."""
    person_of = {row["provider_reference"]: row["person_token"] for row in stage.mart()}
    objecting = people.invented(42)[1:][5]
    stage.land(stage.send("emis-objections", [people.objection(objecting, "o", "881561000000100", "2016-01-01")]))
    made(stage)
    left = {person_of[row["provider_reference"]] for row in rows_of(stage)}
    assert person_of["r5"] not in left
    assert len(left) >= 30


def test_what_cannot_be_made_safe_does_not_leave_and_the_failure_is_recorded(stage):
    """Forty people cannot be a hundred alike."""
    with pytest.raises(Refused) as fault:
        made(stage, criteria=Criteria(k=100))
    assert fault.value.code == "extract-not-safe"
    assert not (stage.root / "out").exists()
    assert not list(stage.root.glob("*.partial")) + list(stage.store.glob("extract-work-*"))
    assert [one.reasons for one in stage.entries() if one.event == "extract"] == [("extract-not-safe",)]


def test_an_unknown_dataset_and_a_folder_inside_the_store_are_sentences(stage):
    """No stack trace, and nothing is written."""
    with pytest.raises(Refused):
        made(stage, dataset="shoes")
    with pytest.raises(WrongUsage):
        made(stage, "store/inside")
    with pytest.raises(DoesNotHold) as fault:
        made(stage, quasi=("shoe_size",))
    assert fault.value.code == "extract-column-missing"
    assert "person_token" not in str(fault.value)


WARDS = """dimension,value,parent
ward,W1,North
ward,W2,North
ward,W3,South
ward,W4,South
ward,North,All
ward,South,All
"""


def test_a_hierarchy_says_in_which_groups_values_are_told(tmp_path):
    """Wards too small by themselves are told as the part of town they lie in, not as nothing."""
    table = tmp_path / "t.csv"
    rows = [f"W{1 + n % 4},{'AB'[n % 2 if n < 8 else n // 2 % 2]}" for n in range(16)]
    table.write_text("ward,illness\n" + "\n".join(rows) + "\n")
    (tmp_path / "h.csv").write_text(WARDS)
    asked = Request(table, ("ward",), "illness", tmp_path / "out", hierarchy=tmp_path / "h.csv")
    done = extract(asked)
    with (tmp_path / "out" / "extract.csv").open(newline="") as stream:
        assert {row["ward"] for row in csv.DictReader(stream)} == {"North", "South"}
    assert done.steps == {"ward": "1 up in its hierarchy"}


@pytest.mark.parametrize(("text", "code"), [
    ("dimension,value,parent\nshoe,a,b\n", "hierarchy-columns"),
    ("dimension,value,parent\nward,a,b\nward,b,a\n", "hierarchy-ring"),
])  # fmt: skip
def test_a_hierarchy_that_does_not_hold_is_refused(tmp_path, text, code):
    """One for a column that is not asked for, and one that goes round."""
    table = tmp_path / "t.csv"
    table.write_text("ward,illness\nW1,A\n")
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(DoesNotHold) as fault:
        extract(Request(table, ("ward",), "illness", tmp_path / "out", hierarchy=tmp_path / "h.csv"))
    assert fault.value.code == code
