"""What comes out of `caldicott protect`, in small tables an IG officer can check by hand."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from caldicott.cli.app import app
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

TWO_BY_TWO = """practice,condition,count
P1,asthma,3
P1,copd,40
P1,All,43
P2,asthma,52
P2,copd,9
P2,All,61
All,All,104
All,asthma,55
All,copd,49
"""


@pytest.fixture
def asked(tmp_path):
    """Writes tables, protects them, and gives back each table as {values: printed}."""

    def ask(*, rule="hes-2018", to="out", ledger=None, hierarchy=None, **tables):
        paths = []
        for name, text in tables.items():
            paths.append(tmp_path / f"{name}.csv")
            paths[-1].write_text(text)
        memory = None if ledger is None else tmp_path / ledger
        levels = None
        if hierarchy:
            levels = tmp_path / "levels.csv"
            levels.write_text(hierarchy)
        protect(Request(tuple(paths), rule, tmp_path / to, levels, memory))
        return {name: printed(tmp_path / to / f"{name}.csv") for name in tables}

    return ask


def printed(path):
    with path.open(newline="") as stream:
        header, *rows = list(csv.reader(stream))
    width = sum(name not in {"count", "people", "sum", "cost"} for name in header)
    return {tuple(row[:width]): (row[width] if len(row) == width + 1 else tuple(row[width:])) for row in rows}


def test_small_counts_are_withheld_and_the_rest_is_rounded_to_five(asked):
    """One to seven people: the marker. Eight or more: the nearest five. Nobody: zero."""
    counts = "month,count\n" + "".join(f"m{n},{n}\n" for n in (0, 1, 7, 8, 12, 13, 104))
    assert asked(t=counts)["t"] == {
        ("m0",): "0", ("m1",): "*", ("m7",): "*", ("m8",): "10", ("m12",): "10", ("m13",): "15", ("m104",): "105",
    }  # fmt: skip


def test_totals_are_made_of_true_counts_and_rounded_by_themselves(asked):
    """A total is not the sum of the printed numbers, so that rows need not add up."""
    table = asked(t=TWO_BY_TWO)["t"]
    assert (table["P1", "asthma"], table["P1", "copd"], table["P1", "All"]) == ("*", "40", "45")
    assert table["All", "All"] == "105"


def test_a_cell_that_subtraction_would_find_is_protected_by_withholding_another(asked):
    """58 of 60 in two cells and a total that rounding happens to leave telling: something more is withheld."""
    table = asked(t="sex,area,count\nF,N,1\nF,S,12\nF,T,12\nF,All,25\nM,N,30\nM,S,30\nM,T,30\nM,All,90\n")["t"]
    # 25 - 12 - 12: shown as 25, 10 and 10, the small one would be between 23-24 and 27-16.
    assert table["F", "N"] == "*"
    assert sum(value == "*" for value in table.values()) >= 1


def test_exact_totals_need_a_second_cell(asked):
    """Under the rule of before 2018 numbers are exact, and one hidden cell alone is found by subtraction."""
    table = asked(rule="hes-before-2018", t=TWO_BY_TWO)["t"]
    assert table["P1", "asthma"] == "*"
    assert "*" in {table["P1", "copd"], table["P1", "All"]}
    assert "*" in {table["P2", "asthma"], table["All", "asthma"]}


def test_one_marker_for_small_and_for_cover(asked):
    """Nobody sees which withheld cells are small."""
    table = asked(rule="hes-before-2018", t=TWO_BY_TWO)["t"]
    assert {value for value in table.values() if not value.isdigit()} == {"*"}


def test_the_order_of_rows_tells_nothing(asked, tmp_path):
    """Handed in from the largest down, handed out by name: the order of withheld cells is not their rank."""
    asked(t="practice,count\nP10,7\nP2,5\nP1,2\n")
    assert (tmp_path / "out" / "t.csv").read_text() == "practice,count\nP1,*\nP2,*\nP10,*\n"


def test_events_of_few_people_are_withheld_whatever_their_number(asked):
    """Three people with 40 visits are three people."""
    table = asked(t="practice,count,people\nP1,40,3\nP2,90,60\n")["t"]
    assert table == {("P1",): ("*", "*"), ("P2",): ("90", "60")}


def test_a_value_that_would_run_in_a_spreadsheet_does_not(asked):
    """A dimension value that begins like a formula gets an apostrophe."""
    assert ("'=1+1",) in asked(t="practice,count\n=1+1,20\nP2,30\n")["t"]


def test_the_report_counts_cells_and_never_people(asked, tmp_path):
    """Cells, small, cover, rounded, zero and the proof; no true count."""
    asked(t="practice,count\nP1,3\nP2,0\nP3,41\nP4,6\n")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    table = report["tables"][0]
    assert (table["cells"], table["primary"], table["secondary"], table["rounded"], table["zero"]) == (4, 2, 0, 1, 1)
    assert report["proof"]["result"] == "proved"
    assert "41" not in (tmp_path / "out" / "report.json").read_text()


def test_the_report_does_not_tell_that_a_sum_is_small_where_that_would_settle_its_parts(asked, tmp_path):
    """Seven single people and their total: who knew the total to be at most seven would know all seven."""
    ones = "".join(f"M,{ward},1\n" for ward in "abcdefg")
    table = asked(t=f"sex,ward,count\n{ones}M,All,7\nF,a,100\nF,d,100\nF,All,200\nAll,All,207\n")["t"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {table["M", ward] for ward in "abcdefg"} == {table["M", "All"]} == {"*"}
    # Seven are small. The total is counted like any cell that may have any number of people.
    withheld = sum(printed == "*" for printed in table.values())
    assert (report["tables"][0]["primary"], report["tables"][0]["secondary"]) == (7, withheld - 7)
    assert report["proof"]["groups_guarded"] == 7
    assert "sums_of_which_less_is_told" not in report["proof"]


def test_the_same_request_gets_the_same_bytes(asked, tmp_path):
    """Asked again with the same ledger, in another order of rows: byte for byte the stored answer."""
    asked(t=TWO_BY_TWO, ledger="memory")
    header, *rows = TWO_BY_TWO.splitlines()
    asked(t="\n".join([header, *reversed(rows)]) + "\n", ledger="memory", to="again")
    for name in ("t.csv", "report.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_later_table_is_judged_with_the_earlier_one(asked):
    """Everybody, then everybody but one network: the difference is a small group that neither table prints."""
    with_all = asked(rule="hes-before-2018", t="area,count\nN,20\nS,30\n", ledger="memory")["t"]
    without = asked(rule="hes-before-2018", u="area,count\nN,20\nS,28\n", ledger="memory", to="later")["u"]
    assert with_all == {("N",): "20", ("S",): "30"}
    assert without["S",] == "*"


def test_bands_that_cut_across_each_other_are_seen(asked):
    """15-44 and 15-49 in two tables make 45-49 by subtraction; it counts as a group."""
    tables = asked(
        rule="hes-before-2018",
        t="age,count\n15-44,100\n45-64,50\n",
        u="age,count\n15-49,102\n50-64,48\n",
    )
    assert "*" in {*tables["t"].values(), *tables["u"].values()}


def test_a_registered_hierarchy_joins_levels(asked):
    """A network is its practices, even where they stand in two tables."""
    levels = "dimension,value,parent\npractice,A,North\npractice,B,North\n"
    tables = asked(
        rule="hes-before-2018", hierarchy=levels, t="practice,count\nA,2\nB,40\n", u="practice,count\nNorth,42\n"
    )
    assert tables["t"]["A",] == "*"
    assert "*" in {tables["t"]["B",], tables["u"]["North",]}


def test_one_table_that_is_the_sum_of_two_others_is_seen(asked):
    """North and south by age, and both together: three files, one equation."""
    tables = asked(
        rule="hes-before-2018",
        north="age,count\n0-17,2\n18-64,40\n",
        south="age,count\n0-17,30\n18-64,50\n",
        both="age,count\n0-17,32\n18-64,90\n",
    )
    assert tables["north"]["0-17",] == "*"
    assert "*" in {tables["south"]["0-17",], tables["both"]["0-17",]}


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("practice\nP1\n", "count-missing", "t.csv:1"),
        ("practice,count\nP1,-3\n", "count-not-whole", "t.csv:2:count"),
        ("practice,count\nP1,20\nP2,2.5\n", "count-not-whole", "t.csv:3:count"),
        ("practice,count\nP1,20\nP1,30\n", "cell-twice", "t.csv:3"),
        ("practice,count\nP1\n", "cells-do-not-match", "t.csv:2"),
        ("practice,count\n,20\n", "value-missing", "t.csv:2:practice"),
        ("practice,count\nP1,20\nP2,30\nAll,60\n", "totals-do-not-add-up", "t.csv:4:count"),
        ("practice,mean,count\nP1,2,20\n", "column-not-taken", "t.csv:1:2"),
        ("practice,practice,count\nP1,P1,20\n", "column-twice", "t.csv:1"),
        ("age,count\n15-44,20\n30-64,30\n", "values-overlap", "t.csv, column age"),
        ("person,count\n9434765919,20\n", "identifier-in-table", "t.csv, column person"),
        ("practice,count,people\nP1,20,30\n", "people-do-not-fit", "t.csv:2:people"),
        ("practice,count\n", "file-empty", "t.csv"),
        ("", "file-empty", "t.csv"),
        ('practice,count\n"P1,20\n', "csv-broken", "t.csv:2"),
        ("practice,count\ncafe\u0301,20\ncaf\u00e9,30\n", "cell-twice", "t.csv:3"),
        ("practice,count\nP1," + "6" * 16 + "\n", "count-not-whole", "t.csv:2:count"),
        ("code,count\n" + "".join(f"c{n},9\n" for n in range(10_001)), "dimension-too-wide", "t.csv, column code"),
    ],
)
def test_bad_input_is_named_with_its_place_and_never_with_a_count(asked, text, code, where):
    """One sentence, a place and a next step."""
    with pytest.raises(DoesNotHold) as told:
        asked(t=text)
    assert (told.value.code, told.value.where) == (code, where)
    assert told.value.next_step
    assert "60" not in str(told.value)


def test_an_unknown_rule_names_the_nearest(asked):
    """hes-2019 is not a rule; hes-2018 is."""
    with pytest.raises(DoesNotHold) as told:
        asked(rule="hes-2019", t=TWO_BY_TWO)
    assert "nearest is hes-2018" in told.value.next_step


def test_the_true_tables_are_never_overwritten(tmp_path):
    """The folder to write to is not the folder to read from."""
    (tmp_path / "t.csv").write_text(TWO_BY_TWO)
    with pytest.raises(WrongUsage):
        protect(Request((tmp_path / "t.csv",), "hes-2018", tmp_path))
    assert (tmp_path / "t.csv").read_text() == TWO_BY_TWO


def test_a_table_is_never_overwritten_by_the_report(tmp_path):
    """A table called report.json cannot lie beside the report."""
    table = tmp_path / "report.json"
    table.write_text(TWO_BY_TWO)
    with pytest.raises(WrongUsage, match="as the report is"):
        protect(Request((table,), "hes-2018", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("ledger", "to"), [("out", "out"), ("out/memory", "out"), ("memory", "memory/out")])
def test_the_true_counts_of_the_ledger_are_not_handed_over_with_the_answer(asked, ledger, to):
    """Neither folder lies in the other."""
    with pytest.raises(WrongUsage) as told:
        asked(t=TWO_BY_TWO, ledger=ledger, to=to)
    assert told.value.where == "--ledger"


def test_what_was_not_judged_with_an_answer_does_not_lie_beside_it(asked, tmp_path):
    """Another answer's tables are in the folder: refused, unless one ledger has judged both."""
    asked(t=TWO_BY_TWO)
    asked(t=TWO_BY_TWO)
    with pytest.raises(WrongUsage) as told:
        asked(u="practice,count\nP1,43\nP2,61\n")
    assert "--to, t.csv" in told.value.where
    asked(t=TWO_BY_TWO, ledger="memory", to="both")
    asked(u="practice,count\nP1,43\nP2,61\n", ledger="memory", to="both")
    assert {path.name for path in (tmp_path / "both").iterdir()} == {"t.csv", "u.csv", "report.json"}


def test_somebody_elses_file_is_not_overwritten(asked, tmp_path):
    """A folder with a file of that name and no report is not one of ours."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "t.csv").write_text("mine")
    with pytest.raises(WrongUsage, match="there already"):
        asked(t=TWO_BY_TWO)
    assert (tmp_path / "out" / "t.csv").read_text() == "mine"


def test_digits_that_are_no_numbers_are_names(asked):
    """A raised two in a name is a sign like any other."""
    assert set(asked(t="area,count\nkm\u00b2,20\n\u00b2,30\n10,40\n")["t"]) == {("km\u00b2",), ("\u00b2",), ("10",)}


def test_a_folder_instead_of_a_hierarchy_is_named(tmp_path):
    """The place is in the sentence."""
    (tmp_path / "t.csv").write_text(TWO_BY_TWO)
    (tmp_path / "levels.toml").mkdir()
    with pytest.raises(DoesNotHold) as told:
        protect(Request((tmp_path / "t.csv",), "hes-2018", tmp_path / "out", tmp_path / "levels.toml"))
    assert (told.value.code, told.value.where) == ("file-missing", "levels.toml")


def test_a_ledger_with_a_hole_stops(asked, tmp_path):
    """A memory that was changed proves nothing, and nothing more is released with it."""
    asked(t=TWO_BY_TWO, ledger="memory")
    entry = tmp_path / "memory" / "000001.json"
    entry.write_text(entry.read_text().replace('"count": 3', '"count": 30'))
    with pytest.raises(DoesNotHold) as told:
        asked(u="practice,count\nP1,43\nP2,61\n", ledger="memory", to="later")
    assert told.value.code == "ledger-broken"
    assert not (tmp_path / "later").exists()


def test_a_ledger_without_its_head_is_not_a_new_one(asked, tmp_path):
    """One answer was given and the head is gone: forgetting that answer would let its differences out."""
    asked(t=TWO_BY_TWO, ledger="memory")
    (tmp_path / "memory" / "head.json").unlink()
    with pytest.raises(DoesNotHold) as told:
        asked(u="practice,count\nP1,43\nP2,61\n", ledger="memory", to="later")
    assert (told.value.code, told.value.where) == ("ledger-broken", "ledger/head.json")


def test_a_writer_killed_at_its_first_entry_breaks_nothing(asked, tmp_path):
    """An entry that the head does not name was never handed over: asked again, it is written again."""
    first = asked(t=TWO_BY_TWO, ledger="memory")["t"]
    (tmp_path / "memory" / "head.json").write_text(json.dumps({"entries": 0, "last": "0" * 64}))
    assert asked(t=TWO_BY_TWO, ledger="memory")["t"] == first
    assert json.loads((tmp_path / "memory" / "head.json").read_text())["entries"] == 1


def test_a_ledger_keeps_to_one_rule(asked):
    """What one rule let out, another would not have; one audience, one rule."""
    asked(t=TWO_BY_TWO, ledger="memory")
    with pytest.raises(DoesNotHold) as told:
        asked(rule="public-strict", t=TWO_BY_TWO, ledger="memory")
    assert told.value.code == "ledger-other-rule"


def test_the_command_prints_the_report(tmp_path):
    """`--json` is the report and nothing else."""
    (tmp_path / "t.csv").write_text(TWO_BY_TWO)
    words = ["protect", str(tmp_path / "t.csv"), "--rule", "hes-2018", "--to", str(tmp_path / "out"), "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.output) == json.loads((tmp_path / "out" / "report.json").read_text())
