"""What an analyst is told: figures made of counts that the gate let go, of distinct people, the same each time."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook
from tests.spec.indicators.conftest import ask, attendance

import people
from caldicott.analytics.reading import read
from caldicott.audit.entry import Outcome
from caldicott.engines.duckdb import indicators as engine
from caldicott.operations.indicators_budget import budgets, component
from caldicott.operations.indicators_files import contents, write
from caldicott.operations.indicators_library import folders_of, indicator, library
from caldicott.operations.protect_told import remembered
from caldicott.policy import decide
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

MINE = """
id = "mine"
version = 1
title = "Mine"
definition = "Attendances."
citation = "us"
status = "remembered"
figure = "events"
dataset = "sus-ec"
{more}
dimensions = ["provider", "practice", "network", "sex", "age_band", "month"]
by = ["provider"]
"""


def rows(told):
    groups = sum(one.kind == "group" for one in told.answer.headings)
    return {row[:groups]: row[groups:] for row in told.answer.rows}


def mine(more=""):
    return read(MINE.format(more=more), "mine.toml")


def test_a_share_is_of_the_counts_that_were_let_go(stage):
    """48 of 60 leave RZ1 within four hours, printed as 50 of 60; 30 of 60 leave RZ2; RZ9's one person is withheld."""
    found = rows(ask(stage, "ae-four-hours"))
    assert found["RZ1",][:3] == (60, 50, 83.33)
    assert found["RZ2",][:3] == (60, 30, 50.0)
    assert {*found["RZ9",]} == {"*"}


def test_people_are_counted_beside_what_happened_to_them(stage):
    """Ten people who come twice are twenty attendances and ten people."""
    everybody = people.invented(140)
    again = [
        attendance(one, f"x{place}-{time}", "2025-08-01", provider="RZ3", minutes=60)
        for place, one in enumerate(everybody[:10]) for time in range(2)
    ]  # fmt: skip
    stage.land(stage.send("ncdr-sus-ec", again, sender="RZ2"))
    stage.run()
    assert rows(ask(stage, mine()))["RZ3",] == (20, 10)


def test_a_group_is_withheld_for_its_people_however_much_happened_to_them(stage):
    """Three people who come ten times each are thirty attendances, and still three people."""
    everybody = people.invented(140)
    often = [
        attendance(one, f"x{place}-{time}", "2025-08-01", provider="RZ3", minutes=60)
        for place, one in enumerate(everybody[:3]) for time in range(10)
    ]  # fmt: skip
    stage.land(stage.send("ncdr-sus-ec", often, sender="RZ2"))
    stage.run()
    assert rows(ask(stage, mine()))["RZ3",] == ("*", "*")


def test_a_cost_of_which_one_person_has_most_is_withheld(stage):
    """The second largest could work out the largest: the sum goes, the number of people may stay."""
    everybody = people.invented(140)
    dear = [
        attendance(one, f"x{place}", "2025-08-01", provider="RZ3", minutes=60, cost="50.00" if place else "90000.00")
        for place, one in enumerate(everybody[:20])
    ]  # fmt: skip
    stage.land(stage.send("ncdr-sus-ec", dear, sender="RZ2"))
    stage.run()
    told = rows(ask(stage, "activity-emergency"))
    assert told["RZ3",] == (20, 20, "*", "*")
    assert told["RZ1",][2] == 6000


def test_readmissions_are_found_across_stays_of_one_person(stage):
    """24 of 60 planned stays are followed by an emergency within 30 days; the 24 that follow are not."""
    found = rows(ask(stage, "readmission-30-days", ["sex"]))
    assert found["Female",][:3] == (85, 25, 29.41)


def test_levels_of_a_hierarchy_are_one_dimension(stage):
    """By practice and network: each practice once, with the network in which it lies."""
    found = rows(ask(stage, mine(), ["practice", "network"]))
    assert {key: cells[0] for key, cells in found.items()} == {
        ("Z80001", "network-01"): 60, ("Z80021", "network-03"): 60,
    }  # fmt: skip


def test_the_same_question_gets_the_same_bytes_and_one_entry_of_the_ledger(stage):
    """Asked twice: CSV, JSON and XLSX byte for byte, under one certificate; each asking is in the trail."""
    first, second = ask(stage, "ae-four-hours"), ask(stage, "ae-four-hours")
    assert first.certificates == second.certificates
    for form in ("csv", "json", "xlsx"):
        assert contents(first, form) == contents(second, form)
    entries = [one for one in stage.entries() if one.event == "indicator"]
    assert [one.outcome for one in entries] == [Outcome.DONE, Outcome.DONE]
    assert {"ae-four-hours@1", *first.certificates} <= {*entries[0].references}
    assert (entries[0].role, entries[0].dataset, entries[0].format) == ("commissioning_analyst", "sus-ec", "aggregated")


def test_the_three_files_tell_the_same(stage, tmp_path):
    """Whatever stands in one stands in the others, markers included, with rule, snapshot and source beside it."""
    told = ask(stage, "ae-four-hours")
    write(told, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "ae-four-hours.json").read_text())
    book = CalamineWorkbook.from_filelike(BytesIO((tmp_path / "out" / "ae-four-hours.xlsx").read_bytes()))
    lines = (tmp_path / "out" / "ae-four-hours.csv").read_text().splitlines()
    in_book = [
        ["" if cell is None else str(cell) for cell in row] for row in book.get_sheet_by_name("Table").to_python()
    ]
    assert lines[0].split(",") == [one["name"] for one in document["columns"]]
    for line, row, sheet in zip(lines[1:], document["rows"], in_book[1:], strict=True):
        assert line.split(",") == [str(cell) for cell in row.values()]
        assert [_number(cell) for cell in sheet] == [_number(cell) for cell in row.values()]
    assert (document["rule"], document["rounded_to"], document["status"]) == ("hes-2018", 5, "remembered")


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def test_what_was_told_before_is_in_the_attackers_hands(stage):
    """After a table by provider, one by provider and sex may not give RZ9's person away by subtraction."""
    whole = rows(ask(stage, mine(), []))
    by = rows(ask(stage, mine(), ["provider"]))
    known = sum(cells[0] for cells in by.values() if cells[0] != "*")
    assert whole[()][0] == 120
    assert by["RZ9",] == ("*", "*")
    assert abs(whole[()][0] - known) < 5 or "*" in {cells[0] for key, cells in by.items() if key != ("RZ9",)}


def test_a_role_that_may_not_have_it_is_refused_with_the_reason(stage):
    """A GP is not given the hospital's attendances; the refusal is in the trail, and nothing was counted."""
    with pytest.raises(Refused) as refused:
        ask(stage, "ae-four-hours", role="gp")
    assert refused.value.next_step
    assert [one.event for one in stage.entries() if one.outcome is Outcome.REFUSAL] == ["decision"]
    assert not [one for one in stage.entries() if one.event == "indicator"]


def test_after_training_lapsed_nothing_is_told(stage):
    """The register's training record ends; from the next day the analyst is refused."""
    with pytest.raises(Refused):
        ask(replace(stage, today=stage.today.replace(year=2040)), "ae-four-hours")


def test_the_twin_of_an_activity_that_differs_by_objections_is_refused(stage):
    """What was told from one activity's records is not told from another's: the difference would be who objected."""
    ask(stage, "ae-four-hours")
    other = stage.register.activity("commissioning-planning").model_copy(update={"id": "planning-again"})
    register = stage.register.model_copy(update={"activities": (*stage.register.activities, other)})
    twin = replace(stage, register=register)
    with pytest.raises(Refused, match="people who objected") as refused:
        ask(twin, "ae-four-hours", activity="planning-again")
    assert refused.value.code == "opt-out-twin"
    assert "commissioning-planning" in refused.value.next_step


def test_a_new_indicator_is_a_file_in_a_folder(stage, tmp_path):
    """Somebody writes a file and asks; nothing else has to change."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text(MINE.format(more=""), encoding="utf-8")
    with stage.house() as house:
        found = indicator("mine", *folders_of(house, tmp_path / "own"))
    assert rows(ask(stage, found))["RZ1",] == (60, 60)


@pytest.mark.parametrize(
    "broken", ['id = "ae-four-hours"\nversion = "one"\n', "id = 'ae-four-hours'\nnot TOML", "\xff"]
)
def test_a_file_that_is_no_indicator_stops_only_its_own(tmp_path, broken):
    """The others are asked as before; whoever asks for that one is told what is wrong, not given the shipped one."""
    (tmp_path / "mine.toml").write_text(MINE.format(more=""), encoding="utf-8")
    (tmp_path / "ae-four-hours.toml").write_bytes(broken.encode("latin-1"))
    assert indicator("mine", tmp_path).id == "mine"
    with pytest.raises(DoesNotHold, match=r"ae-four-hours\.toml"):
        indicator("ae-four-hours", tmp_path)
    assert [fault.where.split(":")[0] for fault in library(tmp_path).faults] == ["ae-four-hours.toml"]
    assert "ae-four-hours" not in library(tmp_path).found


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ('where = "minutes_waited > 3"', "column-missing", "no column `minutes_waited`"),
        ('where = "provider > 3"', "indicator-kinds", "are not both"),
        ("where = \"cost = '3'\"", "indicator-kinds", "numbers"),
        ("where = \"arrived_on > 'soon'\"", "indicator-kinds", "2025-04-01"),
    ],
)
def test_a_column_that_is_not_there_or_not_so_is_said(stage, more, code, says):
    """One sentence that names file and column, and what to write; nothing of any row."""
    with pytest.raises(DoesNotHold) as refused:
        ask(stage, mine(more))
    assert refused.value.code == code
    assert says in str(refused.value)
    assert "mine.toml" in str(refused.value)


def test_an_unknown_dimension_names_the_known_ones(stage):
    with pytest.raises(WrongUsage, match="cannot be shown") as refused:
        ask(stage, "ae-four-hours", ["postcode"])
    assert "provider" in refused.value.next_step


@pytest.mark.parametrize("by", [[], ["month"], ["practice", "sex"]])
def test_a_filter_that_finds_one_person_tells_no_more_than_one_that_finds_nobody(stage, by):
    """RZ9 has one attendance, RZ8 none: the same answer, which names no month and no practice of anybody."""
    one = ask(stage, "ae-four-hours", by, ("provider", "RZ9"))
    none = ask(stage, "ae-four-hours", by, ("provider", "RZ8"))
    assert one.answer == none.answer
    assert one.answer.is_too_few
    assert one.answer.rows == ()
    assert len(contents(one, "csv").splitlines()) == 1


def _came_each_month(stage):
    """The one person of RZ9 also comes in the eleven other months of 2025."""
    person = people.invented(121)[120]
    months = [month for month in range(1, 13) if month != 6]
    often = [
        attendance(person, f"y{month}", f"2025-{month:02}-03", provider="RZ9", minutes=60, practice="Z80001")
        for month in months
    ]  # fmt: skip
    stage.land(stage.send("ncdr-sus-ec", often, sender="RZ2"))
    stage.run()


@pytest.mark.parametrize("by", [["month"], ["month", "practice", "sex"], ["quarter", "service"]])
def test_one_person_in_twelve_months_is_one_person(stage, by):
    """Who is alone behind a question is told of in no month, however many groups that person is in."""
    _came_each_month(stage)
    one = ask(stage, "ae-four-hours", by, ("provider", "RZ9"))
    assert one.answer == ask(stage, "ae-four-hours", by, ("provider", "RZ8")).answer
    assert one.answer.rows == ()


def test_too_few_people_never_come_to_the_gate(stage, monkeypatch):
    """A refusal, an offer or an answer less to be told would tell one person from nobody."""
    _came_each_month(stage)

    def refuses(*_args, **_named):
        raise Refused("no", code="not-proved-safe", next_step="none")

    monkeypatch.setattr("caldicott.operations.indicators.judged", refuses)
    for provider in ("RZ9", "RZ8"):
        assert ask(stage, "ae-four-hours", ["month"], ("provider", provider)).answer.is_too_few
    with pytest.raises(Refused):
        ask(stage, "ae-four-hours", ["month"], ("provider", "RZ1"))
    with stage.house() as house:
        assert {one.told for one in budgets(house, "commissioning-planning", ["sus-ec"])} <= {0}


def test_nobody_to_divide_by_is_a_dash(stage):
    """120 people attend, and nobody is below the line: a dash, never an error or an endless number."""
    denominator = '[denominator]\ndataset = "sus-apc"\nwhere = "sex = \'7\'"\n'
    text = MINE.format(more="").replace('figure = "events"', 'figure = "rate"').replace('by = ["provider"]', "by = []")
    assert rows(ask(stage, read(text + denominator, "mine.toml")))[()] == (0, 120, "–", "–", "–")


@pytest.mark.parametrize(
    "amount", ["minutes_in_department", "days from departed_on to arrived_on", "days from arrived_on to departed_on"]
)
def test_no_amount_ends_in_an_error_that_would_tell_of_a_row(stage, amount):
    """What falls below nought counts as nought, what is too large as nothing: nobody's value makes a question fail."""
    found = read(
        MINE.format(more=f'amount = "{amount}"\namount_in = "minutes"').replace('"events"', '"sum"', 1), "mine.toml"
    )
    told = ask(stage, found, [])
    assert told.answer.rows
    assert ask(stage, found, [], ("provider", "RZ9")).answer.is_too_few


@pytest.mark.parametrize("value", ["", "x" * 81, "a\0b"])
def test_a_filter_of_no_sense_is_refused(stage, value):
    with pytest.raises(WrongUsage, match="one value"):
        ask(stage, "ae-four-hours", [], ("provider", value))


def test_what_somebody_types_into_a_filter_is_never_read_as_sql(stage):
    """A quote, a bracket and a comment are a provider's name that nobody has."""
    assert ask(stage, mine(), [], ("provider", "RZ1' OR 1=1 --")).answer.is_too_few


def test_too_many_groups_are_refused_before_the_gate(stage, monkeypatch):
    """A dimension of 100,000 values cannot be proved; the sentence says what to do, and no number of people."""
    monkeypatch.setattr(engine, "VALUES_AT_MOST", 1)
    with pytest.raises(WrongUsage) as refused:
        ask(stage, "ae-four-hours", ["provider"])
    assert refused.value.code == "dimension-too-wide"
    assert "network" in refused.value.next_step


def test_a_lookup_that_is_not_there_is_named(stage):
    """No table says how deprived an area is: the file that is missing is named."""
    with pytest.raises(DoesNotHold) as refused:
        ask(stage, "ae-four-hours", ["deprivation_fifth"])
    assert refused.value.code == "lookup-missing"
    assert "area-deprivation-fifth" in str(refused.value)


def test_who_objected_is_in_no_figure(stage):
    """After ten people of RZ1 opt out and the marts are made again, fifty are counted."""
    everybody = people.invented(121)
    stage.land(stage.answer(everybody[10:], name="later"))
    stage.run()
    counted = rows(ask(stage, mine()))["RZ1",]
    assert counted == (50, 50)


def test_every_answer_can_be_recorded(stage):
    """The hash of a question is written whole: cut short, its digits could look like somebody's NHS number."""
    told = ask(stage, "ae-four-hours")
    entry = next(one for one in stage.entries() if one.event == "indicator")
    assert f"question:{told.key}" in entry.references
    assert len(told.key) == 64


def test_what_an_export_told_is_in_the_attackers_hands_too(stage):
    """121 people by month are exported; the ledger that judges a table of the same people knows of it."""
    stage.export("commissioning_analyst", "told", wanted="aggregated")
    with stage.house() as house, remembered(house, component("sus-ec", "commissioning-planning")) as memory:
        found = [one for release in memory.releases() for one in release.tables if one.name == "sus-ec.csv"]
    assert [one.dimensions for one in found][:1] == [("time",)]
    assert rows(ask(stage, mine(), ["month"]))["2025-06",][1] == 120
    assert rows(ask(stage, mine()))["RZ9",] == ("*", "*")


def test_records_are_joined_only_where_the_register_lists_the_join(stage):
    """Without a listed join the readmissions are refused; figures of one dataset stay."""
    planning = stage.register.activity("commissioning-planning")
    kept = tuple(one for one in planning.linkage if "sus-ec" not in {one.left, one.right})
    changed = planning.model_copy(update={"linkage": kept})
    others = tuple(changed if one.id == changed.id else one for one in stage.register.activities)
    without = replace(stage, register=stage.register.model_copy(update={"activities": others}))
    with pytest.raises(Refused) as refused:
        ask(without, "falls-pathway")
    assert refused.value.code == "join-not-listed"
    assert "sus-ec" in refused.value.what
    assert rows(ask(without, "ae-four-hours"))["RZ1",][0] == 60


@pytest.mark.parametrize("late", [1, 3])
def test_an_export_is_judged_with_what_indicators_told(stage, monkeypatch, late):
    """121 people of June were told exactly; a few opt out, and the table without them would show how many, and more."""
    monkeypatch.setattr(decide, "_disclosure_rule", lambda _entry, _wanted: "hes-before-2018")
    assert rows(ask(stage, mine(), ["month"]))["2025-06",][1] == 121
    stage.land(stage.answer(people.invented(121)[late:], name="later"))
    stage.run()
    stage.export("commissioning_analyst", "told", wanted="aggregated")
    with (stage.root / "told" / "sus-ec.csv").open(newline="") as stream:
        june = next(row for row in csv.DictReader(stream) if row["month"] == "2025-06")
    assert (june["persons"], june["contacts"]) == ("*", "*")
    report = [one for one in stage.entries() if one.event == "gate"][-1]
    assert dict(report.counts)["secondary"] > 0
